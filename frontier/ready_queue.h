// ReadyQueue: the hosts that have something to give, by the time from which each may be asked.
//
// Hosts that share an IP address share what the address allows: so many fetches at once, and so
// long a wait between two. Such hosts stand in a queue of their address's own, and only the first
// of each address stands in the queue of all, so that ten thousand names on one machine cost what
// one host costs. A host whose address is not known counts for itself.
//
// What a single host may (its delay, its own limit) is the caller's business: it says from when.
// Among those that may be asked at the same time, who has waited longest is first.
//
// Belongs to one thread. Memory: an entry a host, and one an address that is in use or was within
// its delay. Cost: O(log hosts) a call, but for Latest().
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/time.h"
#include "frontier/task.h"

namespace crawld::frontier {

struct AddressLimits {
  Millis delay{0};           // from a fetch of the address to the next one's beginning
  uint32_t concurrency = 0;  // fetches at once; 0: no limit
  bool any() const { return delay > Millis(0) || concurrency > 0; }
};

class ReadyQueue {
 public:
  // `not_before`: no address is asked before that.
  explicit ReadyQueue(const AddressLimits& limits, WallTime not_before = WallTime{});
  ~ReadyQueue();
  ReadyQueue(const ReadyQueue&) = delete;
  ReadyQueue& operator=(const ReadyQueue&) = delete;

  void SetFloor(WallTime not_before) { floor_ = not_before; }

  // The host may be asked from `at`. Said again with the same time, it keeps its turn.
  void Put(HostId host, WallTime at);
  // It has nothing to give, or may not be asked.
  void Remove(HostId host);
  // It has left memory; nothing of it is in flight.
  void Forget(HostId host);
  // Where it is ("192.0.2.1"). Without effect if it is empty, or there are no limits.
  void SetAddress(HostId host, std::string_view address);

  struct Entry {
    WallTime at;
    HostId host = 0;
    bool for_address = false;  // the host itself could be asked earlier
  };
  // Who is next, and from when; nothing if nobody has anything to give or its address is busy.
  std::optional<Entry> First() const;

  // From when its address allows a fetch; the epoch if nothing is known of it, kNever while it has
  // as many as it may.
  WallTime FreeAt(HostId host) const;

  // A fetch of the host begins or has ended, as far as its address is concerned.
  void Begin(HostId host, WallTime now);
  void End(HostId host, WallTime now);

  // Of all hosts that have something to give, when they can be asked at the earliest as it looks
  // now; the latest first. O(n log n).
  std::vector<Entry> Latest() const;

  size_t addresses() const { return addresses_.size(); }

 private:
  struct Key {
    WallTime at;
    uint64_t turn = 0;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Address;
  struct Member {
    Address* address = nullptr;
    std::optional<Key> key;
    uint32_t in_flight = 0;
  };

  void Take(Member& member);
  void Place(HostId host, Member& member);
  void Show(Address& address);
  void Hide(Address& address);
  void DropUnused(WallTime now);

  const AddressLimits limits_;
  WallTime floor_;
  uint64_t next_turn_ = 0;
  std::unordered_map<HostId, Member> members_;
  std::map<Key, HostId> ready_;
  std::unordered_map<std::string, std::unique_ptr<Address>> addresses_;
  size_t drop_at_ = 1024;  // so many addresses are worth a look for unused ones
};

}  // namespace crawld::frontier
