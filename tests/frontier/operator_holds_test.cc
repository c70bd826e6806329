// Hosts that the operator has paused or blocked, and rules that change while a crawl runs.
#include <map>
#include <memory>
#include <random>
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
  void ReloadWithDelay(int64_t ms) {
    PolitenessOptions politeness = options_.scheduler.politeness;
    politeness.delay = Millis(ms);
    frontier_->Reload(options_.scope, politeness);
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

TEST_F(OperatorHoldsTest, AGatedHostThatIsHeldLeavesWithItsGateAndIsNotProbed) {
  std::vector<GatedHost> gated;
  std::vector<HostId> probed;
  std::vector<HostId> ungated;
  options_.on_ungate = [&](HostId host) { ungated.push_back(host); };
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
  CommitGroup group;
  group.completions.push_back(std::move(silent));
  frontier_->Commit(std::move(group), At(1));
  Hold({Blocked("a.test")});
  frontier_->WantProbe(gated[0].host);
  EXPECT_FALSE(Next(2));
  CommitAt(2);
  EXPECT_FALSE(Next(3));
  EXPECT_TRUE(probed.empty());
  EXPECT_EQ(ungated, std::vector{gated[0].host}) << "who probes it is told";
  EXPECT_EQ(frontier_->stats().scheduler.gated_hosts, 0U);
  EXPECT_EQ(frontier_->stats().scheduler.resident_hosts, 0U);
  EXPECT_TRUE(frontier_->Drained()) << "one of the three waits for another try";
  Hold({});
  EXPECT_FALSE(Next(5));
  CommitAt(5);
  EXPECT_TRUE(Next(6)) << "it has one chance, as a host that was parked";
}

// Found by a reader: its record was held for ever, as it had no place among those that are due.
TEST_F(OperatorHoldsTest, AHostWhoseLastUrlWasInFlightWhenItWasBlockedIsFreeOnceUnblocked) {
  Open();
  CommitSeeds({"http://a.test/"});
  const auto task = Next(0);
  ASSERT_TRUE(task);
  Hold({Blocked("a.test")});
  EXPECT_FALSE(Next(1));
  Finish(Done(*task), 2);
  EXPECT_TRUE(Drain(3).empty());
  Hold({});
  EXPECT_TRUE(Drain(10).empty());
  CommitSeeds({"http://a.test/new"}, 20);
  EXPECT_EQ(Drain(20).size(), 1U);
}

// Found by a reader: who is on disk was not told that its pause had become a block.
TEST_F(OperatorHoldsTest, AHoldOfAnotherKindCountsForHostsOnDiskToo) {
  Open();
  CommitSeeds(Urls("a.test", 3));
  Hold({Paused("a.test")});
  EXPECT_TRUE(Drain(0).empty());
  EXPECT_FALSE(frontier_->Drained());
  Hold({Blocked("a.test")});
  EXPECT_TRUE(Drain(10).empty());
  EXPECT_TRUE(frontier_->Drained());
  Hold({Paused("test", true)});
  EXPECT_TRUE(Drain(20).empty());
  EXPECT_FALSE(frontier_->Drained());
  End(30);
  Open();
  Hold({Blocked("a.test")});
  EXPECT_TRUE(Drain(40).empty());
  EXPECT_TRUE(frontier_->Drained()) << "of what an earlier run has held, too";
  Hold({});
  EXPECT_EQ(Drain(50).size(), 3U);
}

// Found by a reader: a host that had been visited before was visited again.
TEST_F(OperatorHoldsTest, AHostThatHasBeenVisitedIsNotVisitedWhileItIsHeld) {
  options_.scheduler.politeness.robots = true;
  Open();
  const auto redirect = [&](const std::string& from, int64_t now) {
    CommitSeeds({"http://" + from + "/"}, now);
    Completion moved = Done(*Next(now));
    EXPECT_EQ(moved.task.url.href(), "http://" + from + "/robots.txt");
    moved.robots =
        RobotsResult{RobotsResult::Kind::kRedirect, "", *web::Url::Parse("http://b.test/rules")};
    Finish(std::move(moved), now);
  };
  redirect("a1.test", 0);
  Completion rules = Done(*Next(10));
  ASSERT_EQ(rules.task.url.href(), "http://b.test/rules");
  rules.robots = RobotsResult{RobotsResult::Kind::kAllowAll, "", std::nullopt};
  Finish(std::move(rules), 10);
  Finish(Done(*Next(20)), 20);
  Hold({Blocked("b.test")});
  redirect("a2.test", 1000);
  for (int64_t now = 1001; now < 300'000; now += 500) {
    ASSERT_FALSE(Next(now)) << now;
    CommitAt(now);
  }
}

TEST_F(OperatorHoldsTest, RandomOrdersNeverLeadToAHeldHostAndLoseNothing) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  options_.scheduler.max_hosts = 4;
  Open();
  constexpr int kHosts = 8;
  int found = 0;
  std::map<std::string, OperatorHold> holds;
  std::vector<Task> leased;
  for (int64_t now = 0; now < 3000; ++now) {
    const std::string host = "h" + std::to_string(random() % kHosts) + ".test";
    switch (random() % 8) {
      case 0:
        CommitSeeds({"http://" + host + "/" + std::to_string(found++)}, now);
        break;
      case 1:
        holds[host] = random() % 2 == 0 ? Paused(host) : Blocked(host);
        [[fallthrough]];
      case 2: {
        if (random() % 2 == 0) holds.erase(host);
        std::vector<OperatorHold> all;
        for (const auto& [name, hold] : holds) all.push_back(hold);
        Hold(all);
        break;
      }
      case 3:
        if (random() % 40 == 0 && leased.empty()) {
          End(now);
          Open();
          std::vector<OperatorHold> all;
          for (const auto& [name, hold] : holds) all.push_back(hold);
          Hold(all);
        }
        break;
      case 4:
        if (!leased.empty()) {
          Finish(Done(leased.back()), now);
          leased.pop_back();
        }
        break;
      default:
        if (const auto task = Next(now)) {
          ASSERT_FALSE(holds.contains(std::string(task->url.host()))) << now;
          leased.push_back(*task);
        } else {
          CommitAt(now);
        }
    }
  }
  for (const Task& task : leased) Finish(Done(task), 3000);
  bool paused = false;
  std::vector<OperatorHold> all;
  for (const auto& [name, hold] : holds) all.push_back(hold);
  Drain(3001);
  for (const OperatorHold& hold : all) {
    const auto record = frontier_->ReadHost(
        frontier_->scope().HostOf(*web::Url::Parse("http://" + hold.name + "/")));
    paused |= hold.kind == HoldKind::kPaused && record && record->queued > 0;
  }
  EXPECT_EQ(frontier_->Drained(), !paused) << "a crawl that is to end waits for paused hosts alone";
  Hold({});
  Drain(4000);
  EXPECT_EQ(CountOf(UrlState::kDone), static_cast<uint64_t>(found));
  EXPECT_TRUE(frontier_->Drained());
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
  ReloadWithDelay(2000);
  EXPECT_FALSE(Next(1999));
  const auto task = Next(2000);
  ASSERT_TRUE(task);
  Finish(Done(*task), 2100);
  ReloadWithDelay(10'000);
  EXPECT_FALSE(Next(12'099));
  EXPECT_TRUE(Next(12'100));
}

// Found by a reader: a delay hid what the host had asked for.
TEST_F(OperatorHoldsTest, WhatAHostAsksForOutlastsALongerDelayToo) {
  options_.scheduler.politeness.delay = Millis(60'000);
  Open();
  CommitSeeds(Urls("a.test", 9));
  const auto task = Next(0);
  ASSERT_TRUE(task);
  frontier_->Release(*task, {.when = At(0), .hold_until = At(30'000)});
  EXPECT_FALSE(Next(10));
  ReloadWithDelay(2000);
  EXPECT_FALSE(Next(29'999));
  EXPECT_TRUE(Next(30'000));
}

// Found by a reader: each reload forgot when the latest fetch had begun.
TEST_F(OperatorHoldsTest, WithSeveralAtATimeTheDelayHoldsAcrossAReload) {
  options_.scheduler.politeness.delay = Millis(1000);
  options_.scheduler.politeness.concurrency_per_host = 3;
  Open();
  CommitSeeds(Urls("a.test", 9));
  Finish(Done(*Next(0)), 500);
  ASSERT_TRUE(Next(1500));
  ReloadWithDelay(900);
  EXPECT_FALSE(Next(2399)) << "another has begun at 1500";
  EXPECT_TRUE(Next(2400));
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
  ReloadWithDelay(0);
  EXPECT_FALSE(Next(49'999));
  EXPECT_TRUE(Next(50'000));
}

}  // namespace
}  // namespace crawld::frontier
