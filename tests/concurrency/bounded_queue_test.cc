#include "concurrency/bounded_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "concurrency/event.h"

namespace crawld::concurrency {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;

template <typename T>
std::vector<T> Drain(BoundedQueue<T>& queue) {
  std::vector<T> values;
  while (auto value = queue.TryGet()) values.push_back(std::move(*value));
  return values;
}

TEST(BoundedQueueTest, FifoGivesTheOldestFirst) {
  BoundedQueue<int> queue(3);
  for (int i : {1, 2, 3}) EXPECT_TRUE(queue.Put(int{i}));
  EXPECT_THAT(Drain(queue), ElementsAre(1, 2, 3));
}

TEST(BoundedQueueTest, LifoGivesTheNewestFirst) {
  BoundedQueue<int> queue(3, QueueOrder::kLifo);
  for (int i : {1, 2, 3}) EXPECT_TRUE(queue.Put(int{i}));
  EXPECT_THAT(Drain(queue), ElementsAre(3, 2, 1));
}

TEST(BoundedQueueTest, PriorityGivesTheLowestNumberFirstThenTheSmallerValue) {
  BoundedQueue<std::string> queue(5, QueueOrder::kPriority);
  EXPECT_TRUE(queue.Put("late", 9));
  EXPECT_TRUE(queue.Put("b", 1));
  EXPECT_TRUE(queue.Put("first", -5));
  EXPECT_TRUE(queue.Put("a", 1));
  EXPECT_TRUE(queue.Put("c", 1));
  EXPECT_THAT(Drain(queue), ElementsAre("first", "a", "b", "c", "late"));
}

struct Unordered {
  int id;
};

TEST(BoundedQueueTest, PriorityGivesTheOlderFirstIfValuesHaveNoOrder) {
  BoundedQueue<Unordered> queue(100, QueueOrder::kPriority);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(queue.Put(Unordered{i}, i % 2));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(queue.TryGet()->id, 2 * i);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(queue.TryGet()->id, 2 * i + 1);
}

TEST(BoundedQueueTest, PriorityDoesNotCompareAddresses) {
  BoundedQueue<std::unique_ptr<int>> queue(64, QueueOrder::kPriority);
  for (int i = 0; i < 64; ++i) EXPECT_TRUE(queue.Put(std::make_unique<int>(i)));
  for (int i = 0; i < 64; ++i) EXPECT_EQ(**queue.TryGet(), i);
}

TEST(BoundedQueueTest, AFullQueueTurnsAwayAndLeavesTheValueAsItWas) {
  BoundedQueue<std::string> queue(1);
  EXPECT_TRUE(queue.TryPut("one"));
  std::string two = "two";
  EXPECT_FALSE(queue.TryPut(std::move(two)));
  EXPECT_FALSE(queue.PutFor(std::move(two), milliseconds(1)));
  EXPECT_FALSE(queue.PutFor(std::move(two), milliseconds(-1)));
  EXPECT_EQ(two, "two");  // NOLINT(bugprone-use-after-move): that is what is tested
  EXPECT_FALSE(queue.TryReserve().has_value());
  EXPECT_FALSE(queue.ReserveFor(milliseconds(1)).has_value());
}

TEST(BoundedQueueTest, AnEmptyQueueSaysSo) {
  BoundedQueue<int> queue(1);
  EXPECT_FALSE(queue.TryGet().has_value());
  EXPECT_FALSE(queue.GetFor(milliseconds(1)).has_value());
  EXPECT_FALSE(queue.drained());
}

TEST(BoundedQueueTest, SlotsCountAgainstTheCapacity) {
  BoundedQueue<int> queue(2);
  auto slot = queue.TryReserve();
  ASSERT_TRUE(slot.has_value());
  EXPECT_TRUE(queue.TryPut(1));
  EXPECT_FALSE(queue.TryPut(2));
  EXPECT_FALSE(queue.TryReserve().has_value());
  EXPECT_EQ(queue.size(), 1U);
  EXPECT_EQ(queue.reserved(), 1U);
  queue.Put(std::move(*slot), 3);
  EXPECT_EQ(queue.size(), 2U);
  EXPECT_EQ(queue.reserved(), 0U);
  EXPECT_EQ(queue.high_water(), 2U);
  EXPECT_THAT(Drain(queue), ElementsAre(1, 3));
}

TEST(BoundedQueueTest, ASlotThatGoesAwayGivesItsPlaceBack) {
  BoundedQueue<int> queue(1);
  {
    auto slot = queue.Reserve();
    EXPECT_FALSE(queue.TryPut(1));
  }
  EXPECT_TRUE(queue.TryPut(1));
}

TEST(BoundedQueueTest, AMovedSlotIsOneSlot) {
  BoundedQueue<int> queue(2);
  auto a = *queue.Reserve();
  auto b = *queue.Reserve();
  a = std::move(b);  // a's place goes back
  EXPECT_EQ(queue.reserved(), 1U);
  EXPECT_TRUE(a);
  EXPECT_FALSE(b);  // NOLINT(bugprone-use-after-move): that is what is tested
  a.GiveBack();
  a.GiveBack();
  EXPECT_EQ(queue.reserved(), 0U);
}

TEST(BoundedQueueTest, AReturnedSlotWakesAProducerThatWaits) {
  BoundedQueue<int> queue(1);
  auto slot = queue.Reserve();
  std::thread producer([&] { EXPECT_TRUE(queue.Put(5)); });
  slot->GiveBack();
  producer.join();
  EXPECT_EQ(queue.Get(), 5);
}

TEST(BoundedQueueTest, CloseTurnsProducersAwayAndLetsConsumersDrain) {
  BoundedQueue<int> queue(2);
  EXPECT_TRUE(queue.Put(1));
  EXPECT_TRUE(queue.Put(2));
  queue.Close();
  queue.Close();
  EXPECT_TRUE(queue.closed());
  EXPECT_FALSE(queue.drained());
  EXPECT_FALSE(queue.Put(3));
  EXPECT_FALSE(queue.Reserve().has_value());
  EXPECT_EQ(queue.Get(), 1);
  EXPECT_EQ(queue.Get(), 2);
  EXPECT_FALSE(queue.Get().has_value());
  EXPECT_TRUE(queue.drained());
}

TEST(BoundedQueueTest, CloseWakesProducersThatAreBlocked) {
  BoundedQueue<int> queue(1);
  EXPECT_TRUE(queue.Put(0));
  std::vector<std::thread> producers;
  for (int i = 0; i < 4; ++i) {
    producers.emplace_back([&] { EXPECT_FALSE(queue.Put(1)); });
    producers.emplace_back([&] { EXPECT_FALSE(queue.Reserve().has_value()); });
  }
  queue.Close();
  for (auto& producer : producers) producer.join();
  EXPECT_EQ(queue.size(), 1U);
}

TEST(BoundedQueueTest, AClosedQueueStillTakesWhatWasUnderWay) {
  BoundedQueue<int> queue(1);
  auto slot = queue.Reserve();
  queue.Close();
  EXPECT_FALSE(queue.TryGet().has_value());
  EXPECT_FALSE(queue.drained());
  queue.Put(std::move(*slot), 8);
  EXPECT_EQ(queue.Get(), 8);
  EXPECT_TRUE(queue.drained());
}

TEST(BoundedQueueTest, AConsumerOfAClosedQueueWaitsForOutstandingSlots) {
  BoundedQueue<int> queue(2);
  auto delivers = queue.Reserve();
  auto gives_back = queue.Reserve();
  queue.Close();
  std::atomic<int> sum = 0;
  std::vector<std::thread> consumers;
  for (int i = 0; i < 4; ++i) {
    consumers.emplace_back([&] {
      while (auto value = queue.Get()) sum += *value;
    });
  }
  queue.Put(std::move(*delivers), 8);
  gives_back->GiveBack();
  for (auto& consumer : consumers) consumer.join();
  EXPECT_EQ(sum, 8);
}

TEST(BoundedQueueTest, WaitForSizeEndsWithTheLastValueOfTheMany) {
  BoundedQueue<int> queue(8);
  std::atomic<bool> woken = false;
  std::thread consumer([&] {
    queue.WaitForSize(3, std::chrono::hours(1));
    woken = true;
  });
  EXPECT_TRUE(queue.Put(1));
  EXPECT_TRUE(queue.Put(2));
  EXPECT_FALSE(woken);
  EXPECT_TRUE(queue.Put(3));
  consumer.join();
  EXPECT_EQ(queue.size(), 3U) << "it takes nothing";
}

TEST(BoundedQueueTest, WaitForSizeEndsWhenTheQueueIsFullClosedOrTimeIsUp) {
  BoundedQueue<int> queue(1);
  queue.WaitForSize(1, std::chrono::milliseconds(1));
  EXPECT_EQ(queue.size(), 0U);
  std::thread full([&] { queue.WaitForSize(100, std::chrono::hours(1)); });
  EXPECT_TRUE(queue.Put(1));
  full.join();
  EXPECT_EQ(queue.Get(), 1);
  std::thread one([&] { queue.WaitForSize(1, std::chrono::hours(1)); });
  std::thread other([&] { queue.WaitForSize(1, std::chrono::hours(1)); });
  queue.Close();
  one.join();
  other.join();
}

TEST(BoundedQueueDeathTest, ASlotIsUsedOnceAndOnItsOwnQueue) {
  BoundedQueue<int> queue(1);
  BoundedQueue<int> other(1);
  EXPECT_DEATH(other.Put(*queue.TryReserve(), 1), "a slot is used once");
}

TEST(BoundedQueueDeathTest, AQueueOutlivesItsSlots) {
  EXPECT_DEATH(
      {
        auto queue = std::make_unique<BoundedQueue<int>>(1);
        const auto slot = queue->Reserve();
        queue.reset();
      },
      "a queue outlives its slots");
}

class BoundedQueueStressTest : public ::testing::TestWithParam<QueueOrder> {};

// Every value comes out exactly once, however it went in, and the capacity holds all the time.
TEST_P(BoundedQueueStressTest, ManyProducersAndConsumersLoseNothing) {
  constexpr int kProducers = 6;
  constexpr int kPerProducer = 2000;
  constexpr size_t kCapacity = 7;
  BoundedQueue<int> queue(kCapacity, GetParam());
  std::vector<std::atomic<int>> seen(kProducers * kPerProducer);

  std::vector<std::thread> consumers;
  for (int i = 0; i < 4; ++i) {
    consumers.emplace_back([&, i] {
      for (;;) {
        auto value = i % 2 == 0 ? queue.Get() : queue.GetFor(milliseconds(1));
        if (value) {
          ++seen[static_cast<size_t>(*value)];
        } else if (queue.drained()) {
          return;
        }
      }
    });
  }
  std::vector<std::thread> producers;
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&, p] {
      for (int i = 0; i < kPerProducer; ++i) {
        int value = p * kPerProducer + i;
        switch (i % 4) {
          case 0:
            EXPECT_TRUE(queue.Put(std::move(value), i % 10));
            break;
          case 1: {
            auto dropped = queue.Reserve();
            dropped.reset();
            queue.Put(*queue.Reserve(), std::move(value), i % 10);
            break;
          }
          case 2:
            while (!queue.TryPut(std::move(value))) std::this_thread::yield();
            break;
          default:
            while (!queue.PutFor(std::move(value), milliseconds(1))) {
            }
        }
        EXPECT_LE(queue.size(), kCapacity);
      }
    });
  }
  for (auto& producer : producers) producer.join();
  queue.Close();
  for (auto& consumer : consumers) consumer.join();
  for (const auto& count : seen) EXPECT_EQ(count, 1);
  EXPECT_LE(queue.high_water(), kCapacity);
  EXPECT_TRUE(queue.drained());
}

// What was accepted before or despite the close comes out, what was refused does not, nobody hangs.
TEST_P(BoundedQueueStressTest, CloseUnderLoadLosesNothingThatWasAccepted) {
  for (int round = 0; round < 30; ++round) {
    BoundedQueue<int> queue(4, GetParam());
    std::atomic<int64_t> accepted = 0;
    std::atomic<int64_t> received = 0;
    Event closing;
    std::vector<std::thread> threads;
    for (int p = 0; p < 4; ++p) {
      threads.emplace_back([&, p] {
        for (int i = 1;; ++i) {
          if (p % 2 == 0) {
            if (!queue.Put(int{i}, i)) return;
          } else {
            auto slot = queue.Reserve();
            if (!slot) return;
            if (i % 3 == 0) continue;
            if (i % 5 == 0) closing.Wait();  // holds its slot across the close
            queue.Put(std::move(*slot), int{i}, i);
          }
          accepted += i;
        }
      });
    }
    for (int c = 0; c < 3; ++c) {
      threads.emplace_back([&] {
        while (auto value = queue.Get()) received += *value;
      });
    }
    while (received < 100) std::this_thread::yield();
    queue.Close();
    closing.Set();
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(accepted, received);
  }
}

INSTANTIATE_TEST_SUITE_P(EachOrder, BoundedQueueStressTest,
                         ::testing::Values(QueueOrder::kFifo, QueueOrder::kLifo,
                                           QueueOrder::kPriority),
                         [](const auto& param) {
                           switch (param.param) {
                             case QueueOrder::kFifo:
                               return "Fifo";
                             case QueueOrder::kLifo:
                               return "Lifo";
                             case QueueOrder::kPriority:
                               return "Priority";
                           }
                           return "Unknown";
                         });

}  // namespace
}  // namespace crawld::concurrency
