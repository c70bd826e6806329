// Daemon: `crawld run`, put together. Nothing is decided here; rooms are made in an order in which
// each finds what it needs, joined by callbacks, run, and taken apart in the reverse order.
//
// One in a process, on its main thread.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <optional>

#include "admin/admin_api.h"
#include "admin/history.h"
#include "admin/http_server.h"
#include "admin/reloader.h"
#include "admin/steering.h"
#include "archive/archive.h"
#include "concurrency/event.h"
#include "config/config.h"
#include "fetcher/fetcher.h"
#include "frontier/frontier.h"
#include "health/vitals.h"
#include "health/watermarks.h"
#include "logs/logging.h"
#include "pipeline/clock.h"
#include "pipeline/host_health.h"
#include "pipeline/list_watcher.h"
#include "pipeline/pipeline.h"
#include "pipeline/seeder.h"
#include "service/signals.h"

namespace crawld::service {

class Daemon {
 public:
  // Recovers what the last run has left. With `once` the crawl ends when nothing is left to fetch.
  // Throws ConfigError, FatalError.
  Daemon(const std::filesystem::path& config, bool once);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Until the crawl is done or told to stop. The exit code.
  int Run();

 private:
  struct Blocked {
    Blocked();  // blocks signals: before any thread is made
  };

  config::Config Load(const std::filesystem::path& path) const;
  // What the config room cannot judge, at a start and at a reload. Throws ConfigError.
  void Check(const config::Config& config) const;
  SignalHandlers Handlers();
  frontier::FrontierOptions FrontierHooks();
  std::vector<admin::Reloader::Apply> Rooms();
  admin::AdminSources Sources();
  pipeline::Snapshot Look() const;
  bool PutSeeds(pipeline::SeedBatch batch);
  pipeline::SeedCount ReadAllSeeds(const pipeline::PutSeeds& put);
  void AwaitSeeds();
  pipeline::Pipeline::End Crawl();

  // In the order in which they are made; each may use those above it.
  const std::filesystem::path path_;
  const bool once_;
  const Blocked blocked_;
  const config::Config config_;  // as at the start; reloader_ has what runs
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  logs::Logging logging_;
  concurrency::Event stop_;
  std::atomic<pipeline::Pipeline*> running_ = nullptr;  // null: not yet made, or about to go
  std::atomic<admin::Reloader*> reloadable_ = nullptr;  // likewise
  Signals signals_;
  const pipeline::Clock clock_;
  pipeline::HostHealth* health_ = nullptr;  // of host_health_; set before the pipeline runs
  frontier::Frontier frontier_;
  archive::Archive archive_;
  fetcher::FetcherOptions fetcher_options_;
  pipeline::PipelineOptions pipeline_options_;
  fetcher::Fetcher fetcher_;
  pipeline::Pipeline pipeline_;
  std::optional<pipeline::HostHealth> host_health_;
  health::Watermarks watermarks_;
  admin::Steering steering_;
  health::Vitals vitals_;
  pipeline::ListWatcher lists_;
  admin::History history_;
  admin::Reloader reloader_;
  admin::HttpCounters http_counters_;
  std::optional<admin::AdminApi> api_;
  std::optional<admin::HttpServer> server_;
};

}  // namespace crawld::service
