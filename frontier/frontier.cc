#include "frontier/frontier.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "frontier/committer.h"

namespace crawld::frontier {
namespace {

constexpr size_t kMaxDenialsWaiting = 4096;

std::string IdentityOf(const web::CrawlKeyOptions& key) {
  return fmt::format("drop_session_ids={} drop_tracking={} sort_query={}", key.drop_session_ids,
                     key.drop_tracking, key.sort_query);
}

[[noreturn]] void Refuse(const PatternError& error) {
  throw FatalError(fmt::format("scope.{}[{}]: {}", error.in_exclude ? "exclude" : "include",
                               error.index, error.message));
}

std::unique_ptr<Scope> MakeScope(ScopeOptions options, uint64_t seed) {
  options.hash_seed = seed;
  auto scope = Scope::Create(options);
  if (!scope) Refuse(scope.error());
  return *std::move(scope);
}

}  // namespace

Frontier::Frontier(const std::filesystem::path& directory, FrontierOptions options)
    : options_(std::move(options)),
      store_(directory, options_.store, IdentityOf(options_.scope.key)),
      scope_(MakeScope(options_.scope, store_.hash_seed())),
      seen_(options_.seen_cache_bytes),
      committer_(std::make_unique<Committer>(store_, *scope_, seen_, traps_, options_)),
      scheduler_(store_, *scope_, mailbox_, options_.scheduler) {
  MutexLock lock(mutex_);
  stats_.counters = committer_->counters();
  stats_.origins_held = committer_->origins_held();
  next_later_ = committer_->next_later();
  politeness_ = options_.scheduler.politeness;
}

Frontier::~Frontier() = default;

void Frontier::Apply(const News& news) {
  if (const auto* released = std::get_if<Released>(&news)) {
    scheduler_.Release(released->task, released->end);
  } else if (const auto* found = std::get_if<AddressFound>(&news)) {
    scheduler_.NoteAddress(found->host, found->address);
  } else if (const auto* wanted = std::get_if<ProbeWanted>(&news)) {
    scheduler_.WantProbe(wanted->host);
  } else if (const auto* probed = std::get_if<ProbeEnded>(&news)) {
    scheduler_.EndProbe(probed->host, probed->end);
  } else if (const auto* opened = std::get_if<GateOpened>(&news)) {
    scheduler_.GateOpened(opened->host, opened->when, opened->hold_until);
  } else if (const auto* given_up = std::get_if<GivenUp>(&news)) {
    scheduler_.Park(given_up->host, given_up->until);
  } else if (const auto* holds = std::get_if<OperatorHoldsPtr>(&news)) {
    scheduler_.SetHolds(*holds);
  } else if (const auto* politeness = std::get_if<PolitenessOptions>(&news)) {
    scheduler_.SetPaces(*politeness);
  }
}

Decision Frontier::Next(WallTime now, bool newcomers) {
  std::vector<News> all;
  bool many_denials = false;
  {
    MutexLock lock(mutex_);
    all.swap(news_);
    many_denials = effects_.denials.size() >= kMaxDenialsWaiting;
  }
  if (!std::exchange(began_, true) && !committer_->ended_clean()) scheduler_.SetFloor(now);
  for (const News& news : all) Apply(news);
  for (GatedHost& gated : scheduler_.TakeGated()) options_.on_gate(std::move(gated));
  for (const HostId host : scheduler_.TakeUngated()) options_.on_ungate(host);
  const bool mail = scheduler_.TakeMail(now);
  if (many_denials && !mail) return Wait{kNever, Wait::Reason::kCommit};
  SideEffects effects;
  Decision decision = scheduler_.Next(now, newcomers, effects);
  while (const auto* probe = std::get_if<Probe>(&decision)) {
    options_.on_probe(probe->host);
    decision = scheduler_.Next(now, newcomers, effects);
  }
  const bool chores = !effects.empty();
  Keep(std::move(effects));
  if (const Wait* wait = std::get_if<Wait>(&decision)) {
    MutexLock lock(mutex_);
    stats_.last_wait = *wait;
  }
  if (chores) options_.on_chores();
  return decision;
}

void Frontier::Keep(SideEffects effects) {
  MutexLock lock(mutex_);
  std::move(effects.denials.begin(), effects.denials.end(), std::back_inserter(effects_.denials));
  effects_.deferrals.insert(effects_.deferrals.end(), effects.deferrals.begin(),
                            effects.deferrals.end());
  effects_.touches.insert(effects_.touches.end(), effects.touches.begin(), effects.touches.end());
  if (effects.holds) effects_.holds = std::move(effects.holds);
  stats_.scheduler = scheduler_.stats();
  unwritten_until_ = scheduler_.unwritten_until();
}

void Frontier::Settle() {
  std::vector<News> all;
  {
    MutexLock lock(mutex_);
    all.swap(news_);
  }
  for (const News& news : all) Apply(news);
  SideEffects effects;
  scheduler_.HandOver(effects);
  Keep(std::move(effects));
}

void Frontier::Tell(News news) {
  {
    MutexLock lock(mutex_);
    news_.push_back(std::move(news));
  }
  options_.on_schedule_change();
}

void Frontier::Release(const Task& task, FetchEnd end) { Tell(Released{task, std::move(end)}); }

void Frontier::NoteAddress(HostId host, std::string address) {
  Tell(AddressFound{host, std::move(address)});
}

void Frontier::WantProbe(HostId host) { Tell(ProbeWanted{host}); }

void Frontier::EndProbe(HostId host, FetchEnd end) { Tell(ProbeEnded{host, std::move(end)}); }

void Frontier::OpenGate(HostId host, WallTime now, WallTime hold_until) {
  Tell(GateOpened{host, now, hold_until});
}

void Frontier::Park(HostId host, WallTime until) { Tell(GivenUp{host, until}); }

void Frontier::SetHolds(OperatorHoldsPtr holds) {
  {
    MutexLock lock(mutex_);
    holds_ = holds;
  }
  Tell(std::move(holds));
}

void Frontier::Reload(const ScopeOptions& scope, const PolitenessOptions& politeness) {
  if (!scope_->HasRules(scope)) {
    auto rules = Scope::Compile(scope);
    if (!rules) Refuse(rules.error());
    scope_->Use(*std::move(rules));
  }
  {
    MutexLock lock(mutex_);
    TakePaces(politeness_, politeness);
  }
  Tell(politeness);
}

Explanation Frontier::Explain(web::Url url, WallTime now) const {
  OperatorHoldsPtr holds;
  SchedulerOptions options = options_.scheduler;
  {
    MutexLock lock(mutex_);
    holds = holds_;
    options.politeness = politeness_;
  }
  return frontier::Explain(store_, *scope_, options, holds.get(), std::move(url), now);
}

FrontierMemory Frontier::memory() const {
  const Store::Memory store = store_.MemoryUse();
  return {options_.seen_cache_bytes, store.cache_bytes, store.write_buffer_bytes};
}

std::vector<std::optional<std::pair<UrlState, Verdict>>> Frontier::StatesOf(
    const std::vector<Discovery>& urls) const {
  std::vector<Store::UrlId> ids;
  ids.reserve(urls.size());
  for (const Discovery& url : urls) ids.push_back({url.host, url.hash});
  return store_.ReadStates(ids);
}

bool Frontier::Seen(const Discovery& found) const {
  return seen_.Contains(found.hash) ||
         (found.verdict != Verdict::kAdmit && seen_.Contains(ExcludedKey(found.hash)));
}

FrontierStats Frontier::stats() const {
  FrontierStats stats;
  {
    MutexLock lock(mutex_);
    stats = stats_;
  }
  stats.undelivered_hosts = mailbox_.waiting();
  return stats;
}

bool Frontier::Drained() const {
  MutexLock lock(mutex_);
  const uint64_t* states = stats_.counters.by_state;
  return states[static_cast<int>(UrlState::kQueued)] + states[static_cast<int>(UrlState::kLater)] ==
         stats_.parked_urls;
}

void Frontier::Commit(CommitGroup group, WallTime now) {
  SideEffects effects;
  {
    MutexLock lock(mutex_);
    std::swap(effects, effects_);
    if (unwritten_until_ > now) group.last = false;  // the next run waits a delay
  }
  mailbox_.Post(committer_->Commit(group, effects, now));
  {
    MutexLock lock(mutex_);
    stats_.counters = committer_->counters();
    stats_.origins_held = committer_->origins_held();
    stats_.parked_urls = committer_->parked_urls();
    next_later_ = committer_->next_later();
    lifting_ = committer_->lifting();
  }
  for (const RobotsHold& hold : committer_->holds()) options_.on_robots_hold(hold);
  options_.on_schedule_change();
}

WallTime Frontier::NextChore(WallTime now) const {
  MutexLock lock(mutex_);
  return effects_.empty() && !lifting_ ? next_later_ : now;
}

std::optional<std::string> Frontier::ReadNote(std::string_view key) const {
  return store_.ReadMeta(std::string(kNotePrefix) + std::string(key));
}

std::string Frontier::archive_position() const { return store_.ReadMeta(kArchiveKey).value_or(""); }

}  // namespace crawld::frontier
