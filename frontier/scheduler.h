// Scheduler: which URL next, and when. The frontier's memory.
//
// Politeness is a property of the data structure. A resident host is in exactly one state:
//
//             Load                     lease, limit reached
//   (disk) ---------> ready <--------------------------------> full
//      ^                |   \        Release                     |
//      |  evict, drop   |    `- nothing to give -> idle <--------'
//      |                |                                        |
//      `----------------+- gated <--- no answer, again and again-'
//
//   ready  in `ready_`, by the time from which its next fetch is allowed
//   full   as many fetches in flight as it may have; not in `ready_`
//   idle   its queue has nothing to give now; leaves memory when nothing is in flight or
//          uncommitted
//   gated  it has not answered so many times in a row: its gate, an Event, is shut, and somebody
//          else probes it; ready again as soon as the Event is set, or parked on disk
//
// so a host cannot be asked too often by mistake, and one that is dead holds up nobody. Only
// `max_hosts` hosts are resident, each with a small buffer of its queue; the others wait in the
// store by due time and are loaded in that order. A host that has been served `quantum` URLs while
// others wait on disk makes room for them.
//
// A host that the operator holds (operator_holds.h) leaves memory as soon as nothing of it is in
// flight, and is due when the hold is lifted; its gate, if it has one, goes with it.
//
// A robots file that is redirected to another host counts for that host's politeness too.
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
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.h"
#include "concurrency/event.h"
#include "frontier/mailbox.h"
#include "frontier/operator_holds.h"
#include "frontier/politeness.h"
#include "frontier/ready_queue.h"
#include "frontier/records.h"
#include "frontier/scope.h"
#include "frontier/store.h"
#include "frontier/task.h"
#include "web/robots.h"

namespace crawld::frontier {

struct SchedulerOptions {
  PolitenessOptions politeness;
  HealthOptions health;
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

// A host that leaves memory, and when it is wanted back.
struct Deferral {
  HostId host = 0;
  WallTime due;
  bool parked = false;  // it does not answer: what is found of it meanwhile waits until then too
  HostRecord::Held held = HostRecord::Held::kNot;  // by the operator: `due` is kHeldDue
};

// A host was asked otherwise than by a task of its own: a probe, another's robots file.
struct Touch {
  HostId host = 0;
  WallTime asked;
  WallTime hold_until{};  // what a Retry-After asks for
};

// What the scheduler wants written. The committer takes all of it into its next batch.
struct SideEffects {
  std::vector<Denial> denials;
  std::vector<Deferral> deferrals;
  std::vector<Touch> touches;
  OperatorHoldsPtr holds;  // not null: they have changed; whom they do not hold any more is due
  bool empty() const {
    return denials.empty() && deferrals.empty() && touches.empty() && holds == nullptr;
  }
};

// Nothing can be leased before `until` (kNever: not before something changes).
struct Wait {
  enum class Reason : uint8_t {
    kEmpty,       // no host has anything queued that is not in flight
    kPoliteness,  // hosts have URLs, none may be asked yet
    kInFlight,    // hosts have URLs, all have as many fetches in flight as they may
    kGated,       // hosts have URLs, but do not answer and are being probed
    kCommit,      // much is waiting to be written first
    kHeld,        // hosts have URLs, and are held by the operator
  };
  WallTime until = kNever;
  Reason reason = Reason::kEmpty;
  Hold held_by = Hold::kNothing;  // kPoliteness: what holds the host that is due first
};

// Where the host is must be known before it can be asked: answered by Scheduler::NoteAddress().
struct LookUp {
  HostId host = 0;
  std::string name;
};

// A gated host may be probed now. Ended by Scheduler::EndProbe().
struct Probe {
  HostId host = 0;
};

using Decision = std::variant<Task, Wait, LookUp, Probe>;

// How a fetch has ended, as far as its host is concerned.
struct FetchEnd {
  WallTime when;
  Millis took{0};
  std::string address = {};  // of the peer; empty: there was none
  Reach reach = Reach::kAnswered;
  WallTime hold_until{};    // what a Retry-After asks for
  std::string reason = {};  // kSilent: name of the error
};

// A host whose gate has just been shut. Who looks after it asks for probes (WantProbe), which are
// leased like fetches, sets the Event when one is answered and says so, or gives the host up.
struct GatedHost {
  HostId host = 0;
  web::Url robots_url;  // what may be asked of it in any case
  std::string reason;   // of the latest failure
  std::shared_ptr<concurrency::Event> gate;
};

struct SchedulerStats {
  size_t resident_hosts = 0;
  size_t in_flight = 0;
  size_t gated_hosts = 0;
  size_t lookups = 0;  // under way
};

class Scheduler {
 public:
  // `store`, `scope` and `mailbox` must outlive it.
  Scheduler(const Store& store, const Scope& scope, Mailbox& mailbox,
            const SchedulerOptions& options);
  ~Scheduler();

  // Leases the next task, or says until when there is none. Without `newcomers`, none of a host
  // that has not answered yet: there are as many under way as there may be.
  Decision Next(WallTime now, bool newcomers, SideEffects& effects);

  // The fetch of a leased task has ended (its completion may follow much later): its host may be
  // asked again after the delay.
  void Release(const Task& task, const FetchEnd& end);

  // The answer to a LookUp; `address` empty: none was found, and the fetch is to say so.
  void NoteAddress(HostId host, std::string_view address);

  // A gated host is to be probed as soon as politeness allows.
  void WantProbe(HostId host);
  void EndProbe(HostId host, const FetchEnd& end);
  // A probe has been answered (GatedHost's Event is set), or the host is given up until then.
  // `hold_until`: the answer asks for that.
  void GateOpened(HostId host, WallTime now, WallTime hold_until);
  void Park(HostId host, WallTime until);
  // From now on: how often hosts may be asked (PaceOf); what else politeness has stays as it was.
  void SetPaces(const PolitenessOptions& politeness);
  // From now on; not null.
  void SetHolds(OperatorHoldsPtr holds);
  // Those shut since the last call, and those whose gate is gone because the operator holds them.
  std::vector<GatedHost> TakeGated() { return std::exchange(gated_, {}); }
  std::vector<HostId> TakeUngated() { return std::exchange(ungated_, {}); }

  // Nobody knows when hosts were asked before `when`: they are not asked before their delay has
  // passed since.
  void SetFloor(WallTime when);

  // Takes note of what was committed since the last call. True if there was anything.
  bool TakeMail(WallTime now);

  // What is to be written since the last call.
  void HandOver(SideEffects& effects);

  // Until when it matters that hosts are asked otherwise than by a task of their own (probes,
  // robots files of others) and no commit knows: those that are under way, and hosts of which the
  // store has no record.
  WallTime unwritten_until() const { return asks_under_way_ > 0 ? kNever : unwritten_until_; }

  SchedulerStats stats() const { return {hosts_.size(), in_flight_, gates_, lookups_}; }

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
  std::optional<Task> RobotsTask(Host& host, Origin& origin, WallTime now);
  std::optional<Task> TakeFrom(Host& host, WallTime now, SideEffects& effects);
  std::optional<LookUp> NextLookUp();
  // Visits: a robots file that a redirect has led to another host.
  struct Visited {
    WallTime again{};            // from when it may be asked; kNever: a visit is under way
    bool wants_address = false;  // where it is must be known first
  };
  WallTime FreeAt(HostId visited, std::string_view name, WallTime now);
  WallTime FreeOnDisk(HostId id, std::string_view name, WallTime now) const;
  std::unordered_map<HostId, Visited>::iterator NoteVisited(HostId id, WallTime again,
                                                            WallTime now);
  // Of a host that is not resident.
  Pace PaceOnDisk(HostId id, std::string_view name, Millis last_took) const;
  void BeginVisit(HostId visited, WallTime now);
  void EndVisit(const Task& task, const FetchEnd& end);
  // The visit that has waited longest for this host, which is ready now; with whose it is.
  std::optional<std::pair<Task, Host*>> TakeVisit(Host& host, WallTime now);
  void NoteAsked(Host& host, WallTime when);
  void Lease(Host& host, WallTime now);
  void PutOff(Host& host);
  void Readmit();
  bool Answers(HostId id) const;
  // Out of memory until then, and its gate with it.
  void SendHome(Host& host, WallTime until);
  void UpdatePace(Host& host) const;
  void NoteReach(Host& host, const Task& task, const FetchEnd& end);
  void CloseGate(Host& host);
  void Reschedule(Host& host);
  void Unready(Host& host);
  const OperatorHold* HeldBy(std::string_view host) const {
    return holds_ ? holds_->Find(host) : nullptr;
  }
  // Holds it, or lets it go, as holds_ has it.
  void ApplyHold(Host& host);
  Wait WhyNothing(WallTime now) const;
  void Apply(const HostChange& change);
  void DropIfIdle(Host& host);
  void Forget(HostId host);

  const Store& store_;
  const Scope& scope_;
  Mailbox& mailbox_;
  SchedulerOptions options_;  // constant but for SetPaces()

  std::map<HostId, std::unique_ptr<Host>> hosts_;
  ReadyQueue ready_;
  WallTime floor_{};
  std::deque<LookUp> to_look_up_;
  size_t lookups_ = 0;  // under way
  std::vector<GatedHost> gated_;
  std::vector<HostId> ungated_;
  size_t gates_ = 0;
  // Hosts that are not resident and are, or are to be, asked without a task of their own.
  std::unordered_map<HostId, Visited> visits_;
  size_t asks_under_way_ = 0;  // visits and probes
  WallTime unwritten_until_{};
  bool newcomers_may_ = true;     // of the latest Next()
  std::deque<HostId> newcomers_;  // that were put off
  WallTime now_{};                // of the latest Next()
  size_t in_flight_ = 0;
  WallTime next_disk_due_{};  // when a host that is not resident may be loaded; kNever: none known
  WallTime next_room_{};      // when looking for hosts to send away is worth it again
  WallTime next_exchange_{};  // and for newcomers that wait
  size_t leaving_ = 0;        // hosts on their way out
  std::vector<Deferral> deferrals_;  // for the next SideEffects
  std::vector<Touch> touches_;       // likewise
  OperatorHoldsPtr holds_;           // null: none yet
  bool holds_changed_ = false;       // for the next SideEffects
};

}  // namespace crawld::frontier
