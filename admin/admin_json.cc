#include "admin/admin_json.h"

#include <array>
#include <boost/json/value.hpp>

#include "archive/bundle.h"
#include "frontier/records.h"

namespace crawld::admin {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 7> kLevels = {"trace", "debug",    "info", "warn",
                                                     "error", "critical", "off"};

json::string_view View(std::string_view text) { return {text.data(), text.size()}; }

json::value DateOrNull(WallTime when) {
  if (when == WallTime{}) return nullptr;
  return json::value(archive::FormatDate(when));
}

double Seconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

// What the daemon is at, in a word.
std::string_view StateOf(const StatusSources& from) {
  if (from.stopping) return "stopping";
  for (int i = 0; i < pipeline::kBrakes; ++i) {
    const auto brake = static_cast<pipeline::Brake>(i);
    if (!from.now.pipeline.Braked(brake)) continue;
    return brake == pipeline::Brake::kOperator ? "paused"
           : brake == pipeline::Brake::kDisk   ? "disk_low"
                                               : "memory_high";
  }
  return "running";
}

// Latencies of a stage since the start: how many, their mean, and what half and most stayed below.
json::object StageObject(const concurrency::Histogram& histogram) {
  const concurrency::Histogram::Counts counts = histogram.Read();
  uint64_t all = 0;
  for (const uint64_t count : counts.buckets) all += count;
  const auto quantile = [&](double share) -> json::value {
    if (all == 0) return nullptr;
    uint64_t below = 0;
    for (size_t i = 0; i < concurrency::Histogram::kBounds.size(); ++i) {
      below += counts.buckets.at(i);
      if (static_cast<double>(below) >= share * static_cast<double>(all)) {
        return Seconds(concurrency::Histogram::kBounds.at(i));
      }
    }
    return nullptr;  // more than the last bound
  };
  return {{"count", all},
          {"sum_seconds", Seconds(counts.sum)},
          {"p50_seconds", quantile(0.5)},
          {"p99_seconds", quantile(0.99)}};
}

}  // namespace

std::string_view LevelName(config::LogLevel level) {
  return kLevels.at(static_cast<size_t>(level));
}

std::optional<config::LogLevel> LevelOf(std::string_view name) {
  for (size_t i = 0; i < kLevels.size(); ++i) {
    if (kLevels.at(i) == name) return static_cast<config::LogLevel>(i);
  }
  return std::nullopt;
}

json::object StatusObject(const StatusSources& from) {
  const pipeline::Snapshot& now = from.now;
  const frontier::Counters& counters = now.frontier.counters;
  json::object urls;
  for (int i = 0; i < frontier::kUrlStates; ++i) {
    urls[View(frontier::Name(static_cast<frontier::UrlState>(i)))] = counters.by_state[i];
  }
  json::object excluded;
  for (int i = 1; i < frontier::kVerdicts; ++i) {
    if (counters.excluded[i] == 0) continue;
    excluded[View(frontier::Name(static_cast<frontier::Verdict>(i)))] = counters.excluded[i];
  }
  json::object idle;
  for (int i = 0; i < pipeline::kIdleReasons; ++i) {
    const auto reason = static_cast<pipeline::IdleReason>(i);
    idle[View(Name(reason))] = Seconds(from.metrics.idle(reason));
  }
  json::object errors;
  for (int i = 0; i < fetcher::kFetchErrors; ++i) {
    const auto error = static_cast<fetcher::FetchError>(i);
    if (from.metrics.errors(error) == 0) continue;
    errors[View(fetcher::Name(error))] = from.metrics.errors(error);
  }
  json::object statuses;
  for (int i = 1; i <= 5; ++i) {
    statuses[std::to_string(i) + "xx"] = from.metrics.statuses(i);
  }
  json::object stages;
  for (const auto& [name, time] : from.metrics.Stages()) stages[View(name)] = StageObject(*time);
  return {{"crawl", from.crawl},
          {"version", CRAWLD_VERSION},
          {"time", archive::FormatDate(now.wall)},
          {"started", archive::FormatDate(from.started)},
          {"uptime_seconds", std::chrono::duration<double>(now.wall - from.started).count()},
          {"state", View(StateOf(from))},
          {"waits", pipeline::WaitingFor(from.now)},
          {"urls", std::move(urls)},
          {"excluded", std::move(excluded)},
          {"hosts",
           {{"known", counters.hosts},
            {"waiting", counters.hosts_waiting},
            {"in_memory", now.frontier.scheduler.resident_hosts},
            {"gated", now.frontier.scheduler.gated_hosts},
            {"parked", from.health.parked},
            {"robots_held_origins", now.frontier.origins_held}}},
          {"parked_urls", now.frontier.parked_urls},
          {"fetches", now.pipeline.fetches},
          {"pages", now.pipeline.pages},
          {"response_bytes", now.pipeline.bytes},
          {"errors", now.pipeline.errors},
          {"errors_by_name", std::move(errors)},
          {"statuses", std::move(statuses)},
          {"in_flight", now.fetcher.in_flight},
          {"resolving", now.fetcher.resolving},
          {"queues",
           {{"parser", now.pipeline.fetched_queue}, {"committer", now.pipeline.parsed_queue}}},
          {"held_bytes", now.pipeline.held_bytes},
          {"memory_bytes", from.resources.memory_bytes},
          {"memory_limit_bytes", from.resources.memory_limit_bytes},
          {"disk_free_bytes", from.resources.free_disk_bytes
                                  ? json::value(*from.resources.free_disk_bytes)
                                  : json::value(nullptr)},
          {"idle_seconds", std::move(idle)},
          {"stages", std::move(stages)},
          {"paused_since", from.steering.paused_since
                               ? json::value(archive::FormatDate(*from.steering.paused_since))
                               : json::value(nullptr)},
          {"holds", from.steering.holds.size()}};
}

json::array ChecksArray(const std::vector<health::HealthCheck>& checks) {
  json::array list;
  for (const health::HealthCheck& check : checks) {
    list.push_back({{"check", check.name}, {"ok", check.good}, {"detail", check.detail}});
  }
  return list;
}

json::array ThreadsArray(const std::vector<concurrency::ThreadInfo>& threads) {
  json::array list;
  for (const concurrency::ThreadInfo& thread : threads) {
    list.push_back({{"name", thread.name},
                    {"tid", thread.tid},
                    {"does", thread.note},
                    {"idle", thread.idle},
                    {"for_seconds", Seconds(thread.age)}});
  }
  return list;
}

json::object HostObject(const pipeline::HostActivity& host) {
  return {{"host", host.name},
          {"fetches", host.fetches},
          {"errors", host.errors},
          {"refused", host.refused},
          {"bytes", host.bytes},
          {"seconds", std::chrono::duration<double>(host.took).count()},
          {"last", DateOrNull(host.last)},
          {"last_status", host.last_status},
          {"last_error", View(host.last_error)}};
}

json::object HostRecordObject(const frontier::HostRecord& record,
                              const frontier::Explanation& what) {
  json::array limits;
  for (const frontier::Limit& limit : what.limits) {
    limits.push_back(
        {{"held_by", View(frontier::Name(limit.hold))},
         {"until", limit.until == kNever ? json::value(nullptr)
                                         : json::value(archive::FormatDate(limit.until))}});
  }
  return {{"host", record.name},
          {"queued", record.queued},
          {"later", record.later},
          {"done", record.done},
          {"failed", record.failed},
          {"last_fetch", DateOrNull(record.last_fetch)},
          {"last_took_ms", record.last_took.count()},
          {"failures_in_a_row", record.failures},
          {"delay_ms", what.pace.delay.count()},
          {"delay_reason", View(frontier::Name(what.pace.reason))},
          {"concurrency", what.pace.concurrency},
          {"limits", std::move(limits)}};
}

json::object FetchObject(const pipeline::FetchNote& fetch) {
  constexpr std::array<std::string_view, 4> kOutcomes = {"done", "failed", "retry", "given_back"};
  return {{"time", archive::FormatDate(fetch.when)},
          {"url", fetch.url},
          {"kind", View(frontier::Name(fetch.kind))},
          {"outcome", View(kOutcomes.at(static_cast<size_t>(fetch.outcome)))},
          {"status", fetch.status},
          {"error", View(fetch.error)},
          {"took_ms", fetch.took.count()},
          {"bytes", fetch.bytes}};
}

json::object GatedObject(const pipeline::GatedHostInfo& host) {
  return {{"host", host.host},
          {"reason", host.reason},
          {"probes", host.probes},
          {"next_probe", host.next_probe == kNever
                             ? json::value(nullptr)
                             : json::value(archive::FormatDate(host.next_probe))}};
}

json::object TrapObject(const frontier::TrapSigns& signs) {
  json::object reasons;
  for (size_t i = 0; i < signs.by_reason.size(); ++i) {
    if (signs.by_reason[i] == 0) continue;
    reasons[View(frontier::Name(static_cast<frontier::Verdict>(i)))] = signs.by_reason[i];
  }
  return {{"host", signs.host},
          {"urls", signs.urls},
          {"reasons", std::move(reasons)},
          {"last_url", signs.last_url},
          {"last", archive::FormatDate(signs.last)}};
}

json::object SteeringObject(const SteeringState& state) {
  json::array holds;
  for (const frontier::OperatorHold& hold : state.holds) {
    holds.push_back({{hold.domain ? "domain" : "host", hold.name},
                     {"kind", View(frontier::Name(hold.kind))},
                     {"since", archive::FormatDate(hold.since)},
                     {"why", hold.why}});
  }
  return {{"paused", state.paused_since.has_value()},
          {"since", state.paused_since ? json::value(archive::FormatDate(*state.paused_since))
                                       : json::value(nullptr)},
          {"why", state.why},
          {"holds", std::move(holds)}};
}

json::object ReloadObject(const ReloadReport& report) {
  const auto list = [](const std::vector<config::Difference>& differences) {
    json::array out;
    for (const config::Difference& difference : differences) {
      out.push_back(
          {{"key", difference.key}, {"before", difference.before}, {"after", difference.after}});
    }
    return out;
  };
  json::object out{
      {"ok", report.good}, {"applied", list(report.applied)}, {"restart", list(report.restart)}};
  if (!report.good) out["error"] = report.error;
  return out;
}

}  // namespace crawld::admin
