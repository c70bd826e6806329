#include "pipeline/snapshot.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/readable.h"

namespace crawld::pipeline {
namespace {

uint64_t Count(const frontier::Counters& counters, frontier::UrlState state) {
  return counters.by_state[static_cast<int>(state)];
}

}  // namespace

uint64_t Remaining(const frontier::Counters& counters) {
  return Count(counters, frontier::UrlState::kQueued) + Count(counters, frontier::UrlState::kLater);
}

std::string WaitingFor(const Snapshot& snapshot) {
  const frontier::FrontierStats& stats = snapshot.frontier;
  const WallTime now = snapshot.wall;
  if (snapshot.pipeline.Braked(Brake::kOperator)) return "paused by the operator";
  if (snapshot.pipeline.Braked(Brake::kDisk)) return "waits for room on the disk";
  if (snapshot.pipeline.Braked(Brake::kMemory)) return "waits until the process is smaller";
  if (stats.scheduler.in_flight > 0) return {};
  const uint64_t remaining = Remaining(stats.counters);
  if (remaining == 0) return "idle: no URL is queued";
  if (remaining == stats.parked_urls) {
    return fmt::format("waits: {} URLs are of hosts that do not answer, or are blocked",
                       Thousands(remaining));
  }
  if (Count(stats.counters, frontier::UrlState::kQueued) == 0) {
    return "waits until URLs may be tried again";
  }
  const frontier::Wait& wait = stats.last_wait;
  switch (wait.reason) {
    case frontier::Wait::Reason::kPoliteness: {
      if (wait.held_by == frontier::Hold::kNothing) {
        return "waits until a host may be asked again";
      }
      const auto left = std::max(Millis(0), wait.until - now);
      return fmt::format("waits {} for a host that may not be asked yet ({})",
                         Duration(std::chrono::ceil<std::chrono::seconds>(left)),
                         frontier::Name(wait.held_by));
    }
    case frontier::Wait::Reason::kInFlight:
      return "waits for fetches in flight";
    case frontier::Wait::Reason::kGated:
      return fmt::format("waits for {} hosts that do not answer and are probed",
                         stats.scheduler.gated_hosts);
    case frontier::Wait::Reason::kHeld:
      return "waits: all that is left is of hosts that the operator has paused or blocked";
    case frontier::Wait::Reason::kEmpty:
    case frontier::Wait::Reason::kCommit:
      return "waits for commits";
  }
  return {};
}

std::string StatusLine(const Snapshot& now, double pages_a_second) {
  const frontier::Counters& counters = now.frontier.counters;
  const std::string waiting = WaitingFor(now);
  const std::string held =
      now.frontier.origins_held == 0
          ? std::string()
          : fmt::format(", {} origins held by robots.txt", now.frontier.origins_held);
  const size_t gated = now.frontier.scheduler.gated_hosts;
  const std::string dead = gated == 0 ? std::string() : fmt::format(", {} hosts probed", gated);
  return fmt::format(
      "{} done, {:.1f} pages/s, {} in flight, {} queued, {} to be tried again, {} failed{}{}{}{}",
      Count(counters, frontier::UrlState::kDone), pages_a_second, now.pipeline.in_flight,
      Count(counters, frontier::UrlState::kQueued), Count(counters, frontier::UrlState::kLater),
      Count(counters, frontier::UrlState::kFailed), held, dead, waiting.empty() ? "" : "; ",
      waiting);
}

}  // namespace crawld::pipeline
