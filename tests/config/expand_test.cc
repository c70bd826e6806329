#include "config/expand.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace crawld::config {
namespace {

Result<std::string> Expand(std::string_view text) {
  return ExpandEnvironment(text, [](const std::string& name) -> std::optional<std::string> {
    static const std::map<std::string, std::string> variables = {
        {"HOME", "/home/crawl"}, {"EMPTY", ""}, {"_X9", "${HOME}"}};
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(ExpandTest, PutsVariablesAndDefaultsIn) {
  EXPECT_EQ(Expand("${HOME}"), "/home/crawl");
  EXPECT_EQ(Expand("a${HOME}b${HOME}c"), "a/home/crawlb/home/crawlc");
  EXPECT_EQ(Expand("${NONE:-/tmp/x}"), "/tmp/x");
  EXPECT_EQ(Expand("${NONE:-}"), "");
  EXPECT_EQ(Expand("${HOME:-x}"), "/home/crawl");
  EXPECT_EQ(Expand("${EMPTY:-x}"), "x");
  EXPECT_EQ(Expand("${EMPTY}"), "");
  EXPECT_EQ(Expand("${NONE:-a:-b}"), "a:-b");
}

TEST(ExpandTest, WhatAVariableHoldsIsNotExpandedAgain) { EXPECT_EQ(Expand("${_X9}"), "${HOME}"); }

TEST(ExpandTest, DollarsThatStandAloneStay) {
  EXPECT_EQ(Expand("\\.pdf$"), "\\.pdf$");
  EXPECT_EQ(Expand("$HOME"), "$HOME");
  EXPECT_EQ(Expand("$$"), "$");
  EXPECT_EQ(Expand("$${HOME}"), "${HOME}");
  EXPECT_EQ(Expand("$$${HOME}"), "$/home/crawl");
  EXPECT_EQ(Expand(""), "");
}

TEST(ExpandTest, AnUnsetVariableIsAnErrorThatNamesIt) {
  EXPECT_EQ(Expand("${NONE}").error().message,
            "the environment variable NONE is not set; set it, or write ${NONE:-default}");
}

TEST(ExpandTest, WhatIsNoNameOrHasNoEndIsAnError) {
  for (const char* text : {"${}", "${9A}", "${A-B}", "${A B}", "${:-x}", "${A:x}"}) {
    EXPECT_NE(Expand(text).error().message.find("names no environment variable"), std::string::npos)
        << text;
  }
  EXPECT_FALSE(Expand("${HOME").has_value());
  EXPECT_FALSE(Expand("x${").has_value());
}

TEST(ExpandTest, WhatBecomesTooLongIsAnError) {
  std::string text;
  for (size_t i = 0; i <= kMaxExpandedBytes / 11; ++i) text += "${HOME}";
  EXPECT_FALSE(Expand(text).has_value());
}

}  // namespace
}  // namespace crawld::config
