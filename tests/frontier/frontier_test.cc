#include "frontier/frontier.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <atomic>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "concurrency/bounded_queue.h"
#include "tests/frontier/frontier_fixture.h"

namespace crawld::frontier {
namespace {

TEST_F(FrontierTest, ANewFrontierIsDrained) {
  Open();
  EXPECT_FALSE(Next(0));
  EXPECT_TRUE(frontier_->Drained());
  EXPECT_EQ(frontier_->archive_position(), "");
}

TEST_F(FrontierTest, AUrlIsLeasedOnceAndStaysQueuedUntilItsCompletionIsCommitted) {
  Open();
  CommitSeeds({"http://a.test/", "http://a.test/"});
  const auto task = Next(0);
  ASSERT_TRUE(task);
  EXPECT_FALSE(Next(0));
  EXPECT_EQ(CountOf(UrlState::kQueued), 1U);
  Finish(Done(*task), 1);
  EXPECT_EQ(CountOf(UrlState::kDone), 1U);
  EXPECT_TRUE(frontier_->Drained());
  EXPECT_FALSE(Next(2));
}

TEST_F(FrontierTest, WhatWasLeasedWhenTheProcessDiedIsLeasedAgainAndWhatWasCommittedIsNot) {
  Open();
  CommitSeeds({"http://a.test/1", "http://b.test/2"});
  const auto first = Next(0);
  ASSERT_TRUE(first);
  const auto second = Next(0);
  ASSERT_TRUE(second);
  Finish(Done(*first), 1);
  Open();  // dies with the second in flight
  const auto again = Next(2);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->url, second->url);
  EXPECT_FALSE(Next(2));
  CommitSeeds({"http://a.test/1"}, 3);
  EXPECT_FALSE(Next(3));
}

TEST_F(FrontierTest, AHostIsNotAskedBeforeItsDelayIsOverAndOthersDoNotWaitForIt) {
  options_.scheduler.politeness.delay = Millis(1000);
  Open();
  CommitSeeds({"http://a.test/1", "http://a.test/2", "http://b.test/1"});
  auto a1 = Next(0);
  ASSERT_TRUE(a1);
  auto b1 = Next(0);
  ASSERT_TRUE(b1);
  EXPECT_NE(a1->url.host(), b1->url.host());
  if (a1->url.host() == "b.test") std::swap(a1, b1);
  Finish(Done(*a1), 300);
  EXPECT_FALSE(Next(301));
  EXPECT_EQ(last_wait_.reason, Wait::Reason::kPoliteness);
  EXPECT_FALSE(Next(1299));
  EXPECT_TRUE(Next(1300)) << "the delay counts from the end of the fetch";
}

TEST_F(FrontierTest, AHostHasAtMostItsConcurrencyInFlight) {
  options_.scheduler.politeness.concurrency_per_host = 2;
  Open();
  CommitSeeds({"http://a.test/1", "http://a.test/2", "http://a.test/3"});
  const auto first = Next(0);
  ASSERT_TRUE(first);
  ASSERT_TRUE(Next(0));
  EXPECT_FALSE(Next(0));
  EXPECT_EQ(last_wait_.reason, Wait::Reason::kInFlight);
  frontier_->Release(*first, {.when = At(1)});
  EXPECT_TRUE(Next(1))
      << "the host is free as soon as the fetch has ended, not only when committed";
}

TEST_F(FrontierTest, TheDelaySurvivesARestart) {
  options_.scheduler.politeness.delay = Millis(5000);
  Open();
  CommitSeeds({"http://a.test/1", "http://a.test/2"});
  Finish(Done(*Next(0)), 100);
  End(100);
  Open();
  EXPECT_FALSE(Next(200));
  EXPECT_FALSE(Next(5099));
  EXPECT_TRUE(Next(5100));
}

TEST_F(FrontierTest, AfterACrashNoHostIsAskedBeforeItsDelayHasPassedOnceMore) {
  options_.scheduler.politeness.delay = Millis(5000);
  Open();
  CommitSeeds({"http://a.test/1", "http://a.test/2"});
  ASSERT_TRUE(Next(0));
  Open();  // died at some time, with a fetch that nobody has written down
  EXPECT_FALSE(Next(200));
  EXPECT_EQ(last_wait_.held_by, Hold::kRestart);
  EXPECT_FALSE(Next(5199));
  EXPECT_TRUE(Next(5200));
}

TEST_F(FrontierTest, AFetchThatWasBrokenOffCountsForTheDelay) {
  options_.scheduler.politeness.delay = Millis(5000);
  Open();
  CommitSeeds({"http://a.test/1", "http://a.test/2"});
  Completion back = Done(*Next(0));
  back.outcome = Outcome::kGivenBack;
  Finish(std::move(back), 700);
  End(700);
  Open();
  EXPECT_FALSE(Next(5699));
  EXPECT_TRUE(Next(5700));
}

TEST_F(FrontierTest, ARetryComesBackWhenItIsDueAndCountsItsTries) {
  Open();
  CommitSeeds({"http://a.test/"});
  Completion failed = Done(*Next(0));
  failed.outcome = Outcome::kRetry;
  failed.reason = "connect";
  failed.retry_at = At(500);
  Finish(std::move(failed), 1);
  EXPECT_EQ(CountOf(UrlState::kLater), 1U);
  EXPECT_FALSE(frontier_->Drained());
  EXPECT_EQ(frontier_->NextChore(At(1)), At(500));
  Open();  // survives
  EXPECT_EQ(frontier_->NextChore(At(1)), At(500));
  frontier_->Commit({}, At(499));
  EXPECT_FALSE(Next(499));
  frontier_->Commit({}, At(500));
  const auto again = Next(500);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->info.tries, 1);
  Completion given_up = Done(*again);
  given_up.outcome = Outcome::kFailed;
  given_up.reason = "connect";
  Finish(std::move(given_up), 501);
  EXPECT_EQ(CountOf(UrlState::kFailed), 1U);
  EXPECT_TRUE(frontier_->Drained());
}

TEST_F(FrontierTest, WhatIsGivenBackIsLeasedAgainWithoutATry) {
  Open();
  CommitSeeds({"http://a.test/1", "http://a.test/2"});
  Completion back = Done(*Next(0));
  const std::string url(back.task.url.href());
  back.outcome = Outcome::kGivenBack;
  Finish(std::move(back), 1);
  const auto again = Next(2);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->url.href(), url);
  EXPECT_EQ(again->info.tries, 0);
}

TEST_F(FrontierTest, BreadthFirstTakesShallowPagesFirst) {
  options_.scheduler.politeness.concurrency_per_host = 10;
  Open();
  CommitSeeds({"http://a.test/seed1", "http://a.test/seed2"});
  Completion first = Done(*Next(0));
  first.found.push_back(
      frontier_->scope().JudgeLink(*web::Url::Parse("http://a.test/deep"), first.task.url, {}));
  Finish(std::move(first), 1);
  EXPECT_EQ(NextUrl(2), "http://a.test/seed2");
  EXPECT_EQ(NextUrl(2), "http://a.test/deep");
}

// Found by tests/crash: a shallow URL that came while deep ones were buffered made the scheduler
// forget the shallow ones buffered before it; the crawl waited for ever.
TEST_F(FrontierTest, AUrlThatBelongsAmongTheBufferedOnesLosesNoneOfThem) {
  Open();
  const web::Url page = *web::Url::Parse("http://a.test/");
  const auto at_depth = [&](std::string_view path, uint16_t depth) {
    UrlInfo parent;
    parent.depth = static_cast<uint16_t>(depth - 1);
    return frontier_->scope().JudgeLink(*web::Url::Parse(path, page), page, parent);
  };
  CommitGroup group;
  group.seeds = {at_depth("/1a", 1), at_depth("/1b", 1), at_depth("/2a", 2), at_depth("/2b", 2)};
  frontier_->Commit(std::move(group), At(0));
  Completion first = Done(*Next(0));  // buffers the other three
  EXPECT_EQ(first.task.url.path(), "/1a");
  first.found.push_back(at_depth("/1c", 1));
  Finish(std::move(first), 1);
  for (const char* path : {"/1b", "/1c", "/2a", "/2b"}) {
    const auto task = Next(2);
    ASSERT_TRUE(task) << path;
    EXPECT_EQ(task->url.path(), path);
    Finish(Done(*task), 2);
  }
  EXPECT_TRUE(frontier_->Drained());
}

TEST_F(FrontierTest, DepthFirstTakesTheNewestFirst) {
  options_.order = Order::kDepthFirst;
  Open();
  CommitSeeds({"http://a.test/seed1", "http://a.test/seed2"});
  Completion first = Done(*Next(0));
  EXPECT_EQ(first.task.url.path(), "/seed2");
  first.found.push_back(
      frontier_->scope().JudgeLink(*web::Url::Parse("http://a.test/deep"), first.task.url, {}));
  Finish(std::move(first), 1);
  const auto deep = Next(2);
  ASSERT_TRUE(deep);
  EXPECT_EQ(deep->url.path(), "/deep");
  Finish(Done(*deep), 3);
  EXPECT_EQ(NextUrl(4), "http://a.test/seed1");
}

TEST_F(FrontierTest, PriorityTakesShallowPathsWithoutQueryFirst) {
  options_.order = Order::kPriority;
  options_.scheduler.politeness.concurrency_per_host = 10;
  Open();
  CommitSeeds({"http://a.test/x?q=1", "http://a.test/a/b/c/d", "http://a.test/"});
  EXPECT_EQ(NextUrl(0), "http://a.test/");
  EXPECT_EQ(NextUrl(0), "http://a.test/a/b/c/d");
  EXPECT_EQ(NextUrl(0), "http://a.test/x?q=1");
}

TEST_F(FrontierTest, LimitsAreExactAndEachUrlBeyondIsAccountedFor) {
  options_.max_pages_per_host = 2;
  options_.max_pages = 3;
  Open();
  CommitSeeds({"http://a.test/1", "http://a.test/2", "http://a.test/3", "http://b.test/1",
               "http://c.test/1"});
  const Counters counters = frontier_->stats().counters;
  EXPECT_EQ(counters.seen(), 5U);
  EXPECT_EQ(CountOf(UrlState::kQueued), 3U);
  EXPECT_EQ(counters.excluded[static_cast<int>(Verdict::kHostLimit)], 1U);
  EXPECT_EQ(counters.excluded[static_cast<int>(Verdict::kCrawlLimit)], 1U);
}

TEST_F(FrontierTest, AUrlExcludedFromOnePageIsAdmittedFromAnother) {
  Open();
  CommitSeeds({"http://a.test/", "http://b.test/"});
  Completion a = Done(*Next(0));
  a.found.push_back(frontier_->scope().JudgeLink(*web::Url::Parse("http://b.test/x"),
                                                 *web::Url::Parse("http://a.test/"), {}));
  Completion b = Done(*Next(0));
  b.found.push_back(frontier_->scope().JudgeLink(*web::Url::Parse("http://b.test/x"),
                                                 *web::Url::Parse("http://b.test/"), {}));
  Finish(std::move(a), 1);
  EXPECT_EQ(frontier_->stats().counters.excluded[static_cast<int>(Verdict::kOtherHost)], 1U);
  Finish(std::move(b), 2);
  EXPECT_EQ(frontier_->stats().counters.excluded[static_cast<int>(Verdict::kOtherHost)], 0U);
  EXPECT_EQ(NextUrl(3), "http://b.test/x");
}

TEST_F(FrontierTest, SeenIsTrueOnlyForWhatIsDurable) {
  Open();
  const Discovery seed = Seed("http://a.test/");
  EXPECT_FALSE(frontier_->Seen(seed));
  CommitSeeds({"http://a.test/"});
  EXPECT_TRUE(frontier_->Seen(seed));
}

TEST_F(FrontierTest, ArchivePositionAndNotesAreCommittedWithTheGroup) {
  Open();
  CommitGroup group;
  group.archive_position = "here";
  group.notes.emplace_back("list", "v1");
  frontier_->Commit(std::move(group), At(0));
  Open();
  EXPECT_EQ(frontier_->archive_position(), "here");
  EXPECT_EQ(frontier_->ReadNote("list"), "v1");
  EXPECT_EQ(frontier_->ReadNote("other"), std::nullopt);
}

TEST_F(FrontierTest, ASecondFrontierOnTheSameFolderIsRefusedWithAReason) {
  Open();
  try {
    const Frontier second(dir_ / "frontier", options_);
    FAIL() << "opened twice";
  } catch (const FatalError& e) {
    EXPECT_NE(std::string(e.what()).find("in use"), std::string::npos) << e.what();
  }
}

TEST_F(FrontierTest, OtherRulesForTellingUrlsApartAreRefused) {
  Open();
  frontier_.reset();
  options_.scope.key.sort_query = true;
  EXPECT_THROW(Open(), FatalError);
}

TEST_F(FrontierRobotsTest, AnOriginsRulesComeBeforeItsFirstPage) {
  Open();
  CommitSeeds({"http://a.test/page"});
  const auto robots = Next(0);
  ASSERT_TRUE(robots);
  EXPECT_EQ(robots->info.kind, TaskKind::kRobots);
  EXPECT_EQ(robots->url.href(), "http://a.test/robots.txt");
  EXPECT_FALSE(Next(0)) << "no page before the rules are known";
}

TEST_F(FrontierRobotsTest, ForbiddenUrlsAreWrittenOffWithTheReason) {
  Open();
  CommitSeeds({"http://a.test/private/1", "http://a.test/public", "http://a.test/private/2"});
  AnswerRobots(RobotsResult::Kind::kRules, "User-agent: *\nDisallow: /private/\n", 0);
  EXPECT_EQ(NextUrl(1), "http://a.test/public");
  Finish(Done(leased_.at("http://a.test/public")), 2);
  EXPECT_EQ(NextUrl(3), "");
  EXPECT_LE(frontier_->NextChore(At(3)), At(3)) << "the denial wants to be written";
  frontier_->Commit({}, At(4));
  EXPECT_EQ(frontier_->stats().counters.excluded[static_cast<int>(Verdict::kRobotsDisallowed)], 2U);
  EXPECT_TRUE(frontier_->Drained());
}

TEST_F(FrontierRobotsTest, RulesSurviveARestart) {
  Open();
  CommitSeeds({"http://a.test/x"});
  AnswerRobots(RobotsResult::Kind::kAllowAll, "", 0);
  Open();
  EXPECT_EQ(NextUrl(1), "http://a.test/x");
}

TEST_F(FrontierRobotsTest, RulesAreFetchedAnewWhenTheyAreTooOld) {
  options_.scheduler.politeness.robots_max_age = Millis(1000);
  options_.scheduler.politeness.concurrency_per_host = 8;
  Open();
  CommitSeeds({"http://a.test/1", "http://a.test/2"});
  AnswerRobots(RobotsResult::Kind::kAllowAll, "", 0);
  EXPECT_EQ(NextUrl(1), "http://a.test/1");
  const auto again = Next(1001);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->info.kind, TaskKind::kRobots);
}

TEST_F(FrontierRobotsTest, CrawlDelaySlowsTheHostUpToTheCap) {
  options_.scheduler.politeness.concurrency_per_host = 8;
  options_.scheduler.politeness.max_crawl_delay = Millis(3000);
  Open();
  CommitSeeds({"http://a.test/1", "http://a.test/2", "http://a.test/3"});
  AnswerRobots(RobotsResult::Kind::kRules, "User-agent: *\nCrawl-delay: 2\n", 0);
  EXPECT_EQ(NextUrl(1), "");
  EXPECT_EQ(last_wait_.held_by, Hold::kCrawlDelay);
  EXPECT_EQ(NextUrl(1999), "") << "it holds since the fetch that brought it";
  EXPECT_EQ(NextUrl(2000), "http://a.test/1");
  EXPECT_EQ(NextUrl(4000), "") << "a crawl delay means one request at a time";
  Finish(Done(leased_.at("http://a.test/1")), 4100);
  EXPECT_EQ(NextUrl(6099), "");
  EXPECT_EQ(NextUrl(6100), "http://a.test/2");
}

TEST_F(FrontierRobotsTest, AnUnreachableRobotsFileHoldsTheHostAndThenWritesItsUrlsOff) {
  options_.scheduler.robots_max_tries = 2;
  Open();
  CommitSeeds({"http://a.test/1"});
  AnswerRobots(RobotsResult::Kind::kUnreachable, "", 0);
  EXPECT_FALSE(Next(74));
  EXPECT_GE(last_wait_.until, At(75)) << "a back-off of 100, less up to a quarter";
  EXPECT_LE(last_wait_.until, At(100));
  EXPECT_EQ(last_wait_.held_by, Hold::kRobots);
  AnswerRobots(RobotsResult::Kind::kUnreachable, "", 100);
  EXPECT_FALSE(Next(101));
  frontier_->Commit({}, At(102));
  EXPECT_EQ(frontier_->stats().counters.excluded[static_cast<int>(Verdict::kRobotsUnreachable)],
            1U);
  EXPECT_TRUE(frontier_->Drained());
  // What a later run finds again, when that is over, is tried again.
  Open();
  const int64_t later = 200 + 24 * 3600 * 1000;
  CommitSeeds({"http://a.test/1"}, later);
  EXPECT_FALSE(frontier_->Drained());
  AnswerRobots(RobotsResult::Kind::kAllowAll, "", later);
  EXPECT_EQ(NextUrl(later + 1), "http://a.test/1");
  EXPECT_EQ(frontier_->stats().counters.excluded[static_cast<int>(Verdict::kRobotsUnreachable)],
            0U);
}

TEST_F(FrontierRobotsTest, AShorterAgeInTheConfigCountsForRulesThatAreThere) {
  Open();
  CommitSeeds({"http://a.test/1", "http://a.test/2"});
  AnswerRobots(RobotsResult::Kind::kAllowAll, "", 0);
  options_.scheduler.politeness.robots_max_age = Millis(1000);
  Open();
  const auto task = Next(2000);
  ASSERT_TRUE(task);
  EXPECT_EQ(task->info.kind, TaskKind::kRobots);
}

TEST_F(FrontierRobotsTest, ADaemonWaitsForAnUnreachableRobotsFileAsLongAsItTakes) {
  options_.scheduler.robots_max_tries = 2;
  options_.scheduler.give_up_robots = false;
  options_.retry_max_backoff = Millis(400);
  Open();
  CommitSeeds({"http://a.test/1"});
  int64_t now = 0;
  for (const int64_t wait : {100, 200, 400, 400, 400}) {
    AnswerRobots(RobotsResult::Kind::kUnreachable, "", now);
    EXPECT_FALSE(Next(now + wait * 3 / 4 - 1)) << now;
    now += wait;
  }
  AnswerRobots(RobotsResult::Kind::kAllowAll, "", now);
  EXPECT_EQ(NextUrl(now + 1), "http://a.test/1");
}

TEST_F(FrontierRobotsTest, HeldOriginsAreCountedAndNamedAcrossARestart) {
  options_.scheduler.give_up_robots = false;
  std::vector<RobotsHold> holds;
  options_.on_robots_hold = [&](const RobotsHold& hold) { holds.push_back(hold); };
  Open();
  CommitSeeds({"http://a.test/1"});
  AnswerRobots(RobotsResult::Kind::kUnreachable, "", 0);
  EXPECT_EQ(frontier_->stats().origins_held, 1U);
  ASSERT_EQ(holds.size(), 1U);
  EXPECT_TRUE(holds[0].held);
  EXPECT_EQ(holds[0].robots_url, "http://a.test/robots.txt");
  EXPECT_EQ(holds[0].failures, 1);
  EXPECT_GE(holds[0].until, At(75));
  EXPECT_LE(holds[0].until, At(100));
  Open();
  EXPECT_EQ(frontier_->stats().origins_held, 1U);
  AnswerRobots(RobotsResult::Kind::kUnreachable, "", 100);
  EXPECT_EQ(frontier_->stats().origins_held, 1U);
  AnswerRobots(RobotsResult::Kind::kAllowAll, "", 10'000);
  EXPECT_EQ(frontier_->stats().origins_held, 0U);
  ASSERT_EQ(holds.size(), 3U);
  EXPECT_FALSE(holds[2].held);
}

TEST_F(FrontierRobotsTest, ARedirectedRobotsFileIsFollowedAtMostFiveTimes) {
  Open();
  CommitSeeds({"http://a.test/1"});
  for (int hop = 0; hop <= 5; ++hop) {
    const auto task = Next(hop);
    ASSERT_TRUE(task);
    ASSERT_EQ(task->info.kind, TaskKind::kRobots) << hop;
    if (hop > 0) {
      EXPECT_EQ(task->url.href(), "http://b.test/" + std::to_string(hop));
    }
    Completion completion = Done(*task);
    completion.robots = RobotsResult{RobotsResult::Kind::kRedirect, "",
                                     *web::Url::Parse("http://b.test/" + std::to_string(hop + 1))};
    Finish(std::move(completion), hop);
  }
  EXPECT_EQ(NextUrl(10), "http://a.test/1") << "RFC 9309 2.3.1.2: treated as unavailable";
}

TEST_F(FrontierRobotsTest, TheLastGoodRulesHoldWhileTheFileIsUnreachable) {
  options_.scheduler.politeness.robots_max_age = Millis(1000);
  Open();
  CommitSeeds({"http://a.test/private", "http://a.test/public"});
  AnswerRobots(RobotsResult::Kind::kRules, "User-agent: *\nDisallow: /private\n", 0);
  AnswerRobots(RobotsResult::Kind::kUnreachable, "", 2000);
  EXPECT_EQ(NextUrl(2001), "http://a.test/public");
}

TEST_F(FrontierRobotsTest, HostsThatWaitForTheirRobotsFileMakeRoomForOthers) {
  options_.scheduler.max_hosts = 16;
  options_.scheduler.give_up_robots = false;
  options_.retry_backoff = Millis(3'600'000);
  Open();
  std::vector<std::string> seeds;
  for (int host = 0; host < 40; ++host)
    seeds.push_back("http://h" + std::to_string(host) + ".test/");
  CommitSeeds(seeds);
  std::set<std::string> asked;
  for (int64_t now = 1; now < 60'000 && asked.size() < 40; now += 50) {
    while (auto task = Next(now)) {
      ASSERT_EQ(task->info.kind, TaskKind::kRobots);
      EXPECT_TRUE(asked.insert(std::string(task->url.host())).second)
          << "an hour has not passed: " << task->url.host();
      Completion completion;
      completion.task = *std::move(task);
      completion.outcome = Outcome::kRetry;
      completion.robots.emplace().kind = RobotsResult::Kind::kUnreachable;
      Finish(std::move(completion), now);
    }
    frontier_->Commit({}, At(now));
  }
  EXPECT_EQ(asked.size(), 40U) << "hosts that are held must not fill the memory";
}

TEST_F(FrontierTest, OnlySoManyHostsAreInMemoryAndAllGetTheirTurn) {
  options_.scheduler.max_hosts = 16;
  options_.scheduler.quantum = 4;
  Open();
  std::vector<std::string> seeds;
  for (int host = 0; host < 100; ++host) {
    for (int page = 0; page < 10; ++page) {
      seeds.push_back("http://h" + std::to_string(host) + ".test/" + std::to_string(page));
    }
  }
  CommitSeeds(seeds);
  std::map<std::string, int> served;
  size_t hosts_before_second_round = 0;
  int64_t now = 1;
  for (size_t done = 0; done < seeds.size(); now += 100) {
    ASSERT_LT(now, 10'000'000);
    const auto task = Next(now);
    EXPECT_LE(frontier_->stats().scheduler.resident_hosts, 16U);
    if (!task) {
      frontier_->Commit({}, At(now));
      continue;
    }
    if (++served[std::string(task->url.host())] == 9 && hosts_before_second_round == 0) {
      hosts_before_second_round = served.size();
    }
    Finish(Done(*task), now);
    ++done;
  }
  EXPECT_EQ(served.size(), 100U);
  EXPECT_GT(hosts_before_second_round, 50U) << "no host may be served to its end while others wait";
  EXPECT_TRUE(frontier_->Drained());
}

TEST_F(FrontierTest, AStoreThatWasOnlyHalfMadeIsCompleted) {
  {
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options, dir_ / "frontier", &db).ok());
    delete db;
  }
  Open();
  CommitSeeds({"http://a.test/"});
  EXPECT_EQ(NextUrl(1), "http://a.test/");
}

TEST_F(FrontierTest, AHostHasOnlySoManyOrigins) {
  Open();
  std::vector<std::string> seeds;
  for (size_t port = 1; port <= kMaxOriginsPerHost + 1; ++port) {
    seeds.push_back("http://a.test:" + std::to_string(port) + "/");
  }
  CommitSeeds(seeds);
  EXPECT_EQ(CountOf(UrlState::kQueued), kMaxOriginsPerHost);
  EXPECT_EQ(frontier_->stats().counters.excluded[static_cast<int>(Verdict::kTooManyOrigins)], 1U);
  CommitSeeds({"http://a.test:1/more"});
  EXPECT_EQ(CountOf(UrlState::kQueued), kMaxOriginsPerHost + 1) << "an origin it has";
}

TEST_F(FrontierTest, SeedsThatNobodyWaitsForCostNoMemory) {
  Open();
  CommitSeeds({"http://a.test/", "http://b.test/"});
  ASSERT_TRUE(Next(1) && Next(1));
  // The dispatcher waits for something else while the committer goes on.
  for (int group = 0; group < 20; ++group) {
    std::vector<std::string> seeds;
    for (int host = 0; host < 50; ++host) {
      seeds.push_back("http://h" + std::to_string(50 * group + host) + ".test/");
    }
    seeds.push_back("http://a.test/" + std::to_string(group));
    CommitSeeds(seeds, 2 + group);
    EXPECT_LE(frontier_->stats().undelivered_hosts, 1U) << "only a.test is resident and changed";
  }
  size_t fetched = 0;
  while (NextUrl(1000 + static_cast<int64_t>(fetched)) != "") ++fetched;
  EXPECT_EQ(fetched, 1000U) << "one URL of each new host; a.test has one in flight";
}

// Announce before read, post after durable: whoever commits while a host is loaded or forgotten,
// every URL is leased in the end.
TEST_F(FrontierTest, ACommitterAndADispatcherForgetNothingBetweenThem) {
  options_.scheduler.max_hosts = 8;
  options_.scheduler.quantum = 2;
  Open();
  constexpr int kUrls = 3000;
  std::atomic<int> found = 0;
  std::atomic<bool> failed = false;
  concurrency::BoundedQueue<Task> leased(64);
  std::thread committer([&] {
    // Seeds and completions in turn, as they come.
    int made = 0;
    while (found < kUrls) {
      CommitGroup group;
      for (int i = 0; i < 7 && made < kUrls; ++i, ++made) {
        group.seeds.push_back(
            Seed("http://h" + std::to_string(made % 37) + ".test/" + std::to_string(made)));
      }
      while (auto task = leased.TryGet()) {
        frontier_->Release(*task, {.when = At(1)});
        group.completions.push_back(Done(*std::move(task)));
        ++found;
      }
      frontier_->Commit(std::move(group), At(1));
      if (failed) return;
    }
  });
  const auto patience = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (found < kUrls && !failed) {
    if (auto task = Next(1)) {
      EXPECT_TRUE(leased.Put(*std::move(task)));
    } else {
      std::this_thread::yield();
    }
    failed = std::chrono::steady_clock::now() > patience;  // only a forgotten URL takes so long
  }
  committer.join();
  EXPECT_EQ(found, kUrls);
  EXPECT_TRUE(frontier_->Drained());
}

TEST_F(FrontierTest, ANameWithADotAtItsEndIsTheSameHost) {
  options_.scheduler.politeness.delay = Millis(1000);
  Open();
  CommitSeeds({"http://a.test/", "http://a.test./"});
  EXPECT_TRUE(Next(0));
  EXPECT_FALSE(Next(0));
}

TEST(MailboxTest, KeepsOneMergedChangeForEachResidentHost) {
  Mailbox mailbox;
  mailbox.Announce(1);
  const OriginKey origin{.https = false, .port = 80};
  const auto place = [&](HostId host, uint64_t sequence) {
    return QueuePlace{.host = host, .origin = origin, .rank = 0, .sequence = sequence};
  };
  for (uint64_t i = 9; i > 4; --i) {
    HostChange resident;
    resident.id = 1;
    resident.finished = {place(1, 100 + i)};
    resident.added = {place(1, i)};
    resident.robots = {origin};
    resident.hold_until = At(static_cast<int64_t>(10 - i));
    HostChange other;
    other.id = 2;
    other.added = {place(2, i)};
    mailbox.Post({resident, other});
  }
  EXPECT_EQ(mailbox.waiting(), 1U);
  const Mailbox::Mail mail = mailbox.Take();
  ASSERT_EQ(mail.hosts.size(), 1U);
  EXPECT_EQ(mail.hosts[0].finished.size(), 5U);
  EXPECT_EQ(mail.hosts[0].added, std::vector{place(1, 5)}) << "the smallest of the origin";
  EXPECT_EQ(mail.hosts[0].robots.size(), 1U);
  EXPECT_EQ(mail.hosts[0].hold_until, At(5));
  EXPECT_TRUE(mail.others) << "host 2 is on disk and has something";
  EXPECT_FALSE(mailbox.Take().others) << "told once";
}

TEST(MailboxTest, WhatCameForAHostThatLeavesIsLookedForOnDisk) {
  Mailbox mailbox;
  mailbox.Announce(1);
  HostChange change;
  change.id = 1;
  mailbox.Post({change});
  mailbox.Forget(1);
  const Mailbox::Mail mail = mailbox.Take();
  EXPECT_TRUE(mail.hosts.empty());
  EXPECT_TRUE(mail.others);
}

}  // namespace
}  // namespace crawld::frontier
