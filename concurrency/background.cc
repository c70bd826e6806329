#include "concurrency/background.h"

#include <exception>
#include <utility>

#include "concurrency/failures.h"

namespace crawld::concurrency {

BackgroundThread::BackgroundThread(std::string name, std::chrono::steady_clock::duration period,
                                   UniqueFunction<void(const Event&)> fn)
    : name_(std::move(name)),
      period_(period),
      fn_(std::move(fn)),
      thread_(name_, [this] { Loop(); }) {}

BackgroundThread::~BackgroundThread() {
  Stop();
  thread_.Join();
}

void BackgroundThread::Loop() {
  while (!stop_.IsSet()) {
    Heartbeat("running");
    try {
      fn_(stop_);
    } catch (...) {
      ReportFailure(FailureKind::kBackground, "background thread " + name_,
                    std::current_exception());
    }
    Idle("waiting for the next turn");
    stop_.WaitFor(period_);
  }
}

}  // namespace crawld::concurrency
