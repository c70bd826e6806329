#include "parser/raw_text.h"

#include <gtest/gtest.h>

#include <string>

namespace crawld::parser {
namespace {

constexpr size_t kNone = std::string_view::npos;

// How much of `html` is content; "none" when it has no end.
std::string Content(std::string_view html, std::string_view name) {
  const size_t end = FindRawTextEnd(html, 0, name);
  return end == kNone ? "none" : std::string(html.substr(0, end));
}

std::string Script(std::string_view html) { return Content(html, "script"); }

TEST(RawTextTest, TheEndTagOfTheElementEndsIt) {
  EXPECT_EQ(Content("a<b>c</b></title>d", "title"), "a<b>c</b>");
  EXPECT_EQ(Content("</style>", "style"), "");
  EXPECT_EQ(Content("a</textarea></textarea>", "textarea"), "a");
  EXPECT_EQ(Script("f('<b>');</script>g"), "f('<b>');");
}

TEST(RawTextTest, TheEndTagOfAnotherDoesNot) {
  EXPECT_EQ(Content("</style></titles></titl></title>", "title"), "</style></titles></titl>");
  EXPECT_EQ(Script("</style></scripts></title></script>"), "</style></scripts></title>");
  EXPECT_EQ(Content("</script></xmp>", "xmp"), "</script>");
}

TEST(RawTextTest, CaseDoesNotMatter) {
  EXPECT_EQ(Content("a</TiTle>", "title"), "a");
  EXPECT_EQ(Content("a</title>", "TITLE"), "a");
  EXPECT_EQ(Script("a</SCRIPT>"), "a");
  EXPECT_EQ(Content("<!--<SCRIPT></sCript>a</script>", "Script"), "<!--<SCRIPT></sCript>a");
}

TEST(RawTextTest, Html_13_2_5_14_ABlankASlashOrTheEndFollowsTheName) {
  for (const std::string_view name : {"title", "script"}) {
    for (const std::string_view after : {">", " ", "\t", "\n", "\f", "\r", "/", " x='>'>", "/>"}) {
      const std::string html = "a</" + std::string(name) + std::string(after);
      EXPECT_EQ(FindRawTextEnd(html, 0, name), 1U) << html;
    }
    for (const std::string_view after : {"", "x>", "-->", "=>", "<>", "\v>", "\">", "\u00A0>"}) {
      const std::string html = "a</" + std::string(name) + std::string(after);
      EXPECT_EQ(FindRawTextEnd(html, 0, name), kNone) << html;
    }
    const std::string with_nul = "a</" + std::string(name) + std::string("\0>", 2);
    EXPECT_EQ(FindRawTextEnd(with_nul, 0, name), kNone);
  }
}

TEST(RawTextTest, TheNameFollowsTheSlashAtOnce) {
  EXPECT_EQ(Content("</ title></\ntitle>< /title></ /title></title>", "title"),
            "</ title></\ntitle>< /title></ /title>");
  EXPECT_EQ(Content("<</title>", "title"), "<");
  EXPECT_EQ(Content("</</title>", "title"), "</");
  EXPECT_EQ(Script("<</</script>"), "<</");
  EXPECT_EQ(Script("</ script></script>"), "</ script>");
}

TEST(RawTextTest, WithoutAnEndTagItGoesToTheEndOfThePage) {
  for (const std::string_view html : {"", "<", "</", "a<b", "</titl", "</title", "<title>"}) {
    EXPECT_EQ(Content(html, "title"), "none") << html;
  }
  for (const std::string_view html :
       {"", "<", "</", "<!", "<!--", "<!-- -", "<!-- --", "<!-- -->", "<!-- <script",
        "<!-- <script>", "<!-- <script> </script", "<!-- <script> </script>", "</script"}) {
    EXPECT_EQ(Script(html), "none") << html;
  }
}

TEST(RawTextTest, ItBeginsWhereItIsSaidTo) {
  constexpr std::string_view kHtml = "<title></title><title>x</title>";
  EXPECT_EQ(FindRawTextEnd(kHtml, 7, "title"), 7U);
  EXPECT_EQ(FindRawTextEnd(kHtml, 8, "title"), 23U);
  EXPECT_EQ(FindRawTextEnd(kHtml, 24, "title"), kNone);
  EXPECT_EQ(FindRawTextEnd(kHtml, kHtml.size(), "title"), kNone);
  constexpr std::string_view kEscaped = "<!--<script></script></script>";
  EXPECT_EQ(FindRawTextEnd(kEscaped, 0, "script"), 21U);
  EXPECT_EQ(FindRawTextEnd(kEscaped, 4, "script"), 12U);
  EXPECT_EQ(FindRawTextEnd(kEscaped, kEscaped.size(), "script"), kNone);
}

TEST(RawTextTest, OnlyAScriptHasComments) {
  for (const std::string_view name : {"title", "textarea", "style", "xmp", "iframe", "noframes"}) {
    const std::string end = "</" + std::string(name) + ">";
    const std::string html = "<!--<" + std::string(name) + ">" + end + "-->" + end;
    EXPECT_EQ(Content(html, name), "<!--<" + std::string(name) + ">");
    EXPECT_EQ(Content("<!--<script>" + end, name), "<!--<script>");
  }
}

TEST(RawTextTest, Html_13_2_5_20_AnEscapedScriptEndsAtItsEndTag) {
  EXPECT_EQ(Script("<!-- a </script>"), "<!-- a ");
  EXPECT_EQ(Script("<!-- <b></b></scripts></script> -->"), "<!-- <b></b></scripts>");
  EXPECT_EQ(Script("<!-- a --></script>"), "<!-- a -->");
  EXPECT_EQ(Script("<!-- <!-- </script>"), "<!-- <!-- ");
}

TEST(RawTextTest, Html_13_2_5_27_AScriptInACommentHidesItsEndTag) {
  EXPECT_EQ(Script("<!--<script></script>a</script>b"), "<!--<script></script>a");
  EXPECT_EQ(Script("<!-- <script x>1</script> <script/>2</script\n> </script>"),
            "<!-- <script x>1</script> <script/>2</script\n> ");
  EXPECT_EQ(Script("<!--<script></script></script></script>"), "<!--<script></script>");
}

TEST(RawTextTest, Html_13_2_5_31_OnlyAnEndTagOfAScriptEndsDoubleEscaping) {
  EXPECT_EQ(Script("<!--<script></scripts></ script></style></script>a</script>"),
            "<!--<script></scripts></ script></style></script>a");
  EXPECT_EQ(Script("<!--<script><script></script>a</script>"), "<!--<script><script></script>a");
}

TEST(RawTextTest, OnlyAWholeTagNameDoubleEscapes) {
  EXPECT_EQ(Script("<!--<scripts></script>"), "<!--<scripts>");
  EXPECT_EQ(Script("<!--<scrip></script>"), "<!--<scrip>");
  EXPECT_EQ(Script("<!--< script></script>"), "<!--< script>");
  EXPECT_EQ(Script("<!--<script-></script>"), "<!--<script->");
  EXPECT_EQ(Script("<!--<<script></script></script>"), "<!--<<script></script>");
}

TEST(RawTextTest, WithoutACommentAScriptTagIsText) {
  EXPECT_EQ(Script("<script></script>a</script>"), "<script>");
  EXPECT_EQ(Script("<!-<script></script>"), "<!-<script>");
  EXPECT_EQ(Script("<! --<script></script>"), "<! --<script>");
}

TEST(RawTextTest, TheEndOfACommentEndsEscapingOfBothKinds) {
  EXPECT_EQ(Script("<!-- --><script></script>"), "<!-- --><script>");
  EXPECT_EQ(Script("<!-- <script> --></script>"), "<!-- <script> -->");
  EXPECT_EQ(Script("<!-- <script> ---></script>"), "<!-- <script> --->");
  EXPECT_EQ(Script("<!-- <script> -- > --!> </script>a</script>"),
            "<!-- <script> -- > --!> </script>a");
  EXPECT_EQ(Script("<!-- <script> --><!-- <script></script>a</script>"),
            "<!-- <script> --><!-- <script></script>a");
}

TEST(RawTextTest, Html_13_2_5_19_TheDashesThatOpenACommentMayCloseIt) {
  EXPECT_EQ(Script("<!--><script></script>"), "<!--><script>");
  EXPECT_EQ(Script("<!---><script></script>"), "<!---><script>");
  EXPECT_EQ(Script("<!----><script></script>"), "<!----><script>");
  EXPECT_EQ(Script("<!-- ><script></script>a</script>"), "<!-- ><script></script>a");
  EXPECT_EQ(Script("<!-><script></script>"), "<!-><script>");
}

TEST(RawTextTest, DashesOutsideACommentAreText) {
  EXPECT_EQ(Script("a--; b--> <script></script>"), "a--; b--> <script>");
  EXPECT_EQ(Script("--></script>"), "-->");
}

}  // namespace
}  // namespace crawld::parser
