// Event: a door that is shut or open. Threads wait in front of it; Set() lets all of them through
// and keeps the door open until Clear(). Shutdown is an Event, and so is a host's health.
//
// Every wait in the house that is not for a queue is a wait for an Event, with or without a
// timeout, so that stopping is immediate: nothing sleeps.
//
// Thread safety: all calls, from any thread. What a thread wrote before Set() is seen by a thread
// whose wait or IsSet() returned true. An Event may be destroyed as soon as a Wait() that saw it
// set has returned, even if Set() is just returning in another thread; IsSet() alone gives no such
// leave. Cost: IsSet() is one atomic load.
#pragma once

#include <atomic>
#include <chrono>

#include "base/mutex.h"

namespace crawld::concurrency {

// now + `wait`, without overflow: a wait of hours(1 << 40) is a wait for ever.
[[nodiscard]] std::chrono::steady_clock::time_point DeadlineAfter(
    std::chrono::steady_clock::duration wait);

class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void Set() EXCLUDES(mutex_);
  void Clear() EXCLUDES(mutex_);

  // Acquire: pairs with the release in Set().
  [[nodiscard]] bool IsSet() const { return set_.load(std::memory_order_acquire); }

  void Wait() const EXCLUDES(mutex_);

  // True if the event was set by then; false when the time is over. A negative or zero wait asks
  // without waiting.
  bool WaitFor(std::chrono::steady_clock::duration wait) const EXCLUDES(mutex_);
  bool WaitUntil(std::chrono::steady_clock::time_point deadline) const EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  mutable CondVar changed_;
  // Written under mutex_ only; atomic so that IsSet() needs no lock.
  std::atomic<bool> set_ = false;
};

}  // namespace crawld::concurrency
