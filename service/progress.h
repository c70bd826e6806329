// Progress: what a person sees while a crawl runs. A bar on a terminal, a plain line now and then
// elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "pipeline/snapshot.h"

namespace crawld::service {

class Progress {
 public:
  // `terminal`: stderr is one; `width`: its columns.
  Progress(bool terminal, int width);

  // Writes to stderr. One thread.
  void Show(const pipeline::Snapshot& now);
  // Takes the bar away.
  void Clear();

 private:
  std::string Bar(const pipeline::Snapshot& now, double rate) const;

  const bool terminal_;
  const int width_;
  std::chrono::steady_clock::time_point last_;
  uint64_t last_pages_ = 0;
  double rate_ = 0;  // pages a second, smoothed
  bool shown_ = false;
};

}  // namespace crawld::service
