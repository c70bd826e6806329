#include "concurrency/future.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "concurrency/event.h"

namespace crawld::concurrency {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;

TEST(FutureTest, GivesTheValueToEveryHandle) {
  Promise<std::string> promise;
  const auto a = promise.GetFuture();
  const auto b = a;
  EXPECT_FALSE(a.Done());
  EXPECT_FALSE(a.WaitFor(milliseconds(1)));
  EXPECT_TRUE(promise.SetValue("page"));
  EXPECT_TRUE(b.Done());
  EXPECT_TRUE(b.WaitFor(milliseconds(0)));
  EXPECT_EQ(a.Result(), "page");
  EXPECT_EQ(&a.Result(), &b.Result());
  EXPECT_EQ(a.Exception(), nullptr);
}

TEST(FutureTest, HoldsAValueThatCanOnlyBeMoved) {
  Promise<std::unique_ptr<int>> promise;
  const auto future = promise.GetFuture();
  promise.SetValue(std::make_unique<int>(3));
  EXPECT_EQ(*future.Result(), 3);
  EXPECT_EQ(*future.Take(), 3);
}

TEST(FutureTest, MayHoldNoValueAtAll) {
  Promise<void> promise;
  const auto future = promise.GetFuture();
  EXPECT_TRUE(promise.Start());
  promise.SetValue();
  future.Result();
  future.Take();
  EXPECT_TRUE(future.Done());
}

TEST(FutureTest, ThrowsTheExceptionAsOftenAsAsked) {
  Promise<int> promise;
  const auto future = promise.GetFuture();
  promise.SetException(std::runtime_error("no route"));
  EXPECT_THROW(future.Result(), std::runtime_error);
  EXPECT_THROW(future.Take(), std::runtime_error);
  EXPECT_EQ(DescribeException(future.Exception()), "no route");
  EXPECT_FALSE(future.Cancelled());
}

TEST(FutureTest, AWaiterWakesWhenTheValueComes) {
  Promise<int> promise;
  const auto future = promise.GetFuture();
  std::thread worker([&] { promise.SetValue(4); });
  EXPECT_EQ(future.Result(), 4);
  worker.join();
}

TEST(FutureTest, CanBeCancelledOnlyWhilePending) {
  Promise<int> pending;
  const auto cancelled = pending.GetFuture();
  EXPECT_TRUE(cancelled.Cancel());
  EXPECT_FALSE(cancelled.Cancel());
  EXPECT_TRUE(cancelled.Done());
  EXPECT_TRUE(cancelled.Cancelled());
  EXPECT_TRUE(pending.Cancelled());
  EXPECT_FALSE(pending.Start());
  EXPECT_FALSE(pending.SetValue(1));
  EXPECT_FALSE(pending.SetException(std::runtime_error("late")));
  EXPECT_THROW(cancelled.Result(), CancelledError);
  EXPECT_NE(cancelled.Exception(), nullptr);

  Promise<int> running;
  EXPECT_TRUE(running.Start());
  EXPECT_FALSE(running.GetFuture().Cancel());
  EXPECT_TRUE(running.SetValue(2));
  EXPECT_FALSE(running.GetFuture().Cancel());
  EXPECT_EQ(running.GetFuture().Result(), 2);
}

TEST(FutureTest, APromiseThatGoesAwayNeverLeavesAWaiter) {
  std::optional<Promise<int>> promise(std::in_place);
  const auto future = promise->GetFuture();
  std::thread owner([&] { promise.reset(); });
  EXPECT_THROW(future.Result(), BrokenPromiseError);
  owner.join();
}

TEST(FutureTest, APromiseThatIsOverwrittenIsBroken) {
  Promise<int> promise;
  const auto old = promise.GetFuture();
  promise = Promise<int>();
  EXPECT_THROW(old.Result(), BrokenPromiseError);
  promise.SetValue(1);
}

TEST(FutureTest, CallbacksRunInOrderInTheThreadThatCompletes) {
  Promise<int> promise;
  const auto future = promise.GetFuture();
  std::vector<int> order;
  std::thread::id ran_in;
  for (int i = 0; i < 3; ++i) {
    future.AddDoneCallback([&, i](Future<int>& done) {
      EXPECT_EQ(done.Result(), 6);
      order.push_back(i);
      ran_in = std::this_thread::get_id();
    });
  }
  std::thread worker([&] { promise.SetValue(6); });
  const auto worker_id = worker.get_id();
  worker.join();
  EXPECT_THAT(order, ElementsAre(0, 1, 2));
  EXPECT_EQ(ran_in, worker_id);
}

TEST(FutureTest, ACallbackOnADoneFutureRunsAtOnceInTheCallersThread) {
  Promise<int> promise;
  promise.SetValue(6);
  bool ran = false;
  promise.GetFuture().AddDoneCallback(
      [&, owned = std::make_unique<int>(1)](Future<int>& done) { ran = done.Result() == 6; });
  EXPECT_TRUE(ran);
}

TEST(FutureTest, CallbacksRunWhenTheFutureIsCancelledOrBroken) {
  int ran = 0;
  {
    Promise<void> cancelled;
    cancelled.GetFuture().AddDoneCallback([&](Future<void>& done) { ran += done.Cancelled(); });
    EXPECT_TRUE(cancelled.GetFuture().Cancel());
    Promise<void> broken;
    broken.GetFuture().AddDoneCallback(
        [&](Future<void>& done) { ran += done.Exception() != nullptr ? 10 : 0; });
  }
  EXPECT_EQ(ran, 11);
}

TEST(FutureTest, ACallbackThatThrowsIsCountedAndStopsNoOther) {
  const auto before = CallbackFailures();
  Promise<int> promise;
  int ran = 0;
  promise.GetFuture().AddDoneCallback([](Future<int>&) { throw std::runtime_error("callback"); });
  promise.GetFuture().AddDoneCallback([](Future<int>&) { throw 7; });
  promise.GetFuture().AddDoneCallback([&](Future<int>&) { ++ran; });
  promise.SetValue(1);
  promise.GetFuture().AddDoneCallback([](Future<int>&) { throw std::runtime_error("late"); });
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(CallbackFailures(), before + 3);
}

TEST(FutureTest, ACallbackMayUseItsFutureAndAddCallbacks) {
  Promise<int> promise;
  int inner = 0;
  promise.GetFuture().AddDoneCallback([&](Future<int>& done) {
    done.AddDoneCallback([&](Future<int>& again) { inner = again.Take(); });
  });
  promise.SetValue(5);
  EXPECT_EQ(inner, 5);
}

TEST(FutureTest, ACallbackThatHoldsItsOwnFutureIsNoLeak) {
  const auto held = std::make_shared<int>(0);
  {
    Promise<int> promise;
    const auto future = promise.GetFuture();
    future.AddDoneCallback([future, held](Future<int>&) {});
    promise.SetValue(1);
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(FutureTest, AnExceptionNobodyLooksAtIsCounted) {
  const auto before = FailureCount(FailureKind::kUnobservedError);
  {
    Promise<int> promise;
    promise.SetException(std::runtime_error("unseen"));
  }
  EXPECT_EQ(FailureCount(FailureKind::kUnobservedError), before + 1);
  {
    Promise<int> promise;
    promise.SetException(std::runtime_error("seen"));
    EXPECT_NE(promise.GetFuture().Exception(), nullptr);
    Promise<int> cancelled;
    EXPECT_TRUE(cancelled.GetFuture().Cancel());
  }
  EXPECT_EQ(FailureCount(FailureKind::kUnobservedError), before + 1);
}

TEST(FutureDeathTest, APromiseIsAnsweredOnceAndAValueTakenOnce) {
  Promise<int> promise;
  promise.SetValue(1);
  EXPECT_DEATH(promise.SetValue(2), "a promise is answered once");
  EXPECT_EQ(promise.GetFuture().Take(), 1);
  EXPECT_DEATH(promise.GetFuture().Take(), "taken once");
  EXPECT_DEATH(static_cast<void>(Future<int>().Done()), "an empty future");
}

// Whoever wins, each callback runs once and all agree on the outcome.
TEST(FutureStressTest, CallbacksRacingWithCompletionRunExactlyOnce) {
  for (int round = 0; round < 500; ++round) {
    Promise<int> promise;
    const auto future = promise.GetFuture();
    Event go;
    std::atomic<int> ran = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        go.Wait();
        for (int k = 0; k < 4; ++k) {
          future.AddDoneCallback([&](Future<int>& done) {
            EXPECT_EQ(done.Result(), 1);
            ++ran;
          });
        }
      });
    }
    threads.emplace_back([&] {
      go.Wait();
      promise.SetValue(1);
    });
    go.Set();
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(ran, 12);
  }
}

TEST(FutureStressTest, CancelRacingWithStartHasOneWinner) {
  for (int round = 0; round < 500; ++round) {
    Promise<int> promise;
    const auto future = promise.GetFuture();
    Event go;
    std::atomic<int> callbacks = 0;
    std::atomic<int> cancels = 0;
    future.AddDoneCallback([&](Future<int>&) { ++callbacks; });
    bool started = false;
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&] {
        go.Wait();
        if (future.Cancel()) ++cancels;
      });
    }
    threads.emplace_back([&] {
      go.Wait();
      started = promise.Start();
      if (started) {
        EXPECT_TRUE(promise.SetValue(1));
      }
    });
    go.Set();
    future.Wait();
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(callbacks, 1);
    EXPECT_EQ(cancels + (started ? 1 : 0), 1);
    EXPECT_EQ(future.Cancelled(), !started);
  }
}

}  // namespace
}  // namespace crawld::concurrency
