#include "web/ascii.h"

#include <gtest/gtest.h>

#include <string>

namespace crawld::web {
namespace {

// Calls `check` with each of the 256 bytes.
template <typename Check>
void ForEachByte(Check check) {
  for (int byte = 0; byte < 256; ++byte) {
    SCOPED_TRACE(byte);
    check(static_cast<char>(byte));
  }
}

bool IsOneOf(char c, std::string_view characters) {
  return characters.find(c) != std::string_view::npos;
}

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kBlanks = "\t\n\f\r ";

TEST(AsciiTest, Infra_4_6_ClassesHaveTheirBytesAndNoOthers) {
  ForEachByte([](char c) {
    const bool letter = IsOneOf(c, kLower) || IsOneOf(c, kUpper);
    EXPECT_EQ(IsDigit(c), IsOneOf(c, kDigits));
    EXPECT_EQ(IsAlpha(c), letter);
    EXPECT_EQ(IsAlphanumeric(c), letter || IsOneOf(c, kDigits));
    EXPECT_EQ(IsAsciiSpace(c), IsOneOf(c, kBlanks));
  });
}

TEST(AsciiTest, OnlyLettersOfAsciiHaveALowerCase) {
  ForEachByte([](char c) {
    const size_t letter = kUpper.find(c);
    EXPECT_EQ(AsciiLower(c), letter == std::string_view::npos ? c : kLower[letter]);
  });
}

TEST(AsciiTest, HexadecimalDigitsOfBothCasesHaveAValue) {
  ForEachByte([](char c) {
    const size_t lower = std::string_view("0123456789abcdef").find(c);
    const size_t upper = std::string_view("0123456789ABCDEF").find(c);
    const size_t value = lower != std::string_view::npos ? lower : upper;
    EXPECT_EQ(HexValue(c), value == std::string_view::npos ? -1 : static_cast<int>(value));
  });
}

TEST(AsciiTest, Infra_4_7_CaseDoesNotMatterToAMatch) {
  EXPECT_TRUE(EqualIgnoringCase("", ""));
  EXPECT_TRUE(EqualIgnoringCase("Content-TYPE", "content-type"));
  EXPECT_TRUE(EqualIgnoringCase(kLower, kUpper));
  EXPECT_TRUE(EqualIgnoringCase("\u00E9", "\u00E9"));
  EXPECT_FALSE(EqualIgnoringCase("a", ""));
  EXPECT_FALSE(EqualIgnoringCase("", "a"));
  EXPECT_FALSE(EqualIgnoringCase("abc", "abd"));
  EXPECT_FALSE(EqualIgnoringCase("abc", "abcd"));
}

TEST(AsciiTest, OtherBytesMatchOnlyThemselves) {
  EXPECT_FALSE(EqualIgnoringCase("[", "{"));
  EXPECT_FALSE(EqualIgnoringCase("@", "`"));
  EXPECT_FALSE(EqualIgnoringCase("\u00E9", "\u00C9"));
  EXPECT_FALSE(EqualIgnoringCase("k", "\u212A"));  // KELVIN SIGN
  EXPECT_FALSE(EqualIgnoringCase("i", "\u0130"));
  EXPECT_FALSE(EqualIgnoringCase(std::string_view("a\0b", 3), std::string_view("a\0c", 3)));
  EXPECT_TRUE(EqualIgnoringCase(std::string_view("a\0b", 3), std::string_view("A\0B", 3)));
}

TEST(AsciiTest, APrefixMatchesWithoutRegardToCase) {
  EXPECT_TRUE(StartsWithIgnoringCase("", ""));
  EXPECT_TRUE(StartsWithIgnoringCase("x", ""));
  EXPECT_TRUE(StartsWithIgnoringCase("URL=x", "url"));
  EXPECT_TRUE(StartsWithIgnoringCase("url", "URL"));
  EXPECT_FALSE(StartsWithIgnoringCase("ur", "url"));
  EXPECT_FALSE(StartsWithIgnoringCase("", "u"));
  EXPECT_FALSE(StartsWithIgnoringCase("xurl", "url"));
}

TEST(AsciiTest, Infra_4_7_BlanksAtBothEndsAreStripped) {
  EXPECT_EQ(TrimAsciiSpace(""), "");
  EXPECT_EQ(TrimAsciiSpace(kBlanks), "");
  EXPECT_EQ(TrimAsciiSpace("a"), "a");
  EXPECT_EQ(TrimAsciiSpace("\t\n\f\r a \t b \r\f\n\t"), "a \t b");
  EXPECT_EQ(TrimAsciiSpace(" a"), "a");
  EXPECT_EQ(TrimAsciiSpace("a "), "a");
  EXPECT_EQ(TrimAsciiSpace("\va\v"), "\va\v");
  EXPECT_EQ(TrimAsciiSpace("\u00A0a\u2003"), "\u00A0a\u2003");
  const std::string nul("\0 a \0", 5);
  EXPECT_EQ(TrimAsciiSpace(nul), nul);
}

TEST(AsciiTest, WhatIsStrippedIsAViewOfTheText) {
  constexpr std::string_view kText = "  ab ";
  static_assert(TrimAsciiSpace(kText) == "ab");
  EXPECT_EQ(TrimAsciiSpace(kText).data(), kText.data() + 2);
}

// All of it is for tables that are made at compile time.
static_assert(IsAlpha('z') && !IsAlpha('\x80') && IsDigit('9') && IsAlphanumeric('A'));
static_assert(AsciiLower('Z') == 'z' && HexValue('F') == 15 && HexValue('g') == -1);
static_assert(EqualIgnoringCase("A", "a") && StartsWithIgnoringCase("Ab", "aB"));

}  // namespace
}  // namespace crawld::web
