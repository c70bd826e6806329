// `crawld frontier stats | list | export | explain`.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cstdio>
#include <vector>

#include "admin/describe.h"
#include "admin/steering.h"
#include "archive/bundle.h"
#include "base/check.h"
#include "config/config.h"
#include "frontier/explain.h"
#include "frontier/store.h"
#include "pipeline/clock.h"
#include "service/commands.h"
#include "service/wiring.h"

namespace crawld::service {
namespace {

namespace json = boost::json;
using frontier::UrlState;

frontier::Store OpenStore(const std::filesystem::path& path) {
  const config::Config config = LoadOfRunning(path, {"data_dir", "frontier."});
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
  const WallTime now = pipeline::Clock().Now();
  const auto note = store.ReadMeta(std::string(frontier::kNotePrefix) + admin::Steering::kNote);
  const auto steering = note ? admin::DecodeSteering(*note) : std::nullopt;
  const frontier::OperatorHolds holds(steering ? steering->holds
                                               : std::vector<frontier::OperatorHold>());
  // Of the brakes only the operator's is written down.
  std::vector<admin::CrawlHold> crawl_holds;
  if (steering && steering->paused_since) {
    crawl_holds.push_back({pipeline::Brake::kOperator, steering->why});
  }
  const frontier::Explanation what =
      frontier::Explain(store, **scope, options.scheduler, &holds, *url, now);
  if (format == Format::kJson) {
    PrintLine(admin::ExplanationObject(what, crawl_holds, now));
  } else {
    fmt::print("{}",
               admin::ExplanationText(what, crawl_holds, options.scheduler.health.failures, now));
  }
  return what.state ? kExitDone : kExitFailed;
}

}  // namespace crawld::service
