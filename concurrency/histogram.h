// Histogram: how many durations were how long, in buckets that grow by about two and a half.
//
// What Prometheus calls a histogram: each bucket has an upper bound, the last is unbounded. For
// durations between a millisecond and minutes; shorter ones share the first bucket.
//
// Thread safety: all members, from any thread. A Counts is not one moment's: what is observed while
// it is made may be in the sum and not yet in a bucket. Cost: Observe is two relaxed additions and
// a search among 18 bounds.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace crawld::concurrency {

class Histogram {
 public:
  using Duration = std::chrono::microseconds;

  // Upper bounds, inclusive; what is longer than the last is in one bucket more.
  static constexpr std::array<Duration, 17> kBounds = {
      Duration(500),        Duration(1'000),      Duration(2'500),      Duration(5'000),
      Duration(10'000),     Duration(25'000),     Duration(50'000),     Duration(100'000),
      Duration(250'000),    Duration(500'000),    Duration(1'000'000),  Duration(2'500'000),
      Duration(5'000'000),  Duration(10'000'000), Duration(30'000'000), Duration(60'000'000),
      Duration(120'000'000)};

  struct Counts {
    std::array<uint64_t, kBounds.size() + 1> buckets{};  // each alone, not cumulative
    Duration sum{0};

    uint64_t total() const {
      uint64_t all = 0;
      for (const uint64_t count : buckets) all += count;
      return all;
    }
  };

  // Negative ones count as 0.
  void Observe(std::chrono::nanoseconds duration) {
    const auto micros = std::max(Duration(0), std::chrono::duration_cast<Duration>(duration));
    const auto* const bound = std::lower_bound(kBounds.begin(), kBounds.end(), micros);
    buckets_.at(static_cast<size_t>(bound - kBounds.begin()))
        .fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(static_cast<uint64_t>(micros.count()), std::memory_order_relaxed);
  }

  Counts Read() const {
    Counts counts;
    for (size_t i = 0; i < buckets_.size(); ++i) {
      counts.buckets.at(i) = buckets_.at(i).load(std::memory_order_relaxed);
    }
    counts.sum = Duration(sum_.load(std::memory_order_relaxed));
    return counts;
  }

 private:
  std::array<std::atomic<uint64_t>, kBounds.size() + 1> buckets_{};
  std::atomic<uint64_t> sum_ = 0;  // microseconds
};

}  // namespace crawld::concurrency
