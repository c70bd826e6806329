#include "parser/microsyntaxes.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace crawld::parser {
namespace {

using Strings = std::vector<std::string>;

Strings UrlsOf(std::string_view srcset) {
  Strings urls;
  EachInSrcset(srcset, [&](std::string_view url) { urls.emplace_back(url); });
  return urls;
}

TEST(SrcsetTest, Html_4_8_4_2_2_CandidatesWithAndWithoutDescriptors) {
  EXPECT_EQ(UrlsOf("a.png"), (Strings{"a.png"}));
  EXPECT_EQ(UrlsOf("a.png 1x, b.png 2x"), (Strings{"a.png", "b.png"}));
  EXPECT_EQ(UrlsOf("a.png, b.png 1.5x, c.png 640w, d.png 640w 480h"),
            (Strings{"a.png", "b.png", "c.png", "d.png"}));
  EXPECT_EQ(UrlsOf("a 1x,b 2x"), (Strings{"a", "b"}));
  EXPECT_EQ(UrlsOf("a 1x ,b 2x"), (Strings{"a", "b"}));
}

TEST(SrcsetTest, NothingGivesNothing) {
  EXPECT_EQ(UrlsOf(""), Strings());
  EXPECT_EQ(UrlsOf(" \t\n\f\r"), Strings());
  EXPECT_EQ(UrlsOf(" , ,,"), Strings());
}

TEST(SrcsetTest, BlanksAndCommasAroundACandidateDoNotCount) {
  EXPECT_EQ(UrlsOf(" ,\n, a \t 2x \n,\f, b "), (Strings{"a", "b"}));
  EXPECT_EQ(UrlsOf(",a"), (Strings{"a"}));
  EXPECT_EQ(UrlsOf("a\r\n1x,\r\nb\r\n"), (Strings{"a", "b"}));
}

TEST(SrcsetTest, ACommaInsideAUrlIsItsOwn) {
  EXPECT_EQ(UrlsOf("/w_100,h_50/a.png 1x, /w_200,h_99/a.png 2x"),
            (Strings{"/w_100,h_50/a.png", "/w_200,h_99/a.png"}));
  EXPECT_EQ(UrlsOf("data:image/gif;base64,R0lGOD 1x"), (Strings{"data:image/gif;base64,R0lGOD"}));
  EXPECT_EQ(UrlsOf("a,b"), (Strings{"a,b"}));
}

TEST(SrcsetTest, CommasBehindAUrlEndTheCandidate) {
  EXPECT_EQ(UrlsOf("a, b"), (Strings{"a", "b"}));
  EXPECT_EQ(UrlsOf("a,"), (Strings{"a"}));
  EXPECT_EQ(UrlsOf("a,,, b,c, 2x"), (Strings{"a", "b,c", "2x"}));
}

TEST(SrcsetTest, ACommaInParenthesesIsOfTheDescriptor) {
  EXPECT_EQ(UrlsOf("a (1x, b 2x), c"), (Strings{"a", "c"}));
  EXPECT_EQ(UrlsOf("a f((x), b 1x"), (Strings{"a", "b"}));
  EXPECT_EQ(UrlsOf("a ), b"), (Strings{"a", "b"}));
  EXPECT_EQ(UrlsOf("a (1x, b 2x, c"), (Strings{"a"}));
  EXPECT_EQ(UrlsOf("a(1, b) 2x"), (Strings{"a(1", "b)"}));
}

TEST(RefreshUrlTest, Html_4_2_5_3_ATimeAndAUrl) {
  EXPECT_EQ(RefreshUrl("5; url=/x"), "/x");
  EXPECT_EQ(RefreshUrl("0;url=http://h/?a=1;b=2,c"), "http://h/?a=1;b=2,c");
  EXPECT_EQ(RefreshUrl(" \t\n5; url=x"), "x");
  EXPECT_EQ(RefreshUrl("00000000000000000000005;x"), "x");
}

TEST(RefreshUrlTest, ATimeMayHaveAFractionThatDoesNotCount) {
  EXPECT_EQ(RefreshUrl("1.5; url=x"), "x");
  EXPECT_EQ(RefreshUrl("1.; url=x"), "x");
  EXPECT_EQ(RefreshUrl(".5; url=x"), "x");
  EXPECT_EQ(RefreshUrl(".; url=x"), "x");
  EXPECT_EQ(RefreshUrl("1.2.3..; url=x"), "x");
}

TEST(RefreshUrlTest, WithoutATimeThereIsNoUrl) {
  EXPECT_EQ(RefreshUrl(""), "");
  EXPECT_EQ(RefreshUrl("  "), "");
  EXPECT_EQ(RefreshUrl("url=x"), "");
  EXPECT_EQ(RefreshUrl("; url=x"), "");
  EXPECT_EQ(RefreshUrl("-1; url=x"), "");
  EXPECT_EQ(RefreshUrl("+1; url=x"), "");
  EXPECT_EQ(RefreshUrl("x; url=x"), "");
}

TEST(RefreshUrlTest, WithATimeAloneThereIsNone) {
  EXPECT_EQ(RefreshUrl("5"), "");
  EXPECT_EQ(RefreshUrl("."), "");
  EXPECT_EQ(RefreshUrl("5;"), "");
  EXPECT_EQ(RefreshUrl("5 "), "");
  EXPECT_EQ(RefreshUrl("5 , "), "");
  EXPECT_EQ(RefreshUrl("5; url="), "");
  EXPECT_EQ(RefreshUrl("5; url=''"), "");
  EXPECT_EQ(RefreshUrl("5; url='"), "");
}

TEST(RefreshUrlTest, ASemicolonACommaOrBlanksSeparateThem) {
  EXPECT_EQ(RefreshUrl("5;x"), "x");
  EXPECT_EQ(RefreshUrl("5,x"), "x");
  EXPECT_EQ(RefreshUrl("5 x"), "x");
  EXPECT_EQ(RefreshUrl("5\n;\tx"), "x");
  EXPECT_EQ(RefreshUrl("5 \f, \rx"), "x");
  EXPECT_EQ(RefreshUrl("5x"), "");
  EXPECT_EQ(RefreshUrl("5:x"), "");
  EXPECT_EQ(RefreshUrl("5s; url=x"), "");
}

TEST(RefreshUrlTest, OnlyOneSeparatorIsEaten) {
  EXPECT_EQ(RefreshUrl("5;;x"), ";x");
  EXPECT_EQ(RefreshUrl("5;,x"), ",x");
  EXPECT_EQ(RefreshUrl("5; ;url=x"), ";url=x");
}

TEST(RefreshUrlTest, UrlEqualsMayBeMissingAndIsOfAnyCase) {
  EXPECT_EQ(RefreshUrl("5; URL=x"), "x");
  EXPECT_EQ(RefreshUrl("5; uRl \n = \t x"), "x");
  EXPECT_EQ(RefreshUrl("5 url=x"), "x");
  EXPECT_EQ(RefreshUrl("5; url=url=x"), "url=x");
}

TEST(RefreshUrlTest, AUrlThatOnlyBeginsLikeUrlEqualsIsWhole) {
  EXPECT_EQ(RefreshUrl("5; u"), "u");
  EXPECT_EQ(RefreshUrl("5; us/x"), "us/x");
  EXPECT_EQ(RefreshUrl("5; ur"), "ur");
  EXPECT_EQ(RefreshUrl("5; url"), "url");
  EXPECT_EQ(RefreshUrl("5; urls=x"), "urls=x");
  EXPECT_EQ(RefreshUrl("5; url x"), "url x");
  EXPECT_EQ(RefreshUrl("5; url 'x'"), "url 'x'");
}

TEST(RefreshUrlTest, AQuotedUrlEndsAtItsQuote) {
  EXPECT_EQ(RefreshUrl("5; url='x'"), "x");
  EXPECT_EQ(RefreshUrl("5; url=\"x\""), "x");
  EXPECT_EQ(RefreshUrl("5; 'x' y"), "x");
  EXPECT_EQ(RefreshUrl("5; url='x\"y' z"), "x\"y");
  EXPECT_EQ(RefreshUrl("5; url=\"x'y"), "x'y");
  EXPECT_EQ(RefreshUrl("5; url=x'y'"), "x'y'");
  EXPECT_EQ(RefreshUrl("5; 'url=x'"), "url=x");
}

TEST(RelTest, TheFirstWordThatMakesALinkOneCounts) {
  EXPECT_EQ(KindOfRel("canonical"), LinkKind::kCanonical);
  EXPECT_EQ(KindOfRel("alternate"), LinkKind::kAlternate);
  EXPECT_EQ(KindOfRel("next"), LinkKind::kNext);
  EXPECT_EQ(KindOfRel("prev"), LinkKind::kPrev);
  EXPECT_EQ(KindOfRel("amphtml"), LinkKind::kAmphtml);
  EXPECT_EQ(KindOfRel("shortlink"), LinkKind::kShortlink);
  EXPECT_EQ(KindOfRel("nofollow  next\tcanonical"), LinkKind::kNext);
}

TEST(RelTest, WordsAreSeparatedByBlanksAndOfAnyCase) {
  EXPECT_EQ(KindOfRel("\n CANONICAL\f"), LinkKind::kCanonical);
  EXPECT_EQ(KindOfRel("x\rNext"), LinkKind::kNext);
  EXPECT_EQ(KindOfRel("canonical,next"), std::nullopt);
  EXPECT_EQ(KindOfRel("canonicals"), std::nullopt);
  EXPECT_EQ(KindOfRel("canonica"), std::nullopt);
  EXPECT_EQ(KindOfRel("nex\u0163"), std::nullopt);
}

TEST(RelTest, OtherRelsAreNoKind) {
  EXPECT_EQ(KindOfRel(""), std::nullopt);
  EXPECT_EQ(KindOfRel("  "), std::nullopt);
  EXPECT_EQ(KindOfRel("stylesheet"), std::nullopt);
  EXPECT_EQ(KindOfRel("nofollow noopener"), std::nullopt);
}

TEST(RelTest, AnAlternateStylesheetIsNoOtherFormOfThePage) {
  EXPECT_EQ(KindOfRel("alternate stylesheet"), std::nullopt);
  EXPECT_EQ(KindOfRel("StyleSheet Alternate"), std::nullopt);
  EXPECT_EQ(ResourceOfRel("alternate stylesheet"), LinkKind::kStyle);
}

TEST(RelTest, ResourcesAreWhatAPageIsMadeOf) {
  EXPECT_EQ(ResourceOfRel("stylesheet"), LinkKind::kStyle);
  EXPECT_EQ(ResourceOfRel("StyleSheet"), LinkKind::kStyle);
  EXPECT_EQ(ResourceOfRel("icon"), LinkKind::kImage);
  EXPECT_EQ(ResourceOfRel("shortcut icon"), LinkKind::kImage);
  EXPECT_EQ(ResourceOfRel("apple-touch-icon"), LinkKind::kImage);
  EXPECT_EQ(ResourceOfRel("modulepreload"), LinkKind::kScript);
  EXPECT_EQ(ResourceOfRel("icon stylesheet"), LinkKind::kImage);
  EXPECT_EQ(ResourceOfRel("preconnect"), std::nullopt);
  EXPECT_EQ(ResourceOfRel("next"), std::nullopt);
  EXPECT_EQ(ResourceOfRel(""), std::nullopt);
}

TEST(RelTest, BitsAreTheSumOfAllWords) {
  EXPECT_EQ(RelBits(""), 0);
  EXPECT_EQ(RelBits("noopener noreferrer"), 0);
  EXPECT_EQ(RelBits("nofollow"), kRelNofollow);
  EXPECT_EQ(RelBits("NoFollow"), kRelNofollow);
  EXPECT_EQ(RelBits("ugc"), kRelUgc);
  EXPECT_EQ(RelBits("sponsored"), kRelSponsored);
  EXPECT_EQ(RelBits("noopener ugc nofollow ugc"), kRelUgc | kRelNofollow);
  EXPECT_EQ(RelBits("\tsponsored\nnofollow\fugc\r"), kRelAll);
  EXPECT_EQ(RelBits("nofollow,ugc"), 0);
  EXPECT_EQ(RelBits("nofollows"), 0);
}

}  // namespace
}  // namespace crawld::parser
