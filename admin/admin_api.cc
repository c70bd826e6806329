#include "admin/admin_api.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>
#include <charconv>
#include <optional>
#include <utility>

#include "admin/admin_json.h"
#include "admin/describe.h"
#include "admin/embedded.h"
#include "admin/metrics.h"
#include "admin/submission.h"
#include "archive/bundle.h"
#include "web/host_patterns.h"
#include "web/url.h"
#include "web/utf8.h"

namespace crawld::admin {
namespace {

namespace json = boost::json;

constexpr uint64_t kDefaultLimit = 100;
constexpr uint64_t kMaxLimit = 1000;
constexpr std::string_view kUrls = "/api/v1/urls";
constexpr std::string_view kOneHost = "/api/v1/hosts/";
constexpr std::chrono::milliseconds kEventPeriod{1000};

HttpResponse Json(const json::object& body, int status = 200) {
  return {.status = status, .body = json::serialize(body) + "\n"};
}

HttpResponse Refuse(int status, std::string_view why) {
  return Json({{"error", web::ReplaceInvalidUtf8(why)}}, status);
}

HttpResponse Report(const std::vector<health::HealthCheck>& checks) {
  const bool good = health::AllGood(checks);
  return Json({{"ok", good}, {"checks", ChecksArray(checks)}}, good ? 200 : 503);
}

std::string Param(const HttpRequest& request, const std::string& name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? "" : found->second;
}

// nullopt: it is no number, or too large.
std::optional<size_t> LimitOf(const HttpRequest& request) {
  const std::string text = Param(request, "limit");
  if (text.empty()) return kDefaultLimit;
  size_t limit = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (bad != std::errc() || end != text.data() + text.size() || limit > kMaxLimit) {
    return std::nullopt;
  }
  return limit;
}

HttpResponse BadLimit() { return Refuse(400, fmt::format("limit: a number up to {}", kMaxLimit)); }

// A host as a URL has it; an empty one stays so. nullopt: it is none.
std::optional<std::string> HostName(const std::string& text) {
  if (text.empty()) return text;
  const auto pattern = web::HostPattern::Parse(text);
  if (!pattern || pattern->below) return std::nullopt;
  return pattern->name;
}

// The body of an order: a JSON object with strings, or nothing. The error says what is wrong.
Result<std::map<std::string, std::string>, std::string> ReadFields(
    const std::string& body, std::initializer_list<std::string_view> allowed) {
  std::map<std::string, std::string> fields;
  if (body.find_first_not_of(" \t\r\n") == body.npos) return fields;
  boost::system::error_code error;
  const json::value value = json::parse(body, error);
  if (error || !value.is_object()) return Err(std::string("the body is no JSON object"));
  for (const auto& [key, field] : value.get_object()) {
    const std::string name(key);
    if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) {
      return Err(fmt::format("'{}' is unknown; there are: {}", name, fmt::join(allowed, ", ")));
    }
    if (!field.is_string()) return Err(fmt::format("'{}' is no string", name));
    fields[name] = json::value_to<std::string>(field);
  }
  return fields;
}

int StatusOf(Steering::Refusal::Kind kind) {
  switch (kind) {
    case Steering::Refusal::Kind::kBad:
      return 400;
    case Steering::Refusal::Kind::kConflict:
      return 409;
    case Steering::Refusal::Kind::kBusy:
      return 503;
  }
  return 500;
}

// A Content-Security-Policy that lets run what stands in the page, by its hash, and nothing else.
std::string PagePolicy(std::string_view page) {
  const auto hash_of = [page](std::string_view open, std::string_view close) {
    const size_t begin = page.find(open) + open.size();
    const std::string_view text = page.substr(begin, page.find(close, begin) - begin);
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    std::array<unsigned char, 4 * ((SHA256_DIGEST_LENGTH + 2) / 3) + 1> base64{};
    EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(digest.size()));
    return fmt::format("'sha256-{}'", reinterpret_cast<const char*>(base64.data()));
  };
  return fmt::format(
      "default-src 'none'; script-src {}; style-src {}; connect-src 'self'; base-uri 'none'; "
      "form-action 'none'; frame-ancestors 'none'",
      hash_of("<script>", "</script>"), hash_of("<style>", "</style>"));
}

}  // namespace

struct AdminApi::Route {
  std::string_view method;
  std::string_view path;
  HttpResponse (AdminApi::*answer)(const HttpRequest&);
};

const AdminApi::Route* AdminApi::Routes(size_t& count) {
  static constexpr std::array<Route, 23> kRoutes = {{
      {"GET", "/metrics", &AdminApi::Metrics},
      {"GET", "/healthz", &AdminApi::Healthz},
      {"GET", "/readyz", &AdminApi::Readyz},
      {"GET", "/api/v1/status", &AdminApi::Status},
      {"GET", "/api/v1/events", &AdminApi::Events},
      {"GET", "/api/v1/threads", &AdminApi::Threads},
      {"GET", "/api/v1/hosts", &AdminApi::Hosts},
      {"GET", "/api/v1/hosts/{host}", &AdminApi::Host},
      {"GET", "/api/v1/fetches", &AdminApi::Fetches},
      {"GET", "/api/v1/gated", &AdminApi::Gated},
      {"GET", "/api/v1/traps", &AdminApi::Traps},
      {"GET", "/api/v1/history", &AdminApi::HistoryRows},
      {"GET", "/api/v1/explain", &AdminApi::Explain},
      {"GET", "/api/v1/holds", &AdminApi::Holds},
      {"POST", "/api/v1/pause", &AdminApi::Pause},
      {"POST", "/api/v1/resume", &AdminApi::Resume},
      {"POST", "/api/v1/block", &AdminApi::Block},
      {"POST", "/api/v1/unblock", &AdminApi::Unblock},
      {"POST", "/api/v1/reload", &AdminApi::Reload},
      {"GET", "/api/v1/log-level", &AdminApi::LogLevel},
      {"PUT", "/api/v1/log-level", &AdminApi::SetLogLevel},
      {"GET", "/api/v1/openapi.json", &AdminApi::OpenApi},
      {"GET", "/", &AdminApi::Page},
  }};
  count = kRoutes.size();
  return kRoutes.data();
}

HttpResponse AdminApi::Handle(const HttpRequest& request) {
  const bool one_host = request.path.starts_with(kOneHost) && request.path.size() > kOneHost.size();
  const std::string_view path = one_host ? "/api/v1/hosts/{host}" : std::string_view(request.path);
  std::string allowed;
  size_t count = 0;
  const Route* const routes = Routes(count);
  for (const Route* route = routes; route != routes + count; ++route) {
    if (route->path != path) continue;
    if (route->method == request.method) return (this->*route->answer)(request);
    allowed += (allowed.empty() ? "" : ", ") + std::string(route->method);
    if (route->method == "GET") allowed += ", HEAD";
  }
  if (path == kUrls && request.method == "POST") return Refuse(400, "kind: page or sitemap");
  if (path == kUrls) allowed = "POST";
  if (allowed.empty()) return Refuse(404, "no such path; /api/v1/openapi.json describes them");
  HttpResponse refusal = Refuse(405, "allowed here: " + allowed);
  refusal.allow = allowed;
  return refusal;
}

std::unique_ptr<BodyHandler> AdminApi::OpenBody(const HttpRequest& request) {
  if (request.path != kUrls || request.method != "POST") return nullptr;
  const std::string kind = Param(request, "kind");
  if (!kind.empty() && kind != "page" && kind != "sitemap") return nullptr;  // Handle() refuses it
  const bool sitemap = kind == "sitemap";
  return std::make_unique<Submission>(
      sources_.frontier, sources_.pipeline,
      sitemap ? frontier::TaskKind::kSitemap : frontier::TaskKind::kPage);
}

HttpResponse AdminApi::Metrics(const HttpRequest&) {
  return {.content_type = kMetricsContentType,
          .body = RenderMetrics({.now = sources_.snapshot(),
                                 .pipeline = sources_.pipeline.metrics(),
                                 .health = sources_.host_health.stats(),
                                 .resources = sources_.watermarks.use(),
                                 .log = sources_.logging.stats(),
                                 .memory = sources_.frontier.memory(),
                                 .checks = sources_.vitals.Ready(),
                                 .reloads = sources_.reloader.stats(),
                                 .holds = sources_.steering.state().holds.size(),
                                 .server = sources_.server,
                                 .limits = sources_.limits,
                                 .started = sources_.started})};
}

HttpResponse AdminApi::Healthz(const HttpRequest&) { return Report(sources_.vitals.Alive()); }

HttpResponse AdminApi::Readyz(const HttpRequest&) { return Report(sources_.vitals.Ready()); }

std::string AdminApi::StatusText() const {
  return json::serialize(StatusObject({.crawl = sources_.crawl,
                                       .started = sources_.started,
                                       .now = sources_.snapshot(),
                                       .stopping = sources_.pipeline.stopping(),
                                       .metrics = sources_.pipeline.metrics(),
                                       .health = sources_.host_health.stats(),
                                       .resources = sources_.watermarks.use(),
                                       .steering = sources_.steering.state()}));
}

HttpResponse AdminApi::Status(const HttpRequest&) { return {.body = StatusText() + "\n"}; }

HttpResponse AdminApi::Events(const HttpRequest&) {
  HttpResponse response;
  response.content_type = "text/event-stream";
  response.period = kEventPeriod;
  response.next_event = [this] { return "event: status\ndata: " + StatusText() + "\n\n"; };
  return response;
}

HttpResponse AdminApi::Threads(const HttpRequest&) {
  return Json({{"threads", ThreadsArray(concurrency::ListThreads())}});
}

HttpResponse AdminApi::Hosts(const HttpRequest& request) {
  const auto limit = LimitOf(request);
  if (!limit) return BadLimit();
  const std::string order_name = Param(request, "order");
  const auto order = pipeline::ActivityOrder(order_name.empty() ? "fetches" : order_name);
  if (!order) return Refuse(400, "order: fetches, errors, bytes, time or last");
  json::array hosts;
  for (const pipeline::HostActivity& host :
       sources_.activity.Hosts(*order, Param(request, "search"), *limit)) {
    hosts.push_back(HostObject(host));
  }
  return Json({{"hosts", std::move(hosts)}});
}

HttpResponse AdminApi::Host(const HttpRequest& request) {
  const std::string text = request.path.substr(kOneHost.size());
  const auto name = HostName(text);
  const auto url = name ? web::Url::Parse("http://" + *name + "/") : web::Url::Parse("");
  if (!url) return Refuse(400, fmt::format("'{}' is no host", text));
  const WallTime now = sources_.clock.Now();
  const auto record = sources_.frontier.ReadHost(sources_.frontier.scope().HostOf(*url));
  if (!record) return Refuse(404, fmt::format("nothing was ever found of '{}'", *name));
  const auto explained = sources_.frontier.Explain(*url, now);
  json::array lately;
  for (const pipeline::FetchNote& fetch : sources_.activity.Fetches(*name, false, kDefaultLimit)) {
    lately.push_back(FetchObject(fetch));
  }
  json::object body = HostRecordObject(*record, explained);
  body["crawl_holds"] =
      CrawlHoldsArray(CrawlHolds(sources_.pipeline.stats(), sources_.steering.state().why));
  body["fetches"] = std::move(lately);
  return Json(body);
}

HttpResponse AdminApi::Fetches(const HttpRequest& request) {
  const auto limit = LimitOf(request);
  if (!limit) return BadLimit();
  const auto host = HostName(Param(request, "host"));
  if (!host) return Refuse(400, "host: a host's name");
  const std::string errors = Param(request, "errors");
  if (!errors.empty() && errors != "true" && errors != "false") {
    return Refuse(400, "errors: true or false");
  }
  json::array fetches;
  for (const pipeline::FetchNote& fetch :
       sources_.activity.Fetches(*host, errors == "true", *limit)) {
    fetches.push_back(FetchObject(fetch));
  }
  return Json({{"fetches", std::move(fetches)}});
}

HttpResponse AdminApi::Gated(const HttpRequest&) {
  json::array hosts;
  for (const pipeline::GatedHostInfo& host : sources_.host_health.Gated(kMaxLimit)) {
    hosts.push_back(GatedObject(host));
  }
  return Json({{"gated", std::move(hosts)}});
}

HttpResponse AdminApi::Traps(const HttpRequest& request) {
  const auto limit = LimitOf(request);
  if (!limit) return BadLimit();
  json::array hosts;
  for (const frontier::TrapSigns& signs : sources_.frontier.TrapsFound(*limit)) {
    hosts.push_back(TrapObject(signs));
  }
  return Json({{"traps", std::move(hosts)}});
}

HttpResponse AdminApi::HistoryRows(const HttpRequest&) {
  return {.body = sources_.history.Json() + "\n"};
}

HttpResponse AdminApi::Page(const HttpRequest&) {
  static const std::string policy = PagePolicy(embedded::Page());
  return {.content_type = "text/html; charset=utf-8",
          .body = std::string(embedded::Page()),
          .security_policy = policy};
}

HttpResponse AdminApi::Explain(const HttpRequest& request) {
  const std::string text = Param(request, "url");
  const auto url = web::Url::Parse(text);
  if (!url || !url->IsHttp()) return Refuse(400, "url: an http or https URL");
  const WallTime now = sources_.clock.Now();
  const auto crawl_holds = CrawlHolds(sources_.pipeline.stats(), sources_.steering.state().why);
  return Json(ExplanationObject(sources_.frontier.Explain(*url, now), crawl_holds, now));
}

HttpResponse AdminApi::Holds(const HttpRequest&) {
  return Json(SteeringObject(sources_.steering.state()));
}

HttpResponse AdminApi::Steer(Order order, const HttpRequest& request) {
  auto fields = ReadFields(request.body, {"host", "domain", "why"});
  if (!fields) return Refuse(400, fields.error());
  if (fields->contains("host") && fields->contains("domain")) {
    return Refuse(400, "a host or a domain, not both");
  }
  SteeringTarget target;
  target.domain = fields->contains("domain");
  const char* const kind = target.domain ? "domain" : "host";
  const bool named = fields->contains(kind);
  target.name = (*fields)[kind];
  if (named && target.name.empty()) {
    return Refuse(400, fmt::format("{}: a name; without it the whole crawl is meant", kind));
  }
  auto durable = sources_.steering.Obey(order, target, (*fields)["why"]);
  if (!durable) return Refuse(StatusOf(durable.error().kind), durable.error().why);
  auto promise = std::make_shared<concurrency::Promise<HttpResponse>>();
  HttpResponse response;
  response.later = promise->GetFuture();
  durable->AddDoneCallback(
      [promise, answer = Holds(request)](concurrency::Future<void>& done) mutable {
        if (done.Exception()) return;  // the promise breaks, and who asks is told so
        promise->SetValue(std::move(answer));
      });
  return response;
}

HttpResponse AdminApi::Reload(const HttpRequest&) {
  const ReloadReport report = sources_.reloader.Reload();
  return Json(ReloadObject(report), report.good ? 200 : 409);
}

HttpResponse AdminApi::LogLevel(const HttpRequest&) {
  return Json({{"level", LevelName(sources_.logging.level())}});
}

HttpResponse AdminApi::SetLogLevel(const HttpRequest& request) {
  auto fields = ReadFields(request.body, {"level"});
  if (!fields) return Refuse(400, fields.error());
  const auto level = LevelOf((*fields)["level"]);
  if (!level) {
    return Refuse(400, "level: trace, debug, info, warn, error, critical or off");
  }
  sources_.logging.SetLevel(*level);
  return LogLevel(request);
}

HttpResponse AdminApi::OpenApi(const HttpRequest&) {
  return {.body = std::string(embedded::OpenApi())};
}

}  // namespace crawld::admin
