#include "concurrency/timer.h"

#include <exception>
#include <utility>

#include "base/check.h"
#include "concurrency/event.h"
#include "concurrency/failures.h"

namespace crawld::concurrency {

Timer::Timer(Timer&& other) noexcept
    : service_(std::exchange(other.service_, nullptr)), key_(other.key_) {}

Timer& Timer::operator=(Timer&& other) noexcept {
  if (this != &other) {
    Forget();
    service_ = std::exchange(other.service_, nullptr);
    key_ = other.key_;
  }
  return *this;
}

Timer::~Timer() { Forget(); }

bool Timer::Cancel() { return service_ != nullptr && service_->Cancel(key_); }

void Timer::Forget() {
  if (service_ != nullptr) std::exchange(service_, nullptr)->Release(key_);
}

TimerService::TimerService(std::string name) : thread_(std::move(name), [this] { Loop(); }) {}

TimerService::~TimerService() {
  {
    const MutexLock lock(mutex_);
    CRAWLD_CHECK(handles_ == 0, "a timer service outlives its timers");
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.Join();
}

Timer TimerService::Schedule(std::chrono::steady_clock::duration delay, UniqueFunction<void()> fn) {
  return ScheduleAt(DeadlineAfter(delay), std::move(fn));
}

Timer TimerService::ScheduleAt(std::chrono::steady_clock::time_point due,
                               UniqueFunction<void()> fn) {
  const MutexLock lock(mutex_);
  const Key key{.due = due, .serial = next_serial_++};
  const auto place = timers_.emplace(key, std::move(fn)).first;
  ++handles_;
  if (place == timers_.begin()) changed_.NotifyOne();
  return Timer(this, key);
}

size_t TimerService::pending() const {
  const MutexLock lock(mutex_);
  return timers_.size();
}

bool TimerService::Cancel(const Key& key) {
  UniqueFunction<void()> dropped;  // destroyed after the lock: it may own anything
  const MutexLock lock(mutex_);
  const auto place = timers_.find(key);
  if (place == timers_.end()) return false;
  dropped = std::move(place->second);
  timers_.erase(place);
  return true;
}

void TimerService::Release(const Key& key) {
  UniqueFunction<void()> dropped;
  const MutexLock lock(mutex_);
  if (const auto place = timers_.find(key); place != timers_.end()) {
    dropped = std::move(place->second);
    timers_.erase(place);
  } else if (std::this_thread::get_id() != thread_.id()) {
    while (running_ == key.serial) returned_.Wait(mutex_);
  }
  --handles_;
}

void TimerService::Loop() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    if (timers_.empty()) {
      Idle("waiting for a timer");
      changed_.Wait(mutex_);
      continue;
    }
    const auto next = timers_.begin();
    const auto due = next->first.due;
    if (due > std::chrono::steady_clock::now()) {
      Idle("waiting for the next timer");
      changed_.WaitUntil(mutex_, due);
      continue;
    }
    UniqueFunction<void()> fn = std::move(next->second);
    running_ = next->first.serial;
    timers_.erase(next);
    lock.Unlock();
    Heartbeat("running a timer's callback");
    try {
      fn();
    } catch (...) {
      ReportFailure(FailureKind::kTimer, "a timer's callback", std::current_exception());
    }
    fn = {};
    lock.Lock();
    running_ = 0;
    returned_.NotifyAll();
  }
}

}  // namespace crawld::concurrency
