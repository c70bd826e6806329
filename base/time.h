// The one kind of time that crosses rooms: milliseconds since the Unix epoch.
//
// No policy reads a clock; callers pass `now`. The daemon derives it from a monotonic clock
// anchored at start (pipeline/clock.h), so that it never runs backwards while the process lives,
// and durable times still mean something after a restart.
#pragma once

#include <chrono>

namespace crawld {

using Millis = std::chrono::milliseconds;
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

inline constexpr WallTime kNever = WallTime::max();

}  // namespace crawld
