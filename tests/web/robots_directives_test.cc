#include "web/robots_directives.h"

#include <gtest/gtest.h>

namespace crawld::web {
namespace {

using std::chrono::sys_days;
using std::chrono::year;

RobotsDirectives Meta(std::string_view content) {
  RobotsDirectives directives;
  ReadRobotsMeta(content, directives);
  return directives;
}

RobotsDirectives Header(std::string_view value) {
  RobotsDirectives directives;
  ReadXRobotsTag(value, "crawld", directives);
  return directives;
}

TEST(RobotsDirectivesTest, MetaRobots) {
  EXPECT_TRUE(Meta("NOINDEX, follow").noindex);
  EXPECT_FALSE(Meta("NOINDEX, follow").nofollow);
  EXPECT_TRUE(Meta(" none ").noindex);
  EXPECT_TRUE(Meta("noarchive,none").nofollow);
  EXPECT_FALSE(Meta("nofollowing, index,,").nofollow);
  EXPECT_EQ(Meta("noindex, x").raw, "noindex, x");
  // In a page a name with a colon is no crawler's.
  EXPECT_FALSE(Meta("crawld: noindex").noindex);
}

TEST(RobotsDirectivesTest, XRobotsTagForAllAndForOne) {
  EXPECT_TRUE(Header("noindex").noindex);
  EXPECT_TRUE(Header("Crawld: noindex, nofollow").nofollow);
  EXPECT_FALSE(Header("otherbot: noindex, nofollow").noindex);
  EXPECT_FALSE(Header("otherbot: noindex, nofollow").nofollow);
  // Two fields in one, as proxies join them.
  const RobotsDirectives both = Header("otherbot: noindex, crawld: nofollow, otherbot: none");
  EXPECT_FALSE(both.noindex);
  EXPECT_TRUE(both.nofollow);
  EXPECT_TRUE(Header("max-snippet: 20, noindex").noindex) << "that is a value, not a crawler";
}

TEST(RobotsDirectivesTest, UnavailableAfterInEachOfItsForms) {
  const auto expected = sys_days(year(2030) / 6 / 25) + std::chrono::hours(15);
  for (const std::string_view date :
       {"25 Jun 2030 15:00:00 GMT", "Tue, 25 Jun 2030 15:00:00 GMT", "2030-06-25T15:00:00Z",
        "2030-06-25T17:00:00+02:00", "25 Jun 2030 07:00:00 PST", "Tuesday, 25-Jun-30 15:00:00 GMT",
        "25-Jun-2030 15:00:00 UTC"}) {
    const std::string text = "nofollow, unavailable_after: " + std::string(date) + ", noarchive";
    for (const RobotsDirectives& read : {Header(text), Meta(text)}) {
      ASSERT_TRUE(read.unavailable_after) << date;
      EXPECT_EQ(*read.unavailable_after, expected) << date;
      EXPECT_TRUE(read.nofollow);
      EXPECT_FALSE(read.NoindexAt(expected));
      EXPECT_TRUE(read.NoindexAt(expected + std::chrono::seconds(1)));
    }
  }
  EXPECT_FALSE(Header("unavailable_after: soon").unavailable_after);
  EXPECT_TRUE(Header("unavailable_after: soon, noindex").noindex);
  EXPECT_FALSE(Header("otherbot: unavailable_after: 2020-01-01").unavailable_after);
}

TEST(RobotsDirectivesTest, TheStrictestHolds) {
  RobotsDirectives a = Header("noindex, unavailable_after: 2031-01-01");
  a.Add(Meta("nofollow, unavailable_after: 2030-01-01"));
  EXPECT_TRUE(a.noindex);
  EXPECT_TRUE(a.nofollow);
  EXPECT_EQ(*a.unavailable_after, sys_days(year(2030) / 1 / 1));
  EXPECT_EQ(a.raw,
            "noindex, unavailable_after: 2031-01-01, nofollow, unavailable_after: 2030-01-01");
}

TEST(RobotsDirectivesTest, RawIsPrintableAndBounded) {
  EXPECT_EQ(Header("a\x01\xC3\xA9").raw, "a???");
  EXPECT_LE(Meta(std::string(100000, 'x')).raw.size(), RobotsDirectives::kMaxRaw);
  RobotsDirectives many;
  for (int i = 0; i < 1000; ++i) ReadRobotsMeta("noodp", many);
  EXPECT_LE(many.raw.size(), RobotsDirectives::kMaxRaw);
}

}  // namespace
}  // namespace crawld::web
