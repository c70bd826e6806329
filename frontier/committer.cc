#include "frontier/committer.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/backoff.h"
#include "base/error.h"

namespace crawld::frontier {
namespace {

constexpr std::string_view kRunKey = "run";
constexpr size_t kHostCache = 16384;  // host records kept
constexpr size_t kMaxExcludedUrlBytes = 8192;
constexpr size_t kMaxPromotions = 4096;     // retries that fall due, per commit
constexpr size_t kMaxLifted = 4096;         // hosts that are held and looked at, likewise
constexpr uint8_t kMaxRobotsRedirects = 5;  // RFC 9309 section 2.3.1.2

// Verdicts that depend on where the link stood, or on when: a later link may admit the URL.
bool MayBeOverruled(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOtherHost:
    case Verdict::kOtherDomain:
    case Verdict::kOutsidePrefix:
    case Verdict::kTooDeep:
    case Verdict::kTooManyRedirects:
    case Verdict::kNotIncluded:
    case Verdict::kExcluded:
    case Verdict::kUrlTooLong:
    case Verdict::kBadHost:
    case Verdict::kNofollow:
    case Verdict::kRobotsUnreachable:
      return true;
    case Verdict::kAdmit:
    case Verdict::kHostLimit:
    case Verdict::kCrawlLimit:
    case Verdict::kTooManyOrigins:
    case Verdict::kRobotsDisallowed:
    case Verdict::kRobotsFile:
      return false;
  }
  return false;
}

OriginKey OriginOf(const web::Url& url) { return {url.scheme() == "https", url.EffectivePort()}; }

}  // namespace

Frontier::Committer::Committer(Store& store, const Scope& scope, SeenCache& seen, Traps& traps,
                               const FrontierOptions& options)
    : store_(store), scope_(scope), seen_(seen), traps_(traps), options_(options) {
  counters_ = store_.ReadCounters();
  origins_held_ = store_.ReadOriginsHeld();
  if (const auto run = store_.ReadMeta(kRunKey)) {
    const auto before = DecodeRunRecord(*run);
    if (!before) throw FatalError("the frontier's record of its last run cannot be read");
    run_ = *before;
    ended_clean_ = run_.clean;
  }
  ++run_.number;
  run_.clean = false;
  store_.ScanLater([this](WallTime when, QueueEntry&&) {
    next_later_ = when;
    return false;
  });
}

std::vector<HostChange> Frontier::Committer::Commit(CommitGroup& group, const SideEffects& effects,
                                                    WallTime now) {
  Work work(store_);
  work.now = now;
  // Counters change only with the batch that holds them.
  work.counters = counters_;
  work.origins_held = origins_held_;
  work.next_later = next_later_;
  work.parked_urls = parked_urls_;
  work.operator_holds = effects.holds ? effects.holds : operator_holds_;
  work.lift_after = effects.holds ? std::optional<HostId>(0) : lift_after_;
  if (first_ && options_.forget_parking) Unpark(work);
  if (work.lift_after) Lift(work);
  PromoteLater(work);  // first: retries of this very commit are not in the table yet
  for (Completion& completion : group.completions) Complete(work, completion);
  for (const Denial& denial : effects.denials) Deny(work, denial);
  for (const Deferral& deferral : effects.deferrals) {
    HostEntry& entry = HostOf(work, deferral.host, {});
    entry.defer_to = deferral.due;
    if (deferral.held != HostRecord::Held::kNot) {
      entry.record.held = deferral.held;  // as of the lease; WriteHosts() looks again
      entry.record.held_in_run = run_.number;
    } else if (deferral.parked) {
      entry.record.parked_until = deferral.due;
      entry.record.parked_in_run = run_.number;
    }
    work.Change(deferral.host).deferred = true;
  }
  for (const Touch& touch : effects.touches) {
    // Of a host that nothing was found of there is no record.
    if (!hosts_.contains(touch.host) && !store_.ReadHost(touch.host)) continue;
    HostRecord& record = HostOf(work, touch.host, {}).record;
    record.last_fetch = std::max(record.last_fetch, touch.asked);
    record.hold_until = std::max(record.hold_until, touch.hold_until);
  }
  Discover(work, group);
  for (const auto& [key, value] : group.notes) {
    work.batch.PutMeta(std::string(kNotePrefix) + key, value);
  }
  if (!group.archive_position.empty()) work.batch.PutMeta(kArchiveKey, group.archive_position);
  if (first_ || group.last != run_.clean) {
    run_.clean = group.last;
    work.batch.PutMeta(kRunKey, Encode(run_));
  }
  ++work.counters.commits;
  WriteHosts(work);
  work.batch.PutCounters(work.counters);
  if (work.origins_held != origins_held_) {
    work.batch.PutOriginsHeld(work.origins_held);
  }
  store_.Write(work.batch, /*sync=*/true);

  counters_ = work.counters;
  origins_held_ = work.origins_held;
  holds_ = std::move(work.holds);
  parked_urls_ = work.parked_urls;
  first_ = false;
  operator_holds_ = work.operator_holds;
  lift_after_ = work.lift_after;
  next_later_ = work.next_later;
  for (const web::UrlHash& hash : work.now_seen) seen_.Insert(hash);
  for (const HostId host : work.touched) hosts_.at(host).Settle(run_.number);
  if (hosts_.size() > kHostCache) hosts_.clear();
  std::vector<HostChange> changes;
  changes.reserve(work.changes.size());
  for (auto& [id, change] : work.changes) changes.push_back(std::move(change));
  return changes;
}

Frontier::Committer::HostEntry& Frontier::Committer::HostOf(Work& work, HostId host,
                                                            std::string_view name) {
  auto [it, inserted] = hosts_.try_emplace(host);
  HostEntry& entry = it->second;
  if (inserted) {
    if (auto record = store_.ReadHost(host)) {
      entry.record = *std::move(record);
      if (options_.forget_parking && entry.record.parked_in_run != run_.number) {
        entry.record.parked_until = WallTime{};
      }
      entry.Settle(run_.number);
    } else {
      CRAWLD_CHECK(!name.empty(), "a host without a record is a new one");
      entry.record.name = name;
    }
  }
  if (!entry.touched) {
    entry.touched = true;
    work.touched.push_back(host);
  }
  return entry;
}

void Frontier::Committer::Complete(Work& work, Completion& completion) {
  const Task& task = completion.task;
  HostChange& change = work.Change(task.place.host);
  HostEntry& host = HostOf(work, task.place.host, NameOf(task));
  // Also of one that was broken off: it may have reached the host.
  host.record.last_fetch = work.now;
  if (completion.outcome == Outcome::kGivenBack) {
    if (task.info.kind == TaskKind::kRobots) {
      change.robots.push_back(task.place.origin);
    } else {
      change.given_back.push_back(task.place);
    }
    return;
  }
  // A robots file on another host says nothing of this one.
  if (task.IsVisit()) completion.reach = Reach::kUnknown;
  const Reach reach = completion.reach;
  if (reach == Reach::kSilent) ++host.record.failures;
  if (reach == Reach::kAnswered) {
    host.record.last_took = std::min(completion.took, Millis(UINT32_MAX));
    host.record.failures = 0;
    ForgetParking(host.record);
  }
  Hold(work, task, completion.hold_host_until);
  if (task.info.kind == TaskKind::kRobots) {
    CompleteRobots(work, completion);
    change.robots.push_back(task.place.origin);
    return;
  }
  change.finished.push_back(task.place);
  work.batch.DeleteQueue(task.place);
  CRAWLD_CHECK(host.record.queued > 0, "a leased URL is counted as queued");
  --host.record.queued;
  UrlRecord record;
  record.kind = task.info.kind;
  record.status = completion.status;
  record.tries = static_cast<uint16_t>(task.info.tries + 1);
  record.depth = task.info.depth;
  record.when = work.now;
  record.reason = completion.reason;
  record.url = task.url.HrefWithoutFragment();
  record.hints = task.info.hints;
  switch (completion.outcome) {
    case Outcome::kGivenBack:
      break;  // above
    case Outcome::kDone:
      record.state = UrlState::kDone;
      ++host.record.done;
      break;
    case Outcome::kFailed:
      record.state = UrlState::kFailed;
      ++host.record.failed;
      break;
    case Outcome::kRetry: {
      record.state = UrlState::kLater;
      ++host.record.later;
      ++work.counters.retries;
      QueueEntry entry{task.place, task.info, record.url, completion.reason};
      ++entry.info.tries;
      work.batch.PutLater(completion.retry_at, entry);
      work.next_later = std::min(work.next_later, completion.retry_at);
      break;
    }
  }
  work.Count(UrlState::kQueued, record.state);
  work.batch.PutUrl(task.place.host, task.hash, record);
}

void Frontier::Committer::Hold(Work& work, const Task& task, WallTime until) {
  if (until == WallTime{}) return;
  if (task.IsVisit() && !hosts_.contains(task.asked) && !store_.ReadHost(task.asked)) return;
  HostRecord& record = HostOf(work, task.asked, task.url.host()).record;
  record.hold_until = std::max(record.hold_until, until);
  HostChange& change = work.Change(task.asked);
  change.hold_until = std::max(change.hold_until, until);
}

void Frontier::Committer::CompleteRobots(Work& work, const Completion& completion) {
  const Task& task = completion.task;
  CRAWLD_CHECK(completion.robots.has_value(), "a robots task brings a robots result");
  const RobotsResult& result = *completion.robots;
  const PolitenessOptions& politeness = options_.scheduler.politeness;
  const auto before = store_.ReadRobots(task.place.host, task.place.origin);
  RobotsRecord record = before.value_or(RobotsRecord{});
  const auto learn = [&](RobotsRecord::Kind kind, std::string body) {
    record = RobotsRecord{};
    record.kind = kind;
    record.body = std::move(body);
    record.fetched = work.now;
    record.expires = work.now + politeness.robots_max_age;
  };
  switch (result.kind) {
    case RobotsResult::Kind::kRules:
      learn(RobotsRecord::Kind::kRules, result.body);
      break;
    case RobotsResult::Kind::kAllowAll:
      learn(RobotsRecord::Kind::kAllowAll, {});
      break;
    case RobotsResult::Kind::kRedirect:
      // RFC 9309 section 2.3.1.2: after five redirects the file counts as unavailable.
      if (record.redirects >= kMaxRobotsRedirects || !result.redirect_to ||
          LeadsBack(*result.redirect_to, task)) {
        learn(RobotsRecord::Kind::kAllowAll, {});
        break;
      }
      record.kind = RobotsRecord::Kind::kRedirect;
      ++record.redirects;
      record.redirect_to = result.redirect_to->href();
      break;
    case RobotsResult::Kind::kForbidden:
    case RobotsResult::Kind::kUnreachable: {
      record.failures = static_cast<uint16_t>(std::min<uint32_t>(record.failures + 1U, 1000));
      if (result.kind == RobotsResult::Kind::kForbidden) {
        record.failures = std::max(record.failures, options_.scheduler.robots_max_tries);
      }
      record.redirects = 0;
      record.redirect_to.clear();
      const WallTime again =
          std::max(work.now + Backoff(options_.retry_backoff, options_.retry_max_backoff,
                                      record.failures, task.place.host),
                   completion.hold_host_until);
      const bool have_rules = before && before->fetched != WallTime{};
      if (have_rules) {
        // RFC 9309 section 2.4: the cached copy may be used while the file is unreachable.
        record.kind =
            record.body.empty() ? RobotsRecord::Kind::kAllowAll : RobotsRecord::Kind::kRules;
        record.expires = again;
        break;
      }
      record.kind = RobotsRecord::Kind::kUnreachable;
      // A host that does not answer at all is the gate's business, if there is one.
      record.given_up = options_.scheduler.give_up_robots &&
                        record.failures >= options_.scheduler.robots_max_tries &&
                        (completion.reach != Reach::kSilent || task.host_answers ||
                         options_.scheduler.health.failures == 0 ||
                         result.kind == RobotsResult::Kind::kForbidden);
      record.expires = record.given_up ? work.now + politeness.robots_max_age : again;
      break;
    }
  }
  work.batch.PutRobots(task.place.host, task.place.origin, record);
  NoteHold(work, completion, before, record);
}

std::string_view Frontier::Committer::NameOf(const Task& task) {
  return task.info.kind == TaskKind::kRobots ? task.robots_origin.host() : task.url.host();
}

bool Frontier::Committer::LeadsBack(const web::Url& target, const Task& task) {
  return target.href() == task.url.href() || target.href() == task.robots_origin.href();
}

void Frontier::Committer::NoteHold(Work& work, const Completion& completion,
                                   const std::optional<RobotsRecord>& before,
                                   const RobotsRecord& after) const {
  const bool was = before && before->kind == RobotsRecord::Kind::kUnreachable;
  const bool is = after.kind == RobotsRecord::Kind::kUnreachable;
  if (!was && !is) return;
  if (is && !was) ++work.origins_held;
  if (was && !is && work.origins_held > 0) --work.origins_held;
  if (after.kind == RobotsRecord::Kind::kRedirect) return;  // nothing is known yet
  RobotsHold hold;
  hold.robots_url = completion.task.robots_origin.href();
  hold.held = is;
  hold.reason = completion.reason;
  hold.failures = after.failures;
  hold.until = after.expires;
  hold.given_up = is && after.given_up;
  work.holds.push_back(std::move(hold));
}

void Frontier::Committer::Deny(Work& work, const Denial& denial) {
  const Task& task = denial.task;
  HostEntry& host = HostOf(work, task.place.host, task.url.host());
  CRAWLD_CHECK(host.record.queued > 0, "a denied URL is counted as queued");
  --host.record.queued;
  work.batch.DeleteQueue(task.place);
  work.Change(task.place.host).finished.push_back(task.place);
  UrlRecord record;
  record.state = UrlState::kExcluded;
  record.kind = task.info.kind;
  record.verdict = denial.verdict;
  record.tries = task.info.tries;
  record.depth = task.info.depth;
  record.when = work.now;
  record.url = task.url.HrefWithoutFragment();
  work.batch.PutUrl(task.place.host, task.hash, record);
  work.Count(UrlState::kQueued, UrlState::kExcluded);
  ++work.counters.excluded[static_cast<int>(denial.verdict)];
}

void Frontier::Committer::PromoteLater(Work& work) {
  if (next_later_ > work.now) return;
  size_t promoted = 0;
  WallTime next = kNever;
  store_.ScanLater([&](WallTime when, QueueEntry&& entry) {
    if (when > work.now || promoted == kMaxPromotions) {
      next = when;
      return false;
    }
    ++promoted;
    const auto url = web::Url::Parse(entry.url);
    CRAWLD_CHECK(url.has_value(), "the queue holds URLs that were parsed before");
    HostEntry& host = HostOf(work, entry.place.host, url->host());
    CRAWLD_CHECK(host.record.later > 0, "a URL to be retried is counted");
    --host.record.later;
    ++host.record.queued;
    work.batch.DeleteLater(when, entry.place);
    work.batch.PutQueue(entry);
    UrlRecord record;
    record.state = UrlState::kQueued;
    work.batch.PutUrl(entry.place.host, scope_.Hash(*url), record);
    work.Count(UrlState::kLater, UrlState::kQueued);
    work.Change(entry.place.host).NoteAdded(entry.place);
    return true;
  });
  work.next_later = next;
}

void Frontier::Committer::Unpark(Work& work) {
  store_.ScanDue(work.now, [&](WallTime, HostId id) {
    const auto record = store_.ReadHost(id);
    if (record && record->parked_until > work.now) {
      HostEntry& host = HostOf(work, id, {});
      host.record.parked_until = WallTime{};
      host.defer_to = work.now;
      work.Change(id).due_earlier = true;
    }
    return true;
  });
}

void Frontier::Committer::ForgetParking(HostRecord& record) {
  record.parked_until = WallTime{};
  record.parked_in_run = 0;
}

HostRecord::Held Frontier::Committer::HeldNow(const Work& work, const HostRecord& record) {
  return work.operator_holds ? AsHeld(work.operator_holds->Find(record.name)) : record.held;
}

void Frontier::Committer::Lift(Work& work) {
  size_t looked_at = 0;
  const HostId after = *work.lift_after;
  work.lift_after.reset();
  store_.ScanDue(
      kHeldDue,
      [&](WallTime, HostId id) {
        const auto record = store_.ReadHost(id);
        if (record &&
            (HeldNow(work, *record) != record->held || record->held_in_run != run_.number)) {
          HostOf(work, id, {}).record.held_in_run = run_.number;  // WriteHosts() does the rest
        }
        if (++looked_at < kMaxLifted) return true;
        work.lift_after = id;
        return false;
      },
      after);
}

void Frontier::Committer::Discover(Work& work, CommitGroup& group) {
  // Each URL once, with the kindest verdict, in the order of discovery.
  std::vector<const Discovery*> found;
  std::unordered_map<web::UrlHash, size_t> index;
  const auto add = [&](const Discovery& discovery) {
    if (seen_.Contains(discovery.hash)) return;
    if (discovery.verdict != Verdict::kAdmit && seen_.Contains(ExcludedKey(discovery.hash))) {
      return;
    }
    const auto [it, inserted] = index.try_emplace(discovery.hash, found.size());
    if (inserted) {
      found.push_back(&discovery);
    } else if (found[it->second]->verdict != Verdict::kAdmit &&
               discovery.verdict == Verdict::kAdmit) {
      found[it->second] = &discovery;
    }
  };
  for (const Discovery& seed : group.seeds) add(seed);
  for (const Completion& completion : group.completions) {
    for (const Discovery& link : completion.found) add(link);
  }
  if (found.empty()) return;
  std::vector<Store::UrlId> ids;
  ids.reserve(found.size());
  for (const Discovery* discovery : found) ids.push_back({discovery->host, discovery->hash});
  const auto states = store_.ReadStates(ids);
  for (size_t i = 0; i < found.size(); ++i) {
    Verdict verdict = found[i]->verdict;
    if (states[i]) {
      const auto [state, old_verdict] = *states[i];
      if (state != UrlState::kExcluded || verdict != Verdict::kAdmit ||
          !MayBeOverruled(old_verdict)) {
        const bool excluded = state == UrlState::kExcluded && MayBeOverruled(old_verdict);
        work.now_seen.push_back(excluded ? ExcludedKey(found[i]->hash) : found[i]->hash);
        continue;
      }
      --work.counters.by_state[static_cast<int>(UrlState::kExcluded)];
      --work.counters.excluded[static_cast<int>(old_verdict)];
    }
    Admit(work, *found[i]);
  }
}

void Frontier::Committer::Admit(Work& work, const Discovery& discovery) {
  Verdict verdict = discovery.verdict;
  HostEntry* host = nullptr;
  if (verdict == Verdict::kAdmit) {
    host = &HostOf(work, discovery.host, discovery.url.host());
    const uint64_t admitted =
        work.counters.seen() - work.counters.by_state[static_cast<int>(UrlState::kExcluded)];
    if (options_.max_pages > 0 && admitted >= options_.max_pages) {
      verdict = Verdict::kCrawlLimit;
    } else if (options_.max_pages_per_host > 0 &&
               host->record.admitted >= options_.max_pages_per_host) {
      verdict = Verdict::kHostLimit;
    } else if (!AddOrigin(host->record, OriginOf(discovery.url))) {
      verdict = Verdict::kTooManyOrigins;
    }
  }
  UrlRecord record;
  if (verdict != Verdict::kAdmit) {
    record.state = UrlState::kExcluded;
    record.kind = discovery.info.kind;
    record.verdict = verdict;
    record.depth = discovery.info.depth;
    record.when = work.now;
    // Who sends URLs of 64 KiB is not to fill the disk with them.
    record.url =
        std::string_view(discovery.url.HrefWithoutFragment()).substr(0, kMaxExcludedUrlBytes);
    ++work.counters.by_state[static_cast<int>(UrlState::kExcluded)];
    ++work.counters.excluded[static_cast<int>(verdict)];
    traps_.Note(discovery.url.host(), verdict, record.url, work.now);
  } else {
    ++work.counters.by_state[static_cast<int>(UrlState::kQueued)];
    ++host->record.admitted;
    ++host->record.queued;
    QueueEntry entry;
    entry.place = PlaceOf(work, discovery);
    entry.info = discovery.info;
    entry.url = discovery.url.HrefWithoutFragment();
    work.batch.PutQueue(entry);
    work.Change(entry.place.host).NoteAdded(entry.place);
  }
  work.batch.PutUrl(discovery.host, discovery.hash, record);
  work.now_seen.push_back(MayBeOverruled(verdict) ? ExcludedKey(discovery.hash) : discovery.hash);
}

bool Frontier::Committer::AddOrigin(HostRecord& host, const OriginKey& origin) {
  if (std::find(host.origins.begin(), host.origins.end(), origin) != host.origins.end()) {
    return true;
  }
  if (host.origins.size() >= kMaxOriginsPerHost) return false;
  host.origins.push_back(origin);
  return true;
}

QueuePlace Frontier::Committer::PlaceOf(Work& work, const Discovery& discovery) const {
  QueuePlace place;
  place.host = discovery.host;
  place.origin = OriginOf(discovery.url);
  place.sequence = work.counters.next_sequence++;
  switch (options_.order) {
    case Order::kBreadthFirst:
      place.rank = discovery.info.depth;
      break;
    case Order::kDepthFirst:
      place.sequence = ~place.sequence;
      break;
    case Order::kPriority:
      place.rank = discovery.priority;
      break;
  }
  return place;
}

void Frontier::Committer::WriteHosts(Work& work) {
  for (const HostId id : work.touched) {
    HostEntry& host = hosts_.at(id);
    HostRecord& record = host.record;
    const bool queued = record.queued > 0;
    if (record.held != HostRecord::Held::kNot) {
      record.held = HeldNow(work, record);
      if (record.held == HostRecord::Held::kNot &&
          host.defer_to.value_or(host.was_due) >= kHeldDue) {
        host.defer_to = work.now;
        work.Change(id).due_earlier = true;
      }
    }
    if (!host.on_disk) ++work.counters.hosts;
    if (queued != host.was_queued) {
      if (queued) {
        ++work.counters.hosts_waiting;
      } else {
        --work.counters.hosts_waiting;
      }
    }
    if (host.was_queued && (!queued || host.defer_to)) {
      work.batch.DeleteDue(host.was_due, id);
    }
    if (queued && (!host.was_queued || host.defer_to)) {
      const bool held = record.held != HostRecord::Held::kNot;
      record.due =
          host.defer_to.value_or(held ? kHeldDue : std::max(work.now, record.parked_until));
      work.batch.PutDue(record.due, id);
    }
    work.parked_urls -= std::min(work.parked_urls, host.was_parked);
    work.parked_urls += host.Parked(run_.number);
    work.batch.PutHost(id, record);
  }
}

}  // namespace crawld::frontier
