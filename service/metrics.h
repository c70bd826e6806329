// Metrics: the daemon's counts and states as Prometheus reads them (text format 0.0.4).
//
// The names, their labels and what they mean are in docs/metrics.md. The number of series is fixed
// but for the names of errors and verdicts: nothing here grows with the crawl.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "service/host_health.h"
#include "service/logging.h"
#include "service/pipeline_metrics.h"
#include "service/progress.h"
#include "service/watermarks.h"

namespace crawld::service {

inline constexpr const char* kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

struct MetricSources {
  Snapshot now;
  const PipelineMetrics& pipeline;
  HostHealthStats health;
  ResourceUse resources;
  LogStats log;
  frontier::FrontierMemory memory;
  WallTime started{};  // of the process
};

// Pure but for a look at /proc/self. Cost: about 0.2 ms.
std::string RenderMetrics(const MetricSources& from);

}  // namespace crawld::service
