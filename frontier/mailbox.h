// Mailbox: what commits have changed, kept for the scheduler until it looks.
//
// The committer may be far ahead of the dispatcher: a list of ten million seeds is written while
// every slot waits for slow pages. Only what the scheduler has in memory is worth telling, so the
// mailbox knows the resident hosts, keeps one merged change for each of them, and of all others
// only that something came. Its memory is bounded by the number of resident hosts and of leases,
// however much is committed.
//
// Nothing is missed: the scheduler announces a host before it reads the host's records, and a
// commit is posted after it is durable. Either the commit finds the host announced, or the host is
// read after the commit.
//
// Thread safety: all members may be called from any thread.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"
#include "frontier/task.h"

namespace crawld::frontier {

// What commits have changed of one host.
struct HostChange {
  HostId id = 0;
  std::vector<QueuePlace> finished;    // no longer in the queue
  std::vector<QueuePlace> given_back;  // still in the queue, no longer leased
  std::vector<QueuePlace> added;       // the smallest new place of each origin
  std::vector<OriginKey> robots;       // origins whose robots record was written
  WallTime hold_until{};               // no fetch before this
  bool deferred = false;               // a deferral was written
  bool due_earlier = false;            // it may be loaded earlier than was known

  void NoteAdded(const QueuePlace& place);
  // `later` happened after this.
  void Merge(HostChange&& later);
};

class Mailbox {
 public:
  struct Mail {
    std::vector<HostChange> hosts;  // one entry a host, in no order
    bool others = false;            // hosts that are not resident may have become due
  };

  // --- scheduler
  void Announce(HostId host);  // before its records are read
  void Forget(HostId host);    // it has left memory
  Mail Take();

  // --- committer, when the changes are durable
  void Post(std::vector<HostChange> changes);

  size_t waiting() const;  // hosts with changes nobody has taken yet

 private:
  mutable Mutex mutex_;
  std::unordered_set<HostId> residents_ GUARDED_BY(mutex_);
  std::unordered_map<HostId, HostChange> changes_ GUARDED_BY(mutex_);
  bool others_ GUARDED_BY(mutex_) = false;
};

}  // namespace crawld::frontier
