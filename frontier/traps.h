// Traps: hosts that go on making up URLs, as far as the limits show it.
//
// A calendar without an end, paths that grow, a session in each link: what such a host adds is
// refused in the end, for its depth, its length or its number (IsSign). Hosts with many of these
// are for an operator to look at, who may leave the endless part out (scope.exclude). A URL counts
// as it is written off; a crawl without limits shows none.
//
// Bounded: kHosts, each with its latest URL. Who had one longest ago makes room, and begins at
// nothing if it comes back.
//
// Thread safety: all members, from any thread. Cost of Note(): a lock, and a copy of the URL; of
// Most(): a look at all, and a copy of those that are returned, under the lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"
#include "frontier/task.h"

namespace crawld::frontier {

struct TrapSigns {
  std::string host;
  uint64_t urls = 0;                            // in all
  std::array<uint64_t, kVerdicts> by_reason{};  // Verdict
  std::string last_url;                         // its beginning
  WallTime last{};
};

class Traps {
 public:
  static constexpr size_t kHosts = 1024;
  static constexpr size_t kMaxUrlBytes = 512;
  static constexpr size_t kMaxHostBytes = 255;

  // Whether URLs that are refused for this are one.
  static bool IsSign(Verdict verdict);

  // A URL of the host is written off; without effect if that is no sign.
  void Note(std::string_view host, Verdict verdict, std::string_view url, WallTime now)
      EXCLUDES(mutex_);
  // Those with the most URLs first.
  std::vector<TrapSigns> Most(size_t limit) const EXCLUDES(mutex_);

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  mutable Mutex mutex_;
  std::list<TrapSigns> hosts_ GUARDED_BY(mutex_);  // the latest first
  std::unordered_map<std::string, std::list<TrapSigns>::iterator, Hash, std::equal_to<>> index_
      GUARDED_BY(mutex_);
};

}  // namespace crawld::frontier
