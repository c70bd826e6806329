// TimerService and Timer: call a function once, after a delay.
//
// One thread serves any number of timers, in the order of their times (equal times: in the order of
// scheduling). A Timer is the handle of one call: destroying it cancels, and after the destructor
// the function does not run and is not running any more, so it may use what the Timer's owner owns.
// The one exception: a callback that destroys its own Timer is, of course, still running.
//
// A callback must be short, since the others wait for it; one that throws is logged and counted
// (FailureKind::kTimer). It may schedule and cancel timers, its own included.
//
// Thread safety: all calls of TimerService, from any thread; a Timer belongs to one thread at a
// time. Ownership: the service outlives its timers (checked). Callbacks not yet due when the
// service is destroyed would belong to timers, of which there are none then. Cost: O(log timers) a
// call, one lock.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "concurrency/threads.h"
#include "concurrency/unique_function.h"

namespace crawld::concurrency {

class TimerService;

class [[nodiscard]] Timer {
 public:
  Timer() = default;  // of nothing
  Timer(Timer&& other) noexcept;
  Timer& operator=(Timer&& other) noexcept;
  ~Timer();

  // True if the call will not happen because of this; false if it has happened, is under way, or
  // was cancelled before. Does not wait.
  bool Cancel();

 private:
  friend class TimerService;
  struct Key {
    std::chrono::steady_clock::time_point due;
    uint64_t serial = 0;  // tells equal times apart
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  Timer(TimerService* service, Key key) : service_(service), key_(key) {}
  void Forget();

  TimerService* service_ = nullptr;
  Key key_{};
};

class TimerService {
 public:
  explicit TimerService(std::string name = "timers");
  ~TimerService();
  TimerService(const TimerService&) = delete;
  TimerService& operator=(const TimerService&) = delete;

  // Calls `fn` once, in the service's thread. A delay of zero or less means at once.
  Timer Schedule(std::chrono::steady_clock::duration delay, UniqueFunction<void()> fn)
      EXCLUDES(mutex_);
  Timer ScheduleAt(std::chrono::steady_clock::time_point due, UniqueFunction<void()> fn)
      EXCLUDES(mutex_);

  // Timers that are not due yet.
  [[nodiscard]] size_t pending() const EXCLUDES(mutex_);

 private:
  friend class Timer;
  using Key = Timer::Key;

  bool Cancel(const Key& key) EXCLUDES(mutex_);
  // Cancels; if it is running, waits for it, unless called by itself.
  void Release(const Key& key) EXCLUDES(mutex_);
  void Loop() EXCLUDES(mutex_);

  mutable Mutex mutex_;
  CondVar changed_;   // for the thread: a timer that is due sooner, or stopping
  CondVar returned_;  // for Release: a callback came back
  std::map<Key, UniqueFunction<void()>> timers_ GUARDED_BY(mutex_);
  uint64_t next_serial_ GUARDED_BY(mutex_) = 1;
  uint64_t running_ GUARDED_BY(mutex_) = 0;  // the serial of the callback that runs, or 0
  size_t handles_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;

  NamedThread thread_;  // last: it uses all of the above
};

}  // namespace crawld::concurrency
