#include "logs/repeat_filter.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace crawld::logs {
namespace {

using std::chrono::seconds;

RepeatFilter::Time At(int second) { return RepeatFilter::Time(seconds(100 + second)); }

TEST(RepeatFilterTest, TheFirstIsWrittenAndTheOthersAreCountedUntilTheWindowIsOver) {
  RepeatFilter filter(seconds(10));
  EXPECT_TRUE(filter.Admit(2, "x", At(0)));
  for (int i = 1; i < 10; ++i) EXPECT_FALSE(filter.Admit(2, "x", At(i)));
  EXPECT_TRUE(filter.TakeEnded(At(9)).empty());
  const auto ended = filter.TakeEnded(At(10));
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].text, "x");
  EXPECT_EQ(ended[0].level, 2);
  EXPECT_EQ(ended[0].times, 9U);
  EXPECT_EQ(ended[0].within, seconds(10));
  EXPECT_TRUE(filter.Admit(2, "x", At(11)));
}

TEST(RepeatFilterTest, WhatCameOnceLeavesNoSecondLine) {
  RepeatFilter filter(seconds(10));
  EXPECT_TRUE(filter.Admit(2, "x", At(0)));
  EXPECT_TRUE(filter.TakeEnded(At(20)).empty());
}

TEST(RepeatFilterTest, OtherTextsAndLevelsAreOthers) {
  RepeatFilter filter(seconds(10));
  EXPECT_TRUE(filter.Admit(2, "x", At(0)));
  EXPECT_TRUE(filter.Admit(3, "x", At(0)));
  EXPECT_TRUE(filter.Admit(2, "y", At(0)));
  EXPECT_FALSE(filter.Admit(3, "x", At(1)));
  EXPECT_EQ(filter.TakeEnded(At(1), /*all=*/true).size(), 1U);
}

TEST(RepeatFilterTest, AWindowThatEndsUnseenIsTakenLater) {
  RepeatFilter filter(seconds(10));
  EXPECT_TRUE(filter.Admit(2, "x", At(0)));
  EXPECT_FALSE(filter.Admit(2, "x", At(1)));
  EXPECT_TRUE(filter.Admit(2, "x", At(30))) << "its window is over";
  EXPECT_EQ(filter.TakeEnded(At(30)).size(), 1U);
}

TEST(RepeatFilterTest, ItsMemoryIsBounded) {
  RepeatFilter filter(seconds(1000), 4);
  EXPECT_TRUE(filter.Admit(2, "x", At(0)));
  EXPECT_FALSE(filter.Admit(2, "x", At(0)));
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(filter.Admit(2, std::to_string(i), At(0)));
  const auto ended = filter.TakeEnded(At(0));
  ASSERT_EQ(ended.size(), 1U) << "who makes room tells its count";
  EXPECT_EQ(ended[0].text, "x");
}

}  // namespace
}  // namespace crawld::logs
