// A regular expression for the whole numbers of a range, for a schema that can say of a text only
// what pattern it has: NumberPattern(8, 120) is "[8-9]|[1-9][0-9]|1([0-1][0-9]|20)".
//
// In the part of the syntax that all dialects share (ECMAScript, RE2, PCRE, Python). No leading
// zeros, no anchors. Pure. Cost: the pattern is as long as the numbers have digits, squared.
#pragma once

#include <cstdint>
#include <string>

namespace crawld::config {

// From `min` to `max`, both included; `min` is not more than `max`.
[[nodiscard]] std::string NumberPattern(uint64_t min, uint64_t max);

}  // namespace crawld::config
