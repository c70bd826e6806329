#include "concurrency/background.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>

#include "concurrency/failures.h"

namespace crawld::concurrency {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

TEST(BackgroundThreadTest, CallsAtOnceAndThenEveryPeriod) {
  Event third;
  std::atomic<int> calls = 0;
  const BackgroundThread background("test", milliseconds(1), [&](const Event&) {
    if (++calls == 3) third.Set();
  });
  third.Wait();
}

TEST(BackgroundThreadTest, ALongPeriodNeverHoldsUpTheExit) {
  Event called;
  const BackgroundThread background("test", hours(1000), [&](const Event&) { called.Set(); });
  called.Wait();
}

TEST(BackgroundThreadTest, AFunctionThatWaitsIsToldToStop) {
  Event inside;
  bool stopped = false;
  {
    const BackgroundThread background("test", hours(1), [&](const Event& stop) {
      inside.Set();
      stop.Wait();
      stopped = true;
    });
    inside.Wait();
  }
  EXPECT_TRUE(stopped);
}

TEST(BackgroundThreadTest, GoesOnAfterAnException) {
  const auto before = FailureCount(FailureKind::kBackground);
  Event second;
  int calls = 0;
  {
    const BackgroundThread background("test", milliseconds(0), [&](const Event& stop) {
      if (++calls == 1) throw std::runtime_error("once");
      second.Set();
      stop.Wait();
    });
    second.Wait();
  }
  EXPECT_EQ(FailureCount(FailureKind::kBackground), before + 1);
}

TEST(BackgroundThreadTest, MayStopItself) {
  int calls = 0;
  Event called;
  {
    BackgroundThread* self = nullptr;
    Event ready;
    BackgroundThread background("test", milliseconds(0), [&](const Event&) {
      ready.Wait();
      ++calls;
      self->Stop();
      called.Set();
    });
    self = &background;
    ready.Set();
    called.Wait();
    EXPECT_TRUE(background.Stopping());
  }
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace crawld::concurrency
