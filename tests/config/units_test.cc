#include "config/units.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace crawld::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(UnitsTest, DurationsHaveAUnit) {
  EXPECT_EQ(ParseDuration("500ms"), milliseconds(500));
  EXPECT_EQ(ParseDuration("2s"), seconds(2));
  EXPECT_EQ(ParseDuration("1m"), minutes(1));
  EXPECT_EQ(ParseDuration("1h"), hours(1));
  EXPECT_EQ(ParseDuration("1d"), hours(24));
  EXPECT_EQ(ParseDuration("0"), milliseconds(0));
  EXPECT_EQ(ParseDuration("0s"), milliseconds(0));
}

TEST(UnitsTest, ABareNumberIsNoDuration) {
  EXPECT_EQ(ParseDuration("5").error().message, "has no unit");
  EXPECT_EQ(ParseDuration("00").error().message, "has no unit");
}

TEST(UnitsTest, SizesAreBinaryDecimalOrBytes) {
  EXPECT_EQ(ParseSize("512"), 512U);
  EXPECT_EQ(ParseSize("512B"), 512U);
  EXPECT_EQ(ParseSize("64KiB"), 65'536U);
  EXPECT_EQ(ParseSize("10MiB"), 10U << 20);
  EXPECT_EQ(ParseSize("1GiB"), 1U << 30);
  EXPECT_EQ(ParseSize("2TiB"), 2ULL << 40);
  EXPECT_EQ(ParseSize("1kB"), 1000U);
  EXPECT_EQ(ParseSize("3MB"), 3'000'000U);
  EXPECT_EQ(ParseSize("1GB"), 1'000'000'000U);
  EXPECT_EQ(ParseSize("1TB"), 1'000'000'000'000U);
}

TEST(UnitsTest, WhatIsNoNumberWithAUnitIsAnError) {
  for (const char* text :
       {"", "s", "-1s", "+1s", " 1s", "1 s", "1.5s", "1sec", "1S", "1s ", "ms"}) {
    EXPECT_FALSE(ParseDuration(text).has_value()) << text;
  }
  for (const char* text : {"", "KiB", "-1", "1 KiB", "1.5MiB", "1K", "1M", "1Mib", "1KB", "0x10"}) {
    EXPECT_FALSE(ParseSize(text).has_value()) << text;
  }
  EXPECT_EQ(ParseSize("1K").error().message, "has an unknown unit 'K'");
}

TEST(UnitsTest, TheLargestFitsAndOneMoreDoesNot) {
  EXPECT_EQ(ParseSize("18446744073709551615"), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(ParseSize("18446744073709551616").error().message, "is too large");
  EXPECT_TRUE(ParseSize("16777215TiB").has_value());
  EXPECT_EQ(ParseSize("16777216TiB").error().message, "is too large");
  EXPECT_TRUE(ParseDuration("9223372036854775807ms").has_value());
  EXPECT_EQ(ParseDuration("9223372036854775808ms").error().message, "is too large");
  EXPECT_EQ(ParseDuration("99999999999999999d").error().message, "is too large");
}

TEST(UnitsTest, WhatIsFormattedParsesToTheSameValue) {
  for (const int64_t ms : {0LL, 1LL, 999LL, 1000LL, 1500LL, 60'000LL, 3'600'000LL, 86'400'000LL,
                           172'800'000LL, 86'400'001LL}) {
    EXPECT_EQ(ParseDuration(FormatDuration(milliseconds(ms))), milliseconds(ms));
  }
  for (const uint64_t bytes : {0ULL, 1ULL, 1023ULL, 1024ULL, 1000ULL, 1ULL << 40, ~0ULL}) {
    EXPECT_EQ(ParseSize(FormatSize(bytes)), bytes);
  }
  EXPECT_EQ(FormatDuration(hours(24)), "24h");
  EXPECT_EQ(FormatDuration(hours(48)), "2d");
  EXPECT_EQ(FormatDuration(seconds(90)), "90s");
  EXPECT_EQ(FormatSize(16U << 20), "16MiB");
}

}  // namespace
}  // namespace crawld::config
