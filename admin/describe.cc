#include "admin/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <string_view>

#include "archive/bundle.h"
#include "base/readable.h"
#include "pipeline/snapshot.h"

namespace crawld::admin {
namespace {

namespace json = boost::json;
using frontier::UrlState;

std::string DateOrNull(WallTime when) {
  return when == WallTime{} ? "" : archive::FormatDate(when);
}

json::string_view View(std::string_view text) { return {text.data(), text.size()}; }

std::string_view Name(frontier::RobotsRecord::Kind kind) {
  switch (kind) {
    case frontier::RobotsRecord::Kind::kRules:
      return "rules";
    case frontier::RobotsRecord::Kind::kAllowAll:
      return "lack of rules";
    case frontier::RobotsRecord::Kind::kUnreachable:
      return "unreachable";
    case frontier::RobotsRecord::Kind::kRedirect:
      return "redirected";
  }
  return "";
}

// "12s", "250ms": how long something is still to last.
std::string Left(Millis left) {
  if (left < Millis(10'000)) return fmt::format("{}ms", left.count());
  return Duration(std::chrono::ceil<std::chrono::seconds>(left));
}

// Of a limit or of the earliest time; one that nobody foretells has no date.
std::string Until(WallTime until) {
  return until == kNever ? "further notice" : archive::FormatDate(until);
}

// What of a hold on the whole crawl there is to say.
std::string WholeCrawl(const CrawlHold& hold) {
  switch (hold.brake) {
    case pipeline::Brake::kOperator:
      return "the whole crawl is paused: " +
             (hold.why.empty() ? "the operator says so" : WithoutControls(hold.why));
    case pipeline::Brake::kDisk:
      return "the whole crawl waits for room on the disk";
    case pipeline::Brake::kMemory:
      return "the whole crawl waits until the process is smaller";
  }
  return "";
}

// What is done is held back by nothing.
bool Waits(const frontier::Explanation& what) {
  return !what.state || *what.state == UrlState::kQueued || *what.state == UrlState::kLater;
}

}  // namespace

std::vector<CrawlHold> CrawlHolds(const pipeline::PipelineStats& stats, const std::string& why) {
  std::vector<CrawlHold> holds;
  for (int i = 0; i < pipeline::kBrakes; ++i) {
    const auto brake = static_cast<pipeline::Brake>(i);
    if (!stats.Braked(brake)) continue;
    holds.push_back({brake, brake == pipeline::Brake::kOperator ? why : std::string()});
  }
  return holds;
}

json::array CrawlHoldsArray(const std::vector<CrawlHold>& holds) {
  json::array out;
  for (const CrawlHold& hold : holds) {
    out.push_back(json::object{{"held_by", View(pipeline::Name(hold.brake))}, {"why", hold.why}});
  }
  return out;
}

std::string ExplanationText(const frontier::Explanation& what,
                            const std::vector<CrawlHold>& crawl_holds, uint32_t health_failures,
                            WallTime now) {
  std::string out;
  const auto line = [&out](const char* name, const std::string& text) {
    out += fmt::format("{:<10}{}\n", name, text);
  };
  line("url", what.url);
  if (!what.state) {
    line("state", what.as_seed == frontier::Verdict::kAdmit
                      ? "never found"
                      : fmt::format("never found; as a seed it would be left out: {}",
                                    frontier::Name(what.as_seed)));
  } else if (*what.state == UrlState::kExcluded) {
    line("state", fmt::format("excluded at {}: {}", DateOrNull(what.record.when),
                              frontier::Name(what.record.verdict)));
  } else if (*what.state == UrlState::kQueued) {
    line("state", fmt::format("queued; {} of its origin come before it", what.before));
  } else if (*what.state == UrlState::kLater) {
    line("state", fmt::format("to be tried again at {}", archive::FormatDate(what.retry_at)));
  } else {
    line("state", fmt::format("{} at {}; status {}{}", frontier::Name(*what.state),
                              DateOrNull(what.record.when), what.record.status,
                              what.record.reason.empty() ? "" : ", " + what.record.reason));
  }
  if (what.entry) {
    line("tries",
         what.entry->reason.empty()
             ? fmt::format("{}", what.entry->info.tries)
             : fmt::format("{}; the last failed: {}", what.entry->info.tries, what.entry->reason));
  } else if (what.state) {
    line("tries", fmt::format("{}", what.record.tries));
  }
  if (Waits(what)) {
    for (const CrawlHold& hold : crawl_holds) line("held by", WholeCrawl(hold));
  }
  if (!what.host) {
    line("host", "nothing of it was ever found");
    return out;
  }
  const frontier::HostRecord& host = *what.host;
  line("host", fmt::format("{} queued, {} to be tried again, {} done, {} failed", host.queued,
                           host.later, host.done, host.failed));
  if (host.failures > 0) {
    line("",
         fmt::format("has not answered the last {} fetches; from {} on a running crawl probes it, "
                     "and a new one tries it once",
                     host.failures, health_failures));
  }
  if (!what.robots) {
    line("robots", "not fetched yet, or not honoured");
  } else if (what.robots->kind == frontier::RobotsRecord::Kind::kUnreachable) {
    line("robots",
         fmt::format("unreachable: {} tries failed; the next one {}", what.robots->failures,
                     what.robots->expires > now
                         ? "not before " + archive::FormatDate(what.robots->expires)
                         : "when its host may be asked"));
  } else if (what.robots->kind == frontier::RobotsRecord::Kind::kRedirect) {
    line("robots", "not known yet: redirected to " + what.robots->redirect_to);
  } else {
    line("robots",
         fmt::format("{} by its {}; fetched {}, good until {}",
                     what.allowed ? "allowed" : "disallowed", Name(what.robots->kind),
                     DateOrNull(what.robots->fetched), archive::FormatDate(what.robots->expires)));
  }
  line("pace", fmt::format("{} at a time, {} apart ({})", what.pace.concurrency,
                           Left(what.pace.delay), frontier::Name(what.pace.reason)));
  for (const frontier::Limit& limit : what.limits) {
    line("held by", limit.until == kNever
                        ? fmt::format("{}: the operator says so", frontier::Name(limit.hold))
                        : fmt::format("{} until {} ({} left)", frontier::Name(limit.hold),
                                      archive::FormatDate(limit.until), Left(limit.until - now)));
  }
  if (what.limits.empty() && crawl_holds.empty()) line("held by", "nothing that is written down");
  return out;
}

boost::json::object ExplanationObject(const frontier::Explanation& what,
                                      const std::vector<CrawlHold>& crawl_holds, WallTime now) {
  // Other brakes come off by themselves.
  const bool paused = Waits(what) && std::ranges::any_of(crawl_holds, [](const CrawlHold& hold) {
                        return hold.brake == pipeline::Brake::kOperator;
                      });
  const WallTime earliest = paused ? kNever : what.Earliest(now);
  json::object out{{"url", what.url},
                   {"state", what.state ? json::value(View(frontier::Name(*what.state)))
                                        : json::value("unknown")},
                   {"as_seed", View(frontier::Name(what.as_seed))},
                   {"earliest", Until(earliest)},
                   {"delay_ms", what.pace.delay.count()},
                   {"delay_reason", View(frontier::Name(what.pace.reason))},
                   {"concurrency", what.pace.concurrency}};
  if (what.entry) {
    out["tries"] = what.entry->info.tries;
    out["last_reason"] = what.entry->reason;
    out["before"] = what.before;
    if (what.retry_at != WallTime{}) out["retry_at"] = archive::FormatDate(what.retry_at);
  } else if (what.state) {
    out["tries"] = what.record.tries;
    out["status"] = what.record.status;
    out["when"] = DateOrNull(what.record.when);
    if (*what.state == UrlState::kExcluded) {
      out["reason"] = View(frontier::Name(what.record.verdict));
    } else if (!what.record.reason.empty()) {
      out["reason"] = what.record.reason;
    }
  }
  if (what.robots) {
    out["robots"] = json::object{{"kind", View(Name(what.robots->kind))},
                                 {"allowed", what.allowed},
                                 {"fetched", DateOrNull(what.robots->fetched)},
                                 {"expires", DateOrNull(what.robots->expires)}};
  }
  if (what.host) {
    const frontier::HostRecord& host = *what.host;
    out["host"] = json::object{{"queued", host.queued},
                               {"later", host.later},
                               {"done", host.done},
                               {"failed", host.failed},
                               {"failures", host.failures}};
  }
  json::array limits;
  for (const frontier::Limit& limit : what.limits) {
    limits.push_back(
        json::object{{"held_by", View(frontier::Name(limit.hold))}, {"until", Until(limit.until)}});
  }
  out["limits"] = std::move(limits);
  out["crawl_holds"] = Waits(what) ? CrawlHoldsArray(crawl_holds) : json::array();
  return out;
}

}  // namespace crawld::admin
