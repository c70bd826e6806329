// HTTP-date (RFC 9110 section 5.6.7) and Retry-After (section 10.2.3).
//
// Pure functions, safe from any thread; the caller brings the clock.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace crawld::web {

// Retry-After is read up to this and cut there: nothing sensible lies beyond.
inline constexpr std::chrono::seconds kMaxRetryAfter = std::chrono::hours(24 * 365);

// All three forms: IMF-fixdate, RFC 850, asctime. Day names are not checked against the date. A
// two-digit year is the one within 50 years after `now` at most. Empty when it is none of them.
std::optional<std::chrono::system_clock::time_point> ParseHttpDate(
    std::string_view text, std::chrono::system_clock::time_point now);

// Delay in seconds or an HTTP-date; a date in the past is a delay of zero. At most kMaxRetryAfter.
std::optional<std::chrono::seconds> ParseRetryAfter(std::string_view text,
                                                    std::chrono::system_clock::time_point now);

}  // namespace crawld::web
