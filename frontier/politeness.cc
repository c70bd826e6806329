#include "frontier/politeness.h"

#include <algorithm>

#include "web/robots.h"

namespace crawld::frontier {

std::string_view Name(Hold hold) {
  switch (hold) {
    case Hold::kNothing:
      return "nothing";
    case Hold::kDelay:
      return "delay";
    case Hold::kCrawlDelay:
      return "crawl_delay";
    case Hold::kSlowAnswer:
      return "slow_answer";
    case Hold::kRetryAfter:
      return "retry_after";
    case Hold::kAddress:
      return "address";
    case Hold::kInFlight:
      return "in_flight";
    case Hold::kRobots:
      return "robots";
    case Hold::kGate:
      return "gate";
    case Hold::kParked:
      return "parked";
    case Hold::kNewcomer:
      return "newcomer";
    case Hold::kRestart:
      return "restart";
    case Hold::kPaused:
      return "paused";
    case Hold::kBlocked:
      return "blocked";
  }
  return "nothing";
}

std::optional<Millis> CrawlDelayOf(const RobotsRecord& record, std::string_view robots_token) {
  if (record.body.empty()) return std::nullopt;
  return web::RobotsRules::Parse(record.body, robots_token).crawl_delay();
}

bool SamePaces(const PolitenessOptions& a, const PolitenessOptions& b) {
  return a.delay == b.delay && a.concurrency_per_host == b.concurrency_per_host &&
         a.delay_factor == b.delay_factor && a.max_delay == b.max_delay && a.hosts == b.hosts &&
         a.paces == b.paces;
}

void TakePaces(PolitenessOptions& options, const PolitenessOptions& from) {
  options.delay = from.delay;
  options.concurrency_per_host = from.concurrency_per_host;
  options.delay_factor = from.delay_factor;
  options.max_delay = from.max_delay;
  options.hosts = from.hosts;
  options.paces = from.paces;
}

Pace PaceOf(const PolitenessOptions& options, std::string_view host,
            std::optional<Millis> crawl_delay, Millis last_took) {
  Pace pace{options.delay, Hold::kDelay, options.concurrency_per_host};
  if (const auto entry = options.hosts.Find(host)) {
    const HostPace& own = options.paces.at(*entry);
    pace.delay = own.delay.value_or(pace.delay);
    pace.concurrency = own.concurrency.value_or(pace.concurrency);
  }
  if (options.delay_factor > 0) {
    // Both are bounded: a fetch by its total time, the factor by the config.
    const Millis slow = std::min(last_took * options.delay_factor, options.max_delay);
    if (slow > pace.delay) {
      pace.delay = slow;
      pace.reason = Hold::kSlowAnswer;
    }
  }
  if (crawl_delay) {
    // Who asks for a delay does not want two requests at once.
    pace.concurrency = 1;
    const Millis asked = std::min(*crawl_delay, options.max_crawl_delay);
    if (asked > pace.delay) {
      pace.delay = asked;
      pace.reason = Hold::kCrawlDelay;
    }
  }
  return pace;
}

}  // namespace crawld::frontier
