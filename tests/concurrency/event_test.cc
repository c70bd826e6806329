#include "concurrency/event.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace crawld::concurrency {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

TEST(EventTest, BeginsShutAndStaysOpenOnceSet) {
  Event event;
  EXPECT_FALSE(event.IsSet());
  event.Set();
  event.Set();
  EXPECT_TRUE(event.IsSet());
  event.Wait();
  EXPECT_TRUE(event.WaitFor(milliseconds(0)));
}

TEST(EventTest, ClearShutsItAgain) {
  Event event;
  event.Set();
  event.Clear();
  EXPECT_FALSE(event.IsSet());
  EXPECT_FALSE(event.WaitFor(milliseconds(0)));
}

TEST(EventTest, ATimedWaitForWhatDoesNotHappenSaysSo) {
  const Event event;
  EXPECT_FALSE(event.WaitFor(milliseconds(1)));
  EXPECT_FALSE(event.WaitFor(milliseconds(-5)));
  EXPECT_FALSE(event.WaitUntil(steady_clock::now()));
  EXPECT_FALSE(event.WaitUntil(steady_clock::time_point::min()));
}

TEST(EventTest, AnEndlessTimeoutIsNoOverflow) {
  EXPECT_EQ(DeadlineAfter(steady_clock::duration::max()), steady_clock::time_point::max());
  Event event;
  std::thread setter([&] { event.Set(); });
  EXPECT_TRUE(event.WaitFor(steady_clock::duration::max()));
  EXPECT_TRUE(event.WaitFor(hours(1)));
  setter.join();
}

TEST(EventTest, SetLetsEveryWaiterThrough) {
  Event event;
  int written = 0;
  std::vector<std::thread> waiters;
  for (int i = 0; i < 8; ++i) {
    waiters.emplace_back([&] {
      event.Wait();
      EXPECT_EQ(written, 7);
    });
  }
  written = 7;
  event.Set();
  for (auto& waiter : waiters) waiter.join();
}

TEST(EventTest, MayBeDestroyedAsSoonAsAWaitReturned) {
  for (int i = 0; i < 200; ++i) {
    auto event = std::make_unique<Event>();
    std::thread setter([raw = event.get()] { raw->Set(); });
    event->Wait();
    event.reset();
    setter.join();
  }
}

}  // namespace
}  // namespace crawld::concurrency
