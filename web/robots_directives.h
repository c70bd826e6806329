// RobotsDirectives: what a page says of itself to crawlers, in <meta name=robots> and in the header
// X-Robots-Tag: noindex, nofollow, none (both), unavailable_after. No standard has them; the forms
// are those that the large search engines document.
//
//   <meta name="robots" content="noindex, nofollow">     for all
//   <meta name="crawld" content="noindex">               for the crawler of that name as well
//   X-Robots-Tag: nofollow, unavailable_after: 25 Jun 2030 15:00:00 PST
//   X-Robots-Tag: crawld: noindex                        for the crawler of that name
//
// What is said several times adds up: the strictest holds. Unknown directives are skipped.
// Pure; safe from any thread; O(text).
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace crawld::web {

struct RobotsDirectives {
  bool noindex = false;
  bool nofollow = false;
  // After this the page is as good as noindex. The earliest that was given.
  std::optional<std::chrono::system_clock::time_point> unavailable_after;
  // As written, joined by ", "; at most kMaxRaw bytes. With header fields for other crawlers.
  std::string raw;

  static constexpr size_t kMaxRaw = 1024;

  bool NoindexAt(std::chrono::system_clock::time_point now) const {
    return noindex || (unavailable_after && now > *unavailable_after);
  }
  // What `other` says holds as well.
  void Add(const RobotsDirectives& other);

  friend bool operator==(const RobotsDirectives&, const RobotsDirectives&) = default;
};

// The content of a <meta> whose name is "robots" or ours, in UTF-8.
void ReadRobotsMeta(std::string_view content, RobotsDirectives& into);

// The value of one X-Robots-Tag field, or of several joined by commas. A name with a colon begins
// the directives of one crawler, which go up to the next such name; they count if it is
// `product_token`, whatever its case. Bytes that are not ASCII are '?' in `raw`.
void ReadXRobotsTag(std::string_view value, std::string_view product_token, RobotsDirectives& into);

}  // namespace crawld::web
