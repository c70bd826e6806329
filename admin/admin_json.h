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

#include "admin/reloader.h"
#include "admin/steering.h"
#include "config/values.h"
#include "frontier/explain.h"
#include "health/vitals.h"
#include "health/watermarks.h"
#include "pipeline/activity.h"
#include "pipeline/host_health.h"
#include "pipeline/pipeline_metrics.h"
#include "pipeline/snapshot.h"

namespace crawld::admin {

struct StatusSources {
  std::string crawl;
  WallTime started{};
  pipeline::Snapshot now;
  bool stopping = false;
  const pipeline::PipelineMetrics& metrics;
  pipeline::HostHealthStats health;
  health::ResourceUse resources;
  SteeringState steering;
};

boost::json::object StatusObject(const StatusSources& from);
boost::json::array ChecksArray(const std::vector<health::HealthCheck>& checks);
boost::json::array ThreadsArray(const std::vector<concurrency::ThreadInfo>& threads);
boost::json::object HostObject(const pipeline::HostActivity& host);
boost::json::object HostRecordObject(const frontier::HostRecord& record,
                                     const frontier::Explanation& what);
boost::json::object GatedObject(const pipeline::GatedHostInfo& host);
boost::json::object TrapObject(const frontier::TrapSigns& signs);
boost::json::object FetchObject(const pipeline::FetchNote& fetch);
boost::json::object SteeringObject(const SteeringState& state);
boost::json::object ReloadObject(const ReloadReport& report);

// "info"; nullopt: there is no such level.
std::string_view LevelName(config::LogLevel level);
std::optional<config::LogLevel> LevelOf(std::string_view name);

}  // namespace crawld::admin
