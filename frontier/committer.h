// Committer: the frontier's writing half. Internal to the room.
//
// Lives on the committer thread. Turns what has ended and what was found into one batch of the
// store, keeps the counters that describe it, and says what has changed for resident hosts.
#pragma once

#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "frontier/frontier.h"
#include "frontier/records.h"
#include "frontier/store.h"

namespace crawld::frontier {

// Name of the store's entry for the archive's position.
inline constexpr std::string_view kArchiveKey = "archive";

class Frontier::Committer {
 public:
  Committer(Store& store, const Scope& scope, SeenCache& seen, Traps& traps,
            const FrontierOptions& options);

  const Counters& counters() const { return counters_; }
  uint64_t origins_held() const { return origins_held_; }
  uint64_t parked_urls() const { return parked_urls_; }
  // Whether the run before this one has written all it knew; true of a new crawl.
  bool ended_clean() const { return ended_clean_; }
  // Of the latest commit.
  const std::vector<RobotsHold>& holds() const { return holds_; }
  WallTime next_later() const { return next_later_; }
  // Hosts whose hold was lifted are still to be made due.
  bool lifting() const { return lift_after_.has_value(); }

  // Durable when it returns. Throws FatalError; then nothing is, and nothing has changed here.
  std::vector<HostChange> Commit(CommitGroup& group, const SideEffects& effects, WallTime now);

 private:
  struct HostEntry {
    HostRecord record;
    bool touched = false;
    bool on_disk = false;     // has a record
    bool was_queued = false;  // has a key in `due`
    WallTime was_due{};
    uint64_t was_parked = 0;  // URLs
    std::optional<WallTime> defer_to;

    // URLs that a crawl that is to end does not wait for.
    uint64_t Parked(uint32_t run) const {
      const bool blocked = record.held == HostRecord::Held::kBlocked && record.held_in_run == run;
      return record.parked_in_run == run || blocked ? record.queued + record.later : 0;
    }
    void Settle(uint32_t run) {
      touched = false;
      on_disk = true;
      was_parked = Parked(run);
      was_queued = record.queued > 0;
      was_due = record.due;
      defer_to.reset();
    }
  };

  // One commit being put together.
  struct Work {
    explicit Work(const Store& store) : batch(store) {}
    Store::Batch batch;
    WallTime now;
    Counters counters;
    uint64_t origins_held = 0;
    std::vector<RobotsHold> holds;
    uint64_t parked_urls = 0;
    WallTime next_later = kNever;
    OperatorHoldsPtr operator_holds;
    std::optional<HostId> lift_after;
    std::vector<HostId> touched;
    std::vector<web::UrlHash> now_seen;
    std::unordered_map<HostId, HostChange> changes;

    HostChange& Change(HostId host) {
      HostChange& change = changes[host];
      change.id = host;
      return change;
    }
    void Count(UrlState from, UrlState to) {
      uint64_t& count = counters.by_state[static_cast<int>(from)];
      CRAWLD_CHECK(count > 0, "a URL changes from a state it was counted in");
      --count;
      ++counters.by_state[static_cast<int>(to)];
    }
  };

  // Of the cache or of the store, or a new one of that name.
  HostEntry& HostOf(Work& work, HostId host, std::string_view name);

  // What became of a task.
  void Complete(Work& work, Completion& completion);
  void CompleteRobots(Work& work, const Completion& completion);
  void Deny(Work& work, const Denial& denial);
  // Who has asked to be left alone is who was asked. A host that nothing was found of is not known
  // here; the file that lies there waits in any case.
  void Hold(Work& work, const Task& task, WallTime until);

  // Of the host it is leased for.
  static std::string_view NameOf(const Task& task);
  // To where it is, or to where the chain began.
  static bool LeadsBack(const web::Url& target, const Task& task);
  void NoteHold(Work& work, const Completion& completion, const std::optional<RobotsRecord>& before,
                const RobotsRecord& after) const;

  // URLs whose time for another try has come go back to where they were in their queues.
  void PromoteLater(Work& work);
  // All hosts that an earlier run has parked.
  void Unpark(Work& work);
  // Brings the records of hosts that wait for their hold's end up to the holds of now: who is not
  // held any more is due. Looks at some of them a commit.
  void Lift(Work& work);
  // By the holds of now; as the record has it if nobody has said what they are.
  static HostRecord::Held HeldNow(const Work& work, const HostRecord& record);
  static void ForgetParking(HostRecord& record);

  // What was found, each URL once.
  void Discover(Work& work, CommitGroup& group);
  void Admit(Work& work, const Discovery& discovery);
  // False when the host has enough of them.
  static bool AddOrigin(HostRecord& host, const OriginKey& origin);
  QueuePlace PlaceOf(Work& work, const Discovery& discovery) const;

  void WriteHosts(Work& work);

  Store& store_;
  const Scope& scope_;
  SeenCache& seen_;
  Traps& traps_;
  const FrontierOptions& options_;
  Counters counters_;
  uint64_t origins_held_ = 0;
  uint64_t parked_urls_ = 0;
  RunRecord run_;
  bool ended_clean_ = true;
  bool first_ = true;  // no commit yet
  OperatorHoldsPtr operator_holds_;
  std::optional<HostId> lift_after_;  // Lift() goes on behind this one; nullopt: nothing to do
  std::vector<RobotsHold> holds_;
  std::unordered_map<HostId, HostEntry> hosts_;
  WallTime next_later_ = kNever;
};

}  // namespace crawld::frontier
