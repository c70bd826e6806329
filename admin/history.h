// History: the crawl's figures of the last hour, for plots.
//
// One row every few seconds, with the counters as they were; who plots takes differences. Bounded:
// kRows rows of a fixed number of columns.
//
// Thread safety: all members, from any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "health/watermarks.h"
#include "pipeline/pipeline_metrics.h"
#include "pipeline/snapshot.h"

namespace crawld::admin {

class History {
 public:
  static constexpr std::chrono::seconds kPeriod{5};
  static constexpr size_t kRows = 720;

  void Add(const pipeline::Snapshot& now, const pipeline::PipelineMetrics& metrics,
           const health::ResourceUse& use) EXCLUDES(mutex_);

  // {"period_seconds":5,"columns":["time","pages",...],"rows":[[...],...]}, the oldest row first.
  std::string Json() const EXCLUDES(mutex_);

 private:
  using Row = std::vector<double>;  // in the order of the columns

  mutable Mutex mutex_;
  std::vector<Row> ring_ GUARDED_BY(mutex_);
  size_t next_ GUARDED_BY(mutex_) = 0;
};

}  // namespace crawld::admin
