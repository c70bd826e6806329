// `crawld run` and `crawld check`.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <memory>
#include <optional>
#include <vector>

#include "concurrency/background.h"
#include "concurrency/event.h"
#include "service/admin_api.h"
#include "service/commands.h"
#include "service/logging.h"
#include "service/pipeline.h"
#include "service/progress.h"
#include "service/seeder.h"
#include "service/signals.h"
#include "service/watchdog.h"
#include "service/wiring.h"

namespace crawld::service {
namespace {

constexpr Millis kBarPeriod{200};
constexpr Millis kLinePeriod{10'000};
constexpr Millis kWatchPeriod{1000};
constexpr Millis kCookiePeriod{60'000};

// As many descriptors as the system allows: each transfer and each probe holds one (two for a
// moment, while an IPv6 and an IPv4 address are tried), and each connection that is kept. Where
// they are few, fewer are kept, and fewer hosts that do not answer waited for.
void FitDescriptors(const config::Config& config, fetcher::FetcherOptions& fetcher,
                    PipelineOptions& pipeline) {
  constexpr uint64_t kOwn = 512;  // of the store, the archive, logs
  const uint64_t loops = config.fetcher.threads * fetcher::kDescriptorsPerThread;
  const uint64_t probes = config.frontier.hosts_in_memory / 8;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const uint64_t needed = config.fetcher.concurrency + probes + loops + kOwn;
  uint64_t left = limit.rlim_cur > needed ? limit.rlim_cur - needed : 0;
  if (left < pipeline.max_slow) {
    pipeline.max_slow = static_cast<uint32_t>(left / 2);
    spdlog::warn(
        "only {} file descriptors are allowed, and {} may be needed: raise LimitNOFILE (systemd) "
        "or `ulimit -n`, or lower fetcher.concurrency and fetcher.max_slow; for now max_slow is {}",
        limit.rlim_cur, needed + config.fetcher.max_slow, pipeline.max_slow);
  }
  left -= pipeline.max_slow;
  fetcher.max_kept_connections = static_cast<uint32_t>(
      std::min<uint64_t>(fetcher.max_kept_connections, left / config.fetcher.threads));
}

int TerminalWidth() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

void PrintSummary(const config::Config& config, Pipeline::End end, const Snapshot& last,
                  std::chrono::steady_clock::duration took) {
  const frontier::Counters& counters = last.frontier.counters;
  const auto count = [&](frontier::UrlState state) {
    return counters.by_state[static_cast<int>(state)];
  };
  const double seconds = std::max(std::chrono::duration<double>(took).count(), 0.001);
  const char* how = end == Pipeline::End::kDrained   ? "complete"
                    : end == Pipeline::End::kStopped ? "stopped"
                                                     : "failed";
  std::string text =
      fmt::format("crawl '{}' {}: {} pages in {} ({:.1f}/s), {} fetched\n", config.name, how,
                  Thousands(last.pipeline.pages),
                  Duration(std::chrono::duration_cast<std::chrono::seconds>(took)),
                  static_cast<double>(last.pipeline.pages) / seconds, Bytes(last.pipeline.bytes));
  text += fmt::format("  URLs       {} seen: {} done, {} failed, {} queued, {} to be tried again\n",
                      Thousands(counters.seen()), Thousands(count(frontier::UrlState::kDone)),
                      Thousands(count(frontier::UrlState::kFailed)),
                      Thousands(count(frontier::UrlState::kQueued)),
                      Thousands(count(frontier::UrlState::kLater)));
  std::string reasons;
  for (int i = 0; i < frontier::kVerdicts; ++i) {
    if (counters.excluded[i] == 0) continue;
    reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", Thousands(counters.excluded[i]),
                           frontier::Name(static_cast<frontier::Verdict>(i)));
  }
  text += fmt::format("  excluded   {}{}\n", Thousands(count(frontier::UrlState::kExcluded)),
                      reasons.empty() ? "" : ": " + reasons);
  if (last.frontier.origins_held > 0) {
    text +=
        fmt::format("  held       {}: origins whose robots.txt cannot be had; the log names them\n",
                    Thousands(last.frontier.origins_held));
  }
  if (last.frontier.parked_urls > 0) {
    text += fmt::format(
        "  parked     {} URLs of hosts that do not answer; the next run tries them again\n",
        Thousands(last.frontier.parked_urls));
  }
  const fetcher::FetcherStats& fetcher = last.fetcher;
  text += fmt::format(
      "  network    {} connections, {} fetches on one that was there; {} names looked up, {} known"
      ", {} not found\n",
      Thousands(fetcher.connections), Thousands(fetcher.reused), Thousands(fetcher.dns_lookups),
      Thousands(fetcher.dns_hits + fetcher.dns_joined), Thousands(fetcher.dns_failures));
  if (fetcher.tls_handshakes > 0) {
    text += fmt::format("  TLS        {} handshakes, {} of them resumed a session\n",
                        Thousands(fetcher.tls_handshakes), Thousands(fetcher.tls_resumed));
  }
  const std::string dir = config.data_dir.string();
  if (config.archive.warc)
    text += fmt::format("  archive    {}/warc/*.warc.gz, index {}/index.cdxj\n", dir, dir);
  if (config.archive.pages) text += fmt::format("  pages      {}/pages/*.jsonl\n", dir);
  if (config.archive.crawl_log) text += fmt::format("  crawl log  {}/crawl.log\n", dir);
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
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

}  // namespace

int CheckConfig(const std::filesystem::path& path) {
  const config::Config config = config::Load(path);
  CheckAgainstRooms(config);
  fmt::print("{}: ok\n", path.string());
  return kExitDone;
}

int RunCrawl(const std::filesystem::path& path, bool once) {
  const config::Config config = config::Load(path);
  CheckAgainstRooms(config);
  SetUpLogging(config.log);

  concurrency::Event stop;
  std::atomic<Pipeline*> running = nullptr;
  HostHealth* health = nullptr;
  // First of all threads: it blocks the signals for those that come after.
  Signals signals([&](const char* signal) {
    spdlog::info("{}: stops; transfers in flight get {} ms (again to exit at once)", signal,
                 config.shutdown.grace.count());
    stop.Set();
    if (Pipeline* pipeline = running.load()) pipeline->Wake();
  });

  const Clock clock;
  const auto began = std::chrono::steady_clock::now();
  frontier::FrontierOptions frontier_options = FrontierOptionsOf(config);
  frontier_options.scheduler.give_up_robots = once;
  frontier_options.forget_parking = once;
  frontier_options.on_robots_hold = LogRobotsHold;
  // On the dispatcher's thread, which is this one.
  frontier_options.on_gate = [&](frontier::GatedHost host) { health->Watch(std::move(host)); };
  frontier_options.on_probe = [&](frontier::HostId host) { health->Probe(host); };
  frontier_options.on_schedule_change = [&] {
    if (Pipeline* pipeline = running.load()) pipeline->Wake();
  };
  frontier_options.on_chores = [&] {
    if (Pipeline* pipeline = running.load()) pipeline->Chores();
  };
  frontier::Frontier frontier(config.data_dir / "frontier", std::move(frontier_options));
  archive::Archive archive(config.data_dir, ArchiveOptionsOf(config), frontier.archive_position());
  fetcher::FetcherOptions fetcher_options = FetcherOptionsOf(config);
  PipelineOptions pipeline_options = PipelineOptionsOf(config, once);
  FitDescriptors(config, fetcher_options, pipeline_options);
  fetcher::Fetcher fetcher(fetcher_options);
  Pipeline pipeline(pipeline_options, clock, stop, frontier, fetcher, archive);
  running.store(&pipeline);
  std::optional<HostHealth> host_health(std::in_place, HostHealthOptionsOf(config), clock, fetcher,
                                        frontier);
  health = &*host_health;

  const auto snapshot = [&] {
    return Snapshot{frontier.stats(), pipeline.stats(), fetcher.stats(),
                    std::chrono::steady_clock::now(), clock.Now()};
  };
  const AdminApi api({.crawl = config.name,
                      .data_dir = config.data_dir,
                      .started = clock.Now(),
                      .snapshot = snapshot,
                      .host_health = [&] { return host_health->stats(); },
                      .stopping = [&] { return stop.IsSet(); },
                      .pipeline = &pipeline.metrics()});
  std::optional<HttpServer> server;
  if (const auto admin = AdminOptionsOf(config)) {
    server.emplace(*admin, [&](const HttpRequest& request) { return api.Handle(request); });
  }
  const frontier::FrontierStats at_start = frontier.stats();
  spdlog::info("crawld {} starts crawl '{}' in {}: {} URLs known, {} queued", CRAWLD_VERSION,
               config.name, config.data_dir.string(), at_start.counters.seen(),
               at_start.counters.by_state[static_cast<int>(frontier::UrlState::kQueued)]);

  const bool terminal = once && isatty(STDERR_FILENO) == 1;
  // Late: threads made before it (RocksDB's) would inherit the name.
  concurrency::ThreadRegistration registration("dispatch");
  Progress progress(terminal, TerminalWidth());
  Pipeline::End end{};
  {
    Watchdog watchdog(config.fetcher.total_timeout);
    concurrency::BackgroundThread watcher("watchdog", kWatchPeriod, [&](const concurrency::Event&) {
      const auto alarm = watchdog.Look(fetcher.stats(), concurrency::ListThreads(),
                                       std::chrono::steady_clock::now());
      if (alarm) spdlog::error("{}", *alarm);
    });
    bool first = true;
    concurrency::BackgroundThread reporter("progress", terminal ? kBarPeriod : kLinePeriod,
                                           [&](const concurrency::Event&) {
                                             if (!std::exchange(first, false))
                                               progress.Show(snapshot());
                                           });
    std::optional<concurrency::BackgroundThread> keeper;
    if (config.fetcher.cookies) {
      keeper.emplace("cookies", kCookiePeriod,
                     [&](const concurrency::Event&) { fetcher.SaveCookies(); });
    }
    end = pipeline.Run([&](const std::function<bool(SeedBatch)>& put) {
      const SeedCount seeds = ReadSeeds(config, frontier, put);
      spdlog::info("seeds: {} URLs, {} bad lines skipped, {} lists ({} unchanged)", seeds.good,
                   seeds.bad, seeds.lists, seeds.lists_known);
    });
  }
  fetcher.SaveCookies();
  signals.Stop();  // it must not wake a pipeline that is gone
  server.reset();
  host_health.reset();
  running.store(nullptr);
  progress.Clear();
  const Snapshot last = snapshot();
  PrintSummary(config, end, last, last.when - began);
  if (end == Pipeline::End::kFailed) {
    fmt::print(stderr, "crawld: {}\n", pipeline.failure());
    return kExitFailed;
  }
  const auto& states = last.frontier.counters.by_state;
  const uint64_t unreachable =
      last.frontier.counters.excluded[static_cast<int>(frontier::Verdict::kRobotsUnreachable)];
  const bool nothing_came = states[static_cast<int>(frontier::UrlState::kDone)] == 0 &&
                            states[static_cast<int>(frontier::UrlState::kFailed)] + unreachable +
                                    last.frontier.parked_urls >
                                0;
  if (!once || end != Pipeline::End::kDrained) return kExitDone;
  if (last.frontier.counters.seen() == 0) {
    fmt::print(stderr,
               "crawld: nothing to crawl: no seed of {} can be used; the log names each bad line\n",
               path.string());
    return kExitFailed;
  }
  return nothing_came ? kExitFailed : kExitDone;
}

}  // namespace crawld::service
