// What is told of a URL: for people, and as JSON. The command line and the admin API say the same.
//
// Pure functions.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "frontier/explain.h"
#include "pipeline/pipeline.h"

namespace crawld::admin {

// What holds back every URL of the crawl, whatever its host: a brake (pipeline::Brake) that is on.
struct CrawlHold {
  pipeline::Brake brake = pipeline::Brake::kOperator;
  std::string why = {};  // the operator's words; may be empty
};

// Of the brakes of PipelineStats; `why` is the operator's.
std::vector<CrawlHold> CrawlHolds(const pipeline::PipelineStats& stats, const std::string& why);

boost::json::array CrawlHoldsArray(const std::vector<CrawlHold>& holds);

// Lines of a name and a sentence. `health_failures`: from so many on a host is probed.
std::string ExplanationText(const frontier::Explanation& what,
                            const std::vector<CrawlHold>& crawl_holds, uint32_t health_failures,
                            WallTime now);
boost::json::object ExplanationObject(const frontier::Explanation& what,
                                      const std::vector<CrawlHold>& crawl_holds, WallTime now);

}  // namespace crawld::admin
