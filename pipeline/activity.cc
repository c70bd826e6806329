#include "pipeline/activity.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "web/utf8.h"

namespace crawld::pipeline {
namespace {

constexpr int kFirstRefusal = 400;

int64_t WeightOf(const HostActivity& host, Activity::By by) {
  switch (by) {
    case Activity::By::kFetches:
      return static_cast<int64_t>(host.fetches);
    case Activity::By::kErrors:
      return static_cast<int64_t>(host.errors + host.refused);
    case Activity::By::kBytes:
      return static_cast<int64_t>(host.bytes);
    case Activity::By::kTime:
      return host.took.count();
    case Activity::By::kLast:
      return host.last.time_since_epoch().count();
  }
  return 0;
}

}  // namespace

std::optional<Activity::By> ActivityOrder(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, Activity::By>, 5> kOrders = {
      {{"fetches", Activity::By::kFetches},
       {"errors", Activity::By::kErrors},
       {"bytes", Activity::By::kBytes},
       {"time", Activity::By::kTime},
       {"last", Activity::By::kLast}}};
  for (const auto& [known, order] : kOrders) {
    if (known == name) return order;
  }
  return std::nullopt;
}

void Activity::Note(std::string_view host, FetchNote note) {
  note.url.resize(web::ValidUtf8Prefix(std::string_view(note.url).substr(0, kMaxUrlBytes)));
  MutexLock lock(mutex_);
  auto found = index_.find(host);
  if (found == index_.end()) {
    if (hosts_.size() >= kHosts) {
      index_.erase(hosts_.back().sums.name);
      hosts_.pop_back();
    }
    Host& added = hosts_.emplace_front();
    added.number = ++next_number_;
    added.sums.name = host;
    found = index_.emplace(std::string(host), hosts_.begin()).first;
  } else {
    hosts_.splice(hosts_.begin(), hosts_, found->second);
  }
  Host& entry = *found->second;
  HostActivity& sums = entry.sums;
  ++sums.fetches;
  sums.errors += note.error.empty() ? 0 : 1;
  sums.refused += note.error.empty() && note.status >= kFirstRefusal ? 1 : 0;
  sums.bytes += note.bytes;
  sums.took += note.took;
  sums.last = note.when;
  sums.last_status = note.status;
  sums.last_error = note.error;
  if (ring_.size() < kFetches) {
    ring_.push_back({entry.number, std::move(note)});
    return;
  }
  ring_[next_] = {entry.number, std::move(note)};
  next_ = (next_ + 1) % kFetches;
}

std::vector<FetchNote> Activity::Fetches(std::string_view host, bool errors_only,
                                         size_t limit) const {
  std::vector<FetchNote> out;
  MutexLock lock(mutex_);
  uint64_t number = 0;
  if (!host.empty()) {
    const auto found = index_.find(host);
    if (found == index_.end()) return out;
    number = found->second->number;
  }
  for (size_t i = 0; i < ring_.size() && out.size() < limit; ++i) {
    const Kept& kept = ring_[(next_ + ring_.size() - 1 - i) % ring_.size()];
    if (number != 0 && kept.host != number) continue;
    if (errors_only && kept.note.error.empty() && kept.note.status < kFirstRefusal) continue;
    out.push_back(kept.note);
  }
  return out;
}

std::vector<HostActivity> Activity::Hosts(By by, std::string_view part, size_t limit) const {
  std::vector<HostActivity> out;
  {
    MutexLock lock(mutex_);
    for (const Host& host : hosts_) {
      if (host.sums.name.find(part) != std::string::npos) out.push_back(host.sums);
    }
  }
  limit = std::min(limit, out.size());
  std::partial_sort(out.begin(), out.begin() + static_cast<ptrdiff_t>(limit), out.end(),
                    [by](const HostActivity& a, const HostActivity& b) {
                      return WeightOf(a, by) > WeightOf(b, by);
                    });
  out.resize(limit);
  return out;
}

}  // namespace crawld::pipeline
