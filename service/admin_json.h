// What the admin API tells, as JSON. The field names are the API's contract: docs/admin.md and
// embedded/openapi.json have them.
//
// Pure functions.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/values.h"
#include "frontier/explain.h"
#include "service/activity.h"
#include "service/host_health.h"
#include "service/pipeline_metrics.h"
#include "service/progress.h"
#include "service/reloader.h"
#include "service/steering.h"
#include "service/vitals.h"
#include "service/watermarks.h"

namespace crawld::service {

struct StatusSources {
  std::string crawl;
  WallTime started{};
  Snapshot now;
  bool stopping = false;
  const PipelineMetrics& metrics;
  HostHealthStats health;
  ResourceUse resources;
  SteeringState steering;
};

boost::json::object StatusObject(const StatusSources& from);
boost::json::array ChecksArray(const std::vector<HealthCheck>& checks);
boost::json::array ThreadsArray(const std::vector<concurrency::ThreadInfo>& threads);
boost::json::object HostObject(const HostActivity& host);
boost::json::object HostRecordObject(const frontier::HostRecord& record,
                                     const frontier::Explanation& what);
boost::json::object GatedObject(const GatedHostInfo& host);
boost::json::object FetchObject(const FetchNote& fetch);
boost::json::object SteeringObject(const SteeringState& state);
boost::json::object ReloadObject(const ReloadReport& report);

// "info"; nullopt: there is no such level.
std::string_view LevelName(config::LogLevel level);
std::optional<config::LogLevel> LevelOf(std::string_view name);

}  // namespace crawld::service
