// Hosts that do not answer: gates, probes and parking.
#include <utility>

#include "tests/frontier/frontier_fixture.h"

namespace crawld::frontier {
namespace {

constexpr Reach kSilent = Reach::kSilent;

class FrontierHealthTest : public FrontierTest {
 protected:
  FrontierHealthTest() {
    options_.scheduler.health.failures = 3;
    options_.scope.mode = ScopeMode::kAny;
    options_.on_gate = [this](GatedHost host) { gated_.push_back(std::move(host)); };
    options_.on_probe = [this](HostId host) { probed_.push_back(host); };
  }

  // The task ends without an answer, to be tried again at `retry`; without that, for ever.
  void EndSilently(const Task& task, int64_t now, std::optional<int64_t> retry) {
    frontier_->Release(task, {.when = At(now), .reach = kSilent, .reason = "connect"});
    Completion failed;
    failed.task = task;
    failed.reach = kSilent;
    failed.outcome = retry ? Outcome::kRetry : Outcome::kFailed;
    failed.retry_at = At(retry.value_or(0));
    failed.reason = "connect";
    if (task.info.kind == TaskKind::kRobots) {
      failed.robots.emplace().kind = RobotsResult::Kind::kUnreachable;
    }
    CommitGroup group;
    group.completions.push_back(std::move(failed));
    frontier_->Commit(std::move(group), At(now));
  }
  void FailNext(int64_t now, int64_t retry = 100'000) {
    const auto task = Next(now);
    ASSERT_TRUE(task);
    EndSilently(*task, now, retry);
  }
  // Three fetches of a.test fail, one each `delay`.
  void ShutGate(int64_t delay) {
    options_.scheduler.politeness.delay = Millis(delay);
    Open();
    CommitSeeds(Urls("a.test", 9));
    for (int i = 0; i < 3; ++i) FailNext(i * delay);
    EXPECT_FALSE(Next(2 * delay + 1));
    ASSERT_EQ(gated_.size(), 1U);
  }
  // And it is probed at 3 * `delay`.
  void BeginProbe(int64_t delay) {
    ShutGate(delay);
    frontier_->WantProbe(gated_.at(0).host);
    EXPECT_FALSE(Next(3 * delay));
    ASSERT_EQ(probed_.size(), 1U);
  }

  std::vector<GatedHost> gated_;
  std::vector<HostId> probed_;
};

TEST_F(FrontierHealthTest, AHostThatDoesNotAnswerAgainAndAgainIsGatedAndItsUrlsWait) {
  options_.scheduler.politeness.delay = Millis(10);
  Open();
  CommitSeeds(Urls("dead.test", 5));
  CommitSeeds(Urls("good.test", 50));
  int64_t now = 0;
  int failed = 0;
  while (failed < 3) {
    now += 10;
    while (auto task = Next(now)) {
      if (task->url.host() == "good.test") {
        Finish(Done(*task), now);
        continue;
      }
      ++failed;
      EndSilently(*task, now, now + 100'000);
    }
  }
  ASSERT_EQ(gated_.size(), 1U);
  EXPECT_EQ(gated_[0].robots_url.href(), "http://dead.test/robots.txt");
  EXPECT_EQ(gated_[0].reason, "connect");
  EXPECT_FALSE(gated_[0].gate->IsSet());
  EXPECT_EQ(frontier_->stats().scheduler.gated_hosts, 1U);
  for (; now < 1000; now += 10) {
    while (auto task = Next(now)) {
      ASSERT_EQ(task->url.host(), "good.test");
      Finish(Done(*task), now);
    }
  }
  EXPECT_EQ(last_wait_.reason, Wait::Reason::kGated);
  EXPECT_EQ(last_wait_.held_by, Hold::kGate);

  frontier_->WantProbe(gated_[0].host);
  EXPECT_FALSE(Next(1000));
  EXPECT_EQ(probed_, std::vector{gated_[0].host});
  frontier_->EndProbe(gated_[0].host, {.when = At(1000)});
  gated_[0].gate->Set();
  frontier_->OpenGate(gated_[0].host, At(1000));
  EXPECT_FALSE(Next(1000)) << "the probe was a fetch: its delay holds";
  const auto task = Next(1010);
  ASSERT_TRUE(task);
  EXPECT_EQ(task->url.host(), "dead.test");
  EXPECT_EQ(frontier_->stats().scheduler.gated_hosts, 0U);
}

TEST_F(FrontierHealthTest, AnAnswerInBetweenStartsTheCountAnew) {
  Open();
  CommitSeeds(Urls("a.test", 9));
  for (const bool answers : {false, false, true, false, false, true}) {
    if (answers) {
      Finish(Done(*Next(0)), 0);
    } else {
      FailNext(0);
    }
  }
  EXPECT_TRUE(Next(0));
  EXPECT_TRUE(gated_.empty());
}

TEST_F(FrontierHealthTest, TheCountIsKeptWhileAHostIsNotInMemory) {
  Open();
  CommitSeeds(Urls("a.test", 1));
  for (int64_t now = 0; now < 300; now += 100) {
    EXPECT_TRUE(gated_.empty());
    FailNext(now, now + 100);
    EXPECT_FALSE(Next(now + 1));
    CommitAt(now + 100);
    if (now == 0) {
      EXPECT_EQ(frontier_->stats().scheduler.resident_hosts, 0U) << "its one URL waits";
      Open();
    }
  }
  EXPECT_EQ(gated_.size(), 1U);
}

TEST_F(FrontierHealthTest, WhatAProbeWasToldIsKnownAfterARestart) {
  BeginProbe(100);
  frontier_->EndProbe(gated_[0].host, {.when = At(1000)});
  gated_[0].gate->Set();
  frontier_->OpenGate(gated_[0].host, At(1000), At(3'600'000));
  EXPECT_FALSE(Next(2000));
  EXPECT_EQ(last_wait_.held_by, Hold::kRetryAfter);
  End(3000);
  Open();
  EXPECT_FALSE(Next(4000));
  EXPECT_FALSE(Next(3'599'999));
  EXPECT_TRUE(Next(3'600'000));
}

TEST_F(FrontierHealthTest, AProbeThatEndsWithTheRunCountsForTheNextOne) {
  BeginProbe(10'000);
  frontier_->EndProbe(gated_[0].host, {.when = At(59'000), .reach = Reach::kUnknown});
  End(59'000);
  Open();
  EXPECT_FALSE(Next(59'001)) << "probed a millisecond ago";
  EXPECT_FALSE(Next(68'999));
  EXPECT_TRUE(Next(69'000));
}

TEST_F(FrontierHealthTest, AProbeThatOutlastsTheRunHoldsTheNextOne) {
  BeginProbe(1000);
  End(9000);
  Open();
  EXPECT_FALSE(Next(9001)) << "nobody knows when it ended";
  EXPECT_FALSE(Next(10'000));
  EXPECT_TRUE(Next(10'001));
}

TEST_F(FrontierHealthTest, WithoutALimitNoHostIsGated) {
  options_.scheduler.health.failures = 0;
  Open();
  CommitSeeds(Urls("a.test", 9));
  for (int i = 0; i < 9; ++i) FailNext(0);
  EXPECT_TRUE(gated_.empty());
}

TEST_F(FrontierHealthTest, AHostThatIsThereButBreaksIsProbedLessAndLessOften) {
  Open();
  CommitSeeds(Urls("broken.test", 40));
  std::vector<int> until_gated;
  int failures = 0;
  for (int64_t now = 0; now < 100; ++now) {
    if (const auto task = Next(now)) {
      ++failures;
      EndSilently(*task, now, std::nullopt);
    } else if (!gated_.empty()) {
      until_gated.push_back(std::exchange(failures, 0));
      gated_.back().gate->Set();
      frontier_->OpenGate(gated_.back().host, At(now));
      gated_.clear();
    }
  }
  EXPECT_EQ(until_gated, (std::vector{3, 6, 12}));
}

TEST_F(FrontierHealthTest, AParkedHostIsLeftAloneWhateverIsFoundOfItAndAfterARestart) {
  Open();
  CommitSeeds(Urls("dead.test", 4));
  for (int i = 0; i < 3; ++i) FailNext(0, 50);
  EXPECT_FALSE(Next(1));
  ASSERT_EQ(gated_.size(), 1U);
  frontier_->Park(gated_[0].host, At(5000));
  EXPECT_FALSE(Next(10));
  CommitAt(10);
  EXPECT_FALSE(Next(20));
  EXPECT_EQ(frontier_->stats().scheduler.resident_hosts, 0U);
  EXPECT_TRUE(frontier_->Drained()) << "nothing else is left for a crawl that is to end";
  EXPECT_EQ(frontier_->stats().parked_urls, 4U);
  CommitAt(60);  // the three that were to be tried again
  CommitSeeds({"http://dead.test/new", "http://good.test/"}, 70);
  EXPECT_EQ(NextUrl(80), "http://good.test/");
  EXPECT_FALSE(Next(80));
  EXPECT_FALSE(frontier_->Drained()) << "good.test is under way";
  EXPECT_EQ(frontier_->stats().parked_urls, 5U);
  Open();
  EXPECT_EQ(NextUrl(90), "http://good.test/");
  EXPECT_FALSE(Next(4999));
  EXPECT_TRUE(Next(5000));
}

TEST_F(FrontierHealthTest, AHostThatWasParkedHasOneChanceAndAnAnswerForgivesEverything) {
  Open();
  CommitSeeds(Urls("dead.test", 9));
  for (int i = 0; i < 3; ++i) FailNext(0);
  EXPECT_FALSE(Next(1));
  frontier_->Park(gated_.at(0).host, At(1000));
  EXPECT_FALSE(Next(1));
  CommitAt(1);
  FailNext(1000);
  EXPECT_FALSE(Next(1000));
  ASSERT_EQ(gated_.size(), 2U) << "the first failure shuts its gate again";
  frontier_->Park(gated_[1].host, At(2000));
  EXPECT_FALSE(Next(1001));
  CommitAt(1001);
  Finish(Done(*Next(2000)), 2000);
  FailNext(2001);
  FailNext(2001);
  EXPECT_EQ(gated_.size(), 2U);
  EXPECT_EQ(frontier_->stats().parked_urls, 0U);
}

TEST_F(FrontierHealthTest, ANewRunThatIsToEndTriesParkedHostsAtOnce) {
  Open();
  CommitSeeds(Urls("dead.test", 4));
  for (int i = 0; i < 3; ++i) FailNext(0);
  EXPECT_FALSE(Next(1));
  frontier_->Park(gated_.at(0).host, At(1'000'000));
  EXPECT_FALSE(Next(1));
  CommitAt(1);
  End(2);
  options_.forget_parking = true;
  Open();
  EXPECT_FALSE(Next(3)) << "the dispatcher looks before the first commit";
  CommitAt(3);
  EXPECT_FALSE(frontier_->Drained());
  EXPECT_TRUE(Next(4));
}

TEST_F(FrontierHealthTest, MoreDeadHostsThanCanBeProbedAreParkedForAWhile) {
  options_.scheduler.max_hosts = 16;
  Open();
  for (int i = 0; i < 12; ++i) CommitSeeds(Urls("dead" + std::to_string(i) + ".test", 4));
  int64_t now = 0;
  int fetches = 0;
  for (; now < 3000; ++now) {
    while (auto task = Next(now)) {
      ++fetches;
      EndSilently(*task, now, now + 1'000'000);
    }
    CommitAt(now);
  }
  EXPECT_EQ(fetches, 36) << "three each";
  EXPECT_EQ(gated_.size(), 2U) << "an eighth of the hosts in memory";
  EXPECT_EQ(frontier_->stats().scheduler.resident_hosts, 2U);
}

TEST_F(FrontierHealthTest, ARobotsFileWithoutAnswerIsTheGatesBusinessAndWritesNothingOff) {
  options_.scheduler.politeness.robots = true;
  options_.scheduler.robots_max_tries = 2;
  Open();
  CommitSeeds(Urls("dead.test", 4));
  int64_t now = 0;
  for (int i = 0; i < 3; ++i) {
    now += 400;
    const auto task = Next(now);
    ASSERT_TRUE(task) << i;
    ASSERT_EQ(task->info.kind, TaskKind::kRobots);
    EndSilently(*task, now, 0);
  }
  EXPECT_FALSE(Next(now + 100'000));
  ASSERT_EQ(gated_.size(), 1U);
  EXPECT_EQ(CountOf(UrlState::kQueued), 4U);
  gated_[0].gate->Set();
  frontier_->OpenGate(gated_[0].host, At(now + 1));
  const auto task = Next(now + 1);
  ASSERT_TRUE(task) << "it is worth a try at once";
  EXPECT_EQ(task->info.kind, TaskKind::kRobots);
}

// Found by the hostile crawl: such a file was tried again for ever, and run --once did not end.
TEST_F(FrontierHealthTest, ARobotsFileThatIsAnsweredWithGarbageIsGivenUp) {
  options_.scheduler.politeness.robots = true;
  options_.scheduler.robots_max_tries = 2;
  Open();
  CommitSeeds(Urls("odd.test", 1));
  for (int64_t now = 0; now < 1000; now += 500) {
    Completion failed = Done(*Next(now));
    failed.status = 0;
    failed.reason = "protocol";
    failed.outcome = Outcome::kRetry;
    failed.robots.emplace().kind = RobotsResult::Kind::kUnreachable;
    Finish(std::move(failed), now);
  }
  EXPECT_FALSE(Next(1000));
  CommitAt(1000);
  EXPECT_TRUE(frontier_->Drained());
  EXPECT_EQ(frontier_->stats().counters.excluded[static_cast<int>(Verdict::kRobotsUnreachable)],
            1U);
}

TEST_F(FrontierHealthTest, AProbeWaitsForTheHostsDelayAndWhatItsAnswerAsksForHolds) {
  ShutGate(100);
  frontier_->WantProbe(gated_[0].host);
  EXPECT_FALSE(Next(299));
  EXPECT_TRUE(probed_.empty());
  EXPECT_FALSE(Next(300));
  EXPECT_EQ(probed_.size(), 1U);
  EXPECT_FALSE(Next(1000)) << "once is once";
  EXPECT_EQ(probed_.size(), 1U);
  frontier_->EndProbe(gated_[0].host, {.when = At(1000)});
  gated_[0].gate->Set();
  frontier_->OpenGate(gated_[0].host, At(1000), At(5000));
  EXPECT_FALSE(Next(4999));
  EXPECT_EQ(last_wait_.held_by, Hold::kRetryAfter);
  EXPECT_TRUE(Next(5000));
}

// Found by an attacker: links to dead ports of a host switched the host off.
TEST_F(FrontierHealthTest, DeadPortsOfAHostThatAnswersShutNoGateAndAreGivenUp) {
  options_.scheduler.politeness.robots = true;
  options_.scheduler.robots_max_tries = 3;
  Open();
  std::vector<std::string> seeds = Urls("a.test", 30);
  for (int port = 1; port <= 10; ++port) {
    seeds.push_back("http://a.test:" + std::to_string(port) + "/");
  }
  CommitSeeds(seeds);
  int good = 0;
  for (int64_t now = 0; now < 20'000; now += 10) {
    while (const auto task = Next(now)) {
      const bool dead = task->url.port().has_value();
      Completion completion = Done(*task);
      if (task->info.kind == TaskKind::kRobots) {
        completion.robots.emplace().kind =
            dead ? RobotsResult::Kind::kUnreachable : RobotsResult::Kind::kAllowAll;
      } else {
        ++good;
      }
      if (dead) {
        completion.status = 0;
        completion.reach = kSilent;
        completion.outcome = Outcome::kRetry;
      }
      frontier_->Release(*task, {.when = At(now), .reach = completion.reach, .reason = "connect"});
      CommitGroup group;
      group.completions.push_back(std::move(completion));
      frontier_->Commit(std::move(group), At(now));
    }
    CommitAt(now);
  }
  EXPECT_EQ(good, 30);
  EXPECT_TRUE(gated_.empty());
  EXPECT_TRUE(frontier_->Drained());
  EXPECT_EQ(frontier_->stats().counters.excluded[static_cast<int>(Verdict::kRobotsUnreachable)],
            10U);
}

TEST_F(FrontierHealthTest, AnswersInARowForgiveEarlierOutages) {
  Open();
  CommitSeeds(Urls("a.test", 200));
  for (int outage = 0; outage < 4; ++outage) {
    for (int i = 0; i < 3; ++i) FailNext(outage);
    EXPECT_FALSE(Next(outage)) << outage;
    ASSERT_EQ(gated_.size(), 1U) << outage;
    gated_[0].gate->Set();
    frontier_->OpenGate(gated_[0].host, At(outage));
    gated_.clear();
    for (int i = 0; i < 20; ++i) Finish(Done(*Next(outage)), outage);
  }
}

TEST_F(FrontierHealthTest, ANewRunForgetsTheParkingOfUrlsThatWaitForAnotherTry) {
  Open();
  CommitSeeds(Urls("dead.test", 3));
  for (int i = 0; i < 3; ++i) FailNext(0, 50);
  EXPECT_FALSE(Next(1));
  frontier_->Park(gated_.at(0).host, At(1'000'000));
  EXPECT_FALSE(Next(1));
  CommitAt(1);
  End(2);
  options_.forget_parking = true;
  Open();
  CommitAt(3);
  CommitAt(60);
  EXPECT_TRUE(Next(61));
}

}  // namespace
}  // namespace crawld::frontier
