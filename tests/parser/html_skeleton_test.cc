#include "parser/html_skeleton.h"

#include <gtest/gtest.h>

#include <string>

namespace crawld::parser {
namespace {

std::string Of(std::string_view html) {
  SkeletonStorage storage;
  return std::string(SkeletonOf(html, storage));
}

TEST(HtmlSkeletonTest, KeepsLinksMetadataAndHeadingsAndNothingElse) {
  EXPECT_EQ(Of("<!DOCTYPE html><html class=x lang=en><head><title>A &amp; <b></title>"
               "<META name=robots content='none' foo><link rel=next href=n><base href=/b>"
               "<script>'<a href=no>'</script></head><body class=c><!-- <a href=no> -->"
               "<div id=d>text <A CLASS=k HREF='x' title=t>link</A><img src=no><br></div>"
               "<h2 id=h>One <em>two</em><a href=y>three</a></h2>"
               "<iframe src=f width=1><a href=no></iframe><map><area href=m shape=s></map>"
               "<textarea><a href=no></textarea></body></html>"),
            "<html lang=en><title>A &amp; <b></title><META name=robots content='none'>"
            "<link rel=next href=n><base href=/b><a HREF='x'></a>"
            "<h2>One two<a href=y></a>three</h2><iframe src=f></iframe><area href=m>");
}

TEST(HtmlSkeletonTest, TheSameLinkStaysOnce) {
  EXPECT_EQ(
      Of("<a href=x>1</a><a href=x#b>2</a><a href=x rel=nofollow>3</a><a href=x>4</a><a>5</a>"),
      "<a href=x></a><a href=x rel=nofollow></a>");
}

TEST(HtmlSkeletonTest, IsNeverLongerThanThePage) {
  std::string html = "<h1>";
  for (int i = 0; i < 1000; ++i) html += "&<";
  html += "</h1>";
  EXPECT_EQ(Of(html), html);
}

TEST(HtmlSkeletonTest, AReferenceThatIsTooLongHidesNoOther) {
  const std::string page = "<a href=x#" + std::string(70'000, 'f') + ">1</a><a href=x#b>2</a>";
  EXPECT_NE(Of(page).find("href=x#b"), std::string::npos);
}

TEST(HtmlSkeletonTest, TextThatIsApartStaysApart) {
  EXPECT_EQ(Of("<h1 class=title>&am<i>p;</i> 1 < 2</h1>"), "<h1>&am<!---->p; 1 &lt; 2</h1>");
}

TEST(HtmlSkeletonTest, TablesAndSvgAreFollowed) {
  EXPECT_EQ(Of("<table><tr><td><a href=1>x</a><table><tr><th><a href=2></table><a href=3>"
               "<caption><h3>c</h3></caption></table><svg viewBox='0 0 1 1'><a href=no><title>t"
               "</title><path d=m /></a></svg><a href=4>"),
            "<a href=1></a><a href=2></a><a href=3></a><h3>c</h3><a href=4></a>");
}

// Whatever a tree builder might see otherwise is left to it.
class InDoubtTest : public testing::TestWithParam<const char*> {};

TEST_P(InDoubtTest, ThePageStaysAsItIs) {
  const std::string html = std::string(GetParam());
  EXPECT_EQ(Of(html), html);
}

INSTANTIATE_TEST_SUITE_P(
    Pages, InDoubtTest,
    testing::Values("<table><a href=x>out</a><tr><td></table>", "<table><table>",
                    "<svg><div><a href=x>", "<svg><desc><a href=x></desc></svg>",
                    "<svg><title><a></title></svg>", "<svg><![CDATA[ <a href=x> ]]></svg>",
                    "<svg><g></svg>", "<math><a href=x>", "<template><a href=x></template>",
                    "<frameset><frame src=x></frameset>", "<h1><div>x</div></h1>", "<h1>x",
                    "<h1>x</h2>", "<h1>x<h2>y</h2></h1>", "<plaintext><a href=x>",
                    "<!-- <a href=x>", "<!--><a href=x>", "<a href=x", "<a href='x",
                    "<script><a href=x>", "<script><!--<script></script>--></script>", "x<", "</",
                    "<isindex>"));

}  // namespace
}  // namespace crawld::parser
