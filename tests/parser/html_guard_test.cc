#include "parser/html_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace crawld::parser {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr uint64_t kPlenty = uint64_t{1} << 40;

// What is written instead of a page whose cost is no matter, and that nothing is missing from it.
std::string Mended(std::string_view html) {
  std::string storage;
  const GuardResult result = GuardHtml(html, kPlenty, storage);
  EXPECT_FALSE(result.changed) << html;
  return std::string(result.html);
}

uint64_t WorkOf(std::string_view html) {
  std::string storage;
  return GuardHtml(html, kPlenty, storage).work;
}

std::string Repeated(std::string_view piece, size_t times) {
  std::string text;
  for (size_t i = 0; i < times; ++i) text += piece;
  return text;
}

std::string Filtered(std::string_view html, uint64_t max_work) {
  std::string storage;
  const GuardResult result = GuardHtml(html, max_work, storage);
  EXPECT_TRUE(result.changed);
  EXPECT_GT(result.work, max_work);
  return std::string(result.html);
}

TEST(HtmlGuardTest, ANormalPageIsReturnedAsItIs) {
  constexpr std::string_view kPage =
      "<!DOCTYPE html><html lang=en><head><meta charset=\"utf-8\"><title>T &amp; t</title>"
      "<script>if (a < b) document.write('<select>');</script><style>p > b {}</style>"
      "<link rel=canonical href='/c?a=1&amp;b=2&copy=3'></head><body class=\"a b\">"
      "<!-- <select> --><h1>H&#233;</h1><ul><li>1<li>2</ul><p>a < b & c <b><i>x</b></i>"
      "<a href=x>y</a><br/><img src=z alt=''><svg viewBox='0 0 1 1'><path d='M0'/></svg>"
      "<table><tr><td>1<td>2</table><input "
      "disabled><textarea>&#x110000;</textarea></body></html>\n";
  std::string storage = "untouched";
  const GuardResult result = GuardHtml(kPage, kPlenty, storage);
  EXPECT_EQ(result.html.data(), kPage.data());
  EXPECT_EQ(result.html.size(), kPage.size());
  EXPECT_FALSE(result.changed);
  EXPECT_GT(result.work, 0U);
  EXPECT_EQ(storage, "untouched");
}

TEST(HtmlGuardTest, NothingAndBrokenTagsAreReturnedAsTheyAre) {
  for (const std::string_view html :
       {"", "<", "</", "<!", "<!--", "<!-->", "<?", "text", "<a", "<a href", "<a href=",
        "<a href='", "</a", "</a x", "< select>", "</ select>", "<!select>", "<p><!-- <select> "}) {
    std::string storage;
    const GuardResult result = GuardHtml(html, kPlenty, storage);
    EXPECT_EQ(result.html.data(), html.data()) << html;
    EXPECT_EQ(result.html, html);
    EXPECT_FALSE(result.changed) << html;
  }
}

TEST(HtmlGuardTest, Html_13_2_6_4_7_SelectIsAContainer) {
  EXPECT_EQ(Mended("<select name=a><option>x</select>"), "<applet name=a><option>x</applet>");
  EXPECT_EQ(Mended("<SELECT></Select\n>"), "<applet></applet\n>");
  EXPECT_EQ(Mended("<selects></selects><option>"), "<selects></selects><option>");
}

TEST(HtmlGuardTest, InATemplateSelectIsASection) {
  EXPECT_EQ(Mended("<template><select></select></template><select></select>"),
            "<template><section></section></template><applet></applet>");
}

TEST(HtmlGuardTest, Html_13_2_4_2_AnEndTagBehindTheEndOfItsScopeIsNothing) {
  EXPECT_EQ(Mended("<select><object></select></object></select>"),
            "<applet><object><!----></object></applet>");
  EXPECT_EQ(Mended("<marquee><applet></marquee></applet></marquee>"),
            "<marquee><applet><!----></applet></marquee>");
  EXPECT_EQ(Mended("<object><div></object></object>"), "<object><div></object></object>");
}

TEST(HtmlGuardTest, IsindexIsAnUnknownElement) {
  EXPECT_EQ(Mended("<isindex prompt='x'></ISINDEX>"), "<x-isindex prompt='x'></x-isindex>");
}

TEST(HtmlGuardTest, Html_13_2_5_32_AnEqualsSignMayBeginAName) {
  EXPECT_EQ(Mended("<a = b=c>"), "<a ==\"\" b=c>");
  EXPECT_EQ(Mended("<a ==b>"), "<a ==b>");
}

TEST(HtmlGuardTest, ElementsThatGumboDoesNotKnowAreWrittenAsOthersThatBehaveLikeThem) {
  EXPECT_EQ(Mended("<search>x</Search>"), "<dir>x</dir>");
  EXPECT_EQ(Mended("<menuitem>x</menuitem>"), "<x-menuitem>x</x-menuitem>");
}

TEST(HtmlGuardTest, TextThatLooksLikeATagIsNotRenamed) {
  for (const std::string_view html :
       {"<script><select></script>", "<!-- <select> -->", "<title><select></title>",
        "<p title='<select>'>", "<textarea><isindex></textarea>", "<style></select></style>"}) {
    EXPECT_EQ(Mended(html), html);
  }
}

TEST(HtmlGuardTest, Html_13_2_6_5_EndTagsOfPAndBrEndForeignContent) {
  EXPECT_EQ(Mended("<svg></p>x"), "<svg><p></p>x");
  EXPECT_EQ(Mended("<svg><g></P x=1>x"), "<svg><g><p></p>x");
  EXPECT_EQ(Mended("<math></br>x"), "<math><br>x");
  EXPECT_EQ(Mended("<svg></br/>x"), "<svg><br>x");
  EXPECT_EQ(Mended("<svg></svg></p>"), "<svg></svg></p>");
  EXPECT_EQ(Mended("<svg></p></p>"), "<svg><p></p></p>");
}

TEST(HtmlGuardTest, Html_13_2_6_4_7_AnEndTagOfBrIsABrAnywhere) {
  EXPECT_EQ(Mended("<p>x</br>y</BR z>"), "<p>x<br>y<br>");
}

TEST(HtmlGuardTest, AnEndTagInForeignContentIsItsNameAlone) {
  EXPECT_EQ(Mended("<svg><g></g ></svg\nx='1'>y"), "<svg><g></g></svg>y");
  EXPECT_EQ(Mended("<math></math/>"), "<math></math>");
  EXPECT_EQ(Mended("<p></p ><svg></svg></b x>"), "<p></p ><svg></svg></b x>");
}

TEST(HtmlGuardTest, Html_13_2_5_7_AnEndTagWithoutANameIsNothing) {
  EXPECT_EQ(Mended("<svg></></svg>a</>b"), "<svg><!----></svg>a<!---->b");
}

TEST(HtmlGuardTest, Html_13_2_5_33_NulInAnAttributesNameIsReplaced) {
  using std::string_literals::operator""s;
  EXPECT_EQ(Mended("<a \0href=x>"s), "<a \uFFFDhref=x>");
  EXPECT_EQ(Mended("<a/\0=x b=1>"s), "<a/\uFFFD=x b=1>");
  EXPECT_EQ(Mended("</a \0>"s), "</a \0>"s);
}

TEST(HtmlGuardTest, AnAttributeWithoutAValueHasAnEmptyOneUnlessItIsTheLast) {
  EXPECT_EQ(Mended("<a b b href=x>"), "<a b=\"\" b=\"\" href=x>");
  EXPECT_EQ(Mended("<a b\n/c='1'd e>"), "<a b=\"\"\n/c='1'd=\"\" e>");
  EXPECT_EQ(Mended("<a b>"), "<a b>");
  EXPECT_EQ(Mended("<a b >"), "<a b >");
  EXPECT_EQ(Mended("<a b = c>"), "<a b = c>");
  EXPECT_EQ(Mended("</a b c>"), "</a b c>");
}

TEST(HtmlGuardTest, Html_13_2_5_80_ReferencesBeyondUnicodeAreReplaced) {
  EXPECT_EQ(Mended("a&#x110000;b&#1114112;c"), "a&#xFFFD;b&#xFFFD;c");
  EXPECT_EQ(Mended("&#99999999999999999999x<p>&#XffFFffFFff"), "&#xFFFD;x<p>&#xFFFD;");
  EXPECT_EQ(Mended("<a href='?&#x110000;&#4294967361;y'>"), "<a href='?&#xFFFD;&#xFFFD;y'>");
  EXPECT_EQ(Mended("<a href=&#x110000>"), "<a href=&#xFFFD;>");
  EXPECT_EQ(Mended("<title>&#x110000;</title>"), "<title>&#xFFFD;</title>");
}

TEST(HtmlGuardTest, OtherReferencesStay) {
  for (const std::string_view html :
       {"&#x10FFFF;&#1114111;&#0;&#xD800;&#128;", "&#;&#x;&#xg;&", "&amp;&nosuch;&amp",
        "<script>&#x110000;</script>", "<a href='&#x10FFFF;&#x000000000000041;&copy=1'>",
        "<!-- &#x110000; -->"}) {
    EXPECT_EQ(Mended(html), html);
  }
}

TEST(HtmlGuardTest, Html_13_2_3_5_ControlsAndNoncharactersInAttributesStayAsReferences) {
  EXPECT_EQ(Mended("<a href='a\x01z\x1F\x7F'>"), "<a href='a&#1;z&#31;&#127;'>");
  EXPECT_EQ(Mended("<a href='\uFFFE\uFFFF\uFDD0\uFDEF'>"),
            "<a href='&#65534;&#65535;&#64976;&#65007;'>");
  EXPECT_EQ(Mended("<a href='\U0001FFFE\U0010FFFF'>"), "<a href='&#131070;&#1114111;'>");
  EXPECT_EQ(Mended("<a href='\u0085\u009F'>"), "<a href='%C2%85%C2%9F'>");
  EXPECT_EQ(Mended("<img srcset='\u0080 1x' title='\u0080'>"),
            "<img srcset='%C2%80 1x' title='\u0080'>");
  for (const std::string_view html :
       {"<a href='\t\n\f\r '>", "<a href='\u00A0\u00E9\uFDCF\uFDF0\uFFFD\U0001F600\U0001FFFD'>",
        "<a>\x01\x7F\u0085\uFFFE</a \x01>"}) {
    EXPECT_EQ(Mended(html), html);
  }
}

// A tag with so many attributes, all of them different.
std::string TagWith(size_t attributes, std::string_view behind) {
  std::string html = "<p";
  for (size_t i = 0; i < attributes; ++i) html += " a" + std::to_string(i) + "=1";
  return html + std::string(behind);
}

TEST(HtmlGuardTest, ATagKeepsAsManyAttributesAsItMayHave) {
  const std::string most = TagWith(kMaxAttributes, ">x");
  std::string storage;
  GuardResult result = GuardHtml(most, kPlenty, storage);
  EXPECT_EQ(result.html.data(), most.data());
  EXPECT_FALSE(result.changed);

  const std::string one_more = TagWith(kMaxAttributes, " b='>'>x");
  result = GuardHtml(one_more, kPlenty, storage);
  EXPECT_EQ(result.html, TagWith(kMaxAttributes, " >x"));
  EXPECT_TRUE(result.changed);

  const std::string many_more = TagWith(kMaxAttributes * 3, "><a b>y");
  result = GuardHtml(many_more, kPlenty, storage);
  EXPECT_EQ(result.html, TagWith(kMaxAttributes, " ><a b>y"));
  EXPECT_TRUE(result.changed);
}

TEST(HtmlGuardTest, AnAttributeKeepsAsManyBytesAsItMayHave) {
  const std::string most(kMaxAttributeBytes, 'x');
  const std::string html = "<a href='" + most + "'>y";
  std::string storage;
  EXPECT_EQ(GuardHtml(html, kPlenty, storage).html.data(), html.data());
  EXPECT_EQ(GuardHtml("<a href='" + most + "z'>y", kPlenty, storage).html, html);
  EXPECT_EQ(GuardHtml("<a href=" + most + "zz b=c>y", kPlenty, storage).html,
            "<a href=" + most + " b=c>y");
}

TEST(HtmlGuardTest, AnAttributeIsNotCutInsideACharacter) {
  const std::string most(kMaxAttributeBytes - 2, 'x');
  std::string storage;
  EXPECT_EQ(GuardHtml("<a href='" + most + "\u00E9\u00E9'>", kPlenty, storage).html,
            "<a href='" + most + "\u00E9'>");
  EXPECT_EQ(GuardHtml("<a href='" + most + "\u20AC'>", kPlenty, storage).html,
            "<a href='" + most + "'>");
  EXPECT_EQ(GuardHtml("<a href='" + most + "y\U0001F600'>", kPlenty, storage).html,
            "<a href='" + most + "y'>");
}

TEST(HtmlGuardTest, WorkGrowsWithTagsDepthAndAttributes) {
  EXPECT_EQ(WorkOf(""), 0U);
  EXPECT_EQ(WorkOf(std::string(10000, 'x')), 0U);
  EXPECT_GT(WorkOf("<p>"), 0U);
  const uint64_t flat = WorkOf(Repeated("<div></div>", 1000));
  EXPECT_EQ(WorkOf(Repeated("<div></div>", 2000)), 2 * flat);
  const uint64_t deep = WorkOf(Repeated("<div>", 1000));
  EXPECT_GT(deep, 100 * flat);
  EXPECT_GT(WorkOf(Repeated("<div>", 2000)), 3 * deep);
  EXPECT_GT(WorkOf(TagWith(400, ">")), 3 * WorkOf(TagWith(200, ">")));
  EXPECT_EQ(WorkOf(TagWith(kMaxAttributes, ">")), WorkOf(TagWith(kMaxAttributes * 2, ">")));
  EXPECT_GT(WorkOf(Repeated("<b>", 100) + std::string(1000, 'x')), WorkOf(Repeated("<b>", 100)));
}

TEST(HtmlGuardTest, WorkIsAllowedUpToItsLimit) {
  const std::string html = Repeated("<div>", 10) + "<b>x</b><a href=y>z</a>";
  const uint64_t work = WorkOf(html);
  std::string storage;
  GuardResult result = GuardHtml(html, work, storage);
  EXPECT_EQ(result.html.data(), html.data());
  EXPECT_EQ(result.work, work);
  EXPECT_FALSE(result.changed);

  result = GuardHtml(html, work - 1, storage);
  EXPECT_TRUE(result.changed);
  EXPECT_GT(result.work, work - 1);
  EXPECT_THAT(std::string(result.html), HasSubstr("<a href=y>z</a>"));
}

TEST(HtmlGuardTest, BeyondItsLimitLinksAndMetadataRemainAndOtherTagsAreBlanks) {
  const std::string html =
      Filtered(Repeated("<div>", 100) +
                   "<b>b1</b><a href=x>link</a><p class=q>p1<table><td>c</table>"
                   "<meta name=robots content=noindex><base href=/b/><link rel=next href=n>"
                   "<map><area href=m></map><title>T</title><iframe src=f></iframe>"
                   "<script>s</script><svg><g/></svg><h1>h</h1>end",
               1000);
  for (const std::string_view kept :
       {"<a href=x>link</a>", "<meta name=robots content=noindex>", "<base href=/b/>",
        "<link rel=next href=n>", "<area href=m>", "<title>T</title>", "<iframe src=f></iframe>",
        "<script>s</script>", " b1 ", " p1 ", "end"}) {
    EXPECT_THAT(html, HasSubstr(std::string(kept)));
  }
  for (const std::string_view gone :
       {"<b>", "<p", "<table", "<td", "<map", "<svg", "<g/>", "<h1", "</h1>"}) {
    EXPECT_THAT(html, Not(HasSubstr(std::string(gone))));
  }
}

TEST(HtmlGuardTest, BeyondItsLimitWhatIsOpenIsClosed) {
  EXPECT_EQ(Filtered("<section><div><em><p>x<a href=y>z</a>", 5),
            "<section><div><em></em></div></section> x<a href=y>z</a>");
  EXPECT_EQ(Filtered("<select><div><div>x", 5), "<applet><div><div></div></div></applet>x");
}

TEST(HtmlGuardTest, BeyondItsLimitNothingIsMended) {
  EXPECT_EQ(Filtered("<b><b><b><a c d href=&#x110000;><select>", 3),
            "<b><b></b></b> <a c d href=&#x110000;> ");
}

TEST(HtmlGuardTest, BeyondItsLimitATemplateGoesWithItsContent) {
  const std::string html =
      Filtered(Repeated("<div>", 100) + "<template><a href=t>u</a></template><a href=x>y</a>", 100);
  EXPECT_THAT(html, Not(HasSubstr("template")));
  EXPECT_THAT(html, Not(HasSubstr("<a href=t>")));
  EXPECT_THAT(html, HasSubstr("<a href=x>y</a>"));
}

TEST(HtmlGuardTest, StorageIsUsedAgain) {
  std::string storage = "of the page before";
  EXPECT_EQ(GuardHtml("<select>", kPlenty, storage).html, "<applet>");
  const GuardResult result = GuardHtml("<isindex>", kPlenty, storage);
  EXPECT_EQ(result.html, "<x-isindex>");
  EXPECT_EQ(result.html.data(), storage.data());
}

}  // namespace
}  // namespace crawld::parser
