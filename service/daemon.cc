#include "service/daemon.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

#include "concurrency/background.h"
#include "health/watchdog.h"
#include "pipeline/seeder.h"
#include "service/commands.h"
#include "service/fit.h"
#include "service/progress.h"
#include "service/summary.h"
#include "service/systemd.h"
#include "service/wiring.h"

namespace crawld::service {
namespace {

constexpr Millis kBarPeriod{200};
constexpr Millis kLinePeriod{10'000};
constexpr Millis kWatchPeriod{1000};
constexpr Millis kMemoryPeriod{100};
constexpr Millis kCookiePeriod{60'000};
constexpr Millis kPutPatience{100};

int TerminalWidth() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

void LogRobotsHold(const frontier::RobotsHold& hold) {
  if (!hold.held) {
    spdlog::info("{}: can be had again, its host is crawled", hold.robots_url);
  } else if (hold.reason == fetcher::Name(fetcher::FetchError::kAddressForbidden)) {
    spdlog::warn(
        "{}: its host has an address that may not be connected to (crawl.log says which): its URLs "
        "are left out until {}; fetcher.allow_addresses can allow it",
        hold.robots_url, archive::FormatDate(hold.until));
  } else if (hold.given_up) {
    spdlog::warn(
        "{}: try {} failed ({}): the host's URLs are written off as robots_unreachable; what a "
        "later "
        "run finds again after {} is tried again",
        hold.robots_url, hold.failures, hold.reason, archive::FormatDate(hold.until));
  } else {
    spdlog::warn("{}: try {} failed ({}): the host is not crawled; next try {}", hold.robots_url,
                 hold.failures, hold.reason, archive::FormatDate(hold.until));
  }
}

health::WatermarkOptions WatermarkOptionsOf(const config::Config& config) {
  return {config.data_dir, config.resources.min_free_disk_bytes, config.resources.max_memory_bytes};
}

}  // namespace

Daemon::Blocked::Blocked() { BlockSignals(); }

config::Config Daemon::Load(const std::filesystem::path& path) const {
  config::Config config = config::Load(path);
  Check(config);
  return config;
}

void Daemon::Check(const config::Config& config) const {
  CheckAgainstRooms(config);
  CheckLogs(config);
  std::vector<config::Problem> problems;
  for (const config::SourceText& pattern : config.seeds.idle_files) {
    if (!once_) break;  // it waits for them
    problems.push_back({.file = config.origin,
                        .line = pattern.line,
                        .column = pattern.column,
                        .key = "seeds.files",
                        .message = "'" + pattern.text + "' stands for no file"});
  }
  if (!problems.empty()) throw config::ConfigError(std::move(problems));
}

Daemon::Daemon(const std::filesystem::path& config, bool once)
    : path_(config),
      once_(once),
      config_(Load(config)),
      logging_(config_.log, SecretsOf(config_)),
      signals_(Handlers()),
      frontier_(config_.data_dir / "frontier", FrontierHooks()),
      archive_(config_.data_dir, ArchiveOptionsOf(config_), frontier_.archive_position()),
      fetcher_options_(FetcherOptionsOf(config_)),
      pipeline_options_(PipelineOptionsOf(config_, once)),
      fetcher_((FitDescriptors(config_, fetcher_options_, pipeline_options_),
                FitMemory(config_, health::MemoryLimit(config_.resources.max_memory_bytes),
                          fetcher_options_, pipeline_options_),
                fetcher_options_)),
      pipeline_(pipeline_options_, clock_, stop_, frontier_, fetcher_, archive_),
      host_health_(std::in_place, HostHealthOptionsOf(config_), clock_, fetcher_, frontier_),
      watermarks_(WatermarkOptionsOf(config_), pipeline_),
      steering_(clock_, frontier_, pipeline_),
      vitals_({.snapshot = [this] { return Look(); },
               .stopping = [this] { return stop_.IsSet(); },
               .resources = [this] { return watermarks_.Checks(); },
               .total_timeout = config_.fetcher.total_timeout}),
      lists_(frontier_, [this](pipeline::SeedBatch batch) { return PutSeeds(std::move(batch)); }),
      reloader_(
          path_, config_, [this](const config::Config& next) { Check(next); }, Rooms()) {
  health_ = &*host_health_;
  steering_.Restore();
  watermarks_.LookAtDisk();
  watermarks_.LookAtMemory();
  api_.emplace(Sources());
  if (auto admin = AdminOptionsOf(config_)) {
    admin->counters = &http_counters_;
    server_.emplace(
        *admin, [this](const admin::HttpRequest& request) { return api_->Handle(request); },
        [this](const admin::HttpRequest& request) { return api_->OpenBody(request); });
  }
  // Last: what a signal leads to must be there, also where this constructor throws.
  running_.store(&pipeline_);
  reloadable_.store(&reloader_);
}

Daemon::~Daemon() {
  signals_.Stop();  // it must not wake a pipeline that is gone
  server_.reset();
}

SignalHandlers Daemon::Handlers() {
  return {.on_stop =
              [this](const char* signal) {
                spdlog::info("{}: stops; transfers in flight get {} ms (again to exit at once)",
                             signal, config_.shutdown.grace.count());
                Systemd::Stopping(config_.shutdown.grace);
                stop_.Set();
                if (pipeline::Pipeline* pipeline = running_.load()) pipeline->Wake();
              },
          .on_reload =
              [this] {
                admin::Reloader* const reloader = reloadable_.load();
                if (reloader == nullptr) return;
                Systemd::Reloading();
                reloader->Reload();
                Systemd::Ready();
              },
          .on_reopen =
              [this] {
                spdlog::info("SIGUSR1: the log file is opened anew");
                logging_.Reopen();
              },
          .before_exit = [this] { logging_.Close(); }};
}

frontier::FrontierOptions Daemon::FrontierHooks() {
  frontier::FrontierOptions options = FrontierOptionsOf(config_);
  options.scheduler.give_up_robots = once_;
  options.forget_parking = once_;
  options.on_robots_hold = LogRobotsHold;
  // On the dispatcher's thread, which is this one.
  options.on_gate = [this](frontier::GatedHost host) { health_->Watch(std::move(host)); };
  options.on_probe = [this](frontier::HostId host) { health_->Probe(host); };
  options.on_ungate = [this](frontier::HostId host) { health_->Forget(host); };
  options.on_schedule_change = [this] {
    if (pipeline::Pipeline* pipeline = running_.load()) pipeline->Wake();
  };
  options.on_chores = [this] {
    if (pipeline::Pipeline* pipeline = running_.load()) pipeline->Chores();
  };
  return options;
}

std::vector<admin::Reloader::Apply> Daemon::Rooms() {
  return {
      [this](const config::Config& next) { logging_.Apply(next.log, SecretsOf(next)); },
      [this](const config::Config& next) {
        const frontier::FrontierOptions options = FrontierOptionsOf(next);
        frontier_.Reload(options.scope, options.scheduler.politeness);
      },
      [this](const config::Config& next) { watermarks_.Apply(WatermarkOptionsOf(next)); },
      [this](const config::Config& next) {
        lists_.Watch(std::make_shared<const config::Config>(next), /*inline_too=*/true);
      },
  };
}

admin::AdminSources Daemon::Sources() {
  return {.crawl = config_.name,
          .started = clock_.Now(),
          .snapshot = [this] { return Look(); },
          .host_health = *host_health_,
          .history = history_,
          .clock = clock_,
          .pipeline = pipeline_,
          .frontier = frontier_,
          .activity = pipeline_.activity(),
          .watermarks = watermarks_,
          .vitals = vitals_,
          .steering = steering_,
          .reloader = reloader_,
          .logging = logging_,
          .server = http_counters_,
          .limits = {.concurrency = config_.fetcher.concurrency,
                     .total_timeout = config_.fetcher.total_timeout}};
}

pipeline::Snapshot Daemon::Look() const {
  return {frontier_.stats(), pipeline_.stats(), fetcher_.stats(), std::chrono::steady_clock::now(),
          clock_.Now()};
}

bool Daemon::PutSeeds(pipeline::SeedBatch batch) {
  if (batch.seeds.empty() && batch.notes.empty()) return !stop_.IsSet();
  while (!stop_.IsSet()) {
    concurrency::Idle("waits for seeds to be committed");
    if (pipeline_.Put(batch, kPutPatience)) {
      concurrency::Heartbeat("reads seeds");
      return true;
    }
  }
  return false;
}

// A crawl that is to end is to have all of them, or to say why not; a daemon goes on without a list
// that cannot be read, and reads it when it has changed.
pipeline::SeedCount Daemon::ReadAllSeeds(const pipeline::PutSeeds& put) {
  if (once_) return pipeline::ReadSeeds(config_, frontier_, put);
  pipeline::SeedCount all = pipeline::ReadInlineSeeds(config_, frontier_, put);
  for (const std::filesystem::path& path : config_.seeds.paths) {
    std::string version;
    const pipeline::SeedCount count = pipeline::ReadChangedList(path, frontier_, version, put);
    all.good += count.good;
    all.bad += count.bad;
    all.lists += 1;
    all.lists_known += count.lists_known;
    if (stop_.IsSet()) break;
  }
  return all;
}

// Until what was put before is durable: the notes of lists that were read are there then.
void Daemon::AwaitSeeds() {
  pipeline::SeedBatch nothing;
  std::optional<concurrency::Promise<void>> promise(std::in_place);
  const auto durable = promise->GetFuture();
  while (!stop_.IsSet() && !pipeline_.Put(nothing, kPutPatience, &promise)) {
  }
  concurrency::Idle("waits for seeds to be committed");
  while (!stop_.IsSet() && !durable.WaitFor(kPutPatience)) {
  }
  durable.Cancel();
}

pipeline::Pipeline::End Daemon::Crawl() {
  // Late: threads made before it (RocksDB's) would inherit the name.
  concurrency::ThreadRegistration registration("dispatch");
  const bool terminal = once_ && isatty(STDERR_FILENO) == 1;
  Progress progress(terminal, TerminalWidth());
  health::Watchdog watchdog(config_.fetcher.total_timeout);
  uint64_t pages = 0;
  concurrency::BackgroundThread watcher("watchdog", kWatchPeriod, [&](const concurrency::Event&) {
    const auto alarm = watchdog.Look(fetcher_.stats(), concurrency::ListThreads(),
                                     std::chrono::steady_clock::now());
    if (alarm) spdlog::error("{}", *alarm);
    watermarks_.LookAtDisk();
    logging_.Tick();
    const pipeline::Snapshot now = Look();
    const uint64_t before = std::exchange(pages, now.pipeline.pages);
    Systemd::Status(pipeline::StatusLine(now, static_cast<double>(pages - before)));
  });
  concurrency::BackgroundThread meter(
      "memory", kMemoryPeriod, [this](const concurrency::Event&) { watermarks_.LookAtMemory(); });
  concurrency::BackgroundThread historian(
      "history", admin::History::kPeriod, [this](const concurrency::Event&) {
        history_.Add(Look(), pipeline_.metrics(), watermarks_.use());
      });
  std::optional<concurrency::BackgroundThread> feeder;
  if (const auto period = Systemd::WatchdogPeriod()) {
    feeder.emplace("feeder", *period, [&](const concurrency::Event&) {
      const auto checks = vitals_.Alive();
      if (health::AllGood(checks)) return Systemd::Watchdog();
      for (const health::HealthCheck& check : checks) {
        if (!check.good) spdlog::error("not alive: {}: {}", check.name, check.detail);
      }
    });
  }
  bool first = true;
  concurrency::BackgroundThread reporter("progress", terminal ? kBarPeriod : kLinePeriod,
                                         [&](const concurrency::Event&) {
                                           if (!std::exchange(first, false)) {
                                             progress.Show(Look());
                                           }
                                         });
  std::optional<concurrency::BackgroundThread> keeper;
  if (config_.fetcher.cookies) {
    keeper.emplace("cookies", kCookiePeriod,
                   [&](const concurrency::Event&) { fetcher_.SaveCookies(); });
  }
  Systemd::Ready();
  const pipeline::Pipeline::End end =
      pipeline_.Run([&](const std::function<bool(pipeline::SeedBatch)>& put) {
        const pipeline::SeedCount seeds = ReadAllSeeds(put);
        spdlog::info("seeds: {} URLs, {} bad lines skipped, {} lists ({} unchanged)", seeds.good,
                     seeds.bad, seeds.lists, seeds.lists_known);
        AwaitSeeds();
        lists_.Watch(reloader_.running(), /*inline_too=*/false);
      });
  progress.Clear();
  return end;
}

int Daemon::Run() {
  const frontier::FrontierStats at_start = frontier_.stats();
  spdlog::info("crawld {} starts crawl '{}' in {}: {} URLs known, {} queued", CRAWLD_VERSION,
               config_.name, config_.data_dir.string(), at_start.counters.seen(),
               at_start.counters.by_state[static_cast<int>(frontier::UrlState::kQueued)]);
  const pipeline::Pipeline::End end = Crawl();
  fetcher_.SaveCookies();
  signals_.Stop();
  running_.store(nullptr);
  reloadable_.store(nullptr);
  const pipeline::Snapshot last = Look();
  logging_.Close();  // before the summary, so that it is the last word
  PrintSummary(config_, end, last, last.when - began_);
  if (end == pipeline::Pipeline::End::kFailed) {
    fmt::print(stderr, "crawld: {}\n", pipeline_.failure());
    return kExitFailed;
  }
  return ExitCodeOf(config_, once_, end, last);
}

}  // namespace crawld::service
