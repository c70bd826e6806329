#include "logs/repeat_filter.h"

#include <utility>

namespace crawld::logs {

std::string RepeatFilter::KeyOf(int level, std::string_view text) {
  std::string key(1, static_cast<char>('0' + level));
  key += text;
  return key;
}

void RepeatFilter::End(const std::string& key, Time now) {
  const auto it = entries_.find(key);
  const Entry& entry = it->second;
  if (entry.times > 0) {
    ended_.push_back({entry.level, key.substr(1), entry.times, now - entry.first});
  }
  entries_.erase(it);
}

bool RepeatFilter::Admit(int level, std::string_view text, Time now) {
  while (!order_.empty() && now - entries_.at(order_.front()).first >= window_) {
    End(order_.front(), now);
    order_.pop_front();
  }
  std::string key = KeyOf(level, text);
  if (const auto it = entries_.find(key); it != entries_.end()) {
    ++it->second.times;
    return false;
  }
  if (entries_.size() >= capacity_) {
    End(order_.front(), now);
    order_.pop_front();
  }
  entries_.emplace(key, Entry{level, now, 0});
  order_.push_back(std::move(key));
  return true;
}

std::vector<RepeatFilter::Repeated> RepeatFilter::TakeEnded(Time now, bool all) {
  while (!order_.empty() && (all || now - entries_.at(order_.front()).first >= window_)) {
    End(order_.front(), now);
    order_.pop_front();
  }
  return std::exchange(ended_, {});
}

}  // namespace crawld::logs
