// BackgroundThread: calls a function now and then, until it is destroyed: health checks, probes,
// statistics.
//
// It never holds up the exit: between two calls it waits on an Event, and the function is given
// that Event to look at or to wait on. The function must be short, or return soon after the Event
// is set. A function that throws is logged and counted (FailureKind::kBackground), and called again
// after the next period.
//
// Thread safety: all calls, from any thread but the destructor. Ownership: the function may use
// what outlives the BackgroundThread; make it the last field of its owner.
#pragma once

#include <chrono>
#include <string>

#include "concurrency/event.h"
#include "concurrency/threads.h"
#include "concurrency/unique_function.h"

namespace crawld::concurrency {

class BackgroundThread {
 public:
  // `fn` is called at once and then `period` after each return.
  BackgroundThread(std::string name, std::chrono::steady_clock::duration period,
                   UniqueFunction<void(const Event& stop)> fn);
  // Stop(), and waits for the function to return.
  ~BackgroundThread();
  BackgroundThread(const BackgroundThread&) = delete;
  BackgroundThread& operator=(const BackgroundThread&) = delete;

  // No call begins after the one that may be under way. Does not wait; may be called from the
  // function itself.
  void Stop() { stop_.Set(); }
  [[nodiscard]] bool Stopping() const { return stop_.IsSet(); }

 private:
  void Loop();

  // Constant after construction.
  const std::string name_;
  const std::chrono::steady_clock::duration period_;

  // Has its own synchronisation.
  Event stop_;

  // Owned by the thread.
  UniqueFunction<void(const Event&)> fn_;

  NamedThread thread_;  // last: it uses all of the above
};

}  // namespace crawld::concurrency
