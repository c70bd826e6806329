// Metrics: the daemon's counts and states as Prometheus reads them (text format 0.0.4).
//
// The names, their labels and what they mean are in docs/metrics.md. The number of series is fixed
// but for the names of errors and verdicts: nothing here grows with the crawl.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "service/host_health.h"
#include "service/pipeline_metrics.h"
#include "service/progress.h"

namespace crawld::service {

inline constexpr const char* kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

// `started`: when the process did. Pure but for a look at /proc/self. Cost: about 0.2 ms.
std::string RenderMetrics(const Snapshot& now, const PipelineMetrics& pipeline,
                          const HostHealthStats& health, WallTime started);

// Of this process.
uint64_t OpenDescriptors();

}  // namespace crawld::service
