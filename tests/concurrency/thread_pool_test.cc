#include "concurrency/thread_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "concurrency/event.h"

namespace crawld::concurrency {
namespace {

using ::testing::ElementsAre;

TEST(ThreadPoolTest, GivesAResultThroughAFuture) {
  ThreadPool pool({.name = "test", .threads = 2});
  EXPECT_EQ(pool.Submit([] { return 42; }).Take(), 42);
  pool.Submit([] {}).Result();
  const auto owned =
      pool.Submit([in = std::make_unique<int>(5)]() mutable { return std::move(in); }).Take();
  EXPECT_EQ(*owned, 5);
  EXPECT_EQ(pool.threads(), 2U);
}

TEST(ThreadPoolTest, ATasksExceptionIsInItsFuture) {
  ThreadPool pool({});
  const auto future = pool.Submit([]() -> int { throw std::runtime_error("bad page"); });
  EXPECT_EQ(DescribeException(future.Exception()), "bad page");
  EXPECT_EQ(pool.Submit([] { return 1; }).Take(), 1);
}

TEST(ThreadPoolTest, AnExceptionThatNobodyLooksAtIsCounted) {
  const auto before = FailureCount(FailureKind::kUnobservedError);
  {
    ThreadPool pool({});
    pool.Submit([] { throw std::runtime_error("unseen"); });
  }
  EXPECT_EQ(FailureCount(FailureKind::kUnobservedError), before + 1);
}

TEST(ThreadPoolTest, NoTaskBeginsBeforeEveryWorkerIsInitialized) {
  std::atomic<int> initialized = 0;
  ThreadPool pool({.threads = 4, .initializer = [&] { ++initialized; }});
  EXPECT_EQ(initialized, 4);
  EXPECT_EQ(pool.Submit([&] { return initialized.load(); }).Take(), 4);
}

TEST(ThreadPoolTest, AnInitializerThatThrowsThrowsFromTheConstructor) {
  std::atomic<int> calls = 0;
  const auto make = [&] {
    ThreadPool pool({.threads = 4, .initializer = [&] {
                       if (++calls == 2) throw std::runtime_error("no codec");
                     }});
  };
  EXPECT_THROW(make(), std::runtime_error);
  EXPECT_EQ(calls, 4);
}

TEST(ThreadPoolTest, MapKeepsTheOrder) {
  ThreadPool pool({.threads = 3, .max_queued = 2});
  const std::vector<std::string> words = {"a", "bb", "ccc", "dddd"};
  EXPECT_THAT(pool.Map(words, [](const std::string& word) { return word.size(); }),
              ElementsAre(1U, 2U, 3U, 4U));
  EXPECT_THAT(pool.Map(std::views::iota(0, 3), [](int i) { return i * i; }), ElementsAre(0, 1, 4));
  std::vector<int> in_place = {1, 2, 3};
  pool.Map(in_place, [](int& i) { i *= 10; });
  EXPECT_THAT(in_place, ElementsAre(10, 20, 30));
}

TEST(ThreadPoolTest, MapWaitsForAllAndThrowsTheFirstInOrder) {
  ThreadPool pool({.threads = 2});
  std::atomic<int> ran = 0;
  try {
    pool.Map(std::views::iota(0, 10), [&](int i) {
      ++ran;
      if (i == 3 || i == 7) throw std::runtime_error(std::to_string(i));
      return i;
    });
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "3");
  }
  EXPECT_EQ(ran, 10);
}

TEST(ThreadPoolTest, AFullPoolTurnsATrySubmitAway) {
  ThreadPool pool({.threads = 1, .max_queued = 1});
  Event running;
  Event go;
  const auto first = pool.Submit([&] {
    running.Set();
    go.Wait();
  });
  running.Wait();
  const auto second = pool.TrySubmit([] { return 2; });
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(pool.queued(), 1U);
  EXPECT_FALSE(pool.TrySubmit([] { return 3; }).has_value());
  go.Set();
  EXPECT_EQ(second->Take(), 2);
  first.Wait();
}

TEST(ThreadPoolTest, ACancelledTaskIsSkipped) {
  ThreadPool pool({.threads = 1});
  Event go;
  bool ran = false;
  const auto first = pool.Submit([&] { go.Wait(); });
  const auto second = pool.Submit([&] { ran = true; });
  EXPECT_TRUE(second.Cancel());
  go.Set();
  pool.Shutdown();
  EXPECT_FALSE(ran);
  EXPECT_TRUE(first.Done());
}

TEST(ThreadPoolTest, ShutdownRunsWhatIsQueued) {
  std::atomic<int> ran = 0;
  ThreadPool pool({.threads = 2});
  for (int i = 0; i < 100; ++i) pool.Submit([&] { ++ran; });
  pool.Shutdown();
  EXPECT_EQ(ran, 100);
  pool.Shutdown();
}

TEST(ThreadPoolTest, ShutdownMayCancelWhatIsQueued) {
  ThreadPool pool({.threads = 1});
  Event running;
  Event go;
  const auto first = pool.Submit([&] {
    running.Set();
    go.Wait();
    return 1;
  });
  running.Wait();
  const auto second = pool.Submit([] { return 2; });
  pool.BeginShutdown(ThreadPool::Pending::kCancel);
  EXPECT_TRUE(second.Cancelled());
  EXPECT_FALSE(first.Done());
  go.Set();
  EXPECT_EQ(first.Take(), 1);
  pool.Shutdown();
}

TEST(ThreadPoolTest, ASubmitAfterShutdownIsCancelledFromTheStart) {
  ThreadPool pool({});
  pool.Shutdown();
  EXPECT_TRUE(pool.Submit([] { return 1; }).Cancelled());
  EXPECT_FALSE(pool.TrySubmit([] { return 1; }).has_value());
}

TEST(ThreadPoolTest, ATaskIsGoneWithAllItHoldsBeforeItsFutureIsDone) {
  ThreadPool pool({});
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = held;
  pool.Submit([held = std::move(held)] {}).Wait();
  EXPECT_TRUE(watch.expired());
}

TEST(ThreadPoolStressTest, ShutdownUnderLoadLeavesNoFutureUndone) {
  for (int round = 0; round < 40; ++round) {
    std::vector<std::vector<Future<int>>> futures(4);
    std::atomic<int> ran = 0;
    {
      ThreadPool pool({.threads = 3, .max_queued = 3});
      std::vector<std::thread> submitters;
      for (auto& mine : futures) {
        submitters.emplace_back([&] {
          for (;;) {
            auto future = pool.Submit([&] { return ++ran; });
            mine.push_back(future);
            if (future.Cancelled()) return;
          }
        });
      }
      while (ran < 50) std::this_thread::yield();
      pool.Shutdown(round % 2 == 0 ? ThreadPool::Pending::kRun : ThreadPool::Pending::kCancel);
      for (auto& submitter : submitters) submitter.join();
    }
    int done = 0;
    for (const auto& mine : futures) {
      for (const auto& future : mine) {
        EXPECT_TRUE(future.Done());
        done += future.Cancelled() ? 0 : 1;
      }
    }
    EXPECT_EQ(done, ran);
  }
}

}  // namespace
}  // namespace crawld::concurrency
