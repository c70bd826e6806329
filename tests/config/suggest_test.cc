#include "config/suggest.h"

#include <gtest/gtest.h>

namespace crawld::config {
namespace {

TEST(SuggestTest, EditDistanceCountsInsertionsRemovalsChangesAndSwaps) {
  EXPECT_EQ(EditDistance("", ""), 0U);
  EXPECT_EQ(EditDistance("", "abc"), 3U);
  EXPECT_EQ(EditDistance("threads", "threads"), 0U);
  EXPECT_EQ(EditDistance("thread", "threads"), 1U);
  EXPECT_EQ(EditDistance("threasd", "threads"), 1U);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3U);
}

TEST(SuggestTest, TheNearestIsSuggestedOnlyIfItIsNear) {
  EXPECT_EQ(Nearest("treads", {"delay", "threads", "robots"}), "threads");
  EXPECT_EQ(Nearest("max-body", {"max_body", "max_header"}), "max_body");
  EXPECT_EQ(Nearest("zzzzzz", {"delay", "threads", "robots"}), std::nullopt);
  EXPECT_EQ(Nearest(std::string(100'000, 'x'), {"delay"}), std::nullopt);
}

TEST(SuggestTest, QuotingEscapesAndCuts) {
  EXPECT_EQ(Quote("a\nb\x7f"), "'a\\x0ab\\x7f'");
  EXPECT_EQ(Quote(std::string(80, 'x')), "'" + std::string(80, 'x') + "'");
  EXPECT_EQ(Quote(std::string(81, 'x')), "'" + std::string(80, 'x') + "...'");
}

}  // namespace
}  // namespace crawld::config
