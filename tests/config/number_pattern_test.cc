#include "config/number_pattern.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <regex>
#include <string>

namespace crawld::config {
namespace {

TEST(NumberPatternTest, SaysWhatAPersonWouldWrite) {
  EXPECT_EQ(NumberPattern(0, 9), "[0-9]");
  EXPECT_EQ(NumberPattern(7, 7), "7");
  EXPECT_EQ(NumberPattern(1, 64), "[1-9]|[1-5][0-9]|6[0-4]");
  EXPECT_EQ(NumberPattern(8, 120), "[8-9]|[1-9][0-9]|1([0-1][0-9]|20)");
  EXPECT_EQ(NumberPattern(1000, 9999), "[1-9][0-9]{3}");
  EXPECT_EQ(NumberPattern(0, 10000), "[0-9]|[1-9][0-9]{1,3}|10000");
}

TEST(NumberPatternTest, MatchesTheNumbersOfARangeAndNoOther) {
  for (uint64_t min = 0; min <= 130; min += 3) {
    for (uint64_t max = min; max <= 1130; max += 1 + max / 3) {
      const std::regex pattern("^(" + NumberPattern(min, max) + ")$");
      for (uint64_t n = 0; n <= 1200; ++n) {
        EXPECT_EQ(std::regex_search(std::to_string(n), pattern), n >= min && n <= max)
            << n << " of " << min << " to " << max;
      }
    }
  }
}

TEST(NumberPatternTest, HoldsAtTheEndsOfLargeRanges) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  constexpr std::pair<uint64_t, uint64_t> kRanges[] = {{1, 2'592'000'000},
                                                       {1024, 4'294'967'296},
                                                       {60'000, 86'400'000},
                                                       {99'999, 100'001},
                                                       {5, kMax}};
  for (const auto& [min, max] : kRanges) {
    const std::regex pattern("^(" + NumberPattern(min, max) + ")$");
    const auto matches = [&](uint64_t n) { return std::regex_search(std::to_string(n), pattern); };
    EXPECT_FALSE(matches(min - 1)) << min;
    EXPECT_TRUE(matches(min)) << min;
    EXPECT_TRUE(matches(min + 1)) << min;
    EXPECT_TRUE(matches(max - 1)) << max;
    EXPECT_TRUE(matches(max)) << max;
    EXPECT_FALSE(matches(max + 1) && max != kMax) << max;
    EXPECT_FALSE(std::regex_search(std::to_string(max) + '0', pattern)) << max;
  }
}

}  // namespace
}  // namespace crawld::config
