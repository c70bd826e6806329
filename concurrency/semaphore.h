// Semaphore: a number of permits (or bytes) for which threads queue.
//
// A Permit holds what it was given until it is destroyed. Waiters are served first come, first
// served, so that a large request is not starved by small ones; a large one at the head holds up
// the smaller behind it. TryAcquire does not jump that queue either.
// Close() turns away all who wait or come later; permits already given stay good.
//
// Thread safety: all calls, from any thread; a Permit belongs to one thread at a time.
// Ownership: the semaphore outlives its permits (checked).
// Cost: one lock; a release wakes every waiter (meant for tens of them, not thousands).
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <optional>
#include <utility>

#include "base/mutex.h"
#include "base/thread_annotations.h"

namespace crawld::concurrency {

class Semaphore {
 public:
  using Duration = std::chrono::steady_clock::duration;

  class [[nodiscard]] Permit {
   public:
    Permit() = default;  // holds nothing
    Permit(Permit&& other) noexcept
        : semaphore_(std::exchange(other.semaphore_, nullptr)),
          count_(std::exchange(other.count_, 0)) {}
    Permit& operator=(Permit&& other) noexcept;
    ~Permit() { Release(); }

    [[nodiscard]] uint64_t count() const { return count_; }
    // Keeps `count` of it (at most what it holds) and gives back the rest.
    void ShrinkTo(uint64_t count);
    void Release() { ShrinkTo(0); }

   private:
    friend class Semaphore;
    Permit(Semaphore* semaphore, uint64_t count) : semaphore_(semaphore), count_(count) {}
    Semaphore* semaphore_ = nullptr;
    uint64_t count_ = 0;
  };

  explicit Semaphore(uint64_t permits) : total_(permits), available_(permits) {}
  ~Semaphore();
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  // `count` is at most total(): more would wait for ever (checked). nullopt if closed (Acquire), if
  // there were not enough in time (AcquireFor) or at once (TryAcquire).
  [[nodiscard]] std::optional<Permit> Acquire(uint64_t count = 1);
  [[nodiscard]] std::optional<Permit> AcquireFor(Duration wait, uint64_t count = 1);
  [[nodiscard]] std::optional<Permit> TryAcquire(uint64_t count = 1);

  void Close() EXCLUDES(mutex_);

  [[nodiscard]] uint64_t available() const EXCLUDES(mutex_);
  [[nodiscard]] uint64_t total() const { return total_; }

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  std::optional<Permit> AcquireUntil(TimePoint deadline, uint64_t count) EXCLUDES(mutex_);
  void Return(uint64_t count) EXCLUDES(mutex_);

  // Constant after construction.
  const uint64_t total_;

  mutable Mutex mutex_;
  CondVar changed_;
  uint64_t available_ GUARDED_BY(mutex_);
  // Those who wait, in order of arrival; each waits for its own entry to be the first.
  std::list<uint64_t> waiting_ GUARDED_BY(mutex_);
  uint64_t next_ticket_ GUARDED_BY(mutex_) = 0;
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace crawld::concurrency
