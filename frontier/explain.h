// What the frontier knows of one URL: what has become of it, and what holds it back.
//
// From the store alone, so that it can be asked beside a running daemon. What only the daemon's
// memory holds (fetches in flight, hosts being probed, what an IP address allows) is not in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "frontier/operator_holds.h"
#include "frontier/records.h"
#include "frontier/scheduler.h"
#include "frontier/scope.h"
#include "frontier/store.h"

namespace crawld::frontier {

// A limit that is not over yet, and what set it.
struct Limit {
  Hold hold = Hold::kNothing;
  WallTime until;  // kNever: as long as things are as they are
};

struct Explanation {
  std::string url;  // in the form the frontier has it
  // Of the URL; nullopt: it was never found.
  std::optional<UrlState> state;
  UrlRecord record;                   // kDone, kFailed, kExcluded
  std::optional<QueueEntry> entry;    // kQueued, kLater
  uint64_t before = 0;                // kQueued: URLs of its origin that are fetched first
  WallTime retry_at{};                // kLater
  Verdict as_seed = Verdict::kAdmit;  // what the scope would say of it as a seed

  // Of its host; nullopt: nothing of it was ever found.
  std::optional<HostRecord> host;
  Pace pace;
  std::vector<Limit> limits;  // the one that ends last first
  // Of its origin; nullopt: it was never fetched.
  std::optional<RobotsRecord> robots;
  bool allowed = true;  // by these rules; false too while they cannot be had

  // When it may be asked for at the earliest, as far as the store knows.
  WallTime Earliest(WallTime now) const;
};

// `holds`: the operator's, if there are any. Cost: of a URL that waits, a look at all that wait
// before it.
Explanation Explain(const Store& store, const Scope& scope, const SchedulerOptions& options,
                    const OperatorHolds* holds, web::Url url, WallTime now);

}  // namespace crawld::frontier
