// Robots files that lie on another host: whoever fetches one is a guest there.
#include <set>

#include "tests/frontier/frontier_fixture.h"

namespace crawld::frontier {
namespace {

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
