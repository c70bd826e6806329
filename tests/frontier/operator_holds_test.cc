// Hosts that the operator has paused or blocked, and rules that change while a crawl runs.
#include <memory>
#include <string>
#include <vector>

#include "tests/frontier/frontier_fixture.h"

namespace crawld::frontier {
namespace {

class OperatorHoldsTest : public FrontierTest {
 protected:
  OperatorHoldsTest() { options_.scope.mode = ScopeMode::kAny; }

  void Hold(const std::vector<OperatorHold>& holds) {
    frontier_->SetHolds(std::make_shared<OperatorHolds>(holds));
  }
  static OperatorHold Paused(std::string name, bool domain = false) {
    return {.name = std::move(name), .domain = domain, .kind = HoldKind::kPaused};
  }
  static OperatorHold Blocked(std::string name, bool domain = false) {
    return {.name = std::move(name), .domain = domain, .kind = HoldKind::kBlocked};
  }
  // All that can be had, each answered at once.
  std::vector<std::string> Drain(int64_t now) {
    std::vector<std::string> urls;
    for (int nothing = 0; nothing < 3; ++now) {  // a host may have to leave memory, and come back
      if (const auto task = Next(now)) {
        urls.emplace_back(task->url.href());
        Finish(Done(*task), now);
        nothing = 0;
      } else {
        CommitAt(now);
        ++nothing;
      }
    }
    return urls;
  }
};

TEST_F(OperatorHoldsTest, ABlockCountsBeforeAPauseAndADomainIsAllThatIsBelowItAndItself) {
  const OperatorHolds holds({Paused("a.test"), Paused("b.test", true), Blocked("a.test", true)});
  EXPECT_EQ(holds.Find("a.test")->kind, HoldKind::kBlocked);
  EXPECT_EQ(holds.Find("x.a.test")->kind, HoldKind::kBlocked);
  EXPECT_EQ(holds.Find("b.test")->kind, HoldKind::kPaused);
  EXPECT_EQ(holds.Find("x.y.b.test")->kind, HoldKind::kPaused);
  EXPECT_EQ(holds.Find("c.test"), nullptr);
  EXPECT_EQ(holds.Find("xb.test"), nullptr);
}

TEST_F(OperatorHoldsTest, APausedHostIsNotAskedAndLosesNothing) {
  Open();
  CommitSeeds(Urls("a.test", 3));
  CommitSeeds(Urls("b.test", 3));
  Finish(Done(*Next(0)), 0);  // both are in memory
  Hold({Paused("a.test")});
  for (const std::string& url : Drain(1)) EXPECT_EQ(url.substr(0, 14), "http://b.test/");
  EXPECT_FALSE(frontier_->Drained()) << "a crawl that is to end waits for it";
  EXPECT_EQ(last_wait_.reason, Wait::Reason::kHeld);
  CommitSeeds({"http://a.test/new"}, 50);
  EXPECT_FALSE(Next(60));
  CommitAt(60);
  EXPECT_FALSE(Next(61));
  Hold({});
  EXPECT_GE(Drain(70).size(), 3U);
  EXPECT_TRUE(frontier_->Drained());
  EXPECT_EQ(CountOf(UrlState::kDone), 7U);
}

TEST_F(OperatorHoldsTest, APauseOfADomainHoldsHostsThatAreFoundLater) {
  Open();
  Hold({Paused("test", true)});
  CommitSeeds(Urls("a.test", 2));
  CommitSeeds({"http://a.example/"});
  EXPECT_EQ(Drain(0), std::vector<std::string>{"http://a.example/"});
  Hold({});
  EXPECT_EQ(Drain(10).size(), 2U);
}

TEST_F(OperatorHoldsTest, ACrawlThatIsToEndDoesNotWaitForABlockedHost) {
  Open();
  CommitSeeds(Urls("a.test", 3));
  CommitSeeds(Urls("b.test", 2));
  Hold({Blocked("a.test")});
  EXPECT_EQ(Drain(0).size(), 2U);
  EXPECT_TRUE(frontier_->Drained());
  EXPECT_EQ(frontier_->stats().parked_urls, 3U);
  EXPECT_EQ(CountOf(UrlState::kQueued), 3U);
  Hold({});
  EXPECT_EQ(Drain(10).size(), 3U);
  EXPECT_EQ(frontier_->stats().parked_urls, 0U);
}

TEST_F(OperatorHoldsTest, WhatIsInFlightEndsAndAHoldThatIsLiftedMeanwhileLeavesNothingBehind) {
  Open();
  CommitSeeds(Urls("a.test", 3));
  const auto task = Next(0);
  ASSERT_TRUE(task);
  Hold({Paused("a.test")});
  EXPECT_FALSE(Next(1));
  Hold({});
  EXPECT_FALSE(Next(2)) << "its fetch is in flight";
  Finish(Done(*task), 3);
  EXPECT_EQ(Drain(4).size(), 2U);
}

TEST_F(OperatorHoldsTest, AHoldThatIsLiftedBeforeItIsWrittenLeavesNothingBehind) {
  Open();
  CommitSeeds(Urls("a.test", 3));
  Finish(Done(*Next(0)), 0);
  Hold({Paused("a.test")});
  EXPECT_FALSE(Next(1));  // asks for its deferral
  Hold({});
  EXPECT_FALSE(Next(2));
  CommitAt(3);
  EXPECT_EQ(Drain(4).size(), 2U);
}

TEST_F(OperatorHoldsTest, AStartWithOtherHoldsLiftsWhatIsHeldNoMore) {
  Open();
  for (int i = 0; i < 20; ++i) CommitSeeds(Urls("h" + std::to_string(i) + ".test", 2));
  Hold({Paused("test", true)});
  EXPECT_TRUE(Drain(0).empty());
  End(5);
  Open();
  Hold({Paused("h3.test")});
  EXPECT_EQ(Drain(10).size(), 38U);
  for (int64_t now = 100; now < 110; ++now) {
    EXPECT_FALSE(Next(now));
    CommitAt(now);
  }
}

TEST_F(OperatorHoldsTest, MoreHeldHostsThanOneCommitCanLiftAreLiftedByTheNext) {
  options_.scheduler.max_hosts = 64;
  Open();
  std::vector<std::string> seeds;
  for (int i = 0; i < 5000; ++i) seeds.push_back("http://h" + std::to_string(i) + ".test/");
  CommitSeeds(seeds);
  Hold({Paused("test", true)});
  int64_t now = 0;
  for (; last_wait_.reason != Wait::Reason::kHeld && now < 10'000; ++now) {
    ASSERT_FALSE(Next(now));
    CommitAt(now);
  }
  Hold({});
  EXPECT_FALSE(Next(now));
  CommitAt(now);
  EXPECT_EQ(frontier_->NextChore(At(now)), At(now)) << "there is more to lift";
  int fetched = 0;
  for (const int64_t end = now + 100'000; fetched < 5000 && now < end; ++now) {
    while (const auto task = Next(now)) {
      ++fetched;
      Finish(Done(*task), now);
    }
    CommitAt(now);
  }
  EXPECT_EQ(fetched, 5000);
}

TEST_F(OperatorHoldsTest, AGatedHostThatIsHeldIsNotProbedUntilItIsNot) {
  std::vector<GatedHost> gated;
  std::vector<HostId> probed;
  options_.scheduler.health.failures = 1;
  options_.on_gate = [&](GatedHost host) { gated.push_back(std::move(host)); };
  options_.on_probe = [&](HostId host) { probed.push_back(host); };
  Open();
  CommitSeeds(Urls("a.test", 3));
  Completion silent = Done(*Next(0));
  silent.reach = Reach::kSilent;
  silent.outcome = Outcome::kRetry;
  silent.retry_at = At(100'000);
  frontier_->Release(silent.task, {.when = At(0), .reach = Reach::kSilent, .reason = "connect"});
  EXPECT_FALSE(Next(1));
  ASSERT_EQ(gated.size(), 1U);
  Hold({Paused("a.test")});
  frontier_->WantProbe(gated[0].host);
  EXPECT_FALSE(Next(2));
  EXPECT_TRUE(probed.empty());
  Hold({});
  EXPECT_FALSE(Next(3));
  EXPECT_EQ(probed.size(), 1U);
}

TEST_F(OperatorHoldsTest, ExplainNamesTheHold) {
  Open();
  CommitSeeds(Urls("a.test", 3));
  Hold({Blocked("a.test")});
  const Explanation what = frontier_->Explain(*web::Url::Parse("http://a.test/1"), At(0));
  ASSERT_EQ(what.limits.size(), 1U);
  EXPECT_EQ(what.limits[0].hold, Hold::kBlocked);
  EXPECT_EQ(what.limits[0].until, kNever);
}

TEST_F(OperatorHoldsTest, ARobotsFileOnAHeldHostWaits) {
  options_.scheduler.politeness.robots = true;
  Open();
  CommitSeeds({"http://a.test/"});
  Hold({Paused("b.test")});
  Completion moved = Done(*Next(0));
  moved.robots =
      RobotsResult{RobotsResult::Kind::kRedirect, "", *web::Url::Parse("http://b.test/rules")};
  Finish(std::move(moved), 0);
  for (int64_t now = 1; now < 50'000; now += 100) ASSERT_FALSE(Next(now)) << now;
  Hold({});
  std::optional<Task> visit;
  for (int64_t now = 60'000; !visit && now < 130'000; now += 100) visit = Next(now);
  ASSERT_TRUE(visit);
  EXPECT_EQ(visit->url.href(), "http://b.test/rules");
}

// --- rules that change

TEST_F(OperatorHoldsTest, AnExcludeThatComesLaterHoldsForWhatIsQueuedToo) {
  Open();
  CommitSeeds({"http://a.test/1", "http://a.test/trap/2", "http://a.test/3"});
  ScopeOptions scope = options_.scope;
  scope.exclude = {"/trap/"};
  frontier_->Reload(scope, options_.scheduler.politeness);
  EXPECT_EQ(Drain(0), (std::vector<std::string>{"http://a.test/1", "http://a.test/3"}));
  EXPECT_EQ(CountOf(UrlState::kExcluded), 1U);
  EXPECT_EQ(frontier_->stats().counters.excluded[static_cast<int>(Verdict::kExcluded)], 1U);
  CommitSeeds({"http://a.test/trap/4"});
  EXPECT_EQ(CountOf(UrlState::kExcluded), 2U);
}

TEST_F(OperatorHoldsTest, APatternThatIsNoneChangesNothing) {
  Open();
  ScopeOptions scope = options_.scope;
  scope.exclude = {"/good/", "("};
  PolitenessOptions politeness = options_.scheduler.politeness;
  politeness.delay = Millis(5000);
  EXPECT_THROW(frontier_->Reload(scope, politeness), FatalError);
  CommitSeeds({"http://a.test/good/1", "http://a.test/2"});
  EXPECT_EQ(Drain(0).size(), 2U);
}

TEST_F(OperatorHoldsTest, ANewDelayHoldsForHostsThatWaitByTheOldOne) {
  options_.scheduler.politeness.delay = Millis(60'000);
  Open();
  CommitSeeds(Urls("a.test", 9));
  Finish(Done(*Next(0)), 0);
  EXPECT_FALSE(Next(1000));
  PolitenessOptions politeness = options_.scheduler.politeness;
  politeness.delay = Millis(2000);
  frontier_->Reload(options_.scope, politeness);
  EXPECT_FALSE(Next(1999));
  const auto task = Next(2000);
  ASSERT_TRUE(task);
  Finish(Done(*task), 2100);
  politeness.delay = Millis(10'000);
  frontier_->Reload(options_.scope, politeness);
  EXPECT_FALSE(Next(12'099));
  EXPECT_TRUE(Next(12'100));
}

TEST_F(OperatorHoldsTest, WhatAHostAsksForOutlastsANewDelay) {
  options_.scheduler.politeness.delay = Millis(1000);
  Open();
  CommitSeeds(Urls("a.test", 9));
  const auto task = Next(0);
  ASSERT_TRUE(task);
  frontier_->Release(*task, {.when = At(0), .hold_until = At(50'000)});
  CommitGroup group;
  group.completions.push_back(Done(*task));
  frontier_->Commit(std::move(group), At(0));
  EXPECT_FALSE(Next(10));
  PolitenessOptions politeness = options_.scheduler.politeness;
  politeness.delay = Millis(0);
  frontier_->Reload(options_.scope, politeness);
  EXPECT_FALSE(Next(49'999));
  EXPECT_TRUE(Next(50'000));
}

}  // namespace
}  // namespace crawld::frontier
