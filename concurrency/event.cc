#include "concurrency/event.h"

namespace crawld::concurrency {

using Clock = std::chrono::steady_clock;

Clock::time_point DeadlineAfter(Clock::duration wait) {
  const auto now = Clock::now();
  if (wait > Clock::time_point::max() - now) return Clock::time_point::max();
  return now + wait;
}

void Event::Set() {
  // Notified under the lock: a waiter may destroy the event as soon as it gets through.
  const MutexLock lock(mutex_);
  set_.store(true, std::memory_order_release);
  changed_.NotifyAll();
}

void Event::Clear() {
  const MutexLock lock(mutex_);
  set_.store(false, std::memory_order_release);
}

void Event::Wait() const {
  const MutexLock lock(mutex_);
  while (!set_.load(std::memory_order_acquire)) changed_.Wait(mutex_);
}

bool Event::WaitFor(Clock::duration wait) const { return WaitUntil(DeadlineAfter(wait)); }

bool Event::WaitUntil(Clock::time_point deadline) const {
  const MutexLock lock(mutex_);
  while (!set_.load(std::memory_order_acquire)) {
    if (!changed_.WaitUntil(mutex_, deadline)) break;
  }
  return set_.load(std::memory_order_acquire);
}

}  // namespace crawld::concurrency
