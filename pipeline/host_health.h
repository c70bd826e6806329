// HostHealth: probes the hosts that do not answer, so that no fetch waits for them.
//
// A host that has not answered several fetches in a row has its gate shut by the frontier: its URLs
// wait in their queue. Its robots.txt, which may be asked for in any case, is then fetched again
// and again, with back-off and never more often than its delay allows. An answer, whatever it says,
// sets the gate's Event, and the host is crawled on at once; if none comes, the host is parked
// until a later time. What probes bring is thrown away; they are not in the archive.
//
// Its background thread decides when a probe is due; the frontier leases it like a fetch, so that
// all that politeness asks for holds for probes too.
//
// Thread safety: all members, from any thread. Probes end on the fetcher's event loops. Cost:
// nothing while all hosts answer.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "concurrency/background.h"
#include "concurrency/event.h"
#include "fetcher/fetcher.h"
#include "frontier/frontier.h"
#include "pipeline/clock.h"

namespace crawld::pipeline {

struct HostHealthOptions {
  uint32_t probes = 3;   // without an answer, until a host is parked
  Millis backoff{2000};  // before the first, doubled before each later one
  Millis max_backoff{3600 * 1000};
  Millis park{3600 * 1000};
};

struct HostHealthStats {
  size_t gated = 0;  // being probed now
  uint64_t probes = 0;
  uint64_t opened = 0;
  uint64_t parked = 0;
};

// A host whose gate is shut.
struct GatedHostInfo {
  std::string host;
  std::string reason;   // of its latest failure
  uint32_t probes = 0;  // without an answer
  WallTime next_probe;  // kNever: one is under way
};

class HostHealth {
 public:
  // The other rooms must outlive it, and the fetcher must have been stopped when it is destroyed,
  // if it is not to wait for the probes that are under way.
  HostHealth(const HostHealthOptions& options, const Clock& clock, fetcher::Fetcher& fetcher,
             frontier::Frontier& frontier);
  ~HostHealth();
  HostHealth(const HostHealth&) = delete;
  HostHealth& operator=(const HostHealth&) = delete;

  // What the frontier calls (FrontierOptions): a gate was shut; a probe may begin; the
  // gate is gone.
  void Watch(frontier::GatedHost host) EXCLUDES(mutex_);
  void Probe(frontier::HostId id) EXCLUDES(mutex_);
  void Forget(frontier::HostId id) EXCLUDES(mutex_);

  HostHealthStats stats() const EXCLUDES(mutex_);
  // Some of them, if there are more than `limit`.
  std::vector<GatedHostInfo> Gated(size_t limit) const EXCLUDES(mutex_);

 private:
  struct Patient {
    frontier::GatedHost host;
    uint32_t probes = 0;     // without an answer
    WallTime next = kNever;  // also while one is wanted or under way
  };

  // Asks for the probes that are due, and returns when the next ones are.
  WallTime Round() EXCLUDES(mutex_);
  // When the next probe of a patient is to be; kNever: it is not in due_. True if nobody is due
  // earlier, so that the thread is to be woken.
  bool Schedule(frontier::HostId id, Patient& patient, WallTime next) REQUIRES(mutex_);
  void Note(frontier::HostId id, const fetcher::FetchResult& result) EXCLUDES(mutex_);

  // Constant after construction.
  const HostHealthOptions options_;
  const Clock& clock_;
  fetcher::Fetcher& fetcher_;
  frontier::Frontier& frontier_;

  concurrency::Event wake_;  // somebody is due earlier than was known

  mutable Mutex mutex_;
  CondVar idle_;  // no probe is under way
  std::map<frontier::HostId, Patient> patients_ GUARDED_BY(mutex_);
  std::set<std::pair<WallTime, frontier::HostId>> due_ GUARDED_BY(mutex_);  // Patient::next
  size_t under_way_ GUARDED_BY(mutex_) = 0;
  HostHealthStats stats_ GUARDED_BY(mutex_);

  std::optional<concurrency::BackgroundThread> thread_;  // last: it uses all of the above
};

}  // namespace crawld::pipeline
