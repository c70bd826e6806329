#include "frontier/ready_queue.h"

#include <algorithm>

#include "base/check.h"

namespace crawld::frontier {

struct ReadyQueue::Address {
  std::map<Key, HostId> hosts;
  std::optional<Key> shown;  // the key in ready_ of its first host
  WallTime next{};           // earliest beginning of its next fetch
  uint32_t in_flight = 0;
  uint32_t members = 0;
};

ReadyQueue::ReadyQueue(const AddressLimits& limits, WallTime not_before)
    : limits_(limits), floor_(not_before) {}
ReadyQueue::~ReadyQueue() = default;

void ReadyQueue::Put(HostId host, WallTime at) {
  Member& member = members_[host];
  if (member.key && member.key->at == at) return;
  Take(member);
  member.key = Key{at, next_turn_++};
  Place(host, member);
}

void ReadyQueue::Remove(HostId host) {
  const auto it = members_.find(host);
  if (it == members_.end()) return;
  Take(it->second);
  it->second.key.reset();
}

void ReadyQueue::Forget(HostId host) {
  const auto it = members_.find(host);
  if (it == members_.end()) return;
  CRAWLD_CHECK(it->second.in_flight == 0, "a host with a fetch in flight stays in memory");
  Take(it->second);
  if (it->second.address != nullptr) --it->second.address->members;
  members_.erase(it);
}

void ReadyQueue::SetAddress(HostId host, std::string_view address) {
  if (!limits_.any() || address.empty()) return;
  auto& found = addresses_[std::string(address)];
  if (!found) {
    found = std::make_unique<Address>();
    found->next = floor_;
  }
  Member& member = members_[host];
  if (member.address == found.get()) return;
  Take(member);
  if (Address* old = member.address; old != nullptr) {
    --old->members;
    old->in_flight -= member.in_flight;
    // It was the same machine a moment ago.
    found->next = std::max(found->next, old->next);
    Show(*old);
  }
  member.address = found.get();
  ++found->members;
  found->in_flight += member.in_flight;
  if (member.key) {
    Place(host, member);
  } else {
    Show(*found);
  }
}

// Out of the queue it stands in, if any; its key stays.
void ReadyQueue::Take(Member& member) {
  if (!member.key) return;
  if (member.address == nullptr) {
    ready_.erase(*member.key);
    return;
  }
  member.address->hosts.erase(*member.key);
  Show(*member.address);
}

void ReadyQueue::Place(HostId host, Member& member) {
  if (member.address == nullptr) {
    ready_.emplace(*member.key, host);
    return;
  }
  member.address->hosts.emplace(*member.key, host);
  Show(*member.address);
}

void ReadyQueue::Hide(Address& address) {
  if (!address.shown) return;
  ready_.erase(*address.shown);
  address.shown.reset();
}

// Puts the address's first host into the queue of all, from when the address allows it.
void ReadyQueue::Show(Address& address) {
  const bool busy = limits_.concurrency > 0 && address.in_flight >= limits_.concurrency;
  if (address.hosts.empty() || busy) return Hide(address);
  const auto& [first, host] = *address.hosts.begin();
  const Key key{std::max(first.at, address.next), first.turn};
  if (address.shown == key) return;
  Hide(address);
  address.shown = key;
  ready_.emplace(key, host);
}

std::optional<ReadyQueue::Entry> ReadyQueue::First() const {
  if (ready_.empty()) return std::nullopt;
  const auto& [key, host] = *ready_.begin();
  return Entry{key.at, host, key.at > members_.at(host).key->at};
}

WallTime ReadyQueue::FreeAt(HostId host) const {
  const auto it = members_.find(host);
  if (it == members_.end() || it->second.address == nullptr) return {};
  const Address& address = *it->second.address;
  const bool busy = limits_.concurrency > 0 && address.in_flight >= limits_.concurrency;
  return busy ? kNever : address.next;
}

void ReadyQueue::Begin(HostId host, WallTime now) {
  if (!limits_.any()) return;
  Member& member = members_[host];
  ++member.in_flight;
  if (member.address == nullptr) return;
  ++member.address->in_flight;
  member.address->next = std::max(member.address->next, now + limits_.delay);
  Show(*member.address);
  DropUnused(now);
}

void ReadyQueue::End(HostId host, WallTime now) {
  if (!limits_.any()) return;
  Member& member = members_.at(host);
  CRAWLD_CHECK(member.in_flight > 0, "what ends has begun");
  --member.in_flight;
  if (member.address == nullptr) return;
  --member.address->in_flight;
  member.address->next = std::max(member.address->next, now + limits_.delay);
  Show(*member.address);
}

std::vector<ReadyQueue::Entry> ReadyQueue::Latest() const {
  std::vector<Entry> entries;
  entries.reserve(members_.size());
  for (const auto& [host, member] : members_) {
    if (member.key && member.address == nullptr) entries.push_back({member.key->at, host, false});
  }
  for (const auto& [name, address] : addresses_) {
    WallTime free = address->next;
    for (const auto& [key, host] : address->hosts) {
      free = std::max(free, key.at);
      entries.push_back({free, host, free > key.at});
      free += limits_.delay;
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.at > b.at; });
  return entries;
}

void ReadyQueue::DropUnused(WallTime now) {
  if (addresses_.size() < drop_at_) return;
  std::erase_if(addresses_, [now](const auto& entry) {
    const Address& address = *entry.second;
    return address.members == 0 && address.in_flight == 0 && address.next <= now;
  });
  drop_at_ = std::max<size_t>(1024, 2 * addresses_.size());
}

}  // namespace crawld::frontier
