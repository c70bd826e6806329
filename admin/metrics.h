// Metrics: the daemon's counts and states as Prometheus reads them (text format 0.0.4).
//
// The names, their labels and what they mean are in docs/metrics.md. The number of series is fixed
// but for the names of errors and verdicts: nothing here grows with the crawl.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "health/watermarks.h"
#include "logs/logging.h"
#include "pipeline/host_health.h"
#include "pipeline/pipeline_metrics.h"
#include "pipeline/snapshot.h"

namespace crawld::admin {

inline constexpr const char* kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

struct MetricSources {
  pipeline::Snapshot now;
  const pipeline::PipelineMetrics& pipeline;
  pipeline::HostHealthStats health;
  health::ResourceUse resources;
  logs::LogStats log;
  frontier::FrontierMemory memory;
  WallTime started{};  // of the process
};

// Pure but for a look at /proc/self. Cost: about 0.2 ms.
std::string RenderMetrics(const MetricSources& from);

}  // namespace crawld::admin
