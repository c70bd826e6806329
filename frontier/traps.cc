#include "frontier/traps.h"

#include <algorithm>
#include <utility>

#include "web/utf8.h"

namespace crawld::frontier {

bool Traps::IsSign(Verdict verdict) {
  switch (verdict) {
    case Verdict::kTooDeep:
    case Verdict::kUrlTooLong:
    case Verdict::kHostLimit:
    case Verdict::kTooManyRedirects:
    case Verdict::kTooManyOrigins:
      return true;
    case Verdict::kAdmit:
    case Verdict::kOtherHost:
    case Verdict::kOtherDomain:
    case Verdict::kOutsidePrefix:
    case Verdict::kNotIncluded:
    case Verdict::kExcluded:
    case Verdict::kCrawlLimit:
    case Verdict::kRobotsDisallowed:
    case Verdict::kRobotsUnreachable:
    case Verdict::kRobotsFile:
    case Verdict::kNofollow:
    case Verdict::kBadHost:
      return false;
  }
  return false;
}

void Traps::Note(std::string_view host, Verdict verdict, std::string_view url, WallTime now) {
  if (!IsSign(verdict)) return;
  host = host.substr(0, kMaxHostBytes);
  MutexLock lock(mutex_);
  auto found = index_.find(host);
  if (found == index_.end()) {
    if (hosts_.size() >= kHosts) {
      index_.erase(hosts_.back().host);
      hosts_.pop_back();
    }
    hosts_.emplace_front().host = host;
    found = index_.emplace(std::string(host), hosts_.begin()).first;
  } else {
    hosts_.splice(hosts_.begin(), hosts_, found->second);
  }
  TrapSigns& signs = *found->second;
  ++signs.urls;
  ++signs.by_reason.at(static_cast<size_t>(verdict));
  signs.last_url = url.substr(0, web::ValidUtf8Prefix(url.substr(0, kMaxUrlBytes)));
  signs.last = now;
}

std::vector<TrapSigns> Traps::Most(size_t limit) const {
  MutexLock lock(mutex_);
  std::vector<const TrapSigns*> all;
  all.reserve(hosts_.size());
  for (const TrapSigns& signs : hosts_) all.push_back(&signs);
  limit = std::min(limit, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<ptrdiff_t>(limit), all.end(),
                    [](const TrapSigns* a, const TrapSigns* b) { return a->urls > b->urls; });
  std::vector<TrapSigns> out;
  out.reserve(limit);
  for (size_t i = 0; i < limit; ++i) out.push_back(*all[i]);
  return out;
}

}  // namespace crawld::frontier
