#include "frontier/politeness.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

namespace crawld::frontier {
namespace {

TEST(PolitenessTest, TheDelayIsTheConfigsUnlessSomebodyAsksForMore) {
  PolitenessOptions options;
  options.delay = Millis(1000);
  options.concurrency_per_host = 4;
  const Pace pace = PaceOf(options, "a.test", std::nullopt, Millis(500));
  EXPECT_EQ(pace.delay, Millis(1000));
  EXPECT_EQ(pace.reason, Hold::kDelay);
  EXPECT_EQ(pace.concurrency, 4U);
}

TEST(PolitenessTest, ASlowAnswerMakesTheDelayLongerWithinBounds) {
  PolitenessOptions options;
  options.delay = Millis(1000);
  options.delay_factor = 3;
  options.max_delay = Millis(5000);
  EXPECT_EQ(PaceOf(options, "a.test", std::nullopt, Millis(100)).delay, Millis(1000));
  const Pace slow = PaceOf(options, "a.test", std::nullopt, Millis(700));
  EXPECT_EQ(slow.delay, Millis(2100));
  EXPECT_EQ(slow.reason, Hold::kSlowAnswer);
  EXPECT_EQ(PaceOf(options, "a.test", std::nullopt, Millis(1666)).delay, Millis(4998));
  EXPECT_EQ(PaceOf(options, "a.test", std::nullopt, Millis(1667)).delay, Millis(5000));
}

TEST(PolitenessTest, ACrawlDelayCountsUpToItsCapAndMeansOneAtATime) {
  PolitenessOptions options;
  options.delay = Millis(1000);
  options.concurrency_per_host = 4;
  options.max_crawl_delay = Millis(10'000);
  const Pace pace = PaceOf(options, "a.test", Millis(7000), Millis(0));
  EXPECT_EQ(pace.delay, Millis(7000));
  EXPECT_EQ(pace.reason, Hold::kCrawlDelay);
  EXPECT_EQ(pace.concurrency, 1U);
  EXPECT_EQ(PaceOf(options, "a.test", Millis(10'001), Millis(0)).delay, Millis(10'000));
  const Pace shorter = PaceOf(options, "a.test", Millis(10), Millis(0));
  EXPECT_EQ(shorter.delay, Millis(1000));
  EXPECT_EQ(shorter.reason, Hold::kDelay);
  EXPECT_EQ(shorter.concurrency, 1U);
}

TEST(PolitenessTest, AHostMayHaveAPaceOfItsOwn) {
  PolitenessOptions options;
  options.delay = Millis(1000);
  options.paces = {{Millis(50), std::nullopt}, {std::nullopt, 8}};
  options.hosts.Add(*web::HostPattern::Parse("mine.test"), 0);
  options.hosts.Add(*web::HostPattern::Parse("*.test"), 1);
  EXPECT_EQ(PaceOf(options, "mine.test", std::nullopt, Millis(0)).delay, Millis(50));
  EXPECT_EQ(PaceOf(options, "mine.test", std::nullopt, Millis(0)).concurrency, 1U);
  EXPECT_EQ(PaceOf(options, "a.test", std::nullopt, Millis(0)).delay, Millis(1000));
  EXPECT_EQ(PaceOf(options, "a.test", std::nullopt, Millis(0)).concurrency, 8U);
  EXPECT_EQ(PaceOf(options, "mine.test", Millis(3000), Millis(0)).delay, Millis(3000))
      << "what the host asks for counts all the same";
}

TEST(PolitenessTest, EveryHoldHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int i = 0; i < kHolds; ++i) names.insert(Name(static_cast<Hold>(i)));
  EXPECT_EQ(names.size(), static_cast<size_t>(kHolds));
}

}  // namespace
}  // namespace crawld::frontier
