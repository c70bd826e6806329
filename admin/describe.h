// What is told of a URL: for people, and as JSON. The command line and the admin API say the same.
//
// Pure functions.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>

#include "frontier/explain.h"

namespace crawld::admin {

// Lines of a name and a sentence. `health_failures`: from so many on a host is probed.
std::string ExplanationText(const frontier::Explanation& what, uint32_t health_failures,
                            WallTime now);
boost::json::object ExplanationObject(const frontier::Explanation& what, WallTime now);

}  // namespace crawld::admin
