// `crawld frontier stats | list | export | explain`.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cstdio>

#include "archive/bundle.h"
#include "base/check.h"
#include "config/config.h"
#include "frontier/explain.h"
#include "frontier/store.h"
#include "service/clock.h"
#include "service/commands.h"
#include "service/progress.h"
#include "service/wiring.h"

namespace crawld::service {
namespace {

namespace json = boost::json;
using frontier::UrlState;

frontier::Store OpenStore(const std::filesystem::path& path) {
  const config::Config config = config::Load(path);
  frontier::StoreOptions options = FrontierOptionsOf(config).store;
  options.read_only = true;
  return {config.data_dir / "frontier", options, ""};
}

void PrintLine(const json::object& object) {
  const std::string line = json::serialize(object);
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

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

void PrintExplanation(const frontier::Explanation& what, uint32_t health_failures, WallTime now) {
  const auto line = [](const char* name, const std::string& text) {
    fmt::print("{:<10}{}\n", name, text);
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
  if (!what.host) return line("host", "nothing of it was ever found");
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
    line("held by", fmt::format("{} until {} ({} left)", frontier::Name(limit.hold),
                                archive::FormatDate(limit.until), Left(limit.until - now)));
  }
  if (what.limits.empty()) line("held by", "nothing that is written down");
}

json::object ExplanationObject(const frontier::Explanation& what, WallTime now) {
  json::object out{{"url", what.url},
                   {"state", what.state ? json::value(View(frontier::Name(*what.state)))
                                        : json::value("unknown")},
                   {"as_seed", View(frontier::Name(what.as_seed))},
                   {"earliest", archive::FormatDate(what.Earliest(now))},
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
    limits.push_back(json::object{{"held_by", View(frontier::Name(limit.hold))},
                                  {"until", archive::FormatDate(limit.until)}});
  }
  out["limits"] = std::move(limits);
  return out;
}

}  // namespace

int FrontierStats(const std::filesystem::path& path, Format format) {
  const frontier::Store store = OpenStore(path);
  const frontier::Counters counters = store.ReadCounters();
  json::object states;
  for (int i = 0; i < frontier::kUrlStates; ++i) {
    const std::string_view name = frontier::Name(static_cast<UrlState>(i));
    states[json::string_view(name.data(), name.size())] = counters.by_state[i];
  }
  json::object excluded;
  for (int i = 0; i < frontier::kVerdicts; ++i) {
    if (counters.excluded[i] == 0) continue;
    const std::string_view name = frontier::Name(static_cast<frontier::Verdict>(i));
    excluded[json::string_view(name.data(), name.size())] = counters.excluded[i];
  }
  if (format == Format::kJson) {
    PrintLine({{"seen", counters.seen()},
               {"states", states},
               {"excluded", excluded},
               {"hosts", counters.hosts},
               {"hosts_waiting", counters.hosts_waiting},
               {"origins_held", store.ReadOriginsHeld()},
               {"retries", counters.retries},
               {"commits", counters.commits}});
    return kExitDone;
  }
  fmt::print("{:<22}{:>12}\n", "seen", counters.seen());
  for (const auto& [name, count] : states) {
    fmt::print("  {:<20}{:>12}\n", std::string_view(name), count.as_uint64());
  }
  for (const auto& [name, count] : excluded) {
    fmt::print("    {:<18}{:>12}\n", std::string_view(name), count.as_uint64());
  }
  const std::pair<const char*, uint64_t> rest[] = {
      {"hosts", counters.hosts},
      {"  with a queue", counters.hosts_waiting},
      {"  origins held", store.ReadOriginsHeld()},
      {"retries", counters.retries},
      {"commits", counters.commits},
  };
  for (const auto& [name, count] : rest) fmt::print("{:<22}{:>12}\n", name, count);
  return kExitDone;
}

int FrontierList(const std::filesystem::path& path, uint64_t limit) {
  const frontier::Store store = OpenStore(path);
  fmt::print("{:>10} {:>8} {:>10} {:>8}  {}\n", "queued", "later", "done", "failed", "host");
  uint64_t printed = 0;
  store.ScanHosts([&](frontier::HostId, const frontier::HostRecord& host) {
    if (limit != 0 && printed == limit) return false;
    ++printed;
    fmt::print("{:>10} {:>8} {:>10} {:>8}  {}\n", host.queued, host.later, host.done, host.failed,
               host.name);
    return true;
  });
  return kExitDone;
}

int FrontierExport(const std::filesystem::path& path) {
  const frontier::Store store = OpenStore(path);
  // What a sitemap said.
  const auto add_hints = [](const frontier::SitemapHints& hints, json::object& line) {
    if (hints.lastmod != WallTime{}) line["lastmod"] = archive::FormatDate(hints.lastmod);
    if (hints.frequency != frontier::ChangeFrequency::kUnknown) {
      line["changefreq"] = json::string(frontier::Name(hints.frequency));
    }
    if (hints.priority != frontier::SitemapHints::kNoPriority) {
      line["priority"] = hints.priority / 100.0;
    }
  };
  const auto waiting = [&](const frontier::QueueEntry& entry, UrlState state) {
    json::object line{{"url", entry.url},
                      {"state", json::string(frontier::Name(state))},
                      {"kind", json::string(frontier::Name(entry.info.kind))},
                      {"depth", entry.info.depth},
                      {"tries", entry.info.tries}};
    add_hints(entry.info.hints, line);
    return line;
  };
  store.ScanUrls([&](const frontier::UrlRecord& record) {
    if (record.state == UrlState::kQueued || record.state == UrlState::kLater) return true;
    json::object line{{"url", record.url},
                      {"state", json::string(frontier::Name(record.state))},
                      {"kind", json::string(frontier::Name(record.kind))},
                      {"depth", record.depth},
                      {"tries", record.tries},
                      {"when", DateOrNull(record.when)}};
    if (record.status != 0) line["status"] = record.status;
    if (record.state == UrlState::kExcluded) {
      line["reason"] = json::string(frontier::Name(record.verdict));
    } else if (!record.reason.empty()) {
      line["reason"] = record.reason;
    }
    add_hints(record.hints, line);
    PrintLine(line);
    return true;
  });
  store.ScanAllQueues([&](frontier::QueueEntry&& entry) {
    PrintLine(waiting(entry, UrlState::kQueued));
    return true;
  });
  store.ScanLater([&](WallTime when, frontier::QueueEntry&& entry) {
    json::object line = waiting(entry, UrlState::kLater);
    line["retry_at"] = archive::FormatDate(when);
    PrintLine(line);
    return true;
  });
  return kExitDone;
}

int FrontierExplain(const std::filesystem::path& path, const std::string& text, Format format) {
  const auto url = web::Url::Parse(text);
  if (!url) throw UsageError(fmt::format("'{}' is no URL: {}", text, web::Explain(url.error())));
  if (!url->IsHttp()) throw UsageError(fmt::format("'{}' is neither http nor https", text));
  const config::Config config = config::Load(path);
  CheckAgainstRooms(config);
  frontier::FrontierOptions options = FrontierOptionsOf(config);
  options.store.read_only = true;
  const frontier::Store store(config.data_dir / "frontier", options.store, "");
  options.scope.hash_seed = store.hash_seed();
  const auto scope = frontier::Scope::Create(options.scope);
  CRAWLD_CHECK(scope.has_value(), "the patterns were looked at before");
  const WallTime now = Clock().Now();
  const frontier::Explanation what =
      frontier::Explain(store, **scope, options.scheduler, *url, now);
  if (format == Format::kJson) {
    PrintLine(ExplanationObject(what, now));
  } else {
    PrintExplanation(what, options.scheduler.health.failures, now);
  }
  return what.state ? kExitDone : kExitFailed;
}

}  // namespace crawld::service
