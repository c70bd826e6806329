// Values: the kinds of value that a Config's fields have, beside numbers, sizes and durations.
//
// Plain values.
#pragma once

#include <cstdint>
#include <string>

namespace crawld::config {

// A string and where it stands, from 1; 0 if it comes from no file. Equal if the texts are.
struct SourceText {
  std::string text;
  uint32_t line = 0;
  uint32_t column = 0;

  friend bool operator==(const SourceText& a, const SourceText& b) { return a.text == b.text; }
};

// The names in the file are these in lower case with underscores: kBreadthFirst is breadth_first.
enum class ScopeMode { kHost, kDomain, kPrefix, kAny };
enum class Nofollow { kNone, kPage, kAll };
enum class Rel { kNofollow, kUgc, kSponsored };
enum class LinkKind {
  kA,
  kArea,
  kIframe,
  kFrame,
  kCanonical,
  kAlternate,
  kNext,
  kPrev,
  kAmphtml,
  kShortlink,
  kRefresh,
  kImage,
  kScript,
  kStyle,
  kMedia,
};
enum class FrontierOrder { kBreadthFirst, kDepthFirst, kPriority };
enum class Noindex { kKeep, kDrop };
enum class Digest { kSha1, kSha256 };
enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError, kCritical, kOff };
enum class LogFormat { kText, kJson };

}  // namespace crawld::config
