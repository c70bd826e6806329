// Values: the kinds of value that a Config's fields have, beside numbers, sizes and durations.
//
// Plain values.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace crawld::config {

// A line and a column of the file, from 1; columns in bytes.
struct Place {
  uint32_t line = 1;
  uint32_t column = 1;
};

// Where what was given stands: keys ("fetcher.threads", "hosts[2].delay") and sections ("fetcher").
// That is nothing a config says: any two are equal.
struct Places {
  std::map<std::string, Place> of;

  friend bool operator==(const Places&, const Places&) { return true; }
};

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
