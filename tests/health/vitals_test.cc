#include "health/vitals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace crawld::health {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

TEST(VitalsTest, AThreadThatHangsIsNamedWithWhatItDoes) {
  const concurrency::ThreadInfo works{"parse-0", 11, seconds(3), "parses a page", false};
  const concurrency::ThreadInfo waits{"parse-1", 12, seconds(9000), "waits for a page", true};
  EXPECT_TRUE(CheckThreads({works, waits}).good);
  const HealthCheck stuck =
      CheckThreads({works, waits, {"commit", 13, seconds(75), "writes the archive", false}});
  EXPECT_FALSE(stuck.good);
  EXPECT_THAT(stuck.detail, HasSubstr("commit (13) has been at 'writes the archive' for 1m 15s"));
  EXPECT_THAT(stuck.detail, testing::Not(HasSubstr("parse-")));
}

class ProgressCheckTest : public testing::Test {
 protected:
  HealthCheck At(int second) {
    now_.when = std::chrono::steady_clock::time_point(seconds(1000 + second));
    return check_.Look(now_);
  }
  pipeline::Snapshot now_;
  ProgressCheck check_{seconds(100)};
};

TEST_F(ProgressCheckTest, WhatMovesIsWell) {
  now_.fetcher.in_flight = 3;
  for (int second = 0; second < 1000; second += 50) {
    now_.pipeline.bytes += 1;
    EXPECT_TRUE(At(second).good) << second;
  }
}

TEST_F(ProgressCheckTest, WhatIsUnderWayAndDoesNotMoveForTooLongIsStuck) {
  now_.fetcher.in_flight = 3;
  now_.pipeline.parsed_queue = 7;
  EXPECT_TRUE(At(0).good);
  EXPECT_TRUE(At(99).good);
  const HealthCheck stuck = At(100);
  EXPECT_FALSE(stuck.good);
  EXPECT_THAT(stuck.detail, HasSubstr("3 fetches are in flight"));
  EXPECT_THAT(stuck.detail, HasSubstr("7 for the committer"));
  EXPECT_THAT(stuck.detail, HasSubstr("1m 40s"));
  now_.frontier.counters.commits = 1;
  EXPECT_TRUE(At(101).good) << "it moves again";
}

TEST_F(ProgressCheckTest, WhoHasNothingToDoIsNotStuck) {
  for (int second = 0; second < 10'000; second += 500) EXPECT_TRUE(At(second).good) << second;
}

TEST(VitalsTest, WhoStopsOrLacksRoomIsAliveAndNotReady) {
  bool stopping = false;
  bool room = true;
  Vitals vitals({.snapshot = [] { return pipeline::Snapshot(); },
                 .stopping = [&] { return stopping; },
                 .resources =
                     [&] {
                       return std::vector<HealthCheck>{{"disk", room, room ? "much" : "little"}};
                     },
                 .total_timeout = Millis(1000)});
  EXPECT_TRUE(AllGood(vitals.Alive()));
  EXPECT_TRUE(AllGood(vitals.Ready()));
  stopping = true;
  EXPECT_TRUE(AllGood(vitals.Alive()));
  EXPECT_FALSE(AllGood(vitals.Ready()));
  stopping = room = false;
  EXPECT_TRUE(AllGood(vitals.Alive()));
  EXPECT_FALSE(AllGood(vitals.Ready()));
}

}  // namespace
}  // namespace crawld::health
