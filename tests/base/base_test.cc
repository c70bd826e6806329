#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "base/check.h"
#include "base/error.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"

namespace crawld {
namespace {

Result<int> Half(int n) {
  if (n % 2 != 0) return Err(Error{"odd"});
  return n / 2;
}

TEST(ResultTest, HoldsAValueOrTheErrorThatStoodInItsWay) {
  EXPECT_EQ(*Half(4), 2);
  ASSERT_FALSE(Half(3));
  EXPECT_EQ(Half(3).error().message, "odd");
}

TEST(ResultTest, CarriesWhatCanOnlyBeMoved) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  EXPECT_EQ(**std::move(result), 7);
}

TEST(ErrorTest, AFatalErrorSaysWhatItWasTold) {
  EXPECT_STREQ(FatalError("disk full: free some space").what(), "disk full: free some space");
}

TEST(CheckDeathTest, ABrokenInvariantEndsTheProcessWithPlaceAndReason) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(CRAWLD_CHECK(1 + 1 == 3, "arithmetic holds"),
               "base_test.cc:[0-9]+: 1 \\+ 1 == 3 \\(arithmetic holds\\)");
}

TEST(CheckTest, AnInvariantThatHoldsCostsNothingButItsEvaluation) {
  int evaluated = 0;
  CRAWLD_CHECK(++evaluated == 1, "evaluated once");
  EXPECT_EQ(evaluated, 1);
}

TEST(MutexTest, AWaiterWakesWithTheLockHeld) {
  Mutex mutex;
  CondVar changed;
  bool ready = false;
  std::thread other([&] {
    const MutexLock lock(mutex);
    ready = true;
    changed.NotifyAll();
  });
  {
    MutexLock lock(mutex);
    while (!ready) changed.Wait(mutex);
    EXPECT_FALSE(std::async(std::launch::async, [&] {
                   if (!mutex.TryLock()) return false;
                   mutex.Unlock();
                   return true;
                 }).get());
  }
  other.join();
}

TEST(MutexTest, AWaitEndsAtItsDeadline) {
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
  while (never.WaitUntil(mutex, deadline)) {
  }
  EXPECT_GE(std::chrono::steady_clock::now(), deadline);
}

TEST(TimeTest, NeverIsLaterThanAnyTime) { EXPECT_GT(kNever, WallTime(Millis(INT64_MAX - 1))); }

}  // namespace
}  // namespace crawld
