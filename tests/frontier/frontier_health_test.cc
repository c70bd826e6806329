// Hosts that do not answer, hosts that share an address, and robots files that lie elsewhere.
#include <map>
#include <set>

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

  static std::vector<std::string> Urls(const std::string& host, int count) {
    std::vector<std::string> urls;
    for (int i = 0; i < count; ++i) urls.push_back("http://" + host + "/" + std::to_string(i));
    return urls;
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
  void CommitAt(int64_t now) { frontier_->Commit({}, At(now)); }

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

TEST_F(FrontierHealthTest, WithoutRoomForNewcomersThoseGoOnThatHaveAnswered) {
  Open();
  CommitSeeds(Urls("known.test", 4));
  Finish(Done(*Next(0)), 0);
  CommitSeeds(Urls("new.test", 4));
  for (int i = 0; i < 3; ++i) {
    const auto task = Next(1, /*newcomers=*/false);
    ASSERT_TRUE(task) << i;
    EXPECT_EQ(task->url.host(), "known.test");
    Finish(Done(*task), 1);
  }
  EXPECT_FALSE(Next(2, /*newcomers=*/false));
  EXPECT_EQ(last_wait_.held_by, Hold::kNewcomer);
  const auto later = Next(3);
  ASSERT_TRUE(later);
  EXPECT_EQ(later->url.host(), "new.test");
}

TEST_F(FrontierHealthTest, NewcomersWithoutRoomDoNotKeepOthersOnDisk) {
  options_.scheduler.max_hosts = 8;
  Open();
  CommitSeeds(Urls("known.test", 2));
  Completion answer = Done(*Next(0));
  answer.took = Millis(1);
  Finish(std::move(answer), 0);
  for (int i = 0; i < 24; ++i) CommitSeeds(Urls("new" + std::to_string(i) + ".test", 2));
  Open();  // known by its record now, and one of many that are due
  std::optional<Task> task;
  for (int64_t now = 10; !task && now < 60'000; now += 10) {
    task = Next(now, /*newcomers=*/false);
    CommitAt(now);
  }
  ASSERT_TRUE(task);
  EXPECT_EQ(task->url.host(), "known.test");
}

TEST_F(FrontierHealthTest, AsSoonAsThereIsRoomANewcomerIsAsked) {
  for (const size_t max_hosts : {size_t{4096}, size_t{128}}) {  // 128: most of them wait on disk
    options_.scheduler.max_hosts = max_hosts;
    const test::TempDir directory;
    frontier_ = std::make_unique<Frontier>(directory / "frontier", options_);
    std::vector<std::string> seeds;
    for (int i = 0; i < 300; ++i) seeds.push_back("http://h" + std::to_string(i) + ".test/");
    CommitSeeds(seeds);
    std::multimap<int64_t, Task> in_flight;  // by their end
    int done = 0;
    int64_t now = 1;
    for (; done < 300 && now < 100'000; ++now) {
      CommitGroup group;
      while (!in_flight.empty() && in_flight.begin()->first <= now) {
        const Task task = in_flight.begin()->second;
        in_flight.erase(in_flight.begin());
        frontier_->Release(task, {.when = At(now)});
        group.completions.push_back(Done(task));
        ++done;
      }
      frontier_->Commit(std::move(group), At(now));
      while (auto task = Next(now, in_flight.size() < 30)) in_flight.emplace(now + 50, *task);
    }
    EXPECT_EQ(done, 300);
    // Ten rounds of 50 ms; who has been sent away to make room comes back after 2 s.
    EXPECT_LT(now, max_hosts > 300 ? 1000 : 4000);
  }
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
  options_.scheduler.politeness.delay = Millis(100);
  Open();
  CommitSeeds(Urls("a.test", 9));
  for (int64_t now = 0; now < 300; now += 100) FailNext(now);
  EXPECT_FALSE(Next(201));
  ASSERT_EQ(gated_.size(), 1U);
  frontier_->WantProbe(gated_[0].host);
  EXPECT_FALSE(Next(300));
  ASSERT_EQ(probed_.size(), 1U);
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
  options_.scheduler.politeness.delay = Millis(10'000);
  Open();
  CommitSeeds(Urls("a.test", 9));
  for (int64_t now = 0; now < 30'000; now += 10'000) FailNext(now);
  EXPECT_FALSE(Next(20'001));
  ASSERT_EQ(gated_.size(), 1U);
  frontier_->WantProbe(gated_[0].host);
  EXPECT_FALSE(Next(30'000));
  ASSERT_EQ(probed_.size(), 1U);
  frontier_->EndProbe(gated_[0].host, {.when = At(59'000), .reach = Reach::kUnknown});
  End(59'000);
  Open();
  EXPECT_FALSE(Next(59'001)) << "probed a millisecond ago";
  EXPECT_FALSE(Next(68'999));
  EXPECT_TRUE(Next(69'000));
}

TEST_F(FrontierHealthTest, AProbeThatOutlastsTheRunHoldsTheNextOne) {
  options_.scheduler.politeness.delay = Millis(1000);
  Open();
  CommitSeeds(Urls("a.test", 9));
  for (int64_t now = 0; now < 3000; now += 1000) FailNext(now);
  EXPECT_FALSE(Next(2001));
  frontier_->WantProbe(gated_.at(0).host);
  EXPECT_FALSE(Next(3000));
  ASSERT_EQ(probed_.size(), 1U);
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
  options_.scheduler.politeness.delay = Millis(100);
  Open();
  CommitSeeds(Urls("a.test", 9));
  for (int64_t now = 0; now < 300; now += 100) FailNext(now);
  EXPECT_FALSE(Next(201));
  ASSERT_EQ(gated_.size(), 1U);
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

TEST_F(FrontierHealthTest, ANameWithADotAtItsEndIsTheSameHost) {
  options_.scheduler.politeness.delay = Millis(1000);
  Open();
  CommitSeeds({"http://a.test/", "http://a.test./"});
  EXPECT_TRUE(Next(0));
  EXPECT_FALSE(Next(0));
}

// --- hosts that share an address

class FrontierAddressTest : public FrontierTest {
 protected:
  FrontierAddressTest() { options_.scheduler.politeness.address.delay = Millis(1000); }

  // Answers look-ups until there is something else.
  Decision Ask(int64_t now) {
    while (true) {
      Decision decision = frontier_->Next(At(now));
      const auto* wanted = std::get_if<LookUp>(&decision);
      if (wanted == nullptr) return decision;
      asked_.push_back(wanted->name);
      frontier_->NoteAddress(wanted->host, addresses_[wanted->name]);
    }
  }
  std::string AskUrl(int64_t now) {
    Decision decision = Ask(now);
    const auto* task = std::get_if<Task>(&decision);
    if (task == nullptr) {
      last_wait_ = std::get<Wait>(decision);
      return "";
    }
    leased_.emplace(task->url.href(), *task);
    return std::string(task->url.href());
  }

  std::map<std::string, std::string> addresses_;
  std::vector<std::string> asked_;
};

TEST_F(FrontierAddressTest, TwoNamesOfOneAddressAreOneHostToBePoliteTo) {
  addresses_ = {{"a.test", "192.0.2.1"}, {"b.test", "192.0.2.1"}, {"c.test", "192.0.2.2"}};
  Open();
  CommitSeeds({"http://a.test/", "http://b.test/", "http://c.test/"});
  std::set<std::string> first;
  first.insert(AskUrl(0));
  first.insert(AskUrl(0));
  EXPECT_TRUE(first.contains("http://c.test/"));
  EXPECT_EQ(AskUrl(0), "");
  EXPECT_EQ(last_wait_.held_by, Hold::kAddress);
  EXPECT_EQ(asked_.size(), 3U);
  const std::string shared = first.contains("http://a.test/") ? "http://a.test/" : "http://b.test/";
  ASSERT_TRUE(first.contains(shared));
  frontier_->Release(leased_.at(shared), {.when = At(300), .address = "192.0.2.1"});
  EXPECT_EQ(AskUrl(1299), "");
  EXPECT_NE(AskUrl(1300), "");
}

TEST_F(FrontierAddressTest, NobodyIsAskedBeforeItIsKnownWhereHeIs) {
  Open();
  CommitSeeds({"http://a.test/"});
  const Decision decision = frontier_->Next(At(0));
  const auto* wanted = std::get_if<LookUp>(&decision);
  ASSERT_NE(wanted, nullptr);
  EXPECT_EQ(wanted->name, "a.test");
  EXPECT_FALSE(Next(0));
  EXPECT_EQ(last_wait_.reason, Wait::Reason::kInFlight);
  frontier_->NoteAddress(wanted->host, "");
  EXPECT_EQ(NextUrl(1), "http://a.test/") << "the fetch is to say what is wrong with its name";
}

TEST_F(FrontierAddressTest, WhereAFetchReallyWentCounts) {
  addresses_ = {{"a.test", "192.0.2.1"}, {"b.test", "192.0.2.2"}};
  Open();
  CommitSeeds({"http://a.test/"});
  ASSERT_EQ(AskUrl(0), "http://a.test/");
  frontier_->Release(leased_.at("http://a.test/"), {.when = At(10), .address = "192.0.2.2"});
  CommitSeeds({"http://b.test/"}, 10);
  EXPECT_EQ(AskUrl(11), "");
  EXPECT_EQ(AskUrl(1010), "http://b.test/");
}

// --- robots files elsewhere

class FrontierVisitTest : public FrontierRobotsTest {
 protected:
  FrontierVisitTest() { options_.scheduler.politeness.delay = Millis(1000); }

  // a.test's robots file is redirected to b.test.
  void Redirect(int64_t now) {
    const auto task = Next(now);
    ASSERT_TRUE(task);
    ASSERT_EQ(task->url.href(), "http://a.test/robots.txt");
    Completion completion = Done(*task);
    completion.robots =
        RobotsResult{RobotsResult::Kind::kRedirect, "", *web::Url::Parse("http://b.test/rules")};
    Finish(std::move(completion), now);
  }
};

TEST_F(FrontierVisitTest, ARobotsFileOnAnotherHostWaitsForThatHostToo) {
  Open();
  CommitSeeds({"http://a.test/"});
  Redirect(0);
  CommitSeeds({"http://b.test/"}, 500);
  const auto of_b = Next(500);
  ASSERT_TRUE(of_b);
  ASSERT_EQ(of_b->url.href(), "http://b.test/robots.txt");
  EXPECT_FALSE(Next(1000)) << "b.test is being asked";
  Completion completion = Done(*of_b);
  completion.robots = RobotsResult{RobotsResult::Kind::kAllowAll, "", std::nullopt};
  Finish(std::move(completion), 1200);
  EXPECT_FALSE(Next(2199));
  std::set<std::string> next;
  next.insert(NextUrl(2200));
  EXPECT_EQ(NextUrl(2200), "") << "one of the two";
  EXPECT_TRUE(next.contains("http://b.test/rules") || next.contains("http://b.test/"));
}

TEST_F(FrontierVisitTest, AVisitThatEndsWithTheRunCountsForTheNextOne) {
  Open();
  CommitSeeds({"http://a.test/"});
  Redirect(0);
  CommitSeeds({"http://b.test/x"});
  Completion of_b = Done(*Next(0));
  ASSERT_EQ(of_b.task.url.href(), "http://b.test/robots.txt");
  of_b.robots = RobotsResult{RobotsResult::Kind::kAllowAll, "", std::nullopt};
  Finish(std::move(of_b), 0);
  std::optional<Task> visit = Next(1000);
  ASSERT_TRUE(visit);
  if (visit->url.host() == "b.test" && !visit->IsVisit()) {
    Completion page = Done(*visit);
    page.found = {Seed("http://b.test/y")};
    Finish(std::move(page), 1000);
    visit = Next(2000);
    ASSERT_TRUE(visit);
  }
  ASSERT_TRUE(visit->IsVisit()) << visit->url.href();
  frontier_->Release(*visit, {.when = At(7000), .reach = Reach::kUnknown});
  Completion back;
  back.task = *visit;
  back.outcome = Outcome::kGivenBack;
  CommitGroup group;
  group.completions.push_back(std::move(back));
  group.last = true;
  frontier_->Settle();
  frontier_->Commit(std::move(group), At(7000));
  Open();
  EXPECT_NE(NextUrl(7001).substr(0, 14), "http://b.test/") << "visited a millisecond ago";
  EXPECT_EQ(NextUrl(7999), "");
}

TEST_F(FrontierVisitTest, AVisitOfAHostThatHasNotAnsweredIsANewcomersFetch) {
  Open();
  CommitSeeds({"http://a.test/"});
  Redirect(0);
  EXPECT_FALSE(Next(2000, /*newcomers=*/false));
  const auto visit = Next(3000);
  ASSERT_TRUE(visit);
  EXPECT_TRUE(visit->IsVisit());
  EXPECT_TRUE(visit->unproven);
}

TEST_F(FrontierVisitTest, AVisitHoldsTheHostThatIsVisited) {
  Open();
  CommitSeeds({"http://a.test/"});
  Redirect(0);
  const auto visit = Next(1000);
  ASSERT_TRUE(visit);
  ASSERT_EQ(visit->url.href(), "http://b.test/rules");
  CommitSeeds({"http://b.test/"}, 1100);
  EXPECT_FALSE(Next(1100)) << "asked for a.test's file, and has not answered yet";
  Completion completion = Done(*visit);
  completion.robots = RobotsResult{RobotsResult::Kind::kAllowAll, "", std::nullopt};
  Finish(std::move(completion), 1500);
  EXPECT_FALSE(Next(2499));
  std::set<std::string> next{NextUrl(2500), NextUrl(2500)};
  EXPECT_TRUE(next.contains("http://b.test/robots.txt"));
  EXPECT_TRUE(next.contains("http://a.test/"));
}

// A host with much to fetch was asked again whenever it was free, and its visitor found it busy.
TEST_F(FrontierVisitTest, AVisitorGetsItsTurnHoweverMuchTheOtherHostHasToFetch) {
  Open();
  std::vector<std::string> seeds;
  for (int i = 0; i < 50; ++i) seeds.push_back("http://b.test/" + std::to_string(i));
  CommitSeeds(seeds);
  AnswerRobots(RobotsResult::Kind::kAllowAll, "", 0);
  CommitSeeds({"http://a.test/"}, 100);
  int before = 0;
  bool visited = false;
  for (int64_t now = 100; now < 40'000 && !visited; now += 50) {
    const auto task = Next(now);
    if (!task) continue;
    Completion completion = Done(*task);
    if (task->url.href() == "http://a.test/robots.txt") {
      completion.robots =
          RobotsResult{RobotsResult::Kind::kRedirect, "", *web::Url::Parse("http://b.test/rules")};
    } else if (task->url.href() == "http://b.test/rules") {
      visited = true;
      completion.robots = RobotsResult{RobotsResult::Kind::kAllowAll, "", std::nullopt};
    } else {
      ++before;
    }
    now += 200;  // it takes a while
    Finish(std::move(completion), now);
  }
  EXPECT_TRUE(visited);
  EXPECT_LE(before, 5);
}

TEST_F(FrontierVisitTest, WhatTheVisitedHostAsksForHoldsThatHost) {
  Open();
  CommitSeeds({"http://a.test/", "http://b.test/"});
  // b.test is known, and its rules are.
  for (int i = 0; i < 2; ++i) {
    const auto task = Next(0);
    ASSERT_TRUE(task);
    Completion completion = Done(*task);
    completion.robots = task->url.host() == "b.test"
                            ? RobotsResult{RobotsResult::Kind::kAllowAll, "", std::nullopt}
                            : RobotsResult{RobotsResult::Kind::kRedirect, "",
                                           *web::Url::Parse("http://b.test/rules")};
    Finish(std::move(completion), 0);
  }
  std::optional<Task> visit;
  for (int64_t now = 1000; now < 5000 && !visit; now += 100) {
    auto task = Next(now);
    if (!task) continue;
    if (task->url.href() == "http://b.test/rules") {
      visit = std::move(task);
      Completion busy = Done(*visit);
      busy.status = 503;
      busy.outcome = Outcome::kRetry;
      busy.hold_host_until = At(now + 60'000);
      busy.robots.emplace().kind = RobotsResult::Kind::kUnreachable;
      frontier_->Release(*visit, {.when = At(now), .hold_until = At(now + 60'000)});
      CommitGroup group;
      group.completions.push_back(std::move(busy));
      frontier_->Commit(std::move(group), At(now));
      CommitSeeds({"http://b.test/more"}, now);
      EXPECT_FALSE(Next(now + 59'000)) << "b.test has asked to be left alone";
    } else {
      Finish(Done(*task), now);
    }
  }
  EXPECT_TRUE(visit);
}

// Found by an attacker: run --once did not end.
TEST_F(FrontierVisitTest, AFileOnAHostThatDoesNotAnswerIsGivenUp) {
  options_.scheduler.health.failures = 3;
  options_.scheduler.robots_max_tries = 2;
  Open();
  CommitSeeds({"http://a.test/"});
  for (int64_t now = 0; now < 20'000 && !frontier_->Drained(); now += 100) {
    const auto task = Next(now);
    if (task) {
      Completion completion = Done(*task);
      if (task->url.host() == "a.test") {
        completion.robots = RobotsResult{RobotsResult::Kind::kRedirect, "",
                                         *web::Url::Parse("http://dead.test/rules")};
      } else {
        completion.status = 0;
        completion.reach = Reach::kSilent;
        completion.outcome = Outcome::kRetry;
        completion.robots.emplace().kind = RobotsResult::Kind::kUnreachable;
      }
      Finish(std::move(completion), now);
    }
    frontier_->Commit({}, At(now));
  }
  EXPECT_TRUE(frontier_->Drained());
}

class AddressVisitTest : public FrontierAddressTest {
 protected:
  AddressVisitTest() {
    options_.scheduler.politeness.robots = true;
    options_.scheduler.politeness.address.delay = Millis(10'000);
    addresses_ = {{"a.test", "192.0.2.1"}, {"b.test", "192.0.2.2"}, {"c.test", "192.0.2.2"}};
  }
  void End(const std::string& url, int64_t now, RobotsResult result) {
    Completion completion = Done(leased_.at(url));
    completion.robots = std::move(result);
    frontier_->Release(
        completion.task,
        {.when = At(now), .address = addresses_.at(std::string(completion.task.url.host()))});
    CommitGroup group;
    group.completions.push_back(std::move(completion));
    frontier_->Commit(std::move(group), At(now));
  }
  // a.test's robots file is at b.test, which nothing was found of.
  void Redirect(int64_t now) {
    CommitSeeds({"http://a.test/"});
    ASSERT_EQ(AskUrl(now), "http://a.test/robots.txt");
    End("http://a.test/robots.txt", now,
        {RobotsResult::Kind::kRedirect, "", *web::Url::Parse("http://b.test/rules")});
  }
};

TEST_F(AddressVisitTest, AVisitWaitsForTheAddressThatItGoesTo) {
  Open();
  Redirect(0);
  CommitSeeds({"http://c.test/"}, 9999);
  ASSERT_EQ(AskUrl(10'000), "http://c.test/robots.txt");
  EXPECT_EQ(AskUrl(10'001), "") << "b.test is where c.test is";
  End("http://c.test/robots.txt", 10'500, {RobotsResult::Kind::kAllowAll, "", std::nullopt});
  for (int64_t now = 10'500; now < 20'500; now += 50) ASSERT_EQ(AskUrl(now), "") << now;
  std::set<std::string> next;
  for (int64_t now = 20'500; now < 21'000; now += 50) next.insert(AskUrl(now));
  next.erase("");
  EXPECT_EQ(next.size(), 1U) << "one of the two";
}

TEST_F(AddressVisitTest, AVisitHoldsTheAddressThatItGoesTo) {
  Open();
  Redirect(0);
  std::string visit;
  int64_t now = 10'000;
  for (; visit.empty() && now < 20'000; now += 50) visit = AskUrl(now);
  ASSERT_EQ(visit, "http://b.test/rules");
  CommitSeeds({"http://c.test/"}, now);
  EXPECT_EQ(AskUrl(now), "");
  End(visit, now + 500, {RobotsResult::Kind::kAllowAll, "", std::nullopt});
  for (int64_t later = now + 500; later < now + 10'500; later += 50) {
    const std::string url = AskUrl(later);
    ASSERT_TRUE(url.empty() || url == "http://a.test/") << url << " at " << later;
  }
  EXPECT_EQ(AskUrl(now + 10'500), "http://c.test/robots.txt");
}

}  // namespace
}  // namespace crawld::frontier
