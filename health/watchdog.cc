#include "health/watchdog.h"

#include <fmt/format.h>

namespace crawld::health {

std::optional<std::string> Watchdog::Look(const fetcher::FetcherStats& fetcher,
                                          const std::vector<concurrency::ThreadInfo>& threads,
                                          std::chrono::steady_clock::time_point now) {
  if (fetcher.oldest <= limit_) {
    alarmed_since_.reset();
    return std::nullopt;
  }
  if (alarmed_since_ && now - last_said_ < kAgain) return std::nullopt;
  if (!alarmed_since_) alarmed_since_ = now;
  last_said_ = now;
  std::string text =
      fmt::format("a fetch is {} s old, and none may be older than {} s: an event loop hangs",
                  std::chrono::duration_cast<std::chrono::seconds>(fetcher.oldest).count(),
                  std::chrono::duration_cast<std::chrono::seconds>(limit_).count());
  for (const concurrency::ThreadInfo& thread : threads) {
    if (thread.idle) continue;
    text += fmt::format("; {} (thread {}): {} for {} ms", thread.name, thread.tid, thread.note,
                        std::chrono::duration_cast<Millis>(thread.age).count());
  }
  return text + "; restart crawld, nothing is lost by it";
}

}  // namespace crawld::health
