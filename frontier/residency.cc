// The scheduler's other half: which hosts are in memory, and what is known of them there.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "frontier/resident.h"
#include "frontier/scheduler.h"
#include "web/host.h"

namespace crawld::frontier {
namespace {

// A host that may not be asked for longer than this makes room for hosts that wait on disk.
constexpr Millis kWorthEvicting{2000};
// After a search for hosts to send away that found too few.
constexpr Millis kRoomInterval{250};
// Newcomers are exchanged for hosts on disk, which may be newcomers too.
constexpr Millis kExchangeInterval{500};

QueuePlace After(QueuePlace place) {
  ++place.sequence;
  return place;
}

}  // namespace

Scheduler::Origin& Scheduler::OriginOf(Host& host, const OriginKey& key) {
  for (Origin& origin : host.origins) {
    if (origin.key == key) return origin;
  }
  Origin& origin = host.origins.emplace_back();
  origin.key = key;
  origin.scan_from.host = host.id;
  origin.scan_from.origin = key;
  return origin;
}

Scheduler::Host& Scheduler::LoadHost(HostId id, WallTime now) {
  auto host = std::make_unique<Host>();
  host->id = id;
  mailbox_.Announce(id);
  const std::optional<HostRecord> record = store_.ReadHost(id);
  CRAWLD_CHECK(record.has_value(), "a host that is due has a record");
  host->name = record->name;
  host->last_took = record->last_took;
  host->last_end = record->last_fetch;
  for (const OriginKey& key : record->origins) {
    Origin& origin = OriginOf(*host, key);
    if (options_.politeness.robots) LoadRobots(*host, origin, now);
  }
  UpdatePace(*host);
  host->HoldUntil(record->hold_until, Hold::kRetryAfter);
  host->HoldUntil(record->parked_until, Hold::kParked);
  if (floor_ != WallTime{}) host->HoldUntil(floor_ + host->pace.delay, Hold::kRestart);
  if (record->last_took > Millis(0) && record->failures == 0) {
    for (Origin& origin : host->origins) origin.answers = true;
  }
  // A host whose gate was shut has one chance, not all of them.
  if (options_.health.failures > 0) {
    host->failures = std::min(record->failures, options_.health.failures - 1);
  }
  if (const auto visit = visits_.find(id); visit != visits_.end()) {
    if (visit->second.again == kNever) {
      ++host->in_flight;
    } else {
      host->HoldUntil(visit->second.again, host->pace.reason);
    }
    visits_.erase(visit);
  }
  if (options_.politeness.address.any() && web::IsIpLiteral(host->name)) {
    ready_.SetAddress(id, WithoutBrackets(host->name));
  } else if (options_.politeness.address.any()) {
    host->wants_address = true;
    to_look_up_.push_back({id, host->name});
  }
  Host& loaded = *host;
  hosts_.emplace(id, std::move(host));
  return loaded;
}

// Hosts from disk, by due time, while there is room.
void Scheduler::LoadHosts(WallTime now) {
  if (next_disk_due_ > now) return;
  // Skipping residents costs at most `max_hosts` steps; starting only when an eighth is free keeps
  // that a constant per host loaded.
  if (hosts_.size() >= std::max<size_t>(options_.max_hosts - options_.max_hosts / 8, 1)) {
    MakeRoom(now);
    return;
  }
  std::vector<HostId> found;
  WallTime next = kNever;
  const size_t room = options_.max_hosts - hosts_.size();
  store_.ScanDue(WallTime{}, [&](WallTime when, HostId id) {
    if (hosts_.contains(id)) return true;
    if (when > now || found.size() == room) {
      next = when;
      return false;
    }
    found.push_back(id);
    return true;
  });
  next_disk_due_ = next;
  for (const HostId id : found) ApplyHold(LoadHost(id, now));
}

// Marks the hosts that have had their share or must wait long, so that others get a turn.
void Scheduler::MakeRoom(WallTime now) {
  if (leaving_ > 0 || now < next_room_) return;
  const size_t wanted = std::max<size_t>(options_.max_hosts / 8, 1);
  std::vector<Host*> chosen;
  for (const ReadyQueue::Entry& entry : ready_.Latest()) {
    if (chosen.size() == wanted) break;
    Host& host = *hosts_.at(entry.host);
    if (host.gated()) continue;  // somebody looks after it
    // Its next fetch, or the next try of its robots file.
    if (entry.at > now + kWorthEvicting || host.served >= options_.quantum) {
      host.due = entry.at;
      chosen.push_back(&host);
    }
  }
  // Newcomers that nobody may ask now, the latest first; the others have a turn before they return.
  const bool exchange = !newcomers_.empty() && now >= next_exchange_;
  if (exchange) next_exchange_ = now + kExchangeInterval;
  for (auto it = newcomers_.rbegin(); exchange && it != newcomers_.rend() && chosen.size() < wanted;
       ++it) {
    const auto found = hosts_.find(*it);
    if (found == hosts_.end() || !std::exchange(found->second->put_off, false)) continue;
    found->second->due = now + kWorthEvicting;
    chosen.push_back(found->second.get());
  }
  if (chosen.size() < wanted) next_room_ = now + kRoomInterval;
  for (Host* host : chosen) {
    host->leaving = true;
    ++leaving_;
    Unready(*host);
    SendAway(*host);
  }
}

// Asks for the deferral of a leaving host once nothing of it is in flight or uncommitted.
void Scheduler::SendAway(Host& host) {
  if (host.deferral_sent || host.in_flight > 0) return;
  for (const Origin& origin : host.origins) {
    if (!origin.leased.empty() || origin.rules_state == Origin::Rules::kPending) return;
  }
  host.deferral_sent = true;
  if (const OperatorHold* const hold = HeldBy(host.name)) {
    deferrals_.push_back({.host = host.id, .due = kHeldDue, .held = AsHeld(hold)});
    return;
  }
  const WallTime due = host.due == kHeldDue ? now_ : host.due;  // the hold was lifted meanwhile
  deferrals_.push_back(
      {.host = host.id, .due = std::max(due, host.next_fetch), .parked = host.parked});
}

void Scheduler::Fill(Host& host, Origin& origin) {
  const size_t wanted = std::min<size_t>(std::max<size_t>(size_t{2} * host.pace.concurrency, 32),
                                         options_.max_buffer);
  QueuePlace last = origin.scan_from;
  store_.ScanQueue(host.id, origin.key, origin.scan_from, [&](QueueEntry&& entry) {
    last = entry.place;
    if (!origin.leased.contains(entry.place)) origin.buffer.push_back(std::move(entry));
    return origin.buffer.size() < wanted;
  });
  if (origin.buffer.empty()) {
    origin.exhausted = true;
  } else {
    origin.scan_from = After(last);
  }
}

void Scheduler::LoadRobots(const Host& host, Origin& origin, WallTime now) {
  using Rules = Origin::Rules;
  const PolitenessOptions& politeness = options_.politeness;
  const std::optional<RobotsRecord> record = store_.ReadRobots(host.id, origin.key);
  origin.robots_url.clear();
  origin.robots_failures = record ? record->failures : 0;
  if (!record) {
    origin.rules_state = Rules::kMissing;
    return;
  }
  switch (record->kind) {
    case RobotsRecord::Kind::kRules:
    case RobotsRecord::Kind::kAllowAll: {
      auto rules = record->kind == RobotsRecord::Kind::kAllowAll
                       ? web::RobotsRules::AllowAll()
                       : web::RobotsRules::Parse(record->body, politeness.robots_token);
      origin.crawl_delay = rules.crawl_delay();
      // While the file fails, `expires` is the next try. Else a shorter age in the config counts.
      if (record->expires <= now ||
          (record->failures == 0 && record->fetched + politeness.robots_max_age <= now)) {
        origin.rules_state = Rules::kMissing;
        return;
      }
      origin.rules = std::move(rules);
      origin.denial = Verdict::kRobotsDisallowed;
      origin.rules_expire = record->expires;
      origin.rules_state = Rules::kPresent;
      return;
    }
    case RobotsRecord::Kind::kUnreachable:
      if (record->expires <= now) {
        origin.rules_state = Rules::kMissing;
      } else if (options_.give_up_robots && record->given_up) {
        origin.rules = web::RobotsRules::DisallowAll();
        origin.denial = Verdict::kRobotsUnreachable;
        origin.rules_expire = record->expires;
        origin.rules_state = Rules::kPresent;
      } else {
        origin.hold_until = record->expires;
        origin.rules_state = Rules::kHeld;
      }
      return;
    case RobotsRecord::Kind::kRedirect:
      origin.crawl_delay = CrawlDelayOf(*record, politeness.robots_token);
      origin.robots_url = record->redirect_to;
      origin.rules_state = Rules::kMissing;
      return;
  }
}

void Scheduler::UpdatePace(Host& host) const {
  std::optional<Millis> crawl_delay;
  for (const Origin& origin : host.origins) {
    if (!origin.crawl_delay) continue;
    crawl_delay = std::max(crawl_delay.value_or(Millis(0)), *origin.crawl_delay);
  }
  host.pace = PaceOf(options_.politeness, host.name, crawl_delay, host.last_took);
  // A rule that has just been learnt holds since the fetch that brought it.
  if (host.last_end != WallTime{}) {
    host.HoldForPace(host.last_end + host.pace.delay);
  }
}

void Scheduler::DropIfIdle(Host& host) {
  if (host.leaving) return SendAway(host);
  if (host.in_flight > 0 || host.ready || host.gated()) return;
  for (const Origin& origin : host.origins) {
    if (!origin.leased.empty() || origin.rules_state == Origin::Rules::kPending) return;
    if (!origin.HasNothing()) return;
  }
  Forget(host.id);
}

void Scheduler::Forget(HostId id) {
  const auto it = hosts_.find(id);
  if (it->second->asked_unwritten && it->second->next_fetch > now_) {
    NoteVisited(id, it->second->next_fetch, now_);
  }
  for (const auto& [visitor, key] : it->second->visitors) {
    if (const auto other = hosts_.find(visitor); other != hosts_.end()) {
      OriginOf(*other->second, key).waits_to_visit = false;
    }
  }
  if (visits_.contains(id)) {
    ready_.Remove(id);  // its address is known, and counts for visits
  } else {
    ready_.Forget(id);
  }
  hosts_.erase(it);
  mailbox_.Forget(id);
}

}  // namespace crawld::frontier
