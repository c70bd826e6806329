// ${NAME} and ${NAME:-default} in a config value.
//
// "$$" is a dollar sign; a dollar sign before anything but "{" or "$" is one too, so that "\.pdf$"
// needs no escape. NAME is [A-Za-z_][A-Za-z0-9_]*. The default is taken as it is, up to the next
// "}", if the variable is not set or empty (as in a shell). What a variable holds is not expanded
// again. Pure but for `environment`. Cost: linear.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/config.h"

namespace crawld::config {

// Limit on what a value may become.
inline constexpr size_t kMaxExpandedBytes = 1 << 20;

// The error says what is wrong: a variable not set, a "${" without end, a bad name, too long.
[[nodiscard]] Result<std::string> ExpandEnvironment(std::string_view text,
                                                    const Environment& environment);

}  // namespace crawld::config
