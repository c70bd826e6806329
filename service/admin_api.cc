#include "service/admin_api.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <string_view>

#include "archive/bundle.h"
#include "frontier/records.h"
#include "service/metrics.h"

namespace crawld::service {
namespace {

namespace json = boost::json;

// A thread that works and has said nothing for so long hangs; the longest honest silence is a
// commit on a very slow disk.
constexpr std::chrono::seconds kStuck{60};
constexpr uint64_t kLeastDisk = 64ULL << 20;
constexpr uint64_t kLeastDescriptors = 64;

bool Good(const std::vector<HealthCheck>& checks) {
  return std::all_of(checks.begin(), checks.end(), [](const auto& check) { return check.good; });
}

HttpResponse Report(const std::vector<HealthCheck>& checks) {
  const bool good = Good(checks);
  json::array list;
  for (const HealthCheck& check : checks) {
    list.push_back({{"check", check.name}, {"ok", check.good}, {"detail", check.detail}});
  }
  const json::object body{{"ok", good}, {"checks", std::move(list)}};
  return {.status = good ? 200 : 503, .body = json::serialize(body) + "\n"};
}

HealthCheck CheckDisk(const std::filesystem::path& data_dir) {
  std::error_code error;
  const auto space = std::filesystem::space(data_dir, error);
  if (error) return {"disk", false, fmt::format("{}: {}", data_dir.string(), error.message())};
  const std::string free = fmt::format("{}: {} free", data_dir.string(), Bytes(space.available));
  if (space.available >= kLeastDisk) return {"disk", true, free};
  return {"disk", false, free + "; make room, or the crawl stops when the next write fails"};
}

HealthCheck CheckDescriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const uint64_t open = OpenDescriptors();
  const std::string detail = fmt::format("{} of {} are open", open, limit.rlim_cur);
  if (open + kLeastDescriptors <= limit.rlim_cur) return {"descriptors", true, detail};
  return {"descriptors", false, detail + "; raise LimitNOFILE, or lower fetcher.concurrency"};
}

}  // namespace

HealthCheck CheckThreads(const std::vector<concurrency::ThreadInfo>& threads) {
  std::string stuck;
  for (const concurrency::ThreadInfo& thread : threads) {
    if (thread.idle || thread.age < kStuck) continue;
    stuck += fmt::format("{}{} ({}) has been at '{}' for {}", stuck.empty() ? "" : "; ",
                         thread.name, thread.tid, thread.note,
                         Duration(std::chrono::floor<std::chrono::seconds>(thread.age)));
  }
  if (stuck.empty()) return {"threads", true, fmt::format("{} work or wait", threads.size())};
  return {"threads", false, stuck + "; take a backtrace (gdb -p), and restart"};
}

std::vector<HealthCheck> AdminApi::Alive() const {
  return {CheckThreads(concurrency::ListThreads())};
}

std::vector<HealthCheck> AdminApi::Ready() const {
  std::vector<HealthCheck> checks = Alive();
  const bool stopping = sources_.stopping();
  checks.push_back({"running", !stopping, stopping ? "it stops" : "it crawls"});
  checks.push_back(CheckDisk(sources_.data_dir));
  checks.push_back(CheckDescriptors());
  return checks;
}

HttpResponse AdminApi::Status() const {
  const Snapshot now = sources_.snapshot();
  const frontier::Counters& counters = now.frontier.counters;
  json::object urls;
  for (int i = 0; i < frontier::kUrlStates; ++i) {
    urls[frontier::Name(static_cast<frontier::UrlState>(i))] = counters.by_state[i];
  }
  json::object idle;
  for (int i = 0; i < kIdleReasons; ++i) {
    const auto reason = static_cast<IdleReason>(i);
    idle[Name(reason)] = std::chrono::duration<double>(sources_.pipeline->idle(reason)).count();
  }
  const json::object body{
      {"crawl", sources_.crawl},
      {"version", CRAWLD_VERSION},
      {"started", archive::FormatDate(sources_.started)},
      {"state", sources_.stopping() ? "stopping" : "running"},
      {"waits", WaitingFor(now.frontier, now.wall)},
      {"urls", std::move(urls)},
      {"hosts",
       {{"known", counters.hosts},
        {"waiting", counters.hosts_waiting},
        {"in_memory", now.frontier.scheduler.resident_hosts},
        {"gated", now.frontier.scheduler.gated_hosts},
        {"robots_held_origins", now.frontier.origins_held}}},
      {"parked_urls", now.frontier.parked_urls},
      {"fetches", now.pipeline.fetches},
      {"pages", now.pipeline.pages},
      {"response_bytes", now.pipeline.bytes},
      {"errors", now.pipeline.errors},
      {"in_flight", now.fetcher.in_flight},
      {"queues",
       {{"parser", now.pipeline.fetched_queue}, {"committer", now.pipeline.parsed_queue}}},
      {"held_bytes", now.pipeline.held_bytes},
      {"idle_seconds", std::move(idle)}};
  return {.body = json::serialize(body) + "\n"};
}

HttpResponse AdminApi::Handle(const HttpRequest& request) const {
  struct Route {
    std::string_view path;
    HttpResponse (*answer)(const AdminApi& api);
  };
  static constexpr std::array<Route, 4> kRoutes = {{
      {"/metrics",
       [](const AdminApi& api) {
         const AdminSources& from = api.sources_;
         return HttpResponse{.content_type = kMetricsContentType,
                             .body = RenderMetrics(from.snapshot(), *from.pipeline,
                                                   from.host_health(), from.started)};
       }},
      {"/healthz", [](const AdminApi& api) { return Report(api.Alive()); }},
      {"/readyz", [](const AdminApi& api) { return Report(api.Ready()); }},
      {"/api/v1/status", [](const AdminApi& api) { return api.Status(); }},
  }};
  for (const Route& route : kRoutes) {
    if (request.path != route.path) continue;
    if (request.method == "GET") return route.answer(*this);
    return {.status = 405, .body = "{\"error\":\"only GET and HEAD\"}\n", .allow = "GET, HEAD"};
  }
  return {.status = 404,
          .body =
              "{\"error\":\"no such path; there are /metrics, /healthz, /readyz and "
              "/api/v1/status\"}\n"};
}

}  // namespace crawld::service
