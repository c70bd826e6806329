#include "admin/history.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <string_view>
#include <utility>

#include "frontier/records.h"

namespace crawld::admin {
namespace {

namespace json = boost::json;

using Figures = std::vector<std::pair<std::string, double>>;

// Name and value of each column; the names are always the same.
Figures FiguresOf(const pipeline::Snapshot& now, const pipeline::PipelineMetrics& metrics,
                  const health::ResourceUse& use) {
  const auto number = [](uint64_t n) { return static_cast<double>(n); };
  const auto seconds = [](std::chrono::microseconds time) {
    return std::chrono::duration<double>(time).count();
  };
  const uint64_t* const urls = now.frontier.counters.by_state;
  Figures out = {
      {"time", static_cast<double>(now.wall.time_since_epoch().count()) / 1e3},
      {"pages", number(now.pipeline.pages)},
      {"fetches", number(now.pipeline.fetches)},
      {"bytes", number(now.pipeline.bytes)},
      {"errors", number(now.pipeline.errors)},
      {"in_flight", number(now.fetcher.in_flight)},
      {"parser_queue", number(now.pipeline.fetched_queue)},
      {"committer_queue", number(now.pipeline.parsed_queue)},
      {"queued_urls", number(urls[static_cast<int>(frontier::UrlState::kQueued)])},
      {"gated_hosts", number(now.frontier.scheduler.gated_hosts)},
      {"memory_bytes", number(use.memory_bytes)},
  };
  for (int i = 0; i < pipeline::kIdleReasons; ++i) {
    const auto reason = static_cast<pipeline::IdleReason>(i);
    out.emplace_back("idle_" + std::string(Name(reason)), seconds(metrics.idle(reason)));
  }
  for (const auto& [name, time] : metrics.Stages()) {
    const concurrency::Histogram::Counts counts = time->Read();
    out.emplace_back(std::string(name) + "_count", number(counts.total()));
    out.emplace_back(std::string(name) + "_seconds", seconds(counts.sum));
  }
  return out;
}

}  // namespace

void History::Add(const pipeline::Snapshot& now, const pipeline::PipelineMetrics& metrics,
                  const health::ResourceUse& use) {
  Row row;
  for (const auto& [name, value] : FiguresOf(now, metrics, use)) row.push_back(value);
  MutexLock lock(mutex_);
  if (ring_.size() < kRows) {
    ring_.push_back(std::move(row));
    return;
  }
  ring_[next_] = std::move(row);
  next_ = (next_ + 1) % kRows;
}

std::string History::Json() const {
  json::array columns;
  for (const auto& [name, value] : FiguresOf({}, {}, {})) columns.emplace_back(name);
  json::array rows;
  {
    MutexLock lock(mutex_);
    for (size_t i = 0; i < ring_.size(); ++i) {
      const Row& row = ring_[(next_ + i) % ring_.size()];
      rows.emplace_back(json::array(row.begin(), row.end()));
    }
  }
  return json::serialize(json::object{{"period_seconds", kPeriod.count()},
                                      {"columns", std::move(columns)},
                                      {"rows", std::move(rows)}});
}

}  // namespace crawld::admin
