// The dates of the web: HTTP-date (RFC 9110 section 5.6.7) and Retry-After (section 10.2.3), and
// what sitemaps, feeds and directives write.
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

// A date as people write it into pages and feeds, in UTC; empty when it is none of these:
//   W3C datetime (a profile of ISO 8601)  2024-06-01, 2024-06, 2024, 2024-06-01T12:30[:05[.25]]Z,
//                                         +02:00, +0200; a blank for the T; no zone is UTC
//   RFC 822 and 5322                      [Sat,] 1 Jun 2024 12:30[:05] GMT, EST, -0500
//   HTTP-date                             see above
std::optional<std::chrono::system_clock::time_point> ParseDate(
    std::string_view text, std::chrono::system_clock::time_point now);

}  // namespace crawld::web
