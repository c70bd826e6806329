#include "admin/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>
#include <vector>

#include "frontier/records.h"
#include "health/process.h"

namespace crawld::admin {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

double Seconds(std::chrono::microseconds time) {
  return std::chrono::duration<double>(time).count();
}

class Families {
 public:
  // Begins a family; what follows is of it.
  Families& Of(MetricType type, const char* name, const char* help) {
    MetricFamily& family = families_.emplace_back();
    family.name = std::string("crawld_") + name;
    family.help = help;
    family.type = type;
    return *this;
  }
  Families& Counter(const char* name, const char* help) {
    return Of(MetricType::Counter, name, help);
  }
  Families& Gauge(const char* name, const char* help) { return Of(MetricType::Gauge, name, help); }
  // Of the process, by the names that Prometheus's own libraries have.
  Families& Process() {
    families_.back().name.replace(0, sizeof "crawld" - 1, "process");
    return *this;
  }

  Families& Value(double value, const char* label = nullptr, std::string_view of = {}) {
    ClientMetric& metric = Add(label, of);
    (families_.back().type == MetricType::Counter ? metric.counter.value : metric.gauge.value) =
        value;
    return *this;
  }
  Families& Value(uint64_t value, const char* label = nullptr, std::string_view of = {}) {
    return Value(static_cast<double>(value), label, of);
  }
  Families& Histogram(const concurrency::Histogram& from, const char* label, std::string_view of) {
    const concurrency::Histogram::Counts counts = from.Read();
    auto& histogram = Add(label, of).histogram;
    uint64_t cumulative = 0;
    for (size_t i = 0; i < counts.buckets.size(); ++i) {
      cumulative += counts.buckets.at(i);
      const double bound = i < concurrency::Histogram::kBounds.size()
                               ? Seconds(concurrency::Histogram::kBounds.at(i))
                               : std::numeric_limits<double>::infinity();
      histogram.bucket.push_back({cumulative, bound});
    }
    histogram.sample_count = cumulative;
    histogram.sample_sum = Seconds(counts.sum);
    return *this;
  }

  std::string Text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  ClientMetric& Add(const char* label, std::string_view of) {
    ClientMetric& metric = families_.back().metric.emplace_back();
    if (label != nullptr) metric.label.push_back({label, std::string(of)});
    return metric;
  }

  std::vector<MetricFamily> families_;
};

void AddProcess(Families& out, WallTime started) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  out.Counter("cpu_seconds_total", "CPU time of the process.")
      .Process()
      .Value(seconds(usage.ru_utime) + seconds(usage.ru_stime));
  out.Gauge("resident_memory_bytes", "Memory of the process that is in RAM.")
      .Process()
      .Value(health::ResidentBytes());
  out.Gauge("open_fds", "Open file descriptors.").Process().Value(health::OpenDescriptors());
  out.Gauge("max_fds", "File descriptors that may be open.")
      .Process()
      .Value(static_cast<double>(files.rlim_cur));
  out.Gauge("start_time_seconds", "When the process started, in seconds since 1970.")
      .Process()
      .Value(static_cast<double>(started.time_since_epoch().count()) / 1e3);
}

void AddFetches(Families& out, const pipeline::Snapshot& now,
                const pipeline::PipelineMetrics& pipeline, const FetchLimits& limits) {
  const pipeline::PipelineStats& stats = now.pipeline;
  const fetcher::FetcherStats& fetcher = now.fetcher;
  out.Counter("fetches_total", "Fetches that have ended, robots files and failed tries included.")
      .Value(stats.fetches);
  out.Counter("pages_total", "URLs that are done and durable.").Value(stats.pages);
  out.Counter("response_bytes_total", "Bytes of responses, heads and bodies.").Value(stats.bytes);
  out.Counter("responses_total", "Responses by the first digit of their status.");
  constexpr std::array<const char*, 6> kClasses = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
  for (int i = 0; i < 6; ++i) {
    out.Value(pipeline.statuses(i), "class", kClasses.at(static_cast<size_t>(i)));
  }
  out.Counter("fetch_errors_total",
              "Fetches without a whole response; docs/fetching.md lists why.");
  for (int i = 0; i < fetcher::kFetchErrors; ++i) {
    const auto error = static_cast<fetcher::FetchError>(i);
    out.Value(pipeline.errors(error), "error", fetcher::Name(error));
  }
  out.Counter("truncated_bodies_total", "Bodies that were cut, and archived so far, by reason.")
      .Value(pipeline.truncated(fetcher::Truncation::kLength), "reason", "length")
      .Value(pipeline.truncated(fetcher::Truncation::kTime), "reason", "time")
      .Value(pipeline.truncated(fetcher::Truncation::kDisconnect), "reason", "disconnect");
  out.Gauge("in_flight", "Fetches under way, by what they do.")
      .Value(uint64_t{fetcher.resolving}, "state", "resolving")
      .Value(uint64_t{fetcher.paused}, "state", "paused")
      .Value(uint64_t{fetcher.in_flight -
                      std::min(fetcher.in_flight, fetcher.resolving + fetcher.paused)},
             "state", "transferring");
  out.Gauge("concurrency", "Fetches that may be under way (fetcher.concurrency).")
      .Value(limits.concurrency);
  out.Gauge("slow_in_flight", "Of them, those that hold a place of fetcher.max_slow.")
      .Value(uint64_t{stats.slow});
  out.Gauge("oldest_fetch_age_seconds", "Age of the oldest fetch under way; 0: there is none.")
      .Value(std::chrono::duration<double>(fetcher.oldest).count());
  out.Gauge("fetch_timeout_seconds", "Time that a fetch may take (fetcher.total_timeout).")
      .Value(std::chrono::duration<double>(limits.total_timeout).count());
  out.Counter("connections_total", "Connections opened.").Value(fetcher.connections);
  out.Counter("connections_reused_total", "Fetches on a connection that was there.")
      .Value(fetcher.reused);
  out.Counter("tls_handshakes_total", "TLS handshakes.").Value(fetcher.tls_handshakes);
  out.Counter("tls_resumed_total", "Of them, those that resumed a session.")
      .Value(fetcher.tls_resumed);
  out.Counter("dns_lookups_total", "Names, by where their addresses came from.")
      .Value(fetcher.dns_lookups, "source", "name_server")
      .Value(fetcher.dns_hits, "source", "cache")
      .Value(fetcher.dns_joined, "source", "joined");
  out.Counter("dns_failures_total", "Names without an address.").Value(fetcher.dns_failures);
}

void AddLine(Families& out, const pipeline::Snapshot& now,
             const pipeline::PipelineMetrics& pipeline) {
  out.Of(MetricType::Histogram, "stage_duration_seconds",
         "How long each stage took: a fetch, a page, or for archive_sync and commit a group.");
  for (const auto& [name, time] : pipeline.Stages()) out.Histogram(*time, "stage", name);
  out.Counter("idle_seconds_total", "Time in which nothing was asked for, by reason.");
  for (int i = 0; i < pipeline::kIdleReasons; ++i) {
    const auto reason = static_cast<pipeline::IdleReason>(i);
    out.Value(Seconds(pipeline.idle(reason)), "reason", Name(reason));
  }
  out.Counter("dropped_links_total",
              "Links and sitemap entries beyond what is taken of one page or file.")
      .Value(pipeline.dropped_links());
  out.Counter(
         "seed_lines_total",
         "URLs of seeds, of lists (also when read again) and submitted, and bad lines, by result.")
      .Value(pipeline.seeds(), "result", "taken")
      .Value(pipeline.bad_seed_lines(), "result", "bad");
  out.Gauge("queue_items", "What waits between two stages.")
      .Value(uint64_t{now.pipeline.fetched_queue}, "queue", "parser")
      .Value(uint64_t{now.pipeline.parsed_queue}, "queue", "committer");
  out.Gauge("held_bytes", "Bodies in flight and results until their commit: memory_budget's share.")
      .Value(now.pipeline.held_bytes);
  out.Counter("commits_total", "Groups made durable.").Value(pipeline.commits());
  out.Counter("committed_fetches_total", "Fetches that were in them.").Value(pipeline.committed());
  out.Counter("warc_bytes_total", "Bytes of WARC files written by this process.")
      .Value(now.pipeline.warc_bytes);
}

void AddFrontier(Families& out, const pipeline::Snapshot& now,
                 const pipeline::HostHealthStats& health) {
  const frontier::FrontierStats& stats = now.frontier;
  const frontier::Counters& counters = stats.counters;
  out.Gauge("urls", "URLs by state; their sum is all that were ever found.");
  for (int i = 0; i < frontier::kUrlStates; ++i) {
    out.Value(counters.by_state[i], "state", frontier::Name(static_cast<frontier::UrlState>(i)));
  }
  out.Gauge("excluded_urls", "URLs that are not fetched, by reason.");
  for (int i = 1; i < frontier::kVerdicts; ++i) {
    out.Value(counters.excluded[i], "reason", frontier::Name(static_cast<frontier::Verdict>(i)));
  }
  out.Counter("retries_total", "Tries that are to be repeated.").Value(counters.retries);
  out.Gauge("hosts", "Hosts of which URLs were found.").Value(counters.hosts);
  out.Gauge("hosts_waiting", "Hosts with queued URLs.").Value(counters.hosts_waiting);
  out.Gauge("hosts_in_memory", "Hosts in memory.").Value(uint64_t{stats.scheduler.resident_hosts});
  out.Gauge("hosts_gated", "Hosts that do not answer and are being probed.")
      .Value(uint64_t{stats.scheduler.gated_hosts});
  out.Gauge("parked_urls", "URLs of hosts that are left alone for health.park.")
      .Value(stats.parked_urls);
  out.Gauge("robots_held_origins", "Origins that wait because their robots.txt cannot be had.")
      .Value(stats.origins_held);
  out.Counter("probes_total", "Probes of hosts that do not answer.").Value(health.probes);
  out.Counter("gates_opened_total", "Hosts that have answered a probe.").Value(health.opened);
  out.Counter("hosts_parked_total", "Hosts that have answered none.").Value(health.parked);
}

void AddResources(Families& out, const MetricSources& from) {
  const health::ResourceUse& use = from.resources;
  const frontier::FrontierMemory& memory = from.memory;
  const uint64_t bodies = from.now.pipeline.held_bytes;
  const uint64_t named =
      bodies + memory.seen_cache_bytes + memory.store_cache_bytes + memory.store_write_buffer_bytes;
  out.Gauge("memory_bytes", "Memory, by what it is for; their sum is the process's.")
      .Value(bodies, "owner", "bodies")
      .Value(memory.seen_cache_bytes, "owner", "seen_cache")
      .Value(memory.store_cache_bytes, "owner", "store_cache")
      .Value(memory.store_write_buffer_bytes, "owner", "store_write_buffers")
      .Value(use.memory_bytes - std::min(use.memory_bytes, named), "owner", "other");
  out.Gauge("memory_limit_bytes",
            "What the process may have: by resources.max_memory, its control group, the machine.")
      .Value(use.memory_limit_bytes);
  out.Gauge("disk_free_bytes", "Room on data_dir's disk.").Value(use.free_disk_bytes.value_or(0));
  out.Gauge("brake", "1 while nothing more is fetched for this reason.");
  for (int i = 0; i < pipeline::kBrakes; ++i) {
    const auto brake = static_cast<pipeline::Brake>(i);
    out.Value(from.now.pipeline.Braked(brake) ? 1.0 : 0.0, "reason", Name(brake));
  }
}

void AddHealth(Families& out, const std::vector<health::HealthCheck>& checks) {
  out.Gauge("check", "1: in order, 0: not; /readyz says why and what to do.");
  for (const health::HealthCheck& check : checks) {
    out.Value(check.good ? 1.0 : 0.0, "check", check.name);
  }
}

void AddAdmin(Families& out, const ReloadStats& reloads, uint64_t holds,
              const HttpCounters& server) {
  out.Counter("config_reloads_total", "Reloads of the config, by result.")
      .Value(reloads.taken_up, "result", "taken_up")
      .Value(reloads.refused, "result", "refused");
  out.Gauge("config_last_reload_successful", "0: the last reload was refused, and changed nothing.")
      .Value(reloads.last_refused ? 0.0 : 1.0);
  out.Gauge("config_keys_pending", "Changed keys that take effect with the next start.")
      .Value(uint64_t{reloads.pending});
  out.Gauge("operator_holds", "Hosts and domains that the operator has paused or blocked.")
      .Value(holds);
  out.Counter("admin_requests_total", "Answers of the admin API, by the first digit of status.");
  for (size_t i = 1; i < server.answers.size(); ++i) {
    out.Value(server.answers.at(i).load(std::memory_order_relaxed), "class",
              std::to_string(i) + "xx");
  }
}

void AddLog(Families& out, const logs::LogStats& log) {
  constexpr std::array<const char*, 6> kLevels = {"trace", "debug", "info",
                                                  "warn",  "error", "critical"};
  out.Counter("log_lines_total", "Lines written to the log, by level.");
  for (size_t i = 0; i < kLevels.size(); ++i) out.Value(log.lines.at(i), "level", kLevels.at(i));
  out.Counter("log_repeats_total", "Lines that were counted instead, since they repeat another.")
      .Value(log.repeats);
  out.Counter("log_dropped_total", "Lines that could not be written.").Value(log.dropped);
}

}  // namespace

std::string RenderMetrics(const MetricSources& from) {
  Families out;
  out.Gauge("build_info", "What runs here; always 1.").Value(1.0, "version", CRAWLD_VERSION);
  AddProcess(out, from.started);
  AddFetches(out, from.now, from.pipeline, from.limits);
  AddLine(out, from.now, from.pipeline);
  AddFrontier(out, from.now, from.health);
  AddResources(out, from);
  AddHealth(out, from.checks);
  AddAdmin(out, from.reloads, from.holds, from.server);
  AddLog(out, from.log);
  return out.Text();
}

}  // namespace crawld::admin
