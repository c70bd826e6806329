#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "base/backoff.h"
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

TEST(BackoffTest, DoublesUpToItsLimitAndSpreadsWhatFailedTogether) {
  std::set<int64_t> seen;
  for (uint64_t salt = 0; salt < 100; ++salt) {
    for (uint32_t failures = 1; failures <= 8; ++failures) {
      const int64_t whole = std::min<int64_t>(1000LL << (failures - 1), 60'000);
      const int64_t wait = Backoff(Millis(1000), Millis(60'000), failures, salt).count();
      EXPECT_LE(wait, whole) << failures;
      EXPECT_GE(wait, whole - whole / 4) << failures;
      if (failures == 4) seen.insert(wait);
    }
  }
  EXPECT_GT(seen.size(), 80U);
  EXPECT_EQ(Backoff(Millis(1000), Millis(60'000), 3, 5),
            Backoff(Millis(1000), Millis(60'000), 3, 5));
}

TEST(BackoffTest, HasNoOverflowAndTakesNothingForNothing) {
  EXPECT_EQ(Backoff(Millis(0), Millis(1000), 1000, 1), Millis(0));
  EXPECT_EQ(Backoff(Millis(5), Millis(0), 3, 1), Millis(0));
  EXPECT_LE(Backoff(Millis(1), Millis::max(), UINT32_MAX, 1), Millis::max());
  EXPECT_GE(Backoff(Millis(1), Millis::max(), UINT32_MAX, 1), Millis::max() / 4 * 3);
}

TEST(TimeTest, NeverIsLaterThanAnyTime) { EXPECT_GT(kNever, WallTime(Millis(INT64_MAX - 1))); }

}  // namespace
}  // namespace crawld
