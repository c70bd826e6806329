// The frontier's nouns: what is to be fetched (Task), what was found (Discovery), and what became
// of a task (Completion). Plain values; they cross threads by move.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "web/url.h"
#include "web/url_key.h"

namespace crawld::frontier {

// Robots files, sitemaps and pages go down the same line; there is no second fetch path.
enum class TaskKind : uint8_t { kPage = 0, kRobots = 1, kSitemap = 2 };
std::string_view Name(TaskKind kind);

// A host as the frontier counts politeness: the URL's host, whatever its scheme and port.
// The id is a seeded hash of the name; two names with one id would only share their politeness.
using HostId = uint64_t;

// A host has more only if somebody wants to cost us memory.
inline constexpr size_t kMaxOriginsPerHost = 32;

// An origin within its host: robots rules and a queue of URLs belong to it.
struct OriginKey {
  bool https = false;
  uint16_t port = 0;
  friend auto operator<=>(const OriginKey&, const OriginKey&) = default;
};

// Place of a URL in its origin's queue; smaller is fetched earlier. `rank` is the depth (breadth
// first), 0 (depth first) or the priority; `sequence` the order of discovery (inverted for depth
// first). Unique within a crawl.
struct QueuePlace {
  HostId host = 0;
  OriginKey origin;
  uint32_t rank = 0;
  uint64_t sequence = 0;
  friend auto operator<=>(const QueuePlace&, const QueuePlace&) = default;
};

// What a sitemap says of a URL, for scheduling. Kept with the URL; the first sitemap counts, and
// only if no page has led to the URL before.
enum class ChangeFrequency : uint8_t {
  kUnknown = 0,
  kAlways = 1,
  kHourly = 2,
  kDaily = 3,
  kWeekly = 4,
  kMonthly = 5,
  kYearly = 6,
  kNever = 7,
};
// "weekly"; "" for kUnknown.
std::string_view Name(ChangeFrequency frequency);

struct SitemapHints {
  static constexpr uint8_t kNoPriority = 255;

  WallTime lastmod{};  // the epoch: not given
  ChangeFrequency frequency = ChangeFrequency::kUnknown;
  uint8_t priority = kNoPriority;  // in hundredths: 0 to 100

  bool any() const {
    return lastmod != WallTime{} || frequency != ChangeFrequency::kUnknown ||
           priority != kNoPriority;
  }
  friend bool operator==(const SitemapHints&, const SitemapHints&) = default;
};

// What is known about a URL while it waits. `prefix_length`: how many leading bytes of the URL are
// the path prefix of the seed it descends from (scope mode `prefix`); children inherit it.
struct UrlInfo {
  TaskKind kind = TaskKind::kPage;
  uint16_t depth = 0;     // links followed since a seed
  uint8_t redirects = 0;  // redirects followed since a link
  uint16_t tries = 0;     // fetches begun and failed so far
  uint32_t prefix_length = 0;
  SitemapHints hints = {};
};

// One URL to fetch, leased to the caller until it is given back in a Completion.
struct Task {
  web::Url url;
  UrlInfo info;
  QueuePlace place;        // meaningless for robots tasks, which are in no queue
  web::UrlHash hash;       // of the crawl key
  web::Url robots_origin;  // robots tasks: /robots.txt of the origin whose rules these are
  HostId asked = 0;        // that of `url`; another than place.host if a robots file was redirected
  bool unproven = false;   // its origin has not answered yet, or not lately
  bool host_answers = false;  // some origin of its host does

  // A robots file that a redirect has led to another host.
  bool IsVisit() const { return asked != place.host; }
};

// Why a URL that was found is not going to be fetched, or kAdmit.
enum class Verdict : uint8_t {
  kAdmit = 0,
  kOtherHost = 1,          // scope.mode host: another host than the page's
  kOtherDomain = 2,        // scope.mode domain: another registrable domain
  kOutsidePrefix = 3,      // scope.mode prefix: outside the seed's path prefix
  kNotIncluded = 4,        // scope.include has patterns, none matches
  kExcluded = 5,           // a pattern of scope.exclude matches
  kTooDeep = 6,            // deeper than scope.max_depth
  kUrlTooLong = 7,         // longer than scope.max_url_length
  kHostLimit = 8,          // the host has scope.max_pages_per_host URLs
  kCrawlLimit = 9,         // the crawl has scope.max_pages URLs
  kRobotsDisallowed = 10,  // robots.txt forbids it
  kRobotsUnreachable =
      11,            // robots.txt could not be had, which forbids everything (RFC 9309 2.3.1.4)
  kRobotsFile = 12,  // an origin's /robots.txt: fetched by the crawler itself, not as a page
  kTooManyRedirects = 13,
  kNofollow = 14,        // the link or its page says nofollow
  kTooManyOrigins = 15,  // the host has kMaxOriginsPerHost schemes and ports already
  kBadHost = 16,  // no name for DNS (a label over 63 bytes, over 253 in all), or too many labels
};
inline constexpr int kVerdicts = 17;
std::string_view Name(Verdict verdict);

// A URL found on a page, in a redirect, a sitemap or a seed list, judged by Scope.
struct Discovery {
  web::Url url;  // without fragment
  web::UrlHash hash;
  HostId host = 0;
  UrlInfo info;
  uint32_t priority = 0;  // order `priority`: lower is fetched earlier
  Verdict verdict = Verdict::kAdmit;
};

// What became of a task.
enum class Outcome : uint8_t {
  kDone,       // answered; whatever the status
  kFailed,     // given up
  kRetry,      // again, not before retry_at
  kGivenBack,  // not begun or broken off (shutdown): stays in its queue as if never leased
};

// What a robots task brought.
struct RobotsResult {
  enum class Kind : uint8_t {
    kRules,        // body holds the file
    kAllowAll,     // 4xx: no rules
    kUnreachable,  // 5xx, 429, network failure: everything is disallowed for now
    kForbidden,    // likewise: its address is one that we may not connect to
    kRedirect,     // follow redirect_to
  };
  Kind kind = Kind::kAllowAll;
  std::string body;
  std::optional<web::Url> redirect_to;
};

// What the end of a fetch says of its host's health.
enum class Reach : uint8_t {
  kUnknown,   // nothing: it was broken off, or never begun
  kAnswered,  // it is there, whatever it said
  kSilent,    // it did not answer: one more failure in a row
};

struct Completion {
  Task task;
  Outcome outcome = Outcome::kDone;
  uint16_t status = 0;         // HTTP status, 0 if none
  std::string reason;          // kFailed, kRetry: name of the error
  WallTime retry_at{};         // kRetry
  WallTime hold_host_until{};  // Retry-After of a 429 or 503: no fetch of the host before
  Millis took{0};              // from the fetch's beginning to its end
  Reach reach = Reach::kAnswered;
  std::vector<Discovery> found;        // links, redirect target, sitemap entries
  std::optional<RobotsResult> robots;  // robots tasks
};

}  // namespace crawld::frontier
