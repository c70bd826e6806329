#include "parser/html_scanner.h"

#include <gtest/gtest.h>

#include <string>

namespace crawld::parser {
namespace {

const web::Url kPage = *web::Url::Parse("http://h.example/");

// What the scanner finds, a line each; "doubt" if it gives up.
std::string Found(std::string_view html) {
  PageCollector collector;
  std::string references;
  const ParseOptions options;
  collector.Begin(options, "utf-8");
  if (!ScanHtml(html, references, collector)) return "doubt";
  ParsedPage page;
  collector.Finish(kPage, page);
  std::string found;
  if (!page.language.empty()) found += "lang " + page.language + "\n";
  if (!page.title.empty()) found += "title " + page.title + "\n";
  if (!page.robots.raw.empty()) found += "robots " + page.robots.raw + "\n";
  for (const Heading& heading : page.headings) {
    found += "h" + std::to_string(heading.level) + " " + heading.text + "\n";
  }
  for (const Link& link : page.links) {
    found += std::string(Name(link.kind)) + " " + std::string(link.url.href()) + "\n";
  }
  return found;
}

TEST(HtmlScannerTest, FindsLinksMetadataAndHeadings) {
  EXPECT_EQ(Found("<!DOCTYPE html><html class=x lang=en><head><title>A &amp; <b></title>"
                  "<META name=robots content='none' foo><link rel=next href=n><base href=/b/>"
                  "<script>'<a href=no>'</script></head><body class=c><!-- <a href=no> -->"
                  "<div id=d>text <A CLASS=k HREF='x' title=t>link</A><img src=no><br></div>"
                  "<h2 id=h>One <em>two</em> <a href=y>three</a></h2>"
                  "<iframe src=f width=1><a href=no></iframe><map><area href=m shape=s></map>"
                  "<textarea><a href=no></textarea></body></html>"),
            "lang en\ntitle A & <b>\nrobots none\nh2 One two three\n"
            "next http://h.example/b/n\na http://h.example/b/x\na http://h.example/b/y\n"
            "iframe http://h.example/b/f\narea http://h.example/b/m\n");
}

TEST(HtmlScannerTest, ValuesHaveTheirReferencesReplaced) {
  EXPECT_EQ(Found("<a href='?a=1&amp;b=2&copy=3&sect;&#x26;&#38c'>x</a><html lang='d&eacute;'>"),
            "lang d\xC3\xA9\na http://h.example/?a=1&b=2&copy=3%C2%A7&&c\n");
}

TEST(HtmlScannerTest, OfAttributesWithOneNameTheFirstCounts) {
  EXPECT_EQ(Found("<a href=1 HREF=2>x</a><html lang=a lang=b><html lang=c>"),
            "lang a\na http://h.example/1\n");
}

TEST(HtmlScannerTest, TextThatIsApartStaysApart) {
  EXPECT_EQ(Found("<h1 class=title>&am<i>p;</i> 1 < 2 &lt 3</h1>"), "h1 &amp; 1 < 2 < 3\n");
}

TEST(HtmlScannerTest, AHeadingMayHoldWhatEndsInIt) {
  EXPECT_EQ(Found("<h1><div><label>a</label> <x-icon>b</x-icon></div><button>c</button><svg><path/>"
                  "</svg> d<a href=x></a></h1><h2><div>e</h2>"),
            "h1 a bc d\nh2 e\na http://h.example/x\n");
  EXPECT_EQ(Found("<h5>a</h3>b<h1>c</h1>"), "h5 a\nh1 c\n");
}

TEST(HtmlScannerTest, TablesAndSvgAreFollowed) {
  EXPECT_EQ(Found("<table><tr><td><a href=1>x</a><table><tr><th><a href=2></table><a href=3>"
                  "<caption><h3>c</h3></caption></table><svg viewBox='0 0 1 1'><a href=no><title>t"
                  "</title><path d=m /></a></svg><a href=4>"),
            "h3 c\na http://h.example/1\na http://h.example/2\na http://h.example/3\n"
            "a http://h.example/4\n");
}

// Whatever a tree builder might see otherwise is left to it.
class InDoubtTest : public testing::TestWithParam<const char*> {};

TEST_P(InDoubtTest, ThePageWantsATree) { EXPECT_EQ(Found(GetParam()), "doubt"); }

INSTANTIATE_TEST_SUITE_P(
    Pages, InDoubtTest,
    testing::Values("<table><a href=x>out</a><tr><td></table>", "<table><table>",
                    "<svg><div><a href=x>", "<svg><desc><a href=x></desc></svg>",
                    "<svg><title><a></title></svg>", "<svg><g></svg>", "<math><a href=x>",
                    "<math><mtext><a href=x>", "<math><annotation-xml><svg>",
                    "<template><col><textarea><a href=x>", "<template><svg></template>x</svg>",
                    "<template><a href=x><object></template>text",
                    "<frameset><frame src=x></frameset>", "<base href=x><i><base href=y>",
                    "<h1><div>x</h1></div><h2><p>x</h2>", "<div><h1></div></h1>",
                    "<h1><table></table></h1>", "<button><h1><button>x</button></h1>",
                    "<h1><style>x</style></h1>", "<h1>x<h2>y</h2></h1>", "<isindex>",
                    "<a href='&NotEqualTilde;'>", "<title>&rarr;&rarrw;</title>"));

// What is open at the end of a page.
TEST(HtmlScannerTest, TheEndOfThePageEndsEverything) {
  for (const char* const open :
       {"<!-- <a href=no>", "<!--><a href=x><!--- <a href=no>", "<a href=no", "<a href='no",
        "<script><a href=no>", "<plaintext><a href=no>", "<!doctype <a href=no", "<? <a href=no",
        "</ <a href=no", "<svg><![CDATA[ <a href=no>", "<textarea></texta <a href=no>", "<",
        "</"}) {
    EXPECT_EQ(Found("<a href=x>" + std::string(open)), "a http://h.example/x\n") << open;
  }
  EXPECT_EQ(Found("<h1>a &amp; <i>b <"), "h1 a & b <\n");
  EXPECT_EQ(Found("<h1>a </"), "h1 a </\n");
  EXPECT_EQ(Found("<title>a <b"), "title a <b\n");
}

TEST(HtmlScannerTest, ScriptsInCommentsInScriptsHideAnEndTag) {
  EXPECT_EQ(Found("<script><!--<script></script><a href=no>--></script><a href=x>"),
            "a http://h.example/x\n");
  EXPECT_EQ(Found("<script><!--></script><a href=x>"), "a http://h.example/x\n");
  EXPECT_EQ(Found("<script><!--<script ></script></script><a href=x>"), "a http://h.example/x\n");
  EXPECT_EQ(Found("<script><!--<scripts></script><a href=x>"), "a http://h.example/x\n");
}

TEST(HtmlScannerTest, TemplatesCountForNothing) {
  EXPECT_EQ(Found("<table><template lang=a><base href=/no/><b></b><template><h1>x</template>"
                  "</table><script></template></script><a href=no></template><tr><td><a href=x>"),
            "a http://h.example/x\n");
}

TEST(HtmlScannerTest, MathIsFollowed) {
  EXPECT_EQ(Found("<math><semantics><mrow><mi>x</mi><mo>&lt;</mo></mrow><annotation>x<1"
                  "</annotation></semantics></math><a href=x>"),
            "a http://h.example/x\n");
}

TEST(HtmlScannerTest, ANulIsLeftToTheTree) {
  using std::string_view_literals::operator""sv;
  EXPECT_EQ(Found("<a href='a\0b'>"sv), "doubt");
  EXPECT_EQ(Found("<h1>a\0b</h1>"sv), "doubt");
}

}  // namespace
}  // namespace crawld::parser
