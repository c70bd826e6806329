#include "concurrency/byte_budget.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace crawld::concurrency {
namespace {

TEST(ByteBudgetTest, AtTheLimitItIsSpentAndNothingMoreFits) {
  ByteBudget budget(100);
  EXPECT_TRUE(budget.TryAdd(99));
  EXPECT_FALSE(budget.Spent());
  EXPECT_FALSE(budget.TryAdd(2));
  EXPECT_EQ(budget.used(), 99U);
  EXPECT_TRUE(budget.TryAdd(1));
  EXPECT_TRUE(budget.Spent());
  EXPECT_TRUE(budget.TryAdd(0));
  budget.Sub(1);
  EXPECT_FALSE(budget.Spent());
}

TEST(ByteBudgetTest, WhoCannotWaitMayExceedIt) {
  ByteBudget budget(100);
  budget.Add(150);
  EXPECT_TRUE(budget.Spent());
  EXPECT_FALSE(budget.TryAdd(1));
  EXPECT_EQ(budget.used(), 150U);
  budget.Sub(150);
  EXPECT_TRUE(budget.TryAdd(100));
}

TEST(ByteBudgetTest, WithoutALimitEverythingFits) {
  ByteBudget budget;
  EXPECT_TRUE(budget.TryAdd(uint64_t{1} << 60));
  EXPECT_FALSE(budget.Spent());
}

TEST(ByteBudgetTest, ThreadsThatTryTogetherNeverExceedIt) {
  ByteBudget budget(1000);
  std::atomic<bool> exceeded = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 20'000; ++n) {
        if (!budget.TryAdd(300)) continue;
        if (budget.used() > 1000) exceeded = true;
        budget.Sub(300);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_FALSE(exceeded);
  EXPECT_EQ(budget.used(), 0U);
}

}  // namespace
}  // namespace crawld::concurrency
