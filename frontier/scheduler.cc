#include "frontier/scheduler.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "frontier/resident.h"
#include "web/host.h"

namespace crawld::frontier {
namespace {

// Denials handed out by one call of Next; the next call comes after they are written.
constexpr size_t kMaxDenials = 4096;
// When something that cannot be foretold is looked at again.
constexpr Millis kLookAgain{250};
constexpr size_t kMaxLookUps = 256;  // under way
constexpr size_t kMaxVisits = 4096;  // worth a look for those that are over
constexpr uint32_t kMaxDoublings = 16;
constexpr uint32_t kForgives = 16;  // answers in a row
// For a host that should be probed while an eighth of all hosts in memory are.
constexpr Millis kCrowdedWait{60000};

}  // namespace

Scheduler::Scheduler(const Store& store, const Scope& scope, Mailbox& mailbox,
                     const SchedulerOptions& options)
    : store_(store),
      scope_(scope),
      mailbox_(mailbox),
      options_(options),
      ready_(options.politeness.address) {}
Scheduler::~Scheduler() = default;

void Scheduler::SetFloor(WallTime when) {
  floor_ = when;
  ready_.SetFloor(when + options_.politeness.address.delay);
}

void Scheduler::Unready(Host& host) {
  if (!std::exchange(host.ready, false)) return;
  ready_.Remove(host.id);
}

// Puts the host where its state says: into ready_ with the right time, or out of it.
void Scheduler::Reschedule(Host& host) {
  std::optional<WallTime> at;
  const bool free = !host.leaving && !host.wants_address && !host.put_off && !host.held &&
                    host.in_flight < host.pace.concurrency;
  if (free && host.gated()) {
    if (host.wants_probe) at = host.next_fetch;
  } else if (free) {
    for (const Origin& origin : host.origins) {
      if (origin.HasNothing() || origin.rules_state == Origin::Rules::kPending) continue;
      const WallTime when = origin.rules_state == Origin::Rules::kHeld
                                ? std::max(host.next_fetch, origin.hold_until)
                                : host.next_fetch;
      at = at ? std::min(*at, when) : when;
    }
  }
  if (!at) return Unready(host);
  host.ready = true;
  ready_.Put(host.id, *at);
}

// The task that fetches the origin's robots file; nothing, and the origin held, if the file is on
// another host that may not be asked now.
std::optional<Task> Scheduler::RobotsTask(Host& host, Origin& origin, WallTime now) {
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
  task.asked = scope_.HostOf(task.url);
  if (task.IsVisit()) {
    WallTime free = FreeAt(task.asked, task.url.host(), now);
    if (!newcomers_may_ && !Answers(task.asked)) free = std::max(free, now + kLookAgain);
    if (free > now) {
      origin.hold_until = free;
      origin.rules_state = Origin::Rules::kHeld;
      // Else a host with much to fetch would never be free when somebody looks.
      const auto it = hosts_.find(task.asked);
      if (it != hosts_.end() && !it->second->leaving &&
          !std::exchange(origin.waits_to_visit, true)) {
        it->second->visitors.emplace_back(host.id, origin.key);
      }
      return std::nullopt;
    }
    BeginVisit(task.asked, now);
  }
  origin.rules_state = Origin::Rules::kPending;
  return task;
}

std::optional<std::pair<Task, Scheduler::Host*>> Scheduler::TakeVisit(Host& host, WallTime now) {
  using Rules = Origin::Rules;
  while (!host.visitors.empty()) {
    const auto [id, key] = host.visitors.front();
    host.visitors.pop_front();
    const auto it = hosts_.find(id);
    if (it == hosts_.end()) continue;
    Host& visitor = *it->second;
    Origin& origin = OriginOf(visitor, key);
    origin.waits_to_visit = false;
    // Who cannot go now asks again when he can.
    if (origin.rules_state != Rules::kHeld || visitor.leaving || visitor.gated() ||
        visitor.wants_address || visitor.in_flight >= visitor.pace.concurrency ||
        visitor.next_fetch > now) {
      continue;
    }
    LoadRobots(visitor, origin, now);
    if (origin.rules_state != Rules::kMissing || origin.buffer.empty()) continue;
    if (auto task = RobotsTask(visitor, origin, now)) return std::pair(*std::move(task), &visitor);
  }
  return std::nullopt;
}

WallTime Scheduler::FreeAt(HostId visited, std::string_view name, WallTime now) {
  if (HeldBy(name) != nullptr) return now + kCrowdedWait;  // nobody goes there
  const bool any_address = options_.politeness.address.any();
  const WallTime soon = now + kLookAgain;
  if (const auto it = hosts_.find(visited); it != hosts_.end()) {
    const Host& host = *it->second;
    const bool closed = host.leaving || host.gated() || host.held || host.wants_address ||
                        host.in_flight >= host.pace.concurrency;
    const WallTime free = std::max(host.next_fetch, ready_.FreeAt(visited));
    return closed || free == kNever ? std::max(host.next_fetch, soon) : free;
  }
  auto it = visits_.find(visited);
  if (it == visits_.end()) {
    const WallTime again = FreeOnDisk(visited, name, now);
    if (!any_address) return again;
    it = NoteVisited(visited, again, now);
    if (web::IsIpLiteral(name)) {
      ready_.SetAddress(visited, WithoutBrackets(name));
    } else {
      it->second.wants_address = true;
      to_look_up_.push_back({visited, std::string(name)});
    }
  }
  const Visited& state = it->second;
  const WallTime address = ready_.FreeAt(visited);
  if (state.again == kNever || address == kNever) return soon;
  return std::max({state.again, address, state.wants_address ? soon : now});
}

WallTime Scheduler::FreeOnDisk(HostId id, std::string_view name, WallTime now) const {
  const std::optional<HostRecord> record = store_.ReadHost(id);
  if (!record) return now;
  const Pace pace = PaceOnDisk(id, name, record->last_took);
  return std::max({record->hold_until, record->parked_until, record->last_fetch + pace.delay,
                   floor_ == WallTime{} ? now : floor_ + pace.delay});
}

std::unordered_map<HostId, Scheduler::Visited>::iterator Scheduler::NoteVisited(HostId id,
                                                                                WallTime again,
                                                                                WallTime now) {
  if (visits_.size() >= kMaxVisits) {
    std::erase_if(visits_, [&](const auto& visit) {
      if (visit.second.again > now || visit.second.wants_address) return false;
      ready_.Forget(visit.first);
      return true;
    });
  }
  const auto it = visits_.try_emplace(id).first;
  it->second.again = again;
  return it;
}

Pace Scheduler::PaceOnDisk(HostId id, std::string_view name, Millis last_took) const {
  std::optional<Millis> crawl_delay;
  const std::optional<HostRecord> host = store_.ReadHost(id);
  for (const OriginKey& key : host ? host->origins : std::vector<OriginKey>()) {
    const auto robots = store_.ReadRobots(id, key);
    const auto asked =
        robots ? CrawlDelayOf(*robots, options_.politeness.robots_token) : std::nullopt;
    if (asked) crawl_delay = std::max(crawl_delay.value_or(Millis(0)), *asked);
  }
  return PaceOf(options_.politeness, name, crawl_delay, last_took);
}

// The store does not know of it by itself.
void Scheduler::NoteAsked(Host& host, WallTime when) {
  host.asked_unwritten = true;
  touches_.push_back(
      {host.id, when, host.asked_by == Hold::kRetryAfter ? host.asked_until : WallTime{}});
}

void Scheduler::BeginVisit(HostId visited, WallTime now) {
  ++asks_under_way_;
  ready_.Begin(visited, now);
  if (const auto it = hosts_.find(visited); it != hosts_.end()) {
    Host& host = *it->second;
    ++host.in_flight;
    host.last_begin = now;
    host.HoldForPace(now + host.pace.delay);
    return Reschedule(host);
  }
  NoteVisited(visited, kNever, now);
}

void Scheduler::EndVisit(const Task& task, const FetchEnd& end) {
  --asks_under_way_;
  ready_.End(task.asked, end.when);
  ready_.SetAddress(task.asked, end.address);
  if (const auto it = hosts_.find(task.asked); it != hosts_.end()) {
    Host& host = *it->second;
    --host.in_flight;
    host.last_end = end.when;
    host.HoldForPace(end.when + host.pace.delay);
    host.HoldUntil(end.hold_until, Hold::kRetryAfter);
    NoteAsked(host, end.when);
    Reschedule(host);
    return DropIfIdle(host);
  }
  const Pace pace = PaceOnDisk(task.asked, task.url.host(), end.took);
  const WallTime again = std::max(end.when + pace.delay, end.hold_until);
  NoteVisited(task.asked, again, end.when)->second.wants_address = false;
  touches_.push_back({task.asked, end.when, end.hold_until});
  unwritten_until_ = std::max(unwritten_until_, again);  // if the store has no record of it
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
          UpdatePace(host);
          if (host.next_fetch > now) return std::nullopt;  // they ask for more time
          continue;
        }
        if (origin.rules_state == Rules::kMissing) {
          if (auto task = RobotsTask(host, origin, now)) return task;
          break;
        }
      }
      QueueEntry entry = std::move(origin.buffer.front());
      origin.buffer.pop_front();
      auto url = web::Url::Parse(entry.url);
      CRAWLD_CHECK(url.has_value(), "the queue holds URLs that were parsed before");
      Task task;
      task.url = *std::move(url);
      task.info = entry.info;
      task.place = entry.place;
      task.asked = host.id;
      task.hash = scope_.Hash(task.url);
      origin.leased.insert(entry.place);
      if (const Verdict verdict = scope_.JudgeAgain(task.url, task.info);
          verdict != Verdict::kAdmit) {
        effects.denials.push_back({std::move(task), verdict});
        continue;
      }
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

std::optional<LookUp> Scheduler::NextLookUp() {
  while (!to_look_up_.empty() && lookups_ < kMaxLookUps) {
    LookUp wanted = std::move(to_look_up_.front());
    to_look_up_.pop_front();
    const auto host = hosts_.find(wanted.host);
    const auto visit = visits_.find(wanted.host);
    if ((host == hosts_.end() || !host->second->wants_address || host->second->leaving) &&
        (visit == visits_.end() || !visit->second.wants_address)) {
      continue;
    }
    ++lookups_;
    return wanted;
  }
  return std::nullopt;
}

void Scheduler::Lease(Host& host, WallTime now) {
  ++host.in_flight;
  ++host.served;
  host.last_begin = now;
  ready_.Begin(host.id, now);
  host.HoldForPace(now + host.pace.delay);
  Unready(host);  // to the end of those who are ready at the same time
  Reschedule(host);
}

// Until newcomers may be asked again.
void Scheduler::PutOff(Host& host) {
  host.put_off = true;
  newcomers_.push_back(host.id);
  Unready(host);
}

// The newcomer that has waited longest.
void Scheduler::Readmit() {
  while (!newcomers_.empty()) {
    const auto it = hosts_.find(newcomers_.front());
    newcomers_.pop_front();
    if (it == hosts_.end() || !std::exchange(it->second->put_off, false)) continue;
    return Reschedule(*it->second);
  }
}

Decision Scheduler::Next(WallTime now, bool newcomers, SideEffects& effects) {
  now_ = now;
  newcomers_may_ = newcomers;
  std::optional<Task> task;
  LoadHosts(now);
  if (auto look_up = NextLookUp()) return *std::move(look_up);
  while (!task) {
    LoadHosts(now);
    if (newcomers) Readmit();
    const auto first = ready_.First();
    if (!first || first->at > now) break;
    if (effects.denials.size() >= kMaxDenials) break;
    Host& host = *hosts_.at(first->host);
    if (host.gated()) {
      host.wants_probe = false;
      ++asks_under_way_;
      Lease(host, now);
      touches_.push_back({host.id, now, {}});
      HandOver(effects);
      return Probe{host.id};
    }
    if (!newcomers && !host.answers()) {
      PutOff(host);
      continue;
    }
    if (auto visit = TakeVisit(host, now)) {
      task = std::move(visit->first);
      task->unproven = true;
      task->host_answers = visit->second->answers();
      ++in_flight_;
      Lease(*visit->second, now);
      break;
    }
    task = TakeFrom(host, now, effects);
    if (task) {
      task->unproven =
          task->IsVisit() ? !Answers(task->asked) : !OriginOf(host, task->place.origin).answers;
      task->host_answers = host.answers();
      ++in_flight_;
      Lease(host, now);
      break;
    }
    Reschedule(host);
    DropIfIdle(host);
  }
  HandOver(effects);
  if (task) return *std::move(task);
  if (effects.denials.size() >= kMaxDenials) return Wait{kNever, Wait::Reason::kCommit};
  return WhyNothing(now);
}

void Scheduler::HandOver(SideEffects& effects) {
  effects.deferrals.insert(effects.deferrals.end(), deferrals_.begin(), deferrals_.end());
  deferrals_.clear();
  effects.touches.insert(effects.touches.end(), touches_.begin(), touches_.end());
  touches_.clear();
  if (std::exchange(holds_changed_, false)) effects.holds = holds_;
}

bool Scheduler::Answers(HostId id) const {
  const auto it = hosts_.find(id);
  return it != hosts_.end() && it->second->answers();
}

Wait Scheduler::WhyNothing(WallTime now) const {
  using Reason = Wait::Reason;
  const bool held = next_disk_due_ >= kHeldDue && next_disk_due_ != kNever;
  const WallTime disk = held ? kNever : next_disk_due_ > now ? next_disk_due_ : now + kLookAgain;
  if (const auto first = ready_.First()) {
    const Host& host = *hosts_.at(first->host);
    const Hold hold = first->for_address             ? Hold::kAddress
                      : first->at <= host.next_fetch ? host.held_by
                                                     : Hold::kRobots;
    return {std::min(first->at, disk), Reason::kPoliteness, hold};
  }
  if (!newcomers_.empty()) return {disk, Reason::kPoliteness, Hold::kNewcomer};
  if (in_flight_ > 0 || lookups_ > 0) return {disk, Reason::kInFlight, Hold::kInFlight};
  if (gates_ > 0) return {disk, Reason::kGated, Hold::kGate};
  if (held) return {disk, Reason::kHeld, Hold::kPaused};
  return {disk, disk == kNever ? Reason::kEmpty : Reason::kPoliteness, Hold::kNothing};
}

void Scheduler::Release(const Task& task, const FetchEnd& end) {
  const HostId id = task.place.host;
  const auto it = hosts_.find(id);
  CRAWLD_CHECK(it != hosts_.end() && it->second->in_flight > 0,
               "a host stays resident while a fetch is in flight");
  Host& host = *it->second;
  --host.in_flight;
  --in_flight_;
  ready_.End(id, end.when);
  host.last_end = end.when;
  if (task.IsVisit()) {
    EndVisit(task, end);  // what came of it says nothing of this host
  } else {
    host.HoldUntil(end.hold_until, Hold::kRetryAfter);
    ready_.SetAddress(id, end.address);
    NoteReach(host, task, end);
  }
  UpdatePace(host);
  Reschedule(host);
  DropIfIdle(host);
}

// What the end of a fetch says of its host's health.
void Scheduler::NoteReach(Host& host, const Task& task, const FetchEnd& end) {
  Origin& origin = OriginOf(host, task.place.origin);
  const uint32_t enough = options_.health.failures;
  switch (end.reach) {
    case Reach::kUnknown:
      return;
    case Reach::kAnswered:
      host.last_took = end.took;
      host.failures = origin.failures = 0;
      origin.answers = true;
      if (++host.answers_in_row >= kForgives) host.gates_opened = 0;
      return;
    case Reach::kSilent:
      break;
  }
  host.answers_in_row = 0;
  ++host.failures;
  if (++origin.failures >= enough) origin.answers = false;
  if (enough == 0 || host.gate || host.leaving || host.answers()) return;
  // A host that is there, but whose pages break, is to be probed less and less often.
  if (host.failures < uint64_t{enough} << std::min(host.gates_opened, kMaxDoublings)) return;
  host.gate = std::make_shared<concurrency::Event>();
  ++gates_;
  if (gates_ > std::max<size_t>(options_.max_hosts / 8, 1)) {
    return SendHome(host, end.when + kCrowdedWait);
  }
  gated_.push_back({host.id, *web::Url::Parse("/robots.txt", task.url), end.reason, host.gate});
}

void Scheduler::CloseGate(Host& host) {
  host.gate.reset();
  host.wants_probe = false;
  --gates_;
}

void Scheduler::WantProbe(HostId id) {
  const auto it = hosts_.find(id);
  if (it == hosts_.end() || !it->second->gated()) return;
  it->second->wants_probe = true;
  Reschedule(*it->second);
}

void Scheduler::EndProbe(HostId id, const FetchEnd& end) {
  const auto it = hosts_.find(id);
  CRAWLD_CHECK(it != hosts_.end() && it->second->in_flight > 0,
               "a host stays resident while a probe is under way");
  Host& host = *it->second;
  --host.in_flight;
  --asks_under_way_;
  ready_.End(id, end.when);
  host.last_end = end.when;
  UpdatePace(host);
  NoteAsked(host, end.when);
  Reschedule(host);
  DropIfIdle(host);
}

void Scheduler::GateOpened(HostId id, WallTime now, WallTime hold_until) {
  const auto it = hosts_.find(id);
  if (it == hosts_.end() || !it->second->gate) return;
  Host& host = *it->second;
  CRAWLD_CHECK(host.gate->IsSet(), "who opens a gate sets its Event first");
  CloseGate(host);
  host.failures = 0;
  ++host.gates_opened;
  host.HoldUntil(hold_until, Hold::kRetryAfter);
  NoteAsked(host, host.last_end);
  for (Origin& origin : host.origins) {
    // A robots file that is held is worth a try at once.
    using Rules = Origin::Rules;
    if (origin.rules_state == Rules::kUnknown) LoadRobots(host, origin, now);
    if (origin.rules_state == Rules::kHeld) origin.rules_state = Rules::kMissing;
  }
  Reschedule(host);
  DropIfIdle(host);
}

void Scheduler::Park(HostId id, WallTime until) {
  const auto it = hosts_.find(id);
  if (it == hosts_.end() || !it->second->gate) return;
  it->second->parked = true;
  SendHome(*it->second, until);
}

void Scheduler::SendHome(Host& host, WallTime until) {
  CloseGate(host);
  host.leaving = true;
  host.due = until;
  ++leaving_;
  Unready(host);
  SendAway(host);
}

void Scheduler::SetPaces(const PolitenessOptions& politeness) {
  if (SamePaces(options_.politeness, politeness)) return;
  TakePaces(options_.politeness, politeness);
  for (const auto& [id, host] : hosts_) {
    // A wait that an earlier pace began ends as the new one has it.
    host->ForgetPace();
    UpdatePace(*host);
    if (host->last_begin != WallTime{}) host->HoldForPace(host->last_begin + host->pace.delay);
    if (floor_ != WallTime{}) host->HoldUntil(floor_ + host->pace.delay, Hold::kRestart);
    if (!host->leaving) Reschedule(*host);
  }
}

void Scheduler::SetHolds(OperatorHoldsPtr holds) {
  holds_ = std::move(holds);
  holds_changed_ = true;
  for (const auto& [id, host] : hosts_) ApplyHold(*host);
}

void Scheduler::ApplyHold(Host& host) {
  host.held = HeldBy(host.name) != nullptr;
  if (host.held && !host.leaving) {
    if (host.gated()) {
      ungated_.push_back(host.id);
      CloseGate(host);
    }
    host.leaving = true;
    host.due = kHeldDue;
    ++leaving_;
    Unready(host);
    return SendAway(host);
  }
  if (!host.leaving) Reschedule(host);
}

void Scheduler::NoteAddress(HostId id, std::string_view address) {
  CRAWLD_CHECK(lookups_ > 0, "an answer has a question");
  --lookups_;
  if (const auto visit = visits_.find(id); visit != visits_.end()) {
    visit->second.wants_address = false;
    ready_.SetAddress(id, address);
  }
  const auto it = hosts_.find(id);
  if (it == hosts_.end()) return;
  Host& host = *it->second;
  host.wants_address = false;
  ready_.SetAddress(id, address);
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
  host.HoldUntil(change.hold_until, Hold::kRetryAfter);
  for (const auto* places : {&change.finished, &change.given_back}) {
    for (const QueuePlace& place : *places) OriginOf(host, place.origin).leased.erase(place);
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

}  // namespace crawld::frontier
