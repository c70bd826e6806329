#include "web/host_patterns.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace crawld::web {
namespace {

HostIndex IndexOf(const std::vector<const char*>& patterns) {
  HostIndex index;
  for (size_t i = 0; i < patterns.size(); ++i) {
    const auto pattern = HostPattern::Parse(patterns[i]);
    EXPECT_TRUE(pattern) << patterns[i];
    if (pattern) index.Add(*pattern, i);
  }
  return index;
}

TEST(HostIndexTest, AHostBelongsToTheFirstPatternThatMatches) {
  const HostIndex index =
      IndexOf({"shop.example.org", "*.example.org", "*.shop.example.org", "example.org"});
  EXPECT_EQ(index.Find("shop.example.org"), 0U);
  EXPECT_EQ(index.Find("www.example.org"), 1U);
  EXPECT_EQ(index.Find("a.b.shop.example.org"), 1U) << "the lowest counts, not the longest";
  EXPECT_EQ(index.Find("example.org"), 3U) << "*. is what is below";
  EXPECT_EQ(index.Find("example.org."), 3U) << "the same host";
  EXPECT_EQ(index.Find("badexample.org"), std::nullopt);
  EXPECT_EQ(index.Find("org"), std::nullopt);
  EXPECT_EQ(index.Find(""), std::nullopt);
  EXPECT_FALSE(index.empty());
  EXPECT_TRUE(HostIndex().empty());
  EXPECT_EQ(HostIndex().Find("example.org"), std::nullopt);
}

TEST(HostIndexTest, APatternThatStandsTwiceIsTheFirst) {
  const HostIndex index = IndexOf({"a.test", "b.test", "a.test"});
  EXPECT_EQ(index.Find("a.test"), 0U);
}

TEST(HostPatternTest, IsReadAsAHostIs) {
  const HostIndex index = IndexOf({"EXAMPLE.Org",
                                   "*.b\xc3\xbc"
                                   "cher.example",
                                   "0x7f.1", "[2001:DB8:0::1]", "dot.test.", "*.dot.test."});
  EXPECT_EQ(index.Find("example.org"), 0U);
  EXPECT_EQ(index.Find("www.xn--bcher-kva.example"), 1U);
  EXPECT_EQ(index.Find("127.0.0.1"), 2U);
  EXPECT_EQ(index.Find("[2001:db8::1]"), 3U);
  EXPECT_EQ(index.Find("dot.test"), 4U);
  EXPECT_EQ(index.Find("dot.test."), 4U);
  EXPECT_EQ(index.Find("a.dot.test"), 5U);
}

TEST(HostPatternTest, WhatIsNoHostIsNoPatternAndTheErrorSaysSo) {
  for (const char* bad :
       {"", ".", "*.", "*..", "a..", "*", "a*.test", "*.*.test", "a.test:80", "http://a.test/",
        "a.test/", "user@a.test", "a b", "a\nb", "a.test?x", "**", "[::1", "%00"}) {
    const auto pattern = HostPattern::Parse(bad);
    ASSERT_FALSE(pattern) << bad;
    EXPECT_NE(pattern.error().find("is no host; write example.org"), std::string::npos) << bad;
  }
}

}  // namespace
}  // namespace crawld::web
