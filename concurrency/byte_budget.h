// ByteBudget: how many bytes several threads hold together, and whether that is enough.
//
// A count, no reservation of memory: who holds bytes says so, and says when they are gone. Add()
// always succeeds, so a budget may be exceeded by those who cannot wait.
//
// Thread safety: all members, from any thread. Cost: one atomic operation; nothing else is ordered
// by it.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

namespace crawld::concurrency {

class ByteBudget {
 public:
  static constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

  explicit ByteBudget(uint64_t limit = kNoLimit) : limit_(limit) {}
  ByteBudget(const ByteBudget&) = delete;
  ByteBudget& operator=(const ByteBudget&) = delete;

  void Add(uint64_t bytes) { used_.fetch_add(bytes, std::memory_order_relaxed); }
  // Only if the budget then still holds.
  [[nodiscard]] bool TryAdd(uint64_t bytes) {
    uint64_t used = used_.load(std::memory_order_relaxed);
    do {
      if (used > limit_ || bytes > limit_ - used) return false;
    } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
    return true;
  }
  void Sub(uint64_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }

  uint64_t limit() const { return limit_; }
  uint64_t used() const { return used_.load(std::memory_order_relaxed); }
  // No more is to be begun.
  bool Spent() const { return used() >= limit_; }

 private:
  const uint64_t limit_;
  std::atomic<uint64_t> used_ = 0;
};

}  // namespace crawld::concurrency
