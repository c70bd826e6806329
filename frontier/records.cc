#include "frontier/records.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace crawld::frontier {
namespace {

constexpr size_t kOriginBytes = 3;
constexpr size_t kPlaceBytes = 8 + kOriginBytes + 4 + 8;

template <typename T>
void AppendBigEndian(std::string& out, T value) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(static_cast<uint64_t>(value) >> shift));
  }
}

void AppendOrigin(std::string& out, const OriginKey& origin) {
  out.push_back(origin.https ? 1 : 0);
  AppendBigEndian(out, origin.port);
}

void AppendTime(std::string& out, WallTime when) {
  AppendBigEndian(out, static_cast<uint64_t>(when.time_since_epoch().count()));
}

void AppendString(std::string& out, std::string_view text) {
  AppendBigEndian(out, static_cast<uint32_t>(text.size()));
  out.append(text);
}

// Reads fields off the front. Past the end every read gives zero and clears whole().
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  template <typename T>
  T BigEndian() {
    uint64_t value = 0;
    if (rest_.size() < sizeof(T)) {
      whole_ = false;
      rest_ = {};
      return T{};
    }
    for (size_t i = 0; i < sizeof(T); ++i) value = value << 8 | static_cast<uint8_t>(rest_[i]);
    rest_.remove_prefix(sizeof(T));
    return static_cast<T>(value);
  }
  uint8_t Byte() { return BigEndian<uint8_t>(); }
  WallTime Time() { return WallTime(Millis(static_cast<int64_t>(BigEndian<uint64_t>()))); }
  OriginKey Origin() {
    OriginKey origin;
    origin.https = Byte() != 0;
    origin.port = BigEndian<uint16_t>();
    return origin;
  }
  std::string String() {
    const auto size = BigEndian<uint32_t>();
    if (rest_.size() < size) {
      whole_ = false;
      return {};
    }
    std::string text(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return text;
  }
  QueuePlace Place() {
    QueuePlace place;
    place.host = BigEndian<uint64_t>();
    place.origin = Origin();
    place.rank = BigEndian<uint32_t>();
    place.sequence = BigEndian<uint64_t>();
    return place;
  }
  bool empty() const { return rest_.empty(); }
  bool whole() const { return whole_; }

 private:
  std::string_view rest_;
  bool whole_ = true;
};

void AppendInfo(std::string& out, const UrlInfo& info) {
  out.push_back(static_cast<char>(info.kind));
  AppendBigEndian(out, info.depth);
  out.push_back(static_cast<char>(info.redirects));
  AppendBigEndian(out, info.tries);
  AppendBigEndian(out, info.prefix_length);
}

UrlInfo ReadInfo(Reader& in) {
  UrlInfo info;
  info.kind = static_cast<TaskKind>(std::min<uint8_t>(in.Byte(), 2));
  info.depth = in.BigEndian<uint16_t>();
  info.redirects = in.Byte();
  info.tries = in.BigEndian<uint16_t>();
  info.prefix_length = in.BigEndian<uint32_t>();
  return info;
}

// A tail that is there only if it says something, or if there is more behind it.
void AppendHints(std::string& out, const SitemapHints& hints, bool more = false) {
  if (!hints.any() && !more) return;
  AppendTime(out, hints.lastmod);
  out.push_back(static_cast<char>(hints.frequency));
  out.push_back(static_cast<char>(hints.priority));
}

SitemapHints ReadHints(Reader& in) {
  SitemapHints hints;
  if (in.empty()) return hints;
  hints.lastmod = in.Time();
  hints.frequency = static_cast<ChangeFrequency>(std::min<uint8_t>(in.Byte(), 7));
  hints.priority = in.Byte();
  return in.whole() ? hints : SitemapHints();
}

}  // namespace

std::string_view Name(ChangeFrequency frequency) {
  constexpr std::array<std::string_view, 8> kNames = {"",       "always",  "hourly", "daily",
                                                      "weekly", "monthly", "yearly", "never"};
  return kNames[static_cast<size_t>(frequency)];
}

std::string_view Name(TaskKind kind) {
  switch (kind) {
    case TaskKind::kPage:
      return "page";
    case TaskKind::kRobots:
      return "robots";
    case TaskKind::kSitemap:
      return "sitemap";
  }
  return "page";
}

std::string_view Name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAdmit:
      return "admit";
    case Verdict::kOtherHost:
      return "other_host";
    case Verdict::kOtherDomain:
      return "other_domain";
    case Verdict::kOutsidePrefix:
      return "outside_prefix";
    case Verdict::kNotIncluded:
      return "not_included";
    case Verdict::kExcluded:
      return "excluded";
    case Verdict::kTooDeep:
      return "too_deep";
    case Verdict::kUrlTooLong:
      return "url_too_long";
    case Verdict::kHostLimit:
      return "host_limit";
    case Verdict::kCrawlLimit:
      return "crawl_limit";
    case Verdict::kRobotsDisallowed:
      return "robots_disallowed";
    case Verdict::kRobotsUnreachable:
      return "robots_unreachable";
    case Verdict::kRobotsFile:
      return "robots_file";
    case Verdict::kTooManyRedirects:
      return "too_many_redirects";
    case Verdict::kNofollow:
      return "nofollow";
    case Verdict::kTooManyOrigins:
      return "too_many_origins";
    case Verdict::kBadHost:
      return "bad_host";
  }
  return "admit";
}

std::string_view Name(UrlState state) {
  switch (state) {
    case UrlState::kQueued:
      return "queued";
    case UrlState::kLater:
      return "later";
    case UrlState::kDone:
      return "done";
    case UrlState::kFailed:
      return "failed";
    case UrlState::kExcluded:
      return "excluded";
  }
  return "queued";
}

uint64_t Counters::seen() const {
  return std::accumulate(std::begin(by_state), std::end(by_state), uint64_t{0});
}

std::string EncodePlace(const QueuePlace& place) {
  std::string out;
  out.reserve(kPlaceBytes);
  AppendBigEndian(out, place.host);
  AppendOrigin(out, place.origin);
  AppendBigEndian(out, place.rank);
  AppendBigEndian(out, place.sequence);
  return out;
}

std::optional<QueuePlace> DecodePlace(std::string_view key) {
  Reader in(key);
  const QueuePlace place = in.Place();
  if (!in.whole() || !in.empty()) return std::nullopt;
  return place;
}

std::string EncodeQueueValue(const QueueEntry& entry) {
  std::string out;
  out.reserve(28 + entry.url.size());
  AppendInfo(out, entry.info);
  AppendString(out, entry.url);
  AppendHints(out, entry.info.hints, /*more=*/!entry.reason.empty());
  if (!entry.reason.empty()) AppendString(out, entry.reason);
  return out;
}

bool DecodeQueueValue(std::string_view value, QueueEntry& entry) {
  Reader in(value);
  entry.info = ReadInfo(in);
  entry.url = in.String();
  if (!in.whole()) return false;
  entry.info.hints = ReadHints(in);
  entry.reason = in.empty() ? std::string() : in.String();
  return in.whole();
}

std::string EncodeUrlKey(HostId host, const web::UrlHash& hash) {
  std::string out;
  out.reserve(24);
  AppendBigEndian(out, host);
  AppendBigEndian(out, hash.hi);
  AppendBigEndian(out, hash.lo);
  return out;
}

std::string Encode(const UrlRecord& record) {
  std::string out;
  out.reserve(32 + record.url.size());
  out.push_back(static_cast<char>(record.state));
  if (record.state == UrlState::kQueued || record.state == UrlState::kLater) return out;
  out.push_back(static_cast<char>(record.kind));
  out.push_back(static_cast<char>(record.verdict));
  AppendBigEndian(out, record.status);
  AppendBigEndian(out, record.tries);
  AppendBigEndian(out, record.depth);
  AppendTime(out, record.when);
  AppendString(out, record.reason);
  AppendString(out, record.url);
  AppendHints(out, record.hints);
  return out;
}

std::optional<UrlRecord> DecodeUrlRecord(std::string_view value) {
  Reader in(value);
  UrlRecord record;
  const uint8_t state = in.Byte();
  if (!in.whole() || state >= kUrlStates) return std::nullopt;
  record.state = static_cast<UrlState>(state);
  if (record.state == UrlState::kQueued || record.state == UrlState::kLater) return record;
  record.kind = static_cast<TaskKind>(std::min<uint8_t>(in.Byte(), 2));
  record.verdict = static_cast<Verdict>(std::min<uint8_t>(in.Byte(), kVerdicts - 1));
  record.status = in.BigEndian<uint16_t>();
  record.tries = in.BigEndian<uint16_t>();
  record.depth = in.BigEndian<uint16_t>();
  record.when = in.Time();
  record.reason = in.String();
  record.url = in.String();
  if (!in.whole()) return std::nullopt;
  record.hints = ReadHints(in);
  return record;
}

std::string Encode(const HostRecord& record) {
  std::string out;
  AppendString(out, record.name);
  AppendBigEndian(out, static_cast<uint32_t>(record.origins.size()));
  for (const OriginKey& origin : record.origins) AppendOrigin(out, origin);
  for (const uint64_t n :
       {record.queued, record.later, record.admitted, record.done, record.failed}) {
    AppendBigEndian(out, n);
  }
  for (const WallTime t : {record.last_fetch, record.hold_until, record.due}) AppendTime(out, t);
  AppendBigEndian(out, static_cast<uint32_t>(record.last_took.count()));
  AppendBigEndian(out, record.failures);
  AppendTime(out, record.parked_until);
  AppendBigEndian(out, record.parked_in_run);
  out.push_back(static_cast<char>(record.held));
  AppendBigEndian(out, record.held_in_run);
  return out;
}

HostRecord::Held AsHeld(const OperatorHold* hold) {
  if (hold == nullptr) return HostRecord::Held::kNot;
  return hold->kind == HoldKind::kBlocked ? HostRecord::Held::kBlocked : HostRecord::Held::kPaused;
}

std::optional<HostRecord> DecodeHostRecord(std::string_view value) {
  Reader in(value);
  HostRecord record;
  record.name = in.String();
  const auto origins = in.BigEndian<uint32_t>();
  for (uint32_t i = 0; i < origins && in.whole(); ++i) record.origins.push_back(in.Origin());
  for (uint64_t* n :
       {&record.queued, &record.later, &record.admitted, &record.done, &record.failed}) {
    *n = in.BigEndian<uint64_t>();
  }
  for (WallTime* t : {&record.last_fetch, &record.hold_until, &record.due}) *t = in.Time();
  if (!in.whole()) return std::nullopt;
  if (in.empty()) return record;  // of an older crawld
  record.last_took = Millis(in.BigEndian<uint32_t>());
  record.failures = in.BigEndian<uint32_t>();
  record.parked_until = in.Time();
  record.parked_in_run = in.BigEndian<uint32_t>();
  if (!in.whole()) return std::nullopt;
  if (in.empty()) return record;  // of an older crawld
  const auto held = in.BigEndian<uint8_t>();
  if (held > static_cast<uint8_t>(HostRecord::Held::kBlocked)) return std::nullopt;
  record.held = static_cast<HostRecord::Held>(held);
  record.held_in_run = in.BigEndian<uint32_t>();
  if (!in.whole()) return std::nullopt;
  return record;
}

std::string Encode(const RobotsRecord& record) {
  std::string out;
  out.push_back(static_cast<char>(record.kind));
  AppendTime(out, record.fetched);
  AppendTime(out, record.expires);
  AppendBigEndian(out, record.failures);
  out.push_back(static_cast<char>(record.redirects));
  AppendString(out, record.redirect_to);
  AppendString(out, record.body);
  out.push_back(record.given_up ? 1 : 0);
  return out;
}

std::optional<RobotsRecord> DecodeRobotsRecord(std::string_view value) {
  Reader in(value);
  RobotsRecord record;
  const uint8_t kind = in.Byte();
  if (kind > 3) return std::nullopt;
  record.kind = static_cast<RobotsRecord::Kind>(kind);
  record.fetched = in.Time();
  record.expires = in.Time();
  record.failures = in.BigEndian<uint16_t>();
  record.redirects = in.Byte();
  record.redirect_to = in.String();
  record.body = in.String();
  if (!in.whole()) return std::nullopt;
  if (!in.empty()) record.given_up = in.Byte() != 0;  // older ones end before
  return record;
}

std::string Encode(const RunRecord& record) {
  std::string out;
  AppendBigEndian(out, record.number);
  out.push_back(record.clean ? 1 : 0);
  return out;
}

std::optional<RunRecord> DecodeRunRecord(std::string_view value) {
  Reader in(value);
  RunRecord record;
  record.number = in.BigEndian<uint32_t>();
  record.clean = in.Byte() != 0;
  if (!in.whole()) return std::nullopt;
  return record;
}

std::string Encode(const Counters& counters) {
  std::string out;
  for (const uint64_t n : counters.by_state) AppendBigEndian(out, n);
  for (const uint64_t n : {counters.next_sequence, counters.hosts, counters.hosts_waiting,
                           counters.commits, counters.retries}) {
    AppendBigEndian(out, n);
  }
  for (const uint64_t n : counters.excluded) AppendBigEndian(out, n);
  return out;
}

std::optional<Counters> DecodeCounters(std::string_view value) {
  Reader in(value);
  Counters counters;
  for (uint64_t& n : counters.by_state) n = in.BigEndian<uint64_t>();
  for (uint64_t* n : {&counters.next_sequence, &counters.hosts, &counters.hosts_waiting,
                      &counters.commits, &counters.retries}) {
    *n = in.BigEndian<uint64_t>();
  }
  if (!in.whole()) return std::nullopt;
  // Verdicts are appended as the program grows: older stores have fewer.
  for (uint64_t& n : counters.excluded) n = in.BigEndian<uint64_t>();
  return counters;
}

std::string EncodeHostKey(HostId host) {
  std::string out;
  AppendBigEndian(out, host);
  return out;
}

std::string EncodeOriginKey(HostId host, const OriginKey& origin) {
  std::string out = EncodeHostKey(host);
  AppendOrigin(out, origin);
  return out;
}

std::string EncodeTimedHost(WallTime when, HostId host) {
  std::string out;
  AppendTime(out, when);
  AppendBigEndian(out, host);
  return out;
}

std::optional<std::pair<WallTime, HostId>> DecodeTimedHost(std::string_view key) {
  Reader in(key);
  const WallTime when = in.Time();
  const auto host = in.BigEndian<uint64_t>();
  if (!in.whole() || !in.empty()) return std::nullopt;
  return std::pair(when, host);
}

std::string EncodeTimedPlace(WallTime when, const QueuePlace& place) {
  std::string out;
  AppendTime(out, when);
  out += EncodePlace(place);
  return out;
}

std::optional<std::pair<WallTime, QueuePlace>> DecodeTimedPlace(std::string_view key) {
  Reader in(key);
  const WallTime when = in.Time();
  const QueuePlace place = in.Place();
  if (!in.whole() || !in.empty()) return std::nullopt;
  return std::pair(when, place);
}

}  // namespace crawld::frontier
