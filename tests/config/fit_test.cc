#include "config/fit.h"

#include <gtest/gtest.h>

namespace crawld::config {
namespace {

constexpr uint64_t kMiB = 1ULL << 20;

TEST(FitTest, BodiesHaveAnEighthAtMostAndOneBodyAtLeast) {
  Config config;
  config.fetcher.memory_budget_bytes = 128 * kMiB;
  config.fetcher.max_body_bytes = 16 * kMiB;
  EXPECT_EQ(FittedMemoryBudget(config, 4096 * kMiB), 128 * kMiB);
  EXPECT_EQ(FittedMemoryBudget(config, 400 * kMiB), 50 * kMiB);
  EXPECT_EQ(FittedMemoryBudget(config, 64 * kMiB), 16 * kMiB);
}

TEST(FitTest, WorkersAreFewWhereMemoryIsLittleUnlessTheirNumberIsGiven) {
  Config config;
  config.parser.threads = 0;
  EXPECT_EQ(FittedParserThreads(config, 64'000 * kMiB, 16), 16U);
  EXPECT_EQ(FittedParserThreads(config, 112 * kMiB, 16), 2U);
  EXPECT_EQ(FittedParserThreads(config, 10 * kMiB, 16), 1U);
  EXPECT_EQ(FittedParserThreads(config, 64'000 * kMiB, 0), 1U) << "nobody knows how many cores";
  config.parser.threads = 8;
  EXPECT_EQ(FittedParserThreads(config, 112 * kMiB, 16), 8U);
}

TEST(FitTest, LargePagesAreParsedOneByOneWhereMemoryIsLittle) {
  EXPECT_EQ(FittedLargePages(100 * kMiB), 1U);
  EXPECT_EQ(FittedLargePages(256 * kMiB), 1U);
  EXPECT_EQ(FittedLargePages(2400 * kMiB), 10U);
  EXPECT_EQ(FittedLargePages(UINT64_MAX), 1024U);
}

TEST(FitTest, SmallPagesOfAllWorkersHaveAThirdForTheirTrees) {
  EXPECT_EQ(FittedSmallTreeBytes(300 * kMiB, 4), 25 * kMiB);
  EXPECT_EQ(FittedSmallTreeBytes(60 * kMiB, 32), 4 * kMiB);
}

TEST(FitTest, ATreeHasASixthAndSomeMiBAtLeast) {
  EXPECT_EQ(FittedTreeBytes(300 * kMiB), 50 * kMiB);
  EXPECT_EQ(FittedTreeBytes(60 * kMiB), 16 * kMiB);
}

}  // namespace
}  // namespace crawld::config
