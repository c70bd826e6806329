#include "service/progress.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>

#include "base/readable.h"

namespace crawld::service {
namespace {

constexpr double kSmoothing = 0.2;

uint64_t Count(const frontier::Counters& counters, frontier::UrlState state) {
  return counters.by_state[static_cast<int>(state)];
}

}  // namespace

Progress::Progress(bool terminal, int width)
    : terminal_(terminal), width_(width), last_(std::chrono::steady_clock::now()) {}

std::string Progress::Bar(const pipeline::Snapshot& now, double rate) const {
  const frontier::Counters& counters = now.frontier.counters;
  const uint64_t remaining = pipeline::Remaining(counters);
  const uint64_t done =
      Count(counters, frontier::UrlState::kDone) + Count(counters, frontier::UrlState::kFailed);
  const double share = done + remaining == 0
                           ? 0.0
                           : static_cast<double>(done) / static_cast<double>(done + remaining);
  std::string left = rate > 0.5 && remaining > 0
                         ? Duration(std::chrono::seconds(
                               static_cast<int64_t>(static_cast<double>(remaining) / rate))) +
                               " left"
                         : pipeline::WaitingFor(now);
  std::string text =
      fmt::format(" {:3.0f}%  {} of {}  {:.0f}/s  {} in flight  {}", share * 100, Thousands(done),
                  Thousands(done + remaining), rate, now.pipeline.in_flight, left);
  const int room = std::clamp(width_ - static_cast<int>(text.size()) - 3, 0, 40);
  if (room < 5) return text;
  const auto filled = static_cast<size_t>(share * room);
  return "[" + std::string(filled, '#') + std::string(static_cast<size_t>(room) - filled, '.') +
         "]" + text;
}

void Progress::Show(const pipeline::Snapshot& now) {
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
  spdlog::info("{}", pipeline::StatusLine(now, rate_));
}

void Progress::Clear() {
  if (!shown_) return;
  std::fprintf(stderr, "\r\033[K");
  std::fflush(stderr);
  shown_ = false;
}

}  // namespace crawld::service
