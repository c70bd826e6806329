// Progress: what a person sees while a crawl runs. A bar on a terminal, a plain line now and then
// elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "frontier/frontier.h"
#include "service/pipeline.h"

namespace crawld::service {

// One moment of a crawl.
struct Snapshot {
  frontier::FrontierStats frontier;
  PipelineStats pipeline;
  fetcher::FetcherStats fetcher;
  std::chrono::steady_clock::time_point when;
  WallTime wall{};
};

class Progress {
 public:
  // `terminal`: stderr is one; `width`: its columns.
  Progress(bool terminal, int width);

  // Writes to stderr. One thread.
  void Show(const Snapshot& now);
  // Takes the bar away.
  void Clear();

 private:
  std::string Bar(const Snapshot& now, double rate) const;

  const bool terminal_;
  const int width_;
  std::chrono::steady_clock::time_point last_;
  uint64_t last_pages_ = 0;
  double rate_ = 0;  // pages a second, smoothed
  bool shown_ = false;
};

// "1,234", "12.3 MiB", "1h 02m", for people.
std::string Thousands(uint64_t n);
std::string Bytes(uint64_t n);
std::string Duration(std::chrono::seconds s);

// One line of figures, and what the crawl waits for: "32 done, 3.1 pages/s, 1 in flight, ...".
std::string StatusLine(const Snapshot& now, double pages_a_second);

// What the crawl waits for, in words; empty while it fetches.
std::string WaitingFor(const frontier::FrontierStats& stats, WallTime now);

}  // namespace crawld::service
