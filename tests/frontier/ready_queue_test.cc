#include "frontier/ready_queue.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

namespace crawld::frontier {
namespace {

WallTime At(int64_t ms) { return WallTime(Millis(1'000'000 + ms)); }

TEST(ReadyQueueTest, WhoMayBeAskedEarliestIsFirstAndAmongEqualsWhoHasWaitedLongest) {
  ReadyQueue queue({});
  EXPECT_FALSE(queue.First());
  queue.Put(1, At(20));
  queue.Put(2, At(10));
  queue.Put(3, At(10));
  EXPECT_EQ(queue.First()->host, 2U);
  queue.Put(2, At(10));
  EXPECT_EQ(queue.First()->host, 2U) << "said again, it keeps its turn";
  queue.Remove(2);
  queue.Put(2, At(10));
  EXPECT_EQ(queue.First()->host, 3U) << "taken out, it goes to the end";
  queue.Forget(3);
  queue.Remove(2);
  EXPECT_EQ(queue.First()->host, 1U);
  EXPECT_EQ(queue.First()->at, At(20));
}

TEST(ReadyQueueTest, HostsOfOneAddressWaitForItsDelay) {
  ReadyQueue queue({Millis(100), 0});
  for (const HostId host : {1, 2, 3}) {
    queue.SetAddress(host, host == 3 ? "192.0.2.3" : "192.0.2.1");
    queue.Put(host, At(0));
  }
  ASSERT_EQ(queue.First()->host, 1U);
  queue.Begin(1, At(5));
  queue.Remove(1);
  EXPECT_EQ(queue.First()->host, 3U) << "who is elsewhere does not wait";
  queue.Remove(3);
  EXPECT_EQ(queue.First()->host, 2U);
  EXPECT_EQ(queue.First()->at, At(105));
  EXPECT_TRUE(queue.First()->for_address);
  queue.End(1, At(50));
  EXPECT_EQ(queue.First()->at, At(150)) << "the delay counts from the end too";
}

TEST(ReadyQueueTest, AnAddressHasOnlySoManyFetchesAtOnce) {
  ReadyQueue queue({Millis(0), 2});
  for (const HostId host : {1, 2, 3}) {
    queue.SetAddress(host, "192.0.2.1");
    queue.Put(host, At(0));
  }
  queue.Begin(1, At(0));
  queue.Remove(1);
  ASSERT_EQ(queue.First()->host, 2U);
  queue.Begin(2, At(0));
  queue.Remove(2);
  EXPECT_FALSE(queue.First());
  queue.End(1, At(1));
  EXPECT_EQ(queue.First()->host, 3U);
}

TEST(ReadyQueueTest, AHostThatMovesTakesItsFetchesAlong) {
  ReadyQueue queue({Millis(100), 1});
  queue.SetAddress(1, "192.0.2.1");
  queue.SetAddress(2, "192.0.2.2");
  queue.Put(2, At(0));
  queue.Begin(1, At(0));
  queue.SetAddress(1, "192.0.2.2");
  EXPECT_FALSE(queue.First());
  queue.End(1, At(10));
  EXPECT_EQ(queue.First()->at, At(110));
}

TEST(ReadyQueueTest, NoAddressIsAskedBeforeTheFloor) {
  ReadyQueue queue({Millis(100), 0});
  queue.SetFloor(At(1000));
  queue.SetAddress(1, "192.0.2.1");
  queue.Put(1, At(0));
  EXPECT_EQ(queue.First()->at, At(1000));
}

TEST(ReadyQueueTest, LatestTellsWhoWaitsLongest) {
  ReadyQueue queue({Millis(1000), 0});
  for (HostId host = 1; host <= 4; ++host) {
    if (host < 4) queue.SetAddress(host, "192.0.2.1");
    queue.Put(host, At(static_cast<int64_t>(host)));
  }
  const auto latest = queue.Latest();
  ASSERT_EQ(latest.size(), 4U);
  EXPECT_EQ(latest[0].host, 3U);
  EXPECT_EQ(latest[0].at, At(2001)) << "two hosts of its address are before it";
  EXPECT_EQ(latest[1].host, 2U);
  EXPECT_EQ(latest[2].host, 4U);
}

TEST(ReadyQueueTest, AddressesThatNobodyHasAreForgotten) {
  ReadyQueue queue({Millis(10), 0});
  for (HostId host = 0; host < 10'000; ++host) {
    queue.SetAddress(host, "192.0.2." + std::to_string(host));
    const WallTime now = At(static_cast<int64_t>(host));
    queue.Begin(host, now);
    queue.End(host, now);
    queue.Forget(host);
  }
  EXPECT_LT(queue.addresses(), 2048U);
}

// Against what is known of each host and address alone.
TEST(ReadyQueueTest, AModelNeverFindsAnAddressAskedTooOften) {
  std::mt19937 random(7);
  const auto draw = [&](uint32_t below) { return random() % below; };
  for (int round = 0; round < 20; ++round) {
    const AddressLimits limits{Millis(draw(30)), static_cast<uint32_t>(draw(3))};
    if (!limits.any()) continue;
    ReadyQueue queue(limits);
    constexpr uint32_t kHosts = 30;
    std::map<HostId, std::string> address;
    std::set<HostId> waiting;
    std::multimap<HostId, bool> flying;
    std::map<std::string, uint32_t> in_flight;
    std::map<std::string, int64_t> last;
    for (HostId host = 0; host < kHosts; ++host) {
      address[host] = "a" + std::to_string(draw(5));
      queue.SetAddress(host, address[host]);
    }
    int leased = 0;
    for (int64_t now = 1; now < 3000; ++now) {
      const auto host = HostId{draw(kHosts)};
      if (!waiting.contains(host)) {
        queue.Put(host, At(now + draw(20)));
        waiting.insert(host);
      }
      const auto first = queue.First();
      if (first && first->at <= At(now)) {
        const std::string& where = address[first->host];
        if (limits.concurrency > 0) {
          ASSERT_LT(in_flight[where], limits.concurrency);
        }
        if (last.contains(where)) {
          ASSERT_GE(now, last[where] + limits.delay.count());
        }
        ++leased;
        ++in_flight[where];
        last[where] = now;
        flying.emplace(first->host, true);
        queue.Begin(first->host, At(now));
        waiting.erase(first->host);
        queue.Remove(first->host);
      }
      if (!flying.empty() && draw(3) == 0) {
        const HostId ended = flying.begin()->first;
        flying.erase(flying.begin());
        --in_flight[address[ended]];
        last[address[ended]] = now;
        queue.End(ended, At(now));
      }
    }
    EXPECT_GT(leased, 100);
  }
}

}  // namespace
}  // namespace crawld::frontier
