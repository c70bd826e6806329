#include "concurrency/timer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "concurrency/event.h"
#include "concurrency/failures.h"

namespace crawld::concurrency {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::ElementsAre;

TEST(TimerTest, RunsOnceAfterItsTime) {
  TimerService service;
  Event ran;
  const auto due = steady_clock::now() + milliseconds(2);
  steady_clock::time_point at;
  auto timer = service.ScheduleAt(due, [&] {
    at = steady_clock::now();
    ran.Set();
  });
  ran.Wait();
  EXPECT_GE(at, due);
  EXPECT_FALSE(timer.Cancel());
  EXPECT_EQ(service.pending(), 0U);
}

TEST(TimerTest, RunsInTheOrderOfTimeThenOfScheduling) {
  TimerService service;
  Event busy;
  Event go;
  auto gate = service.Schedule(milliseconds(0), [&] {
    busy.Set();
    go.Wait();
  });
  busy.Wait();  // nothing else runs until all are scheduled
  std::vector<int> order;
  Event done;
  const auto now = steady_clock::now();
  auto last = service.ScheduleAt(now, [&] { done.Set(); });
  auto second = service.ScheduleAt(now - milliseconds(1), [&] { order.push_back(2); });
  auto third = service.ScheduleAt(now - milliseconds(1), [&] { order.push_back(3); });
  auto first = service.ScheduleAt(now - milliseconds(2), [&] { order.push_back(1); });
  go.Set();
  done.Wait();
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(TimerTest, ASoonerTimerOvertakesALaterOne) {
  TimerService service;
  Event ran;
  bool later_ran = false;
  auto later = service.Schedule(hours(1), [&] { later_ran = true; });
  auto sooner = service.Schedule(milliseconds(1), [&] { ran.Set(); });
  ran.Wait();
  EXPECT_TRUE(later.Cancel());
  EXPECT_FALSE(later.Cancel());
  EXPECT_FALSE(later_ran);
}

TEST(TimerTest, EndlessDelaysAreNoOverflow) {
  TimerService service;
  auto timer = service.Schedule(steady_clock::duration::max(), [] {});
  EXPECT_EQ(service.pending(), 1U);
}

TEST(TimerTest, DestructionCancelsAndDropsTheFunction) {
  TimerService service;
  const auto held = std::make_shared<int>(0);
  {
    auto timer = service.Schedule(hours(1), [held] {});
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(service.pending(), 0U);
}

TEST(TimerTest, DestructionWaitsForACallbackThatRuns) {
  TimerService service;
  Event inside;
  Event go;
  std::atomic<bool> finished = false;
  std::thread opener;
  {
    auto timer = service.Schedule(milliseconds(0), [&] {
      inside.Set();
      go.Wait();
      finished = true;
    });
    inside.Wait();
    EXPECT_FALSE(timer.Cancel());
    opener = std::thread([&] { go.Set(); });
  }
  EXPECT_TRUE(finished);
  opener.join();
}

TEST(TimerTest, ACallbackMayDestroyItsOwnTimerAndScheduleAnother) {
  TimerService service;
  Event ready;
  Event done;
  std::optional<Timer> first;
  std::optional<Timer> second;
  first.emplace(service.Schedule(milliseconds(0), [&] {
    ready.Wait();
    EXPECT_FALSE(first->Cancel());
    first.reset();
    second.emplace(service.Schedule(milliseconds(0), [&] { done.Set(); }));
  }));
  ready.Set();
  done.Wait();
}

TEST(TimerTest, ACallbackThatThrowsStopsNoOther) {
  const auto before = FailureCount(FailureKind::kTimer);
  TimerService service;
  Event done;
  auto throws = service.Schedule(milliseconds(0), [] { throw std::runtime_error("timer"); });
  auto follows = service.Schedule(milliseconds(1), [&] { done.Set(); });
  done.Wait();
  EXPECT_EQ(FailureCount(FailureKind::kTimer), before + 1);
}

TEST(TimerTest, AMovedTimerIsOneTimer) {
  TimerService service;
  auto a = service.Schedule(hours(1), [] {});
  auto b = service.Schedule(hours(1), [] {});
  a = std::move(b);  // a's call is cancelled
  EXPECT_EQ(service.pending(), 1U);
  Timer empty;
  EXPECT_FALSE(empty.Cancel());
}

TEST(TimerDeathTest, AServiceOutlivesItsTimers) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        auto service = std::make_unique<TimerService>();
        auto timer = service->Schedule(hours(1), [] {});
        service.reset();
      },
      "outlives its timers");
}

// A call happens or is cancelled, never both, and never after its Timer is gone.
TEST(TimerStressTest, CancelRacingWithTheCallHasOneWinner) {
  TimerService service;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 300; ++i) {
        auto ran = std::make_unique<std::atomic<int>>(0);
        bool cancelled = false;
        {
          auto timer = service.Schedule(std::chrono::microseconds((i * 7 + t) % 60),
                                        [raw = ran.get()] { ++*raw; });
          if (i % 3 != 0) cancelled = timer.Cancel();
        }
        EXPECT_LE(*ran + (cancelled ? 1 : 0), 1);
        ran.reset();  // a call after this is a use after free, for the sanitizer to see
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(service.pending(), 0U);
}

}  // namespace
}  // namespace crawld::concurrency
