// Frontier: which URL next, and when; and the durable account of every URL ever found.
//
// Three callers, three rules:
//   - the dispatcher thread leases tasks with Next(); only it touches the schedule;
//   - any thread ends a fetch with Release() and asks Seen();
//   - the committer thread makes things durable with Commit(); only Commit() writes.
// Between them go two mailboxes: what the schedule wants written (SideEffects), and what a commit
// has changed (Mailbox). Neither thread ever waits for the other's I/O.
//
// A URL leaves its queue only in a commit, together with its archive positions and its new links,
// in one atomic batch. What was leased when the process died is still queued: nothing is lost. What
// was committed is never queued again: nothing comes twice.
//
// Memory: options.scheduler.max_hosts resident hosts, the store's caches, the seen cache; it does
// not grow with the number of URLs or hosts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"
#include "frontier/explain.h"
#include "frontier/mailbox.h"
#include "frontier/operator_holds.h"
#include "frontier/records.h"
#include "frontier/scheduler.h"
#include "frontier/scope.h"
#include "frontier/seen_cache.h"
#include "frontier/store.h"
#include "frontier/task.h"
#include "frontier/traps.h"

namespace crawld::frontier {

// An origin whose robots.txt cannot be had, so that nothing of it may be fetched; or whose can
// again.
struct RobotsHold {
  std::string robots_url;
  bool held = false;
  std::string reason;     // held: name of the error, or "status_503"
  uint16_t failures = 0;  // held: in a row
  WallTime until{};       // held: next try, or end of the time for which its URLs are written off
  bool given_up = false;  // held: its URLs are written off
};

struct FrontierOptions {
  StoreOptions store;
  ScopeOptions scope;  // its hash_seed is set by the frontier
  SchedulerOptions scheduler;
  Order order = Order::kBreadthFirst;
  uint64_t max_pages_per_host = 0;  // URLs ever admitted of one host; 0: no limit
  uint64_t max_pages = 0;           // URLs in all that are not excluded; 0: no limit
  uint64_t seen_cache_bytes = 16ULL << 20;
  Millis retry_backoff{5000};  // robots files: doubled with each failure in a row
  Millis retry_max_backoff{3600 * 1000};
  // Hosts that an earlier run has parked are tried again, whatever the time: a crawl that is to end
  // is started by somebody who wants them now.
  bool forget_parking = false;
  // Called, from any thread and without a lock held, when Next() may have something new.
  std::function<void()> on_schedule_change = [] {};
  // Called by Next(): a host does not answer. See GatedHost for what is due then; and a gated host
  // may be probed, as was asked for: ended by EndProbe().
  std::function<void(GatedHost)> on_gate = [](const GatedHost&) {};
  std::function<void(HostId)> on_probe = [](HostId) {};
  // Called by Next(): a GatedHost is gated no more, and not to be probed: the operator holds it.
  std::function<void(HostId)> on_ungate = [](HostId) {};
  // Called by Commit(), when the hold is durable.
  std::function<void(const RobotsHold&)> on_robots_hold = [](const RobotsHold&) {};
  // Called when Commit() should be called even without completions.
  std::function<void()> on_chores = [] {};
};

// What one Commit() makes durable together.
struct CommitGroup {
  std::vector<Completion> completions;
  std::vector<Discovery> seeds;
  std::string archive_position;  // opaque; given back by archive_position() after a crash
  std::vector<std::pair<std::string, std::string>> notes;  // e.g. seed lists read to their end
  bool last = false;  // nothing is in flight, and nothing more comes in this run
};

struct FrontierStats {
  Counters counters;
  SchedulerStats scheduler;
  uint64_t parked_urls = 0;      // queued or waiting, of hosts that this run has parked, or blocked
  uint64_t origins_held = 0;     // RobotsHold: held now
  size_t undelivered_hosts = 0;  // resident hosts with changes the dispatcher has not looked at
  Wait last_wait;                // meaningful when nothing could be leased
};

// In RAM, as far as it can be told.
struct FrontierMemory {
  uint64_t seen_cache_bytes = 0;
  uint64_t store_cache_bytes = 0;  // blocks, indexes, filters
  uint64_t store_write_buffer_bytes = 0;
};

class Frontier {
 public:
  // Opens or creates the store. Throws FatalError; PatternError of the scope as FatalError too.
  Frontier(const std::filesystem::path& directory, FrontierOptions options);
  ~Frontier();

  // --- dispatcher thread
  // `newcomers`: hosts that have not answered yet may be asked too.
  Decision Next(WallTime now, bool newcomers = true);
  // After the last Next(): what has ended since is for the next Commit(), too.
  void Settle();

  // --- any thread
  void Release(const Task& task, FetchEnd end);
  // The answer to a LookUp; empty: no address was found.
  void NoteAddress(HostId host, std::string address);
  // A GatedHost is to be probed as soon as politeness allows; a probe has ended.
  void WantProbe(HostId host);
  void EndProbe(HostId host, FetchEnd end);
  // What became of it: it answers (its Event is set; `hold_until`: and asks to be left alone until
  // then), or it is given up until then.
  void OpenGate(HostId host, WallTime now, WallTime hold_until = WallTime{});
  void Park(HostId host, WallTime until);
  // Which hosts the operator holds from now on. Not kept by the frontier beyond its life: say it
  // again after a start, before anything is leased.
  void SetHolds(OperatorHoldsPtr holds);
  // True: surely seen and durable, with a verdict that the new one would not change. False:
  // unknown.
  bool Seen(const Discovery& found) const;
  const Scope& scope() const { return *scope_; }
  FrontierStats stats() const;
  // A note that was committed; see CommitGroup::notes.
  std::optional<std::string> ReadNote(std::string_view key) const;
  // What is known of a URL; see explain.h for its cost.
  Explanation Explain(web::Url url, WallTime now) const;
  // What has become of these URLs; nullopt: never found.
  std::vector<std::optional<std::pair<UrlState, Verdict>>> StatesOf(
      const std::vector<Discovery>& urls) const;
  std::optional<HostRecord> ReadHost(HostId host) const { return store_.ReadHost(host); }
  // Hosts whose URLs hit the limits; the most first.
  std::vector<TrapSigns> TrapsFound(size_t limit) const { return traps_.Most(limit); }
  FrontierMemory memory() const;
  // From now on, all of it or (FatalError) nothing: which URLs belong to the crawl, also of those
  // that wait in the queue, and how often hosts may be asked (Scheduler::SetPaces). One thread at a
  // time.
  void Reload(const ScopeOptions& scope, const PolitenessOptions& politeness);
  // No URL is queued (leased ones still are, until they are committed) or waits for another try,
  // but for those of hosts that this run has parked, or the operator has blocked.
  bool Drained() const;

  // --- committer thread
  void Commit(CommitGroup group, WallTime now);
  // When Commit() must be called even without completions (a retry falls due, denials wait).
  WallTime NextChore(WallTime now) const;
  std::string archive_position() const;

 private:
  class Committer;  // the writing half; committer.h

  const FrontierOptions options_;
  Store store_;
  std::unique_ptr<Scope> scope_;
  SeenCache seen_;                        // has its own synchronisation
  Traps traps_;                           // likewise
  std::unique_ptr<Committer> committer_;  // owned by the committer thread
  Mailbox mailbox_;                       // has its own synchronisation
  Scheduler scheduler_;                   // owned by the dispatcher thread
  bool began_ = false;                    // likewise: Next() has been called

  // What other threads tell the schedule.
  struct Released {
    Task task;
    FetchEnd end;
  };
  struct AddressFound {
    HostId host = 0;
    std::string address;
  };
  struct ProbeWanted {
    HostId host = 0;
  };
  struct ProbeEnded {
    HostId host = 0;
    FetchEnd end;
  };
  struct GateOpened {
    HostId host = 0;
    WallTime when;
    WallTime hold_until;
  };
  struct GivenUp {
    HostId host = 0;
    WallTime until;
  };
  using News = std::variant<Released, AddressFound, ProbeWanted, ProbeEnded, GateOpened, GivenUp,
                            OperatorHoldsPtr, PolitenessOptions>;
  void Apply(const News& news);
  void Keep(SideEffects effects) EXCLUDES(mutex_);
  void Tell(News news);

  mutable Mutex mutex_;
  std::vector<News> news_ GUARDED_BY(mutex_);
  SideEffects effects_ GUARDED_BY(mutex_);
  FrontierStats stats_ GUARDED_BY(mutex_);
  WallTime next_later_ GUARDED_BY(mutex_) = kNever;
  WallTime unwritten_until_ GUARDED_BY(mutex_){};  // Scheduler::unwritten_until()
  bool lifting_ GUARDED_BY(mutex_) = false;        // Committer::lifting()
  OperatorHoldsPtr holds_ GUARDED_BY(mutex_);
  PolitenessOptions politeness_ GUARDED_BY(mutex_);  // as reloaded
};

}  // namespace crawld::frontier
