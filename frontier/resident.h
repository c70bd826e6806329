// What the scheduler has in memory of a host. Internal to the scheduler.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "concurrency/event.h"
#include "frontier/politeness.h"
#include "frontier/scheduler.h"

namespace crawld::frontier {

// "[2001:db8::1]" as an address is written.
inline std::string_view WithoutBrackets(std::string_view host) {
  return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

struct Scheduler::Origin {
  OriginKey key;
  std::deque<QueueEntry> buffer;  // next entries of the queue, in order, none leased
  QueuePlace scan_from{};         // entries before this are leased, buffered or gone
  std::set<QueuePlace> leased;    // not to be read again
  bool exhausted = false;         // the last scan found nothing

  // Robots rules: loaded once needed, dropped when a commit changes them.
  enum class Rules : uint8_t { kUnknown, kMissing, kPending, kPresent, kHeld };
  Rules rules_state = Rules::kUnknown;
  web::RobotsRules rules = web::RobotsRules::AllowAll();
  Verdict denial = Verdict::kRobotsDisallowed;
  WallTime rules_expire = kNever;
  WallTime hold_until{};              // kHeld: next try of the robots file
  uint16_t robots_failures = 0;       // in a row
  std::string robots_url;             // kMissing after a redirect: where to look instead
  std::optional<Millis> crawl_delay;  // of the latest rules there were

  bool answers = false;         // it has, and has not been silent so often in a row
  uint32_t failures = 0;        // of its fetches, in a row, without an answer
  bool waits_to_visit = false;  // stands in the visited host's `visitors`

  bool HasNothing() const { return buffer.empty() && exhausted; }
};

struct Scheduler::Host {
  HostId id = 0;
  std::string name;
  std::vector<Origin> origins;
  size_t next_origin = 0;  // round robin
  uint32_t in_flight = 0;
  WallTime last_end{};                       // of its latest fetch; the epoch: never
  WallTime next_fetch{};                     // earliest start of the next fetch
  Hold held_by = Hold::kNothing;             // what says so
  WallTime asked_until{};                    // the part of it that is not its pace's
  Hold asked_by = Hold::kNothing;            // and what says that
  WallTime last_begin{};                     // of its latest fetch
  Pace pace;                                 // PaceOf it, as of the last look at rules and answers
  Millis last_took{0};                       // its latest answer
  uint32_t failures = 0;                     // fetches in a row without an answer
  std::shared_ptr<concurrency::Event> gate;  // shut: it is being probed; null: there is none
  bool wants_address = false;                // where it is must be known first
  bool wants_probe = false;                  // gated: it is to be probed
  bool put_off = false;                      // a newcomer, and there are as many as may be
  bool held = false;                         // by the operator
  uint32_t gates_opened = 0;                 // it was there after all
  uint32_t answers_in_row = 0;
  std::deque<std::pair<HostId, OriginKey>> visitors;  // whose robots files are here, and wait
  uint32_t served = 0;                                // since it became resident
  bool ready = false;                                 // stands in ready_
  bool leaving = false;  // gives nothing more; evicted once nothing is leased
  WallTime due{};        // leaving: when it is wanted back
  bool parked = false;   // leaving: because it does not answer
  bool deferral_sent = false;
  // Something else than its own fetches has asked it, and the store does not know.
  bool asked_unwritten = false;

  // Some origin does: what others do not says nothing of the host.
  bool answers() const {
    return std::any_of(origins.begin(), origins.end(), [](const Origin& o) { return o.answers; });
  }
  // Also when the Event is set, until GateOpened() has noted when the host was probed.
  bool gated() const { return gate != nullptr; }
  // `why` is no reason of its pace.
  void HoldUntil(WallTime when, Hold why) {
    if (when > asked_until) {
      asked_until = when;
      asked_by = why;
    }
    if (when <= next_fetch) return;
    next_fetch = when;
    held_by = why;
  }
  void HoldForPace(WallTime when) {
    if (when <= next_fetch) return;
    next_fetch = when;
    held_by = pace.reason;
  }
  // Forgets what its pace holds, for another pace; what else holds it stays.
  void ForgetPace() {
    next_fetch = asked_until;
    held_by = asked_by;
  }
};

}  // namespace crawld::frontier
