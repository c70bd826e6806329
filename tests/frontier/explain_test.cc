#include "frontier/explain.h"

#include "tests/frontier/frontier_fixture.h"

namespace crawld::frontier {
namespace {

class ExplainTest : public FrontierRobotsTest {
 protected:
  Explanation Ask(std::string_view url, int64_t now) {
    StoreOptions options;
    options.read_only = true;
    const Store store(dir_ / "frontier", options, "");
    return Explain(store, frontier_->scope(), options_.scheduler, nullptr, *web::Url::Parse(url),
                   At(now));
  }
  static std::vector<Hold> HoldsOf(const Explanation& what) {
    std::vector<Hold> holds;
    for (const Limit& limit : what.limits) holds.push_back(limit.hold);
    return holds;
  }
};

TEST_F(ExplainTest, OfAUrlThatWasNeverFoundItSaysSo) {
  options_.scope.max_url_length = 64;
  Open();
  CommitSeeds({"http://a.test/"});
  const Explanation none = Ask("http://b.test/x#part", 0);
  EXPECT_EQ(none.url, "http://b.test/x");
  EXPECT_FALSE(none.state);
  EXPECT_FALSE(none.host);
  EXPECT_EQ(none.as_seed, Verdict::kAdmit);
  EXPECT_EQ(Ask("http://b.test/" + std::string(64, 'x'), 0).as_seed, Verdict::kUrlTooLong);
  EXPECT_TRUE(Ask("http://a.test/other", 0).host);
}

TEST_F(ExplainTest, OfAUrlThatWaitsItTellsItsPlaceAndTheLimitThatEndsLast) {
  options_.scheduler.politeness.delay = Millis(1000);
  Open();
  CommitSeeds({"http://a.test/1", "http://a.test/2", "http://a.test/3"});
  AnswerRobots(RobotsResult::Kind::kRules, "User-agent: *\nDisallow: /3\nCrawl-delay: 5\n", 0);
  const Explanation second = Ask("http://a.test/2", 100);
  ASSERT_TRUE(second.state);
  EXPECT_EQ(*second.state, UrlState::kQueued);
  ASSERT_TRUE(second.entry);
  EXPECT_EQ(second.before, 1U);
  EXPECT_TRUE(second.allowed);
  EXPECT_EQ(second.pace.delay, Millis(5000));
  EXPECT_EQ(HoldsOf(second), std::vector{Hold::kCrawlDelay});
  EXPECT_EQ(second.Earliest(At(100)), At(5000));
  EXPECT_FALSE(Ask("http://a.test/3", 100).allowed);

  Completion busy = Done(*Next(5000));
  busy.status = 503;
  busy.outcome = Outcome::kRetry;
  busy.reason = "status_503";
  busy.retry_at = At(60'000);
  busy.hold_host_until = At(50'000);
  Finish(std::move(busy), 5000);
  const Explanation first = Ask("http://a.test/1", 6000);
  EXPECT_EQ(*first.state, UrlState::kLater);
  EXPECT_EQ(first.entry->info.tries, 1);
  EXPECT_EQ(first.entry->reason, "status_503");
  EXPECT_EQ(HoldsOf(first), (std::vector{Hold::kRetryAfter, Hold::kCrawlDelay}));
  EXPECT_EQ(first.Earliest(At(6000)), At(60'000));
  EXPECT_EQ(Ask("http://a.test/2", 6000).Earliest(At(6000)), At(50'000));
  EXPECT_EQ(Ask("http://a.test/2", 50'000).Earliest(At(50'000)), At(50'000));
}

TEST_F(ExplainTest, ARobotsFileThatCannotBeHadHoldsItsOrigin) {
  options_.scheduler.give_up_robots = false;
  Open();
  CommitSeeds({"http://a.test/1"});
  AnswerRobots(RobotsResult::Kind::kUnreachable, "", 0);
  const Explanation what = Ask("http://a.test/1", 1);
  EXPECT_FALSE(what.allowed);
  EXPECT_EQ(HoldsOf(what), std::vector{Hold::kRobots});
}

TEST_F(ExplainTest, WhatIsDoneOrLeftOutHasItsRecord) {
  options_.max_pages = 1;
  options_.scheduler.politeness.robots = false;
  Open();
  CommitSeeds({"http://a.test/1", "http://a.test/2"});
  Finish(Done(*Next(0)), 10);
  const Explanation done = Ask("http://a.test/1", 20);
  EXPECT_EQ(*done.state, UrlState::kDone);
  EXPECT_EQ(done.record.status, 200);
  EXPECT_EQ(done.record.tries, 1);
  const Explanation excluded = Ask("http://a.test/2", 20);
  EXPECT_EQ(*excluded.state, UrlState::kExcluded);
  EXPECT_EQ(excluded.record.verdict, Verdict::kCrawlLimit);
}

}  // namespace
}  // namespace crawld::frontier
