#include "frontier/explain.h"

#include <algorithm>
#include <utility>

#include "web/robots.h"

namespace crawld::frontier {
namespace {

void ReadUrl(const Store& store, const Scope& scope, const Discovery& found, Explanation& out) {
  // By its identity: url_key may make one URL of two spellings.
  const auto is_it = [&](const QueueEntry& entry) {
    if (entry.place.host != found.host) return false;
    const auto url = web::Url::Parse(entry.url);
    return entry.url == out.url || (url && scope.Hash(*url) == found.hash);
  };
  const auto record = store.ReadUrl(found.host, found.hash);
  if (!record) return;
  out.state = record->state;
  out.record = *record;
  if (record->state == UrlState::kQueued && out.host) {
    for (const OriginKey& origin : out.host->origins) {
      uint64_t before = 0;
      QueuePlace from;
      from.host = found.host;
      from.origin = origin;
      store.ScanQueue(found.host, origin, from, [&](QueueEntry&& entry) {
        if (!is_it(entry)) {
          ++before;
          return true;
        }
        out.entry = std::move(entry);
        out.before = before;
        return false;
      });
      if (out.entry) return;
    }
  } else if (record->state == UrlState::kLater) {
    store.ScanLater([&](WallTime when, QueueEntry&& entry) {
      if (!is_it(entry)) return true;
      out.entry = std::move(entry);
      out.retry_at = when;
      return false;
    });
  }
}

// The rules of the URL's origin, and the longest Crawl-delay of its host.
std::optional<Millis> ReadRobots(const Store& store, const SchedulerOptions& options,
                                 const web::Url& url, HostId host, WallTime now, Explanation& out) {
  std::optional<Millis> crawl_delay;
  const OriginKey own{url.scheme() == "https", url.EffectivePort()};
  if (!out.host || !options.politeness.robots) return crawl_delay;
  for (const OriginKey& origin : out.host->origins) {
    auto record = store.ReadRobots(host, origin);
    if (!record) continue;
    auto rules = web::RobotsRules::AllowAll();
    if (record->kind == RobotsRecord::Kind::kRules) {
      rules = web::RobotsRules::Parse(record->body, options.politeness.robots_token);
    } else if (record->kind == RobotsRecord::Kind::kUnreachable) {
      rules = web::RobotsRules::DisallowAll();
    }
    if (const auto asked = CrawlDelayOf(*record, options.politeness.robots_token)) {
      crawl_delay = std::max(crawl_delay.value_or(Millis(0)), *asked);
    }
    if (origin != own) continue;
    out.allowed = rules.Allows(url.PathAndQuery());
    if (record->kind == RobotsRecord::Kind::kUnreachable && record->expires > now) {
      out.limits.push_back({Hold::kRobots, record->expires});
    }
    out.robots = *std::move(record);
  }
  return crawl_delay;
}

}  // namespace

WallTime Explanation::Earliest(WallTime now) const {
  WallTime earliest = std::max(now, retry_at);
  for (const Limit& limit : limits) earliest = std::max(earliest, limit.until);
  return earliest;
}

Explanation Explain(const Store& store, const Scope& scope, const SchedulerOptions& options,
                    const OperatorHolds* holds, web::Url url, WallTime now) {
  url.DropFragment();
  const Discovery found = scope.JudgeSeed(std::move(url));
  Explanation out;
  out.url = found.url.HrefWithoutFragment();
  out.as_seed = found.verdict;
  out.host = store.ReadHost(found.host);
  ReadUrl(store, scope, found, out);
  const auto crawl_delay = ReadRobots(store, options, found.url, found.host, now, out);
  const Millis last_took = out.host ? out.host->last_took : Millis(0);
  out.pace = PaceOf(options.politeness, found.url.host(), crawl_delay, last_took);
  if (out.host) {
    const HostRecord& host = *out.host;
    const std::pair<Hold, WallTime> all[] = {
        {out.pace.reason,
         host.last_fetch == WallTime{} ? WallTime{} : host.last_fetch + out.pace.delay},
        {Hold::kRetryAfter, host.hold_until},
        {Hold::kParked, host.parked_until},
    };
    for (const auto& [hold, until] : all) {
      if (until > now) out.limits.push_back({hold, until});
    }
  }
  if (const OperatorHold* held = holds ? holds->Find(found.url.host()) : nullptr) {
    out.limits.push_back(
        {held->kind == HoldKind::kPaused ? Hold::kPaused : Hold::kBlocked, kNever});
  }
  std::stable_sort(out.limits.begin(), out.limits.end(),
                   [](const Limit& a, const Limit& b) { return a.until > b.until; });
  return out;
}

}  // namespace crawld::frontier
