#include "web/host_patterns.h"

#include <gtest/gtest.h>

namespace crawld::web {
namespace {

TEST(HostPatternsTest, AHostBelongsToTheFirstEntryThatMatches) {
  HostPatterns patterns;
  ASSERT_TRUE(patterns.Add("shop.example.org", 0));
  ASSERT_TRUE(patterns.Add("*.example.org", 1));
  ASSERT_TRUE(patterns.Add("*.shop.example.org", 2));
  ASSERT_TRUE(patterns.Add("example.org", 3));
  EXPECT_EQ(patterns.Find("shop.example.org"), 0U);
  EXPECT_EQ(patterns.Find("www.example.org"), 1U);
  EXPECT_EQ(patterns.Find("a.b.shop.example.org"), 1U) << "the lowest counts, not the longest";
  EXPECT_EQ(patterns.Find("example.org"), 3U) << "*. is what is below";
  EXPECT_EQ(patterns.Find("badexample.org"), std::nullopt);
  EXPECT_EQ(patterns.Find("org"), std::nullopt);
  EXPECT_EQ(patterns.Find(""), std::nullopt);
}

TEST(HostPatternsTest, AStarIsEveryHostBelowWhatStandsBefore) {
  HostPatterns patterns;
  EXPECT_TRUE(patterns.empty());
  ASSERT_TRUE(patterns.Add("a.test", 0));
  ASSERT_TRUE(patterns.Add("*", 1));
  EXPECT_FALSE(patterns.empty());
  EXPECT_EQ(patterns.Find("a.test"), 0U);
  EXPECT_EQ(patterns.Find("192.0.2.1"), 1U);
}

TEST(HostPatternsTest, PatternsAreReadAsHostsAre) {
  HostPatterns patterns;
  ASSERT_TRUE(patterns.Add("EXAMPLE.Org", 0));
  ASSERT_TRUE(
      patterns.Add("*.b\xc3\xbc"
                   "cher.example",
                   1));
  ASSERT_TRUE(patterns.Add("0x7f.1", 2));
  ASSERT_TRUE(patterns.Add("2001:DB8::1", 3));
  ASSERT_TRUE(patterns.Add("[2001:db8::2]", 4));
  EXPECT_EQ(patterns.Find("example.org"), 0U);
  EXPECT_EQ(patterns.Find("www.xn--bcher-kva.example"), 1U);
  EXPECT_EQ(patterns.Find("127.0.0.1"), 2U);
  EXPECT_EQ(patterns.Find("[2001:db8::1]"), 3U);
  EXPECT_EQ(patterns.Find("[2001:db8::2]"), 4U);
}

TEST(HostPatternsTest, WhatIsNoHostIsNoPattern) {
  HostPatterns patterns;
  for (const char* bad : {"", "*.", "a*.test", "*.*.test", "a.test:80", "http://a.test/", "a.test/",
                          "user@a.test", "a b", "a.test?x", "**", "[::1", "%00"}) {
    EXPECT_FALSE(patterns.Add(bad, 0)) << bad;
  }
  EXPECT_TRUE(patterns.empty());
}

}  // namespace
}  // namespace crawld::web
