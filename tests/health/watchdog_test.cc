#include "health/watchdog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crawld::health {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::Optional;

constexpr std::chrono::steady_clock::time_point kStart{std::chrono::hours(1)};

fetcher::FetcherStats WithOldest(Millis age) {
  fetcher::FetcherStats stats;
  stats.oldest = age;
  return stats;
}

std::vector<concurrency::ThreadInfo> Threads() {
  std::vector<concurrency::ThreadInfo> threads(2);
  threads[0].name = "fetch-0";
  threads[0].tid = 77;
  threads[0].age = seconds(130);
  threads[0].note = "moves bytes";
  threads[1].name = "commit";
  threads[1].note = "waits for parsed pages";
  threads[1].idle = true;
  return threads;
}

TEST(WatchdogTest, WhileTransfersEndInTimeItSaysNothing) {
  Watchdog watchdog(seconds(120));
  EXPECT_EQ(watchdog.Look(WithOldest(Millis(0)), Threads(), kStart), std::nullopt);
  EXPECT_EQ(watchdog.Look(WithOldest(seconds(125)), Threads(), kStart), std::nullopt);
  EXPECT_FALSE(watchdog.alarmed());
}

TEST(WatchdogTest, ALoopThatHangsIsNamedWithWhatItWasDoing) {
  Watchdog watchdog(seconds(120));
  EXPECT_THAT(watchdog.Look(WithOldest(seconds(126)), Threads(), kStart),
              Optional(AllOf(HasSubstr("a fetch is 126 s old"),
                             HasSubstr("fetch-0 (thread 77): moves bytes for 130000 ms"),
                             Not(HasSubstr("commit")))));
  EXPECT_TRUE(watchdog.alarmed());
}

TEST(WatchdogTest, ItSaysSoOnceAMinuteUntilItIsOver) {
  Watchdog watchdog(seconds(120));
  const auto look = [&](seconds oldest, std::chrono::steady_clock::time_point now) {
    return watchdog.Look(WithOldest(oldest), Threads(), now).has_value();
  };
  EXPECT_TRUE(look(seconds(126), kStart));
  EXPECT_FALSE(look(seconds(127), kStart + seconds(1)));
  EXPECT_TRUE(look(seconds(186), kStart + minutes(1)));
  EXPECT_FALSE(look(seconds(3), kStart + minutes(2)));
  EXPECT_FALSE(watchdog.alarmed());
  EXPECT_TRUE(look(seconds(126), kStart + minutes(2) + seconds(1)));
}

}  // namespace
}  // namespace crawld::health
