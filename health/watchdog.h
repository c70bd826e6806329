// Watchdog: looks from outside whether the line still moves.
//
// Every transfer is ended by its event loop within its total time. A loop that hangs ends nothing;
// then the age of its oldest transfer grows beyond that, and this says so, with what each thread
// that does not wait for work was doing last. Pure: it is shown what there is to see.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "concurrency/threads.h"
#include "fetcher/stats.h"

namespace crawld::health {

class Watchdog {
 public:
  // `total`: that a transfer may take.
  explicit Watchdog(Millis total) : limit_(total + kSlack) {}

  // What is wrong, if anything is: once, and again each minute while it lasts.
  std::optional<std::string> Look(const fetcher::FetcherStats& fetcher,
                                  const std::vector<concurrency::ThreadInfo>& threads,
                                  std::chrono::steady_clock::time_point now);

  bool alarmed() const { return alarmed_since_.has_value(); }

 private:
  // Beyond the total time: a loop that is busy looks at its transfers late.
  static constexpr Millis kSlack{5000};
  static constexpr std::chrono::minutes kAgain{1};

  const Millis limit_;
  std::optional<std::chrono::steady_clock::time_point> alarmed_since_;
  std::chrono::steady_clock::time_point last_said_;
};

}  // namespace crawld::health
