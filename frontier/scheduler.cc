#include "frontier/scheduler.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace crawld::frontier {
namespace {

// Denials handed out by one call of Next; the next call comes after they are written.
constexpr size_t kMaxDenials = 4096;
// A host that may not be asked for longer than this makes room for hosts that wait on disk.
constexpr Millis kWorthEvicting{2000};
// After a search for hosts to send away that found too few.
constexpr Millis kRoomInterval{250};

QueuePlace After(QueuePlace place) {
  ++place.sequence;
  return place;
}

}  // namespace

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
  WallTime hold_until{};         // kHeld: next try of the robots file
  uint16_t robots_failures = 0;  // in a row
  std::string robots_url;        // kMissing after a redirect: where to look instead
};

struct Scheduler::Host {
  HostId id = 0;
  std::vector<Origin> origins;
  size_t next_origin = 0;  // round robin
  uint32_t in_flight = 0;
  WallTime next_fetch{};  // earliest start of the next fetch
  uint32_t served = 0;    // since it became resident
  bool leaving = false;   // gives nothing more; evicted once nothing is leased
  WallTime due{};         // leaving: when it is wanted back
  bool deferral_sent = false;
  std::optional<WallTime> ready_at;  // with `turn`: its key in ready_
  uint64_t turn = 0;
};

Scheduler::Scheduler(const Store& store, const Scope& scope, Mailbox& mailbox,
                     const SchedulerOptions& options)
    : store_(store), scope_(scope), mailbox_(mailbox), options_(options) {}
Scheduler::~Scheduler() = default;

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
  for (const OriginKey& key : record->origins) {
    Origin& origin = OriginOf(*host, key);
    if (options_.politeness.robots) LoadRobots(*host, origin, now);
  }
  host->next_fetch = std::max(record->hold_until, record->last_fetch + DelayOf(*host));
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
  store_.ScanDue([&](WallTime when, HostId id) {
    if (hosts_.contains(id)) return true;
    if (when > now || found.size() == room) {
      next = when;
      return false;
    }
    found.push_back(id);
    return true;
  });
  next_disk_due_ = next;
  for (const HostId id : found) Reschedule(LoadHost(id, now));
}

// Marks the hosts that have had their share or must wait long, so that others get a turn.
void Scheduler::MakeRoom(WallTime now) {
  if (leaving_ > 0 || now < next_room_) return;
  const size_t wanted = std::max<size_t>(options_.max_hosts / 8, 1);
  std::vector<Host*> chosen;
  for (auto it = ready_.rbegin(); it != ready_.rend() && chosen.size() < wanted; ++it) {
    Host& host = *it->second;
    // Its next fetch, or the next try of its robots file.
    const WallTime next = it->first.first;
    if (next > now + kWorthEvicting || host.served >= options_.quantum) {
      host.due = next;
      chosen.push_back(&host);
    }
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
  deferrals_.emplace_back(host.id, std::max(host.due, host.next_fetch));
}

void Scheduler::Fill(Host& host, Origin& origin) {
  const size_t wanted =
      std::min<size_t>(std::max<size_t>(size_t{2} * options_.politeness.concurrency_per_host, 32),
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
  const std::optional<RobotsRecord> record = store_.ReadRobots(host.id, origin.key);
  origin.robots_url.clear();
  origin.robots_failures = record ? record->failures : 0;
  if (!record) {
    origin.rules_state = Rules::kMissing;
    return;
  }
  switch (record->kind) {
    case RobotsRecord::Kind::kRules:
    case RobotsRecord::Kind::kAllowAll:
      // While the file fails, `expires` is the next try. Else a shorter age in the config counts.
      if (record->expires <= now ||
          (record->failures == 0 && record->fetched + options_.politeness.robots_max_age <= now)) {
        origin.rules_state = Rules::kMissing;
        return;
      }
      origin.rules = record->kind == RobotsRecord::Kind::kAllowAll
                         ? web::RobotsRules::AllowAll()
                         : web::RobotsRules::Parse(record->body, options_.politeness.robots_token);
      origin.denial = Verdict::kRobotsDisallowed;
      origin.rules_expire = record->expires;
      origin.rules_state = Rules::kPresent;
      return;
    case RobotsRecord::Kind::kUnreachable:
      if (record->expires <= now) {
        origin.rules_state = Rules::kMissing;
      } else if (options_.give_up_robots && record->failures >= options_.robots_max_tries) {
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
      origin.robots_url = record->redirect_to;
      origin.rules_state = Rules::kMissing;
      return;
  }
}

Task Scheduler::RobotsTask(Host& host, Origin& origin) {
  // Any entry of the origin tells its scheme, host and port.
  const web::Url sample = *web::Url::Parse(origin.buffer.front().url);
  Task task;
  task.robots_origin = *web::Url::Parse("/robots.txt", sample);
  const auto redirected = web::Url::Parse(origin.robots_url);
  task.url = redirected ? *redirected : task.robots_origin;
  task.info.kind = TaskKind::kRobots;
  task.info.tries = origin.robots_failures;
  task.place.host = host.id;
  task.place.origin = origin.key;
  origin.rules_state = Origin::Rules::kPending;
  return task;
}

Millis Scheduler::DelayOf(const Host& host) const {
  Millis delay = options_.politeness.delay;
  for (const Origin& origin : host.origins) {
    if (origin.rules_state != Origin::Rules::kPresent) continue;
    if (const auto crawl_delay = origin.rules.crawl_delay()) {
      delay = std::max(delay, std::min<Millis>(std::chrono::ceil<Millis>(*crawl_delay),
                                               options_.politeness.max_crawl_delay));
    }
  }
  return delay;
}

uint32_t Scheduler::LimitOf(const Host& host) const {
  // Who asks for a delay does not want two requests at once.
  for (const Origin& origin : host.origins) {
    if (origin.rules_state == Origin::Rules::kPresent && origin.rules.crawl_delay()) return 1;
  }
  return options_.politeness.concurrency_per_host;
}

void Scheduler::Unready(Host& host) {
  if (!host.ready_at) return;
  ready_.erase({*host.ready_at, host.turn});
  host.ready_at.reset();
}

// Puts the host where its state says: into ready_ with the right time, or out of it.
void Scheduler::Reschedule(Host& host) {
  std::optional<WallTime> at;
  if (!host.leaving && host.in_flight < LimitOf(host)) {
    for (const Origin& origin : host.origins) {
      if (origin.buffer.empty() && origin.exhausted) continue;
      if (origin.rules_state == Origin::Rules::kPending) continue;
      const WallTime when = origin.rules_state == Origin::Rules::kHeld
                                ? std::max(host.next_fetch, origin.hold_until)
                                : host.next_fetch;
      at = at ? std::min(*at, when) : when;
    }
  }
  if (at == host.ready_at) return;
  Unready(host);
  if (!at) return;
  host.ready_at = at;
  host.turn = next_turn_++;
  ready_.emplace(std::pair(*at, host.turn), &host);
}

void Scheduler::DropIfIdle(Host& host) {
  if (host.leaving) return SendAway(host);
  if (host.in_flight > 0 || host.ready_at) return;
  for (const Origin& origin : host.origins) {
    if (!origin.leased.empty() || origin.rules_state == Origin::Rules::kPending) return;
    if (!(origin.buffer.empty() && origin.exhausted)) return;
  }
  Forget(host.id);
}

// A task of this host, which is ready now; nothing if its origins have none to give.
std::optional<Task> Scheduler::TakeFrom(Host& host, WallTime now, SideEffects& effects) {
  using Rules = Origin::Rules;
  for (size_t i = 0; i < host.origins.size(); ++i) {
    Origin& origin = host.origins[(host.next_origin + i) % host.origins.size()];
    while (effects.denials.size() < kMaxDenials) {
      if (origin.buffer.empty() && !origin.exhausted) Fill(host, origin);
      if (origin.buffer.empty()) break;
      if (options_.politeness.robots) {
        if (origin.rules_state == Rules::kPending) break;
        if (origin.rules_state == Rules::kHeld && origin.hold_until > now) break;
        if (origin.rules_state == Rules::kPresent && origin.rules_expire <= now) {
          origin.rules_state = Rules::kMissing;
        }
        if (origin.rules_state == Rules::kUnknown || origin.rules_state == Rules::kHeld) {
          LoadRobots(host, origin, now);
          continue;
        }
        if (origin.rules_state == Rules::kMissing) return RobotsTask(host, origin);
      }
      QueueEntry entry = std::move(origin.buffer.front());
      origin.buffer.pop_front();
      auto url = web::Url::Parse(entry.url);
      CRAWLD_CHECK(url.has_value(), "the queue holds URLs that were parsed before");
      Task task;
      task.url = *std::move(url);
      task.info = entry.info;
      task.place = entry.place;
      task.hash = scope_.Hash(task.url);
      origin.leased.insert(entry.place);
      ++leased_;
      if (options_.politeness.robots && !origin.rules.Allows(task.url.PathAndQuery())) {
        effects.denials.push_back({std::move(task), origin.denial});
        continue;
      }
      host.next_origin = (host.next_origin + i + 1) % host.origins.size();
      return task;
    }
  }
  return std::nullopt;
}

Decision Scheduler::Next(WallTime now, SideEffects& effects) {
  std::optional<Task> task;
  while (!task) {
    LoadHosts(now);
    if (ready_.empty() || ready_.begin()->first.first > now) break;
    if (effects.denials.size() >= kMaxDenials) break;
    Host& host = *ready_.begin()->second;
    task = TakeFrom(host, now, effects);
    if (task) {
      ++host.in_flight;
      ++host.served;
      ++in_flight_;
      host.next_fetch = now + DelayOf(host);
      Unready(host);  // to the end of those who are ready at the same time
    }
    Reschedule(host);
    if (!task) DropIfIdle(host);
  }
  effects.deferrals.insert(effects.deferrals.end(), deferrals_.begin(), deferrals_.end());
  deferrals_.clear();
  if (task) return *std::move(task);
  if (effects.denials.size() >= kMaxDenials) return Wait{kNever, Wait::Reason::kCommit};
  const WallTime disk = next_disk_due_ > now ? next_disk_due_ : now + kRoomInterval;
  if (!ready_.empty()) {
    return Wait{std::min(ready_.begin()->first.first, disk), Wait::Reason::kPoliteness};
  }
  if (in_flight_ > 0) return Wait{disk, Wait::Reason::kInFlight};
  return Wait{disk, disk == kNever ? Wait::Reason::kEmpty : Wait::Reason::kPoliteness};
}

void Scheduler::Release(HostId id, WallTime now) {
  const auto it = hosts_.find(id);
  CRAWLD_CHECK(it != hosts_.end() && it->second->in_flight > 0,
               "a host stays resident while a fetch is in flight");
  Host& host = *it->second;
  --host.in_flight;
  --in_flight_;
  host.next_fetch = std::max(host.next_fetch, now + DelayOf(host));
  Reschedule(host);
  DropIfIdle(host);
}

bool Scheduler::TakeMail(WallTime now) {
  const Mailbox::Mail mail = mailbox_.Take();
  for (const HostChange& change : mail.hosts) Apply(change);
  if (mail.others) next_disk_due_ = std::min(next_disk_due_, now);
  return mail.others || !mail.hosts.empty();
}

void Scheduler::Apply(const HostChange& change) {
  const auto it = hosts_.find(change.id);
  CRAWLD_CHECK(it != hosts_.end(), "mail is for resident hosts");
  Host& host = *it->second;
  host.next_fetch = std::max(host.next_fetch, change.hold_until);
  for (const auto* places : {&change.finished, &change.given_back}) {
    for (const QueuePlace& place : *places) {
      leased_ -= OriginOf(host, place.origin).leased.erase(place);
    }
  }
  for (const auto* places : {&change.given_back, &change.added}) {
    for (const QueuePlace& place : *places) {
      Origin& origin = OriginOf(host, place.origin);
      origin.exhausted = false;
      if (place >= origin.scan_from) continue;
      // It belongs before or among what is buffered: read again from the first of both.
      origin.scan_from =
          origin.buffer.empty() ? place : std::min(place, origin.buffer.front().place);
      origin.buffer.clear();
    }
  }
  for (const OriginKey& key : change.robots) {
    OriginOf(host, key).rules_state = Origin::Rules::kUnknown;
  }
  if (change.deferred) {
    --leaving_;
    next_disk_due_ = WallTime{};
    return Forget(change.id);
  }
  Reschedule(host);
  DropIfIdle(host);
}

void Scheduler::Forget(HostId host) {
  hosts_.erase(host);
  mailbox_.Forget(host);
}

}  // namespace crawld::frontier
