#include "frontier/mailbox.h"

#include <algorithm>
#include <utility>

namespace crawld::frontier {

void HostChange::NoteAdded(const QueuePlace& place) {
  for (QueuePlace& smallest : added) {
    if (smallest.origin != place.origin) continue;
    smallest = std::min(smallest, place);
    return;
  }
  added.push_back(place);
}

void HostChange::Merge(HostChange&& later) {
  finished.insert(finished.end(), later.finished.begin(), later.finished.end());
  given_back.insert(given_back.end(), later.given_back.begin(), later.given_back.end());
  for (const QueuePlace& place : later.added) NoteAdded(place);
  for (const OriginKey& origin : later.robots) {
    if (std::find(robots.begin(), robots.end(), origin) == robots.end()) robots.push_back(origin);
  }
  hold_until = std::max(hold_until, later.hold_until);
  deferred = deferred || later.deferred;
  due_earlier = due_earlier || later.due_earlier;
}

void Mailbox::Announce(HostId host) {
  MutexLock lock(mutex_);
  residents_.insert(host);
}

void Mailbox::Forget(HostId host) {
  MutexLock lock(mutex_);
  residents_.erase(host);
  // What came since the scheduler last looked is on disk, where the host is found again.
  if (changes_.erase(host) > 0) others_ = true;
}

Mailbox::Mail Mailbox::Take() {
  std::unordered_map<HostId, HostChange> changes;
  Mail mail;
  {
    MutexLock lock(mutex_);
    changes.swap(changes_);
    mail.others = std::exchange(others_, false);
  }
  mail.hosts.reserve(changes.size());
  for (auto& [id, change] : changes) mail.hosts.push_back(std::move(change));
  return mail;
}

void Mailbox::Post(std::vector<HostChange> changes) {
  MutexLock lock(mutex_);
  for (HostChange& change : changes) {
    if (!residents_.contains(change.id)) {
      others_ = others_ || !change.added.empty() || change.due_earlier;
      continue;
    }
    const auto [it, inserted] = changes_.try_emplace(change.id);
    if (inserted) {
      it->second = std::move(change);
    } else {
      it->second.Merge(std::move(change));
    }
  }
}

size_t Mailbox::waiting() const {
  MutexLock lock(mutex_);
  return changes_.size();
}

}  // namespace crawld::frontier
