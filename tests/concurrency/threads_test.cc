#include "concurrency/threads.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "concurrency/event.h"

namespace crawld::concurrency {
namespace {

std::optional<ThreadInfo> Find(const std::string& name) {
  for (auto& thread : ListThreads()) {
    if (thread.name == name) return std::move(thread);
  }
  return std::nullopt;
}

TEST(ThreadsTest, AThreadIsListedWhileItRuns) {
  Event listed;
  Event go;
  pid_t tid = 0;
  std::array<char, 16> name{};
  {
    NamedThread thread("a-name-longer-than-linux-has", [&] {
      tid = gettid();
      pthread_getname_np(pthread_self(), name.data(), name.size());
      Heartbeat("thinking");
      listed.Set();
      go.Wait();
    });
    EXPECT_TRUE(thread.Joinable());
    listed.Wait();
    const auto info = Find("a-name-longer-than-linux-has");
    ASSERT_TRUE(info.has_value());
    EXPECT_EQ(info->note, "thinking");
    EXPECT_EQ(info->tid, tid);
    EXPECT_FALSE(info->idle);
    EXPECT_GE(info->age.count(), 0);
    EXPECT_STREQ(name.data(), "a-name-longer-t");
    go.Set();
  }
  EXPECT_FALSE(Find("a-name-longer-than-linux-has").has_value());
}

TEST(ThreadsTest, AThreadThatWaitsForWorkSaysSo) {
  Event listed;
  Event go;
  NamedThread thread("idler", [&] {
    Idle("waiting for work");
    listed.Set();
    go.Wait();
  });
  listed.Wait();
  const auto info = Find("idler");
  ASSERT_TRUE(info.has_value());
  EXPECT_TRUE(info->idle);
  EXPECT_EQ(info->note, "waiting for work");
  go.Set();
}

TEST(ThreadsTest, AForeignThreadMayRegisterForAWhile) {
  Heartbeat("ignored: not registered");
  std::array<char, 16> before{};
  pthread_getname_np(pthread_self(), before.data(), before.size());
  {
    const ThreadRegistration registration("foreign");
    Heartbeat("main work");
    EXPECT_EQ(Find("foreign")->note, "main work");
  }
  EXPECT_FALSE(Find("foreign").has_value());
  pthread_setname_np(pthread_self(), before.data());
}

TEST(ThreadsTest, AThreadOfLowerPriorityIsNicerThanTheOthers) {
  const int before = getpriority(PRIO_PROCESS, 0);
  int inside = before;
  NamedThread("nice", [&] {
    LowerPriority();
    inside = getpriority(PRIO_PROCESS, 0);
  }).Join();
  EXPECT_EQ(inside, std::min(before + 5, 19));
  EXPECT_EQ(getpriority(PRIO_PROCESS, 0), before) << "the thread alone, not the process";
}

TEST(ThreadsTest, MovingAThreadOverAnotherJoinsThatOne) {
  bool first_ran = false;
  NamedThread thread("first", [&] { first_ran = true; });
  thread = NamedThread("second", [] {});
  EXPECT_TRUE(first_ran);
  thread.Join();
  thread.Join();
  EXPECT_FALSE(thread.Joinable());
}

TEST(ThreadsDeathTest, AnExceptionThatLeavesAThreadEndsTheProcessLoudly) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        NamedThread thread("committer", [] { throw std::runtime_error("disk full"); });
        thread.Join();
      },
      "committer");
}

}  // namespace
}  // namespace crawld::concurrency
