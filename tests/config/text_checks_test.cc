#include "config/text_checks.h"

#include <gtest/gtest.h>

#include <string>

namespace crawld::config {
namespace {

TEST(TextChecksTest, HeadersAreTokensWithOneLineEach) {
  const auto check = [](StringMap headers) { return CheckHeaders(std::move(headers)); };
  EXPECT_EQ(check({{"Accept-Language", "en, de;q=0.5"}, {"X-Empty", ""}}), std::nullopt);
  EXPECT_TRUE(check({{"", "x"}}).has_value());
  EXPECT_TRUE(check({{"a b", "x"}}).has_value());
  EXPECT_TRUE(check({{"a:", "x"}}).has_value());
  EXPECT_TRUE(check({{"X", "a\r\nHost: evil"}}).has_value());
  EXPECT_TRUE(check({{"Host", "x"}}).has_value());
  EXPECT_TRUE(check({{"Accept", "x"}, {"accept", "y"}}).has_value());
  EXPECT_EQ(check({{"user-agent", "x"}}), "User-Agent is set by identity.user_agent");
}

TEST(TextChecksTest, Rfc9309_2_2_1_AProductTokenIsLettersUnderscoresAndHyphens) {
  EXPECT_EQ(ProductTokenOf("crawld/0.1 (+https://example.org)"), "crawld");
  EXPECT_EQ(ProductTokenOf("My-Bot_x 2"), "My-Bot_x");
  EXPECT_EQ(ProductTokenOf("(x)"), "");
  EXPECT_EQ(ProductTokenOf(""), "");
  EXPECT_FALSE(CheckRobotsToken(std::string("Crawl_d-bot")).has_value());
  EXPECT_TRUE(CheckRobotsToken(std::string("crawld2")).has_value());
  EXPECT_TRUE(CheckRobotsToken(std::string("*")).has_value());
}

TEST(TextChecksTest, ANameCanBePartOfAFilesName) {
  EXPECT_FALSE(CheckName(std::string("news-2024")).has_value());
  for (const char* bad : {"News", "a/b", "a b", "a.b", "\xc3\xbc"}) {
    EXPECT_TRUE(CheckName(std::string(bad)).has_value()) << bad;
  }
}

}  // namespace
}  // namespace crawld::config
