#include "service/progress.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>

namespace crawld::service {
namespace {

constexpr double kSmoothing = 0.2;

uint64_t Count(const frontier::Counters& counters, frontier::UrlState state) {
  return counters.by_state[static_cast<int>(state)];
}

uint64_t Remaining(const frontier::Counters& counters) {
  return Count(counters, frontier::UrlState::kQueued) + Count(counters, frontier::UrlState::kLater);
}

}  // namespace

std::string Thousands(uint64_t n) {
  std::string digits = std::to_string(n);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<size_t>(at), ",");
  }
  return digits;
}

std::string Bytes(uint64_t n) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(n);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", n) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string Duration(std::chrono::seconds s) {
  const auto n = s.count();
  if (n < 60) return fmt::format("{}s", n);
  if (n < 3600) return fmt::format("{}m {:02}s", n / 60, n % 60);
  return fmt::format("{}h {:02}m", n / 3600, n / 60 % 60);
}

std::string WaitingFor(const frontier::FrontierStats& stats, WallTime now) {
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
  const std::string waiting = WaitingFor(now.frontier, now.wall);
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

Progress::Progress(bool terminal, int width)
    : terminal_(terminal), width_(width), last_(std::chrono::steady_clock::now()) {}

std::string Progress::Bar(const Snapshot& now, double rate) const {
  const frontier::Counters& counters = now.frontier.counters;
  const uint64_t remaining = Remaining(counters);
  const uint64_t done =
      Count(counters, frontier::UrlState::kDone) + Count(counters, frontier::UrlState::kFailed);
  const double share = done + remaining == 0
                           ? 0.0
                           : static_cast<double>(done) / static_cast<double>(done + remaining);
  std::string left = rate > 0.5 && remaining > 0
                         ? Duration(std::chrono::seconds(
                               static_cast<int64_t>(static_cast<double>(remaining) / rate))) +
                               " left"
                         : WaitingFor(now.frontier, now.wall);
  std::string text =
      fmt::format(" {:3.0f}%  {} of {}  {:.0f}/s  {} in flight  {}", share * 100, Thousands(done),
                  Thousands(done + remaining), rate, now.pipeline.in_flight, left);
  const int room = std::clamp(width_ - static_cast<int>(text.size()) - 3, 0, 40);
  if (room < 5) return text;
  const auto filled = static_cast<size_t>(share * room);
  return "[" + std::string(filled, '#') + std::string(static_cast<size_t>(room) - filled, '.') +
         "]" + text;
}

void Progress::Show(const Snapshot& now) {
  const double seconds = std::chrono::duration<double>(now.when - last_).count();
  if (seconds > 0) {
    const double rate = static_cast<double>(now.pipeline.pages - last_pages_) / seconds;
    rate_ = rate_ == 0 || !terminal_ ? rate : rate_ + kSmoothing * (rate - rate_);
  }
  last_ = now.when;
  last_pages_ = now.pipeline.pages;
  if (terminal_) {
    std::string line = Bar(now, rate_);
    if (static_cast<int>(line.size()) > width_ - 1) line.resize(static_cast<size_t>(width_) - 1);
    std::fprintf(stderr, "\r\033[K%s", line.c_str());
    std::fflush(stderr);
    shown_ = true;
    return;
  }
  spdlog::info("{}", StatusLine(now, rate_));
}

void Progress::Clear() {
  if (!shown_) return;
  std::fprintf(stderr, "\r\033[K");
  std::fflush(stderr);
  shown_ = false;
}

}  // namespace crawld::service
