// How often a host may be asked, and what holds it back: the rules, as pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "frontier/ready_queue.h"
#include "frontier/records.h"
#include "web/host_patterns.h"

namespace crawld::frontier {

// What the operator says of single hosts. The first that matches counts, as a whole.
struct HostPace {
  std::optional<Millis> delay;
  std::optional<uint32_t> concurrency;

  friend bool operator==(const HostPace&, const HostPace&) = default;
};

struct PolitenessOptions {
  Millis delay{1000};  // from one fetch of a host to the next
  uint32_t concurrency_per_host = 1;
  // The delay is so many times as long as the host's last answer took, but no more than
  // `max_delay`, and no less than `delay`. 0: `delay` alone.
  uint32_t delay_factor = 0;
  Millis max_delay{60000};
  AddressLimits address;
  bool robots = true;
  std::string robots_token = "crawld";
  Millis max_crawl_delay{30000};  // a longer Crawl-delay counts as this
  Millis robots_max_age{24 * 3600 * 1000};
  web::HostIndex hosts;  // numbers of `paces`
  std::vector<HostPace> paces;
};

// When a host that does not answer is no longer asked.
struct HealthOptions {
  // In a row, until its gate shuts; 0: it has none. With one, somebody must serve
  // FrontierOptions::on_gate and on_probe.
  uint32_t failures = 0;
};

// What holds a host back, or a URL. Name() of it is the metric label and the word in `explain`.
enum class Hold : uint8_t {
  kNothing,
  kDelay,       // politeness.delay, or the host's own
  kCrawlDelay,  // that of its robots.txt
  kSlowAnswer,  // politeness.delay_factor times what the last answer took
  kRetryAfter,  // of a 429 or 503, or the back-off in its place
  kAddress,     // its IP address was asked by another name, or is as busy as it may be
  kInFlight,    // it has as many fetches in flight as it may have
  kRobots,      // its robots.txt cannot be had; it is tried again then
  kGate,        // it does not answer; it is being probed
  kParked,      // it did not answer the probes
  kNewcomer,    // it has not answered yet, and as many such are asked as may be (fetcher.max_slow)
  kRestart,     // nobody knows when it was asked before the last stop, which was none of ours
  kPaused,      // the operator has paused it (operator_holds.h)
  kBlocked,     // or blocked
};
inline constexpr int kHolds = 14;
std::string_view Name(Hold hold);

// What the latest rules that there were ask for; also while the file is fetched anew.
std::optional<Millis> CrawlDelayOf(const RobotsRecord& record, std::string_view robots_token);

// What PaceOf() looks at.
bool SamePaces(const PolitenessOptions& a, const PolitenessOptions& b);
// Takes from `from` what PaceOf() looks at, and leaves the rest of `options` as it is.
void TakePaces(PolitenessOptions& options, const PolitenessOptions& from);

// How often a host may be asked, and which rule says so.
struct Pace {
  Millis delay{0};
  Hold reason = Hold::kNothing;
  uint32_t concurrency = 1;
};

// `crawl_delay`: the longest of its origins' robots rules. `last_took`: from the beginning of its
// latest answer's fetch to the end.
Pace PaceOf(const PolitenessOptions& options, std::string_view host,
            std::optional<Millis> crawl_delay, Millis last_took);

}  // namespace crawld::frontier
