// Scheduler: which URL next, and when. The frontier's memory.
//
// Politeness is a property of the data structure. A resident host is in exactly one state:
//
//             Load                     lease, limit reached
//   (disk) ---------> kReady <-------------------------------> kFull
//      ^                |   \        Release                     |
//      |  evict, drop   |    `- nothing to give -> kIdle <-------'
//      `----------------+---------------------------'
//
//   kReady  in `ready_`, by the time from which its next fetch is allowed
//   kFull   as many fetches in flight as it may have; not in `ready_`
//   kIdle   its queue has nothing to give now; leaves memory when nothing is in flight or
//   uncommitted
//
// so a host cannot be asked too often by mistake. Only `max_hosts` hosts are resident, each with a
// small buffer of its queue; the others wait in the store by due time and are loaded in that order.
// A host that has been served `quantum` URLs while others wait on disk makes room for them.
//
// Owned by one thread (the dispatcher). Reads the store, never writes it: what must be written is
// handed out in SideEffects and comes back, once durable, through the mailbox.
// Cost: O(log resident hosts + origins of the host) a task; one seek in the store per buffer.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.h"
#include "frontier/mailbox.h"
#include "frontier/records.h"
#include "frontier/scope.h"
#include "frontier/store.h"
#include "frontier/task.h"
#include "web/robots.h"

namespace crawld::frontier {

struct PolitenessOptions {
  Millis delay{1000};  // from one fetch of a host to the next
  uint32_t concurrency_per_host = 1;
  bool robots = true;
  std::string robots_token = "crawld";
  Millis max_crawl_delay{30000};  // a longer Crawl-delay counts as this
  Millis robots_max_age{24 * 3600 * 1000};
};

struct SchedulerOptions {
  PolitenessOptions politeness;
  size_t max_hosts = 4096;  // resident at once
  uint32_t quantum = 512;   // URLs a host may take while others wait on disk
  // A robots file that cannot be had forbids everything. After `robots_max_tries` failures in a row
  // the origin's URLs are written off if `give_up_robots` (a crawl that is to end); else they wait,
  // and the file is tried again with growing intervals.
  bool give_up_robots = true;
  uint16_t robots_max_tries = 4;
  size_t max_buffer = 256;  // URLs buffered per origin
};

// A URL the robots rules forbid, to be written off in the next commit.
struct Denial {
  Task task;
  Verdict verdict = Verdict::kRobotsDisallowed;
};

// What the scheduler wants written. The committer takes all of it into its next batch.
struct SideEffects {
  std::vector<Denial> denials;
  std::vector<std::pair<HostId, WallTime>> deferrals;  // hosts leaving memory, with their due time
  bool empty() const { return denials.empty() && deferrals.empty(); }
};

// Nothing can be leased before `until` (kNever: not before something changes).
struct Wait {
  enum class Reason : uint8_t {
    kEmpty,       // no host has anything queued that is not in flight
    kPoliteness,  // hosts have URLs, none may be asked yet
    kInFlight,    // hosts have URLs, all have as many fetches in flight as they may
    kCommit,      // much is waiting to be written first
  };
  WallTime until = kNever;
  Reason reason = Reason::kEmpty;
};

using Decision = std::variant<Task, Wait>;

class Scheduler {
 public:
  // `store`, `scope` and `mailbox` must outlive it. `scope` only hashes URLs here.
  Scheduler(const Store& store, const Scope& scope, Mailbox& mailbox,
            const SchedulerOptions& options);
  ~Scheduler();

  // Leases the next task, or says until when there is none.
  Decision Next(WallTime now, SideEffects& effects);

  // The fetch of a leased task has ended (its completion may follow much later): its host may be
  // asked again after the delay.
  void Release(HostId host, WallTime now);

  // Takes note of what was committed since the last call. True if there was anything.
  bool TakeMail(WallTime now);

  size_t resident_hosts() const { return hosts_.size(); }
  size_t in_flight() const { return in_flight_; }
  // Tasks leased and not yet committed, denials not yet written.
  size_t leased() const { return leased_; }

 private:
  struct Origin;
  struct Host;

  void LoadHosts(WallTime now);
  void MakeRoom(WallTime now);
  void SendAway(Host& host);
  Host& LoadHost(HostId id, WallTime now);
  Origin& OriginOf(Host& host, const OriginKey& key);
  void Fill(Host& host, Origin& origin);
  void LoadRobots(const Host& host, Origin& origin, WallTime now);
  Task RobotsTask(Host& host, Origin& origin);
  std::optional<Task> TakeFrom(Host& host, WallTime now, SideEffects& effects);
  Millis DelayOf(const Host& host) const;
  uint32_t LimitOf(const Host& host) const;
  void Reschedule(Host& host);
  void Unready(Host& host);
  void Apply(const HostChange& change);
  void DropIfIdle(Host& host);
  void Forget(HostId host);

  const Store& store_;
  const Scope& scope_;
  Mailbox& mailbox_;
  const SchedulerOptions options_;

  std::map<HostId, std::unique_ptr<Host>> hosts_;
  // By time, then by who became ready first.
  std::map<std::pair<WallTime, uint64_t>, Host*> ready_;
  uint64_t next_turn_ = 0;
  size_t in_flight_ = 0;
  size_t leased_ = 0;
  WallTime next_disk_due_{};  // when a host that is not resident may be loaded; kNever: none known
  WallTime next_room_{};      // when looking for hosts to send away is worth it again
  size_t leaving_ = 0;        // hosts on their way out
  std::vector<std::pair<HostId, WallTime>> deferrals_;  // for the next SideEffects
};

}  // namespace crawld::frontier
