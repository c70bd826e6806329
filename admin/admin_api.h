// AdminApi: what a running daemon answers, and the orders it takes. docs/admin.md has the paths;
// the daemon describes them itself (/api/v1/openapi.json).
//
// Thread safety: Handle() and OpenBody() are called on the server's thread. Cost: most answers come
// from what was counted before; those about one host or URL read the store, a reload reads files,
// and an order may wait for the committer for 100 ms.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "admin/history.h"
#include "admin/http_server.h"
#include "admin/metrics.h"
#include "admin/reloader.h"
#include "admin/steering.h"
#include "health/vitals.h"
#include "health/watermarks.h"
#include "logs/logging.h"
#include "pipeline/activity.h"
#include "pipeline/host_health.h"
#include "pipeline/pipeline.h"
#include "pipeline/snapshot.h"

namespace crawld::admin {

// What it tells of. All that is referred to must outlive the API.
struct AdminSources {
  std::string crawl;  // its name
  WallTime started{};
  std::function<pipeline::Snapshot()> snapshot;
  const pipeline::HostHealth& host_health;
  const History& history;
  const pipeline::Clock& clock;
  pipeline::Pipeline& pipeline;
  const frontier::Frontier& frontier;
  const pipeline::Activity& activity;
  const health::Watermarks& watermarks;
  health::Vitals& vitals;
  Steering& steering;
  Reloader& reloader;
  logs::Logging& logging;
  const HttpCounters& server;
  FetchLimits limits;
};

class AdminApi {
 public:
  explicit AdminApi(AdminSources sources) : sources_(std::move(sources)) {}

  HttpResponse Handle(const HttpRequest& request);
  // For a body that is read piece by piece: URLs. Null for all else.
  std::unique_ptr<BodyHandler> OpenBody(const HttpRequest& request);

 private:
  struct Route;
  static const Route* Routes(size_t& count);

  HttpResponse Metrics(const HttpRequest& request);
  HttpResponse Healthz(const HttpRequest& request);
  HttpResponse Readyz(const HttpRequest& request);
  HttpResponse Status(const HttpRequest& request);
  HttpResponse Events(const HttpRequest& request);
  HttpResponse Threads(const HttpRequest& request);
  HttpResponse Hosts(const HttpRequest& request);
  HttpResponse Host(const HttpRequest& request);
  HttpResponse Fetches(const HttpRequest& request);
  HttpResponse Gated(const HttpRequest& request);
  HttpResponse Traps(const HttpRequest& request);
  HttpResponse HistoryRows(const HttpRequest& request);
  HttpResponse Explain(const HttpRequest& request);
  HttpResponse Holds(const HttpRequest& request);
  HttpResponse Pause(const HttpRequest& request) { return Steer(Order::kPause, request); }
  HttpResponse Resume(const HttpRequest& request) { return Steer(Order::kResume, request); }
  HttpResponse Block(const HttpRequest& request) { return Steer(Order::kBlock, request); }
  HttpResponse Unblock(const HttpRequest& request) { return Steer(Order::kUnblock, request); }
  HttpResponse Steer(Order order, const HttpRequest& request);
  HttpResponse Reload(const HttpRequest& request);
  HttpResponse LogLevel(const HttpRequest& request);
  HttpResponse SetLogLevel(const HttpRequest& request);
  HttpResponse OpenApi(const HttpRequest& request);
  HttpResponse Page(const HttpRequest& request);

  std::string StatusText() const;

  const AdminSources sources_;
};

}  // namespace crawld::admin
