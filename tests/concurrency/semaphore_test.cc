#include "concurrency/semaphore.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace crawld::concurrency {
namespace {

using std::chrono::milliseconds;

TEST(SemaphoreTest, APermitHoldsAndGivesBack) {
  Semaphore semaphore(2);
  {
    const auto a = semaphore.Acquire();
    const auto b = semaphore.TryAcquire();
    EXPECT_TRUE(a && b);
    EXPECT_EQ(semaphore.available(), 0U);
    EXPECT_FALSE(semaphore.TryAcquire().has_value());
    EXPECT_FALSE(semaphore.AcquireFor(milliseconds(1)).has_value());
  }
  EXPECT_EQ(semaphore.available(), 2U);
}

TEST(SemaphoreTest, CountsBytesAsWellAsPlaces) {
  Semaphore bytes(100);
  auto permit = *bytes.Acquire(100);
  EXPECT_FALSE(bytes.TryAcquire(1).has_value());
  permit.ShrinkTo(30);
  EXPECT_EQ(permit.count(), 30U);
  EXPECT_EQ(bytes.available(), 70U);
  EXPECT_FALSE(bytes.TryAcquire(71).has_value());
  EXPECT_TRUE(bytes.TryAcquire(70).has_value());
  permit.Release();
  permit.Release();
  EXPECT_EQ(bytes.available(), 100U);
}

TEST(SemaphoreTest, AMovedPermitIsOnePermit) {
  Semaphore semaphore(2);
  auto a = *semaphore.Acquire();
  auto b = *semaphore.Acquire();
  a = std::move(b);
  EXPECT_EQ(semaphore.available(), 1U);
  EXPECT_EQ(b.count(), 0U);  // NOLINT(bugprone-use-after-move): that is what is tested
}

TEST(SemaphoreTest, CloseTurnsWaitersAwayAndLeavesPermitsGood) {
  Semaphore semaphore(1);
  auto held = semaphore.Acquire();
  std::vector<std::thread> waiters;
  for (int i = 0; i < 4; ++i) {
    waiters.emplace_back([&] { EXPECT_FALSE(semaphore.Acquire().has_value()); });
  }
  semaphore.Close();
  for (auto& waiter : waiters) waiter.join();
  held.reset();
  EXPECT_EQ(semaphore.available(), 1U);
  EXPECT_FALSE(semaphore.TryAcquire().has_value());
}

TEST(SemaphoreTest, AReleaseWakesTheOneThatWaits) {
  Semaphore semaphore(1);
  auto held = semaphore.Acquire();
  std::thread waiter([&] { EXPECT_TRUE(semaphore.Acquire().has_value()); });
  held.reset();
  waiter.join();
}

TEST(SemaphoreDeathTest, MoreThanThereIsCanNeverBeHad) {
  Semaphore semaphore(3);
  EXPECT_TRUE(semaphore.TryAcquire(3).has_value());
  EXPECT_DEATH(static_cast<void>(semaphore.TryAcquire(4)), "never be had");
  EXPECT_DEATH(
      {
        auto gone = std::make_unique<Semaphore>(1);
        const auto permit = gone->Acquire();
        gone.reset();
      },
      "outlives its permits");
}

TEST(SemaphoreStressTest, NeverGivesMoreThanItHasAndStarvesNobody) {
  constexpr uint64_t kTotal = 5;
  Semaphore semaphore(kTotal);
  std::atomic<uint64_t> in_use = 0;
  std::vector<std::thread> threads;
  for (uint64_t t = 1; t <= 6; ++t) {
    threads.emplace_back([&, t] {
      const uint64_t want = t > kTotal ? 1 : t;  // one of them wants all there is
      for (int i = 0; i < 500; ++i) {
        auto permit =
            i % 3 == 0 ? semaphore.AcquireFor(milliseconds(1), want) : semaphore.Acquire(want);
        if (!permit) continue;
        EXPECT_LE(in_use += want, kTotal);
        in_use -= want;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(semaphore.available(), kTotal);
}

}  // namespace
}  // namespace crawld::concurrency
