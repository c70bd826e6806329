#include "parser/xml_mender.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

#include "web/utf8.h"

namespace crawld::parser {
namespace {

std::string Mended(std::string_view text) {
  std::string out;
  XmlMender().Write(text, true, out);
  return out;
}

const std::string kNone(kNoXmlCharacter);

TEST(XmlMenderTest, AnAmpersandThatBeginsNoReferenceIsWrittenAsOne) {
  EXPECT_EQ(Mended("?a=1&b=2"), "?a=1&amp;b=2");
  EXPECT_EQ(Mended("&"), "&amp;");
  EXPECT_EQ(Mended("&&amp;&"), "&amp;&amp;&amp;");
  EXPECT_EQ(Mended("&;& ;&#;&#x;"), "&amp;;&amp; ;&amp;#;&amp;#x;");
  EXPECT_EQ(Mended("&amp &lt &quot"), "&amp;amp &amp;lt &amp;quot");
}

TEST(XmlMenderTest, ANameThatOnlyHtmlHasIsNoReference) {
  EXPECT_EQ(Mended("a&nbsp;b&eacute;&copy;"), "a&amp;nbsp;b&amp;eacute;&amp;copy;");
  EXPECT_EQ(Mended("&AMP;&Lt;"), "&amp;AMP;&amp;Lt;");
}

TEST(XmlMenderTest, ANumberThatIsNotWrittenAsXmlDoesIsNoReference) {
  EXPECT_EQ(Mended("&#X41;&#4a;&#xg;&# 1;"), "&amp;#X41;&amp;#4a;&amp;#xg;&amp;# 1;");
  EXPECT_EQ(Mended("&#65 &#x41"), "&amp;#65 &amp;#x41");
  EXPECT_EQ(Mended("&#-1;"), "&amp;#-1;");
}

TEST(XmlMenderTest, Xml_2_2_CharactersThatItDoesNotHaveAreMarked) {
  for (char c = 0; c < 0x20; ++c) {
    const bool allowed = c == '\t' || c == '\n' || c == '\r';
    const std::string text = std::string("a") + c + "b";
    EXPECT_EQ(Mended(text), allowed ? text : "a" + kNone + "b") << static_cast<int>(c);
  }
  EXPECT_EQ(Mended("a\uFFFE\uFFFFb"), "a" + kNone + kNone + "b");
  for (const std::string_view text : {"\x7F", "\u0080", "\u0085", "\uD7FF", "\uE000", "\uFFFD",
                                      "\uFDD0", "\U00010000", "\U0001FFFE", "\U0010FFFF"}) {
    EXPECT_EQ(Mended(text), text);
  }
}

TEST(XmlMenderTest, Xml_4_1_ReferencesToCharactersThatItDoesNotHaveAreMarked) {
  EXPECT_EQ(Mended("a&#0;b&#x0;c&#1;&#xB;&#12;&#x1F;"),
            "a" + kNone + "b" + kNone + "c" + kNone + kNone + kNone + kNone);
  EXPECT_EQ(Mended("&#xD800;&#xDFFF;&#55296;"), kNone + kNone + kNone);
  EXPECT_EQ(Mended("&#xFFFE;&#xffff;&#65535;"), kNone + kNone + kNone);
  EXPECT_EQ(Mended("&#x110000;&#1114112;&#99999999;&#xFFFFFFFF;"), kNone + kNone + kNone + kNone);
}

TEST(XmlMenderTest, ReferencesOfXmlStay) {
  for (const std::string_view text :
       {"&amp;&lt;&gt;&quot;&apos;", "&amp;amp;", "&#65;&#x41;&#x4a;&#x4A;", "&#9;&#10;&#xD;",
        "&#x20;&#xD7FF;&#xE000;&#xFFFD;", "&#x10000;&#x10FFFF;&#1114111;", "&#00000065;"}) {
    EXPECT_EQ(Mended(text), text);
  }
}

TEST(XmlMenderTest, MarkupStays) {
  for (const std::string_view text :
       {"", "x", "<?xml version=\"1.0\"?>\n<urlset xmlns='a'><url/></urlset>",
        "<!DOCTYPE urlset SYSTEM 'x'>", "a -- b ]]> c --> d", "<a b='--'/>", "</", "<!-",
        "<![CDATA", "\u00E9\u20AC\U0001F600"}) {
    EXPECT_EQ(Mended(text), text);
  }
}

TEST(XmlMenderTest, ACdataSectionStays) {
  for (const std::string_view text :
       {"<![CDATA[a&b&nbsp;&#0;]]>", "<![CDATA[<!-- a -- b ]]>", "<![CDATA[<![CDATA[&]]>",
        "<![CDATA[]]>", "<![CDATA[]]]]>", "<![CDATA[]&] ]>&]]>", "<![CDATA[&"}) {
    EXPECT_EQ(Mended(text), text);
  }
  EXPECT_EQ(Mended("<![CDATA[&]]>&<![CDATA[&]]>&"), "<![CDATA[&]]>&amp;<![CDATA[&]]>&amp;");
  EXPECT_EQ(Mended("<![cdata[&]]>"), "<![cdata[&amp;]]>");
}

TEST(XmlMenderTest, ACommentStays) {
  for (const std::string_view text : {"<!-- a & b &#0; <![CDATA[ ]]> -->", "<!---->",
                                      "<!-- - - -->", "<!-- <!-x & -->", "<!-- &"}) {
    EXPECT_EQ(Mended(text), text);
  }
  EXPECT_EQ(Mended("<!-- & -->&<!-- & -->&"), "<!-- & -->&amp;<!-- & -->&amp;");
  EXPECT_EQ(Mended("<!-- <![CDATA[ -->&"), "<!-- <![CDATA[ -->&amp;");
}

TEST(XmlMenderTest, CharactersThatXmlDoesNotHaveAreMarkedInSectionsToo) {
  EXPECT_EQ(Mended("<![CDATA[\x01]]><!--\uFFFF-->"),
            "<![CDATA[" + kNone + "]]><!--" + kNone + "-->");
}

TEST(XmlMenderTest, Xml_2_5_TwoDashesInACommentArePartedByABlank) {
  EXPECT_EQ(Mended("<!-- a -- b -->"), "<!-- a - - b -->");
  EXPECT_EQ(Mended("<!-- a ---- b -->"), "<!-- a - - - - b -->");
  EXPECT_EQ(Mended("<!-- a --->"), "<!-- a - -->");
  EXPECT_EQ(Mended("<!------>"), "<!--- - -->");
  EXPECT_EQ(Mended("<!-- <!-- -->"), "<!-- <!- - -->");
}

// Every kind of thing that is mended or left, next to one another.
constexpr std::string_view kSample =
    "<?xml version='1.0'?><!-- a -- b & c ---><u x='1&2'>&amp;&nbsp;&#0;&#x41;&#x110000;&#;\x01"
    "<![CDATA[&&amp;\x02 -- ]] ]]]>&\uFFFE\uFFFD\u00E9\U0001F600 -- ]]> <![CDAT <!- &#x10FFFF;"
    "<!---->&<![CDATA[]]>&lt;&quot;&quo;&#0000000065;<!-- <![CDATA[ --\x0C-->&&&</u>&";

TEST(XmlMenderTest, PiecesGiveWhatTheWholeGives) {
  const std::string whole = Mended(kSample);
  EXPECT_TRUE(web::IsValidUtf8(whole));
  for (size_t first = 0; first <= kSample.size(); ++first) {
    for (size_t second = first; second <= kSample.size(); ++second) {
      XmlMender mender;
      std::string out;
      mender.Write(kSample.substr(0, first), false, out);
      mender.Write(kSample.substr(first, second - first), false, out);
      mender.Write(kSample.substr(second), true, out);
      ASSERT_EQ(out, whole) << "parted at " << first << " and " << second;
    }
  }
  for (size_t piece = 1; piece <= 32; ++piece) {
    XmlMender mender;
    std::string out;
    for (size_t at = 0; at < kSample.size(); at += piece) {
      mender.Write(kSample.substr(at, piece), false, out);
    }
    mender.Write({}, true, out);
    EXPECT_EQ(out, whole) << "pieces of " << piece;
  }
}

TEST(XmlMenderTest, OnlyAFewBytesAreHeldBack) {
  XmlMender mender;
  std::string out;
  mender.Write(std::string(1000, 'x'), false, out);
  EXPECT_GE(out.size(), 980U);
  mender.Write({}, true, out);
  EXPECT_EQ(out, std::string(1000, 'x'));
}

TEST(XmlMenderTest, AnyTextParsesInPiecesAndIsMendedOnce) {
  constexpr unsigned kSeed = 20738;
  std::mt19937 random(kSeed);
  constexpr auto kPieces = std::to_array<std::string_view>(
      {"&",     "&#",   "&#x",    ";",        "0",   "65",   "10FFFF", "amp;",   "nbsp;",
       "<!--",  "-->",  "--",     "-",        ">",   "<",    "!",      "x",      " ",
       "]]>",   "]",    "\uFFFE", "\uFDD0",   "\"",  "\x01", "\u00E9", "&lt;",   "<![CDATA[",
       "&#x0;", "<![C", "DATA[",  "&#11111;", "&am", "p;",   "\f",     "&quot;", "\uFFFF"});
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    const size_t length = random() % 24;
    for (size_t i = 0; i < length; ++i) text += kPieces[random() % kPieces.size()];
    const std::string whole = Mended(text);
    ASSERT_TRUE(web::IsValidUtf8(whole)) << "seed " << kSeed << ": " << text;
    ASSERT_EQ(Mended(whole), whole) << "seed " << kSeed << ": " << text;
    for (size_t at = 0; at <= text.size(); ++at) {
      XmlMender mender;
      std::string out;
      mender.Write(std::string_view(text).substr(0, at), false, out);
      mender.Write(std::string_view(text).substr(at), true, out);
      ASSERT_EQ(out, whole) << "seed " << kSeed << ", parted at " << at << ": " << text;
    }
  }
}

}  // namespace
}  // namespace crawld::parser
