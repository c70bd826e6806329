// Daemon: `crawld run`, put together. Nothing is decided here; rooms are made in an order in which
// each finds what it needs, joined by callbacks, run, and taken apart in the reverse order.
//
// One in a process, on its main thread.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <optional>

#include "archive/archive.h"
#include "concurrency/event.h"
#include "config/config.h"
#include "fetcher/fetcher.h"
#include "frontier/frontier.h"
#include "service/admin_api.h"
#include "service/clock.h"
#include "service/history.h"
#include "service/host_health.h"
#include "service/http_server.h"
#include "service/list_watcher.h"
#include "service/logging.h"
#include "service/pipeline.h"
#include "service/progress.h"
#include "service/reloader.h"
#include "service/seeder.h"
#include "service/signals.h"
#include "service/steering.h"
#include "service/vitals.h"
#include "service/watermarks.h"

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
  SignalHandlers Handlers();
  frontier::FrontierOptions FrontierHooks();
  std::vector<Reloader::Apply> Rooms();
  AdminSources Sources();
  Snapshot Look() const;
  bool PutSeeds(SeedBatch batch);
  SeedCount ReadAllSeeds(const service::PutSeeds& put);
  void AwaitSeeds();
  Pipeline::End Crawl();

  // In the order in which they are made; each may use those above it.
  const std::filesystem::path path_;
  const bool once_;
  const Blocked blocked_;
  const config::Config config_;  // as at the start; reloader_ has what runs
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  Logging logging_;
  concurrency::Event stop_;
  std::atomic<Pipeline*> running_ = nullptr;     // null: not yet made, or about to go
  std::atomic<Reloader*> reloadable_ = nullptr;  // likewise
  Signals signals_;
  const Clock clock_;
  HostHealth* health_ = nullptr;  // of host_health_; set before the pipeline runs
  frontier::Frontier frontier_;
  archive::Archive archive_;
  fetcher::FetcherOptions fetcher_options_;
  PipelineOptions pipeline_options_;
  fetcher::Fetcher fetcher_;
  Pipeline pipeline_;
  std::optional<HostHealth> host_health_;
  Watermarks watermarks_;
  Steering steering_;
  Vitals vitals_;
  ListWatcher lists_;
  History history_;
  Reloader reloader_;
  std::optional<AdminApi> api_;
  std::optional<HttpServer> server_;
};

}  // namespace crawld::service
