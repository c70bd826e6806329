// What the frontier keeps on disk, as values and as bytes. docs/storage.md has the tables.
//
// Keys are big-endian, so that RocksDB's byte order is the order of the fields. Values begin with
// fixed fields and may grow at the end: a reader takes a missing tail as its default, which is the
// room left for recrawl times, validators and partitions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "frontier/operator_holds.h"
#include "frontier/task.h"

namespace crawld::frontier {

// Version of all that this header describes. A store of another version is refused at open.
inline constexpr uint32_t kSchemaVersion = 1;

// One URL waiting in its host's queue (column family `queue`) or for a later try (`later`).
struct QueueEntry {
  QueuePlace place;
  UrlInfo info;
  std::string url;
  std::string reason = {};  // why its last try failed: name of the error, or "status_503"
};

enum class UrlState : uint8_t {
  kQueued = 0,    // in `queue`
  kLater = 1,     // in `later`: failed, to be tried again
  kDone = 2,      // answered, archived
  kFailed = 3,    // given up
  kExcluded = 4,  // found, but not to be fetched
};
inline constexpr int kUrlStates = 5;
std::string_view Name(UrlState state);

// The account of one URL (column family `urls`). Waiting URLs keep their text in `queue`/`later`
// and only a state here.
struct UrlRecord {
  UrlState state = UrlState::kQueued;
  TaskKind kind = TaskKind::kPage;
  Verdict verdict = Verdict::kAdmit;  // kExcluded
  uint16_t status = 0;                // kDone, kFailed
  uint16_t tries = 0;                 // fetches made
  uint16_t depth = 0;
  WallTime when{};     // of the last change
  std::string reason;  // kFailed: name of the error
  std::string url;     // all but kQueued, kLater
  SitemapHints hints;  // kDone, kFailed
};

// A host (column family `hosts`). Written by commits only.
struct HostRecord {
  std::string name;
  std::vector<OriginKey> origins;  // in the order of discovery
  uint64_t queued = 0;             // entries in `queue`
  uint64_t later = 0;
  uint64_t admitted = 0;  // URLs ever admitted: scope.max_pages_per_host counts these
  uint64_t done = 0;
  uint64_t failed = 0;
  WallTime last_fetch{};  // end of the latest fetch known
  WallTime hold_until{};  // Retry-After and the like
  WallTime due{};         // its key in column family `due`; meaningless unless queued > 0
  Millis last_took{0};    // its latest answer, from the fetch's beginning to its end
  uint32_t failures = 0;  // fetches in a row without an answer
  // It does not answer, and is left alone until then; the epoch once it has answered.
  WallTime parked_until{};
  uint32_t parked_in_run = 0;  // RunRecord::number
  // It has left memory because the operator holds it, as of that run; its key in `due` is kHeldDue.
  enum class Held : uint8_t { kNot = 0, kPaused = 1, kBlocked = 2 };
  Held held = Held::kNot;
  uint32_t held_in_run = 0;
};

// As a record has it; `hold` may be nullptr.
HostRecord::Held AsHeld(const OperatorHold* hold);

// The latest run of the crawl (meta `run`).
struct RunRecord {
  uint32_t number = 0;
  bool clean = false;  // it ended as it should: what its hosts were asked, and when, is all written
};

// The robots rules of an origin (column family `robots`).
struct RobotsRecord {
  enum class Kind : uint8_t { kRules = 0, kAllowAll = 1, kUnreachable = 2, kRedirect = 3 };
  Kind kind = Kind::kAllowAll;
  WallTime fetched{};       // the last good answer
  WallTime expires{};       // kRules, kAllowAll: to be fetched anew; kUnreachable: next try
  uint16_t failures = 0;    // in a row
  uint8_t redirects = 0;    // hops so far
  std::string redirect_to;  // kRedirect
  std::string body;         // kRules
  bool given_up = false;    // kUnreachable: by a crawl that is to end
};

// Durable counters of the crawl. The account balances: seen = sum of by_state, and
// by_state[kExcluded] = sum of excluded.
struct Counters {
  uint64_t by_state[kUrlStates] = {};
  uint64_t excluded[kVerdicts] = {};
  uint64_t next_sequence = 1;
  uint64_t hosts = 0;
  uint64_t hosts_waiting = 0;  // with queued > 0
  uint64_t commits = 0;
  uint64_t retries = 0;

  uint64_t seen() const;
};

std::string EncodePlace(const QueuePlace& place);
std::optional<QueuePlace> DecodePlace(std::string_view key);
std::string EncodeQueueValue(const QueueEntry& entry);
bool DecodeQueueValue(std::string_view value, QueueEntry& entry);
std::string EncodeUrlKey(HostId host, const web::UrlHash& hash);
std::string Encode(const UrlRecord& record);
std::optional<UrlRecord> DecodeUrlRecord(std::string_view value);
std::string Encode(const HostRecord& record);
std::optional<HostRecord> DecodeHostRecord(std::string_view value);
std::string Encode(const RobotsRecord& record);
std::optional<RobotsRecord> DecodeRobotsRecord(std::string_view value);
std::string Encode(const RunRecord& record);
std::optional<RunRecord> DecodeRunRecord(std::string_view value);
std::string Encode(const Counters& counters);
std::optional<Counters> DecodeCounters(std::string_view value);

std::string EncodeHostKey(HostId host);
std::string EncodeOriginKey(HostId host, const OriginKey& origin);
std::string EncodeTimedHost(WallTime when, HostId host);  // column family `due`
std::optional<std::pair<WallTime, HostId>> DecodeTimedHost(std::string_view key);
std::string EncodeTimedPlace(WallTime when, const QueuePlace& place);  // column family `later`
std::optional<std::pair<WallTime, QueuePlace>> DecodeTimedPlace(std::string_view key);

}  // namespace crawld::frontier
