#include "parser/character_references.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "parser/charset.h"
#include "web/utf8.h"

namespace crawld::parser {
namespace {

// Nothing when a name would have to be looked up elsewhere.
std::optional<std::string> Replaced(std::string_view text, ReferenceIn where) {
  std::string out;
  if (!AppendWithReferences(text, where, out)) return std::nullopt;
  return out;
}

std::optional<std::string> InText(std::string_view text) {
  return Replaced(text, ReferenceIn::kText);
}

std::optional<std::string> InAttribute(std::string_view text) {
  return Replaced(text, ReferenceIn::kAttribute);
}

std::string Utf8(uint32_t point) {
  std::string out;
  web::AppendUtf8(point, out);
  return out;
}

// Every name of 13.5 that is listed without a semicolon.
constexpr auto kBareNames = std::to_array<std::pair<std::string_view, uint32_t>>({
    {"AElig", 0xC6},  {"AMP", 0x26},    {"Aacute", 0xC1}, {"Acirc", 0xC2},  {"Agrave", 0xC0},
    {"Aring", 0xC5},  {"Atilde", 0xC3}, {"Auml", 0xC4},   {"COPY", 0xA9},   {"Ccedil", 0xC7},
    {"ETH", 0xD0},    {"Eacute", 0xC9}, {"Ecirc", 0xCA},  {"Egrave", 0xC8}, {"Euml", 0xCB},
    {"GT", 0x3E},     {"Iacute", 0xCD}, {"Icirc", 0xCE},  {"Igrave", 0xCC}, {"Iuml", 0xCF},
    {"LT", 0x3C},     {"Ntilde", 0xD1}, {"Oacute", 0xD3}, {"Ocirc", 0xD4},  {"Ograve", 0xD2},
    {"Oslash", 0xD8}, {"Otilde", 0xD5}, {"Ouml", 0xD6},   {"QUOT", 0x22},   {"REG", 0xAE},
    {"THORN", 0xDE},  {"Uacute", 0xDA}, {"Ucirc", 0xDB},  {"Ugrave", 0xD9}, {"Uuml", 0xDC},
    {"Yacute", 0xDD}, {"aacute", 0xE1}, {"acirc", 0xE2},  {"acute", 0xB4},  {"aelig", 0xE6},
    {"agrave", 0xE0}, {"amp", 0x26},    {"aring", 0xE5},  {"atilde", 0xE3}, {"auml", 0xE4},
    {"brvbar", 0xA6}, {"ccedil", 0xE7}, {"cedil", 0xB8},  {"cent", 0xA2},   {"copy", 0xA9},
    {"curren", 0xA4}, {"deg", 0xB0},    {"divide", 0xF7}, {"eacute", 0xE9}, {"ecirc", 0xEA},
    {"egrave", 0xE8}, {"eth", 0xF0},    {"euml", 0xEB},   {"frac12", 0xBD}, {"frac14", 0xBC},
    {"frac34", 0xBE}, {"gt", 0x3E},     {"iacute", 0xED}, {"icirc", 0xEE},  {"iexcl", 0xA1},
    {"igrave", 0xEC}, {"iquest", 0xBF}, {"iuml", 0xEF},   {"laquo", 0xAB},  {"lt", 0x3C},
    {"macr", 0xAF},   {"micro", 0xB5},  {"middot", 0xB7}, {"nbsp", 0xA0},   {"not", 0xAC},
    {"ntilde", 0xF1}, {"oacute", 0xF3}, {"ocirc", 0xF4},  {"ograve", 0xF2}, {"ordf", 0xAA},
    {"ordm", 0xBA},   {"oslash", 0xF8}, {"otilde", 0xF5}, {"ouml", 0xF6},   {"para", 0xB6},
    {"plusmn", 0xB1}, {"pound", 0xA3},  {"quot", 0x22},   {"raquo", 0xBB},  {"reg", 0xAE},
    {"sect", 0xA7},   {"shy", 0xAD},    {"sup1", 0xB9},   {"sup2", 0xB2},   {"sup3", 0xB3},
    {"szlig", 0xDF},  {"thorn", 0xFE},  {"times", 0xD7},  {"uacute", 0xFA}, {"ucirc", 0xFB},
    {"ugrave", 0xF9}, {"uml", 0xA8},    {"uuml", 0xFC},   {"yacute", 0xFD}, {"yen", 0xA5},
    {"yuml", 0xFF},
});

TEST(CharacterReferencesTest, Html_13_5_All106NamesStandWithAndWithoutASemicolon) {
  EXPECT_EQ(kBareNames.size(), 106U);
  for (const auto& [name, point] : kBareNames) {
    const std::string bare = "&" + std::string(name);
    EXPECT_EQ(InText(bare), Utf8(point)) << name;
    EXPECT_EQ(InText(bare + " x"), Utf8(point) + " x") << name;
    EXPECT_EQ(InText(bare + ";;"), Utf8(point) + ";") << name;
    EXPECT_EQ(InAttribute(bare), Utf8(point)) << name;
    EXPECT_EQ(InAttribute(bare + ";"), Utf8(point)) << name;
  }
}

TEST(CharacterReferencesTest, ANameThatNeedsItsSemicolonIsTextWithoutIt) {
  EXPECT_EQ(InText("&ndash;&euro;&apos;&le;&Tab;"), "\u2013\u20AC'\u2264\t");
  EXPECT_EQ(InText("&ndash &euro,&apos&le"), "&ndash &euro,&apos&le");
  EXPECT_EQ(InAttribute("&hellip"), "&hellip");
  EXPECT_EQ(InAttribute("&hellip;"), "\u2026");
}

TEST(CharacterReferencesTest, CaseOfANameMatters) {
  EXPECT_EQ(InText("&eacute;&Eacute;&AMP;&Dagger"), "\u00E9\u00C9&&Dagger");
  EXPECT_EQ(InText("&Amp &NBSP &aMP"), "&Amp &NBSP &aMP");
}

TEST(CharacterReferencesTest, Html_13_2_5_73_InTextTheLongestBareNameCounts) {
  EXPECT_EQ(InText("I'm &notit"), "I'm \u00ACit");
  EXPECT_EQ(InText("&notin"), "\u00ACin");
  EXPECT_EQ(InText("&copy2"), "\u00A92");
  EXPECT_EQ(InText("&ampamp;x"), std::nullopt);
  EXPECT_EQ(InText("&amplt"), "&lt");
  EXPECT_EQ(InText("&sup12"), "\u00B92");
  EXPECT_EQ(InText("&frac123"), "\u00BD3");
  EXPECT_EQ(InText("&lten"), "<en");
  EXPECT_EQ(InText("?a=1&lt=2&copy=3"), "?a=1<=2\u00A9=3");
}

TEST(CharacterReferencesTest, Html_13_2_5_73_InAttributesABareNameMayBeAParameter) {
  EXPECT_EQ(InAttribute("?a=1&copy=2&lt=3&reg1&notit&ampx"), "?a=1&copy=2&lt=3&reg1&notit&ampx");
  EXPECT_EQ(InAttribute("?a&copy&lt-&reg;=1&amp;copy=2"), "?a\u00A9<-\u00AE=1&copy=2");
  EXPECT_EQ(InAttribute("&copy\u00E9"), "\u00A9\u00E9");
  EXPECT_EQ(InAttribute("&copy =1"), "\u00A9 =1");
  EXPECT_EQ(InAttribute("&#65=1&#x42z"), "A=1Bz");
}

TEST(CharacterReferencesTest, ANameThatIsUnknownIsForSomebodyElse) {
  EXPECT_EQ(InText("&nosuchname;"), std::nullopt);
  EXPECT_EQ(InText("a &amp; b &notit; c"), std::nullopt);
  EXPECT_EQ(InText("&CounterClockwiseContourIntegral;"), std::nullopt);
  EXPECT_EQ(InAttribute("?a&x;"), std::nullopt);
  EXPECT_EQ(InText("&nosuchname &1 &a"), "&nosuchname &1 &a");
}

TEST(CharacterReferencesTest, AnAmpersandAloneIsText) {
  for (const std::string_view text : {"&", "& ", "a & b", "&&", "&;", "&=", "&-amp", "&\u00E9;"}) {
    EXPECT_EQ(InText(text), text);
    EXPECT_EQ(InAttribute(text), text);
  }
  EXPECT_EQ(InText("&&amp;&"), "&&&");
  EXPECT_EQ(InText("&amp;amp;"), "&amp;");
}

TEST(CharacterReferencesTest, Html_13_2_5_75_DecimalAndHexadecimalNumbers) {
  EXPECT_EQ(InText("&#65;&#066;&#x43;&#X44;&#x0045;"), "ABCDE");
  EXPECT_EQ(InText("&#65&#x42;&#x43 "), "ABC ");
  EXPECT_EQ(InText("&#233;&#x20AC;&#x20ac;&#x1F600;"), "\u00E9\u20AC\u20AC\U0001F600");
  EXPECT_EQ(InText("&#65;;&#65x&#x41g"), "A;AxAg");
  EXPECT_EQ(InAttribute("&#38;#38;&#x26;amp;"), "&#38;&amp;");
}

TEST(CharacterReferencesTest, ANumberWithoutDigitsIsText) {
  for (const std::string_view text :
       {"&#", "&#;", "&#x", "&#x;", "&#X", "&#X;", "&#xg;", "&#a;", "&#-1;", "&# 65;", "&#&#x&#"}) {
    EXPECT_EQ(InText(text), text);
    EXPECT_EQ(InAttribute(text), text);
  }
  EXPECT_EQ(InText("&#&#65;&#x&amp;"), "&#A&#x&");
}

TEST(CharacterReferencesTest, Html_13_2_5_80_NumbersOfC1ControlsAreOfWindows1252) {
  for (unsigned byte = 0x80; byte <= 0x9F; ++byte) {
    const char c = static_cast<char>(byte);
    std::string storage;
    const std::string_view expected = DecodeToUtf8({&c, 1}, "windows-1252", storage);
    EXPECT_EQ(InText("&#" + std::to_string(byte) + ";"), expected) << byte;
  }
  EXPECT_EQ(InText("&#x7F;&#xA0;"), "\x7F\u00A0");
}

TEST(CharacterReferencesTest, Html_13_2_5_80_NumbersThatAreNoCharactersAreReplaced) {
  EXPECT_EQ(InText("&#0;&#x000"), "\uFFFD\uFFFD");
  EXPECT_EQ(InText("&#xD7FF;&#xD800;&#xDBFF;&#xDC00;&#xDFFF;&#xE000;"),
            "\uD7FF\uFFFD\uFFFD\uFFFD\uFFFD\uE000");
  EXPECT_EQ(InText("&#x10FFFF;&#x110000;&#1114111;&#1114112;"), "\U0010FFFF\uFFFD\U0010FFFF\uFFFD");
  EXPECT_EQ(InText("&#4294967361;&#x100000041;&#18446744073709551681;"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(InText("&#x" + std::string(1000, 'F') + ";."), "\uFFFD.");
  EXPECT_EQ(InText("&#x" + std::string(1000, '0') + "41;."), "A.");
}

TEST(CharacterReferencesTest, ControlsAndNoncharactersByNumberStay) {
  EXPECT_EQ(InText("&#1;&#x1F;&#xFDD0;&#xFFFE;&#xFFFF;&#x1FFFF;"),
            "\x01\x1F\uFDD0\uFFFE\uFFFF\U0001FFFF");
}

TEST(CharacterReferencesTest, Html_13_2_3_5_NewlinesAreNormalisedUnlessTheyAreReferences) {
  EXPECT_EQ(InText("a\r\nb\rc\nd\r\r\n\r"), "a\nb\nc\nd\n\n\n");
  EXPECT_EQ(InAttribute("a\r\nb\r"), "a\nb\n");
  EXPECT_EQ(InText("&#13;&#10;&#xD;\r\n"), "\r\n\r\n");
  EXPECT_EQ(InText("&amp\r\n&#65\r"), "&\nA\n");
}

TEST(CharacterReferencesTest, WhatIsThereStays) {
  std::string out = "before &amp; ";
  EXPECT_TRUE(AppendWithReferences("after &amp;", ReferenceIn::kText, out));
  EXPECT_EQ(out, "before &amp; after &");
  EXPECT_TRUE(AppendWithReferences("", ReferenceIn::kText, out));
  EXPECT_EQ(out, "before &amp; after &");
}

TEST(CharacterReferencesTest, AnyTextGetsNoLongerAndIsUtf8) {
  constexpr unsigned kSeed = 20737;
  std::mt19937 random(kSeed);
  constexpr auto kPieces = std::to_array<std::string_view>(
      {"&",   "&",    "&",      "#",  "#",    "#",      "x",      "X",     ";",      ";",
       "0",   "1",    "8",      "9",  "D",    "f",      "10",     "amp",   "lt",     "not",
       "in",  "copy", "le",     "ge", "num",  "hellip", "frac14", "Tab",   "\u00E9", "\U0001F600",
       "=",   " ",    "\r",     "\n", "<",    "&#x",    "&#",     "&amp;", "&le;",   "d800",
       "128", "euro", "110000", "g",  "&not", "zwj;"});
  size_t known = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    const size_t length = random() % 12;
    for (size_t i = 0; i < length; ++i) text += kPieces[random() % kPieces.size()];
    for (const ReferenceIn where : {ReferenceIn::kText, ReferenceIn::kAttribute}) {
      const auto out = Replaced(text, where);
      if (!out) continue;
      ++known;
      ASSERT_LE(out->size(), text.size()) << "seed " << kSeed << ": " << text;
      ASSERT_TRUE(web::IsValidUtf8(*out)) << "seed " << kSeed << ": " << text;
      if (text.find_first_of("&\r") == std::string::npos) {
        ASSERT_EQ(*out, text) << "seed " << kSeed;
      }
    }
  }
  EXPECT_GT(known, 10000U) << "most of what is tried is decided here";
}

}  // namespace
}  // namespace crawld::parser
