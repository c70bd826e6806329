// Activity: what has lately been fetched, and of whom, for an operator who looks.
//
// The latest fetches in a ring, and the hosts they were of with sums since the start: bounded in
// number and in bytes, however long the crawl runs and however many hosts it meets. What is older
// is in crawl.log.
//
// Thread safety: all members, from any thread. Cost of Note(): a lock, and two copies of strings;
// of the others a look at all that is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"
#include "frontier/task.h"

namespace crawld::pipeline {

struct FetchNote {
  WallTime when;  // its end
  std::string url;
  frontier::TaskKind kind = frontier::TaskKind::kPage;
  frontier::Outcome outcome = frontier::Outcome::kDone;
  uint16_t status = 0;     // 0: there was no answer
  std::string_view error;  // FetchError's name, of static storage; empty: none
  Millis took{0};
  uint64_t bytes = 0;
};

struct HostActivity {
  std::string name;
  uint64_t fetches = 0;
  uint64_t errors = 0;   // without a whole response
  uint64_t refused = 0;  // answered by 4xx or 5xx
  uint64_t bytes = 0;
  Millis took{0};  // all together
  WallTime last{};
  uint16_t last_status = 0;
  std::string_view last_error;
};

class Activity {
 public:
  static constexpr size_t kFetches = 8192;
  static constexpr size_t kHosts = 4096;  // who was asked longest ago makes room
  static constexpr size_t kMaxUrlBytes = 512;

  void Note(std::string_view host, FetchNote note) EXCLUDES(mutex_);

  // The newest first. `host` empty: of all.
  std::vector<FetchNote> Fetches(std::string_view host, bool errors_only, size_t limit) const
      EXCLUDES(mutex_);

  enum class By : uint8_t { kFetches, kErrors, kBytes, kTime, kLast };
  // The greatest first; those whose names contain `part`.
  std::vector<HostActivity> Hosts(By by, std::string_view part, size_t limit) const
      EXCLUDES(mutex_);

 private:
  struct Kept {
    uint64_t host = 0;  // number of
    FetchNote note;
  };
  struct Host {
    uint64_t number = 0;
    HostActivity sums;
  };
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  mutable Mutex mutex_;
  std::vector<Kept> ring_ GUARDED_BY(mutex_);
  size_t next_ GUARDED_BY(mutex_) = 0;
  uint64_t next_number_ GUARDED_BY(mutex_) = 0;
  std::list<Host> hosts_ GUARDED_BY(mutex_);  // asked latest first
  std::unordered_map<std::string, std::list<Host>::iterator, Hash, std::equal_to<>> index_
      GUARDED_BY(mutex_);
};

// "fetches", "errors", ...: of a query; nullopt: none of them.
std::optional<Activity::By> ActivityOrder(std::string_view name);

}  // namespace crawld::pipeline
