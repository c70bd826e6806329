// AdminApi: what a running daemon answers: metrics, health, status. docs/admin.md has the paths.
//
// Thread safety: const members from any thread. Nothing here blocks: what is told was counted
// before.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "concurrency/threads.h"
#include "service/host_health.h"
#include "service/http_server.h"
#include "service/pipeline_metrics.h"
#include "service/progress.h"

namespace crawld::service {

// One thing that a daemon must have to be well.
struct HealthCheck {
  std::string name;  // "threads", "disk", ...
  bool good = true;
  std::string detail;  // a sentence, with what to do where it is not good
};

struct AdminSources {
  std::string crawl;  // its name
  std::filesystem::path data_dir;
  WallTime started{};
  std::function<Snapshot()> snapshot;
  std::function<HostHealthStats()> host_health;
  std::function<bool()> stopping;
  const PipelineMetrics* pipeline = nullptr;  // outlives the API
};

class AdminApi {
 public:
  explicit AdminApi(AdminSources sources) : sources_(std::move(sources)) {}

  HttpResponse Handle(const HttpRequest& request) const;

  // Whether the process works: each thread has said lately what it does, or that it waits.
  std::vector<HealthCheck> Alive() const;
  // Whether it can go on taking pages: alive, not stopping, room on the disk, descriptors left.
  std::vector<HealthCheck> Ready() const;

 private:
  HttpResponse Status() const;

  const AdminSources sources_;
};

// The threads' part: `threads` as of now.
HealthCheck CheckThreads(const std::vector<concurrency::ThreadInfo>& threads);

}  // namespace crawld::service
