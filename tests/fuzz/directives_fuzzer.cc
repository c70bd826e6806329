// Any bytes as the header fields that speak to crawlers, as a date, a media type, and a body whose
// type is to be told. The first byte chooses the label.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "web/date.h"
#include "web/media_type.h"
#include "web/mime_sniff.h"
#include "web/robots_directives.h"
#include "web/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace crawld::web;  // NOLINT(google-build-using-namespace)
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto now = std::chrono::sys_days(std::chrono::year(2024) / 6 / 1);

  RobotsDirectives directives;
  ReadXRobotsTag(bytes, "crawld", directives);
  CRAWLD_CHECK(directives.raw.size() <= RobotsDirectives::kMaxRaw, "raw is bounded");
  for (const char c : directives.raw) CRAWLD_CHECK(c >= 0x20 && c < 0x7f, "raw is printable");
  if (IsValidUtf8(bytes)) ReadRobotsMeta(bytes, directives);
  CRAWLD_CHECK(IsValidUtf8(directives.raw), "raw is UTF-8");
  RobotsDirectives twice = directives;
  twice.Add(directives);
  CRAWLD_CHECK(twice.noindex == directives.noindex && twice.nofollow == directives.nofollow &&
                   twice.unavailable_after == directives.unavailable_after,
               "what is said twice is said once");

  if (const auto date = ParseDate(bytes, now)) {
    CRAWLD_CHECK(*date > std::chrono::sys_days(std::chrono::year(1899) / 12 / 30) &&
                     *date < std::chrono::sys_days(std::chrono::year(2262) / 1 / 3),
                 "a date is in the clock's range");
  }
  if (const auto delay = ParseRetryAfter(bytes, now)) {
    CRAWLD_CHECK(delay->count() >= 0 && *delay <= kMaxRetryAfter, "a delay is bounded");
  }
  if (const auto type = ParseMediaType(bytes)) {
    const auto again = ParseMediaType(type->essence);
    CRAWLD_CHECK(again && again->essence == type->essence, "an essence is a media type");
  }
  constexpr std::array<std::string_view, 6> kLabels = {
      "", "text/html", "text/plain", "*/*", "application/xhtml+xml", "image/png"};
  const std::string_view label = kLabels[data[0] / 2 % kLabels.size()];
  const std::string_view sniffed = SniffMediaType(label, data[0] % 2 == 1, bytes);
  CRAWLD_CHECK(SniffMediaType(label, data[0] % 2 == 1, bytes.substr(0, kMaxSniffBytes)) == sniffed,
               "what lies behind does not count");
  CRAWLD_CHECK(label != "image/png" || sniffed == label, "a label that says something stays");
  return 0;
}
