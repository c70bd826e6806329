// Metrics: the daemon's counts and states as Prometheus reads them (text format 0.0.4).
//
// The names, their labels and what they mean are in docs/metrics.md. The number of series is fixed
// but for the names of errors and verdicts: nothing here grows with the crawl.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "admin/http_server.h"
#include "admin/reloader.h"
#include "base/time.h"
#include "health/vitals.h"
#include "health/watermarks.h"
#include "logs/logging.h"
#include "pipeline/host_health.h"
#include "pipeline/pipeline_metrics.h"
#include "pipeline/snapshot.h"

namespace crawld::admin {

inline constexpr const char* kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

// What the config allows, for rules that compare.
struct FetchLimits {
  uint64_t concurrency = 0;
  Millis total_timeout{0};
};

struct MetricSources {
  pipeline::Snapshot now;
  const pipeline::PipelineMetrics& pipeline;
  pipeline::HostHealthStats health;
  health::ResourceUse resources;
  logs::LogStats log;
  frontier::FrontierMemory memory;
  std::vector<health::HealthCheck> checks;
  ReloadStats reloads;
  uint64_t holds = 0;  // of the operator's
  const HttpCounters& server;
  FetchLimits limits;
  WallTime started{};  // of the process
};

// Pure but for a look at /proc/self. Cost: about 0.2 ms.
std::string RenderMetrics(const MetricSources& from);

}  // namespace crawld::admin
