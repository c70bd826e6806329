#include "web/robots.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace crawld::web {
namespace {

using std::chrono::milliseconds;

bool Allows(std::string_view body, std::string_view path, std::string_view agent = "FooBot") {
  return RobotsRules::Parse(body, agent).Allows(path);
}

TEST(RobotsTest, Rfc9309_2_2_1_OwnGroupBeatsTheStarGroup) {
  constexpr std::string_view kBody =
      "user-agent: *\ndisallow: /\n\nUSER-agent: FOObot/2.1 (x)\nAllow: /x/\nDisallow: /y/\n";
  EXPECT_TRUE(Allows(kBody, "/x/1"));
  EXPECT_FALSE(Allows(kBody, "/y/1"));
  EXPECT_TRUE(Allows(kBody, "/z"));
  EXPECT_FALSE(Allows(kBody, "/z", "BarBot"));
}

TEST(RobotsTest, Rfc9309_2_2_1_GroupsOfOneTokenAreMerged) {
  constexpr std::string_view kBody =
      "User-agent: foobot\nDisallow: /a\n\nUser-agent: bar\nDisallow: /b\n\n"
      "User-agent: FooBot\nDisallow: /c\nUser-agent: *\nDisallow: /d\n";
  EXPECT_FALSE(Allows(kBody, "/a"));
  EXPECT_TRUE(Allows(kBody, "/b"));
  EXPECT_FALSE(Allows(kBody, "/c"));
  EXPECT_TRUE(Allows(kBody, "/d"));
}

TEST(RobotsTest, Rfc9309_2_2_1_TheWholeTokenCounts) {
  constexpr std::string_view kBody = "User-agent: foo\nDisallow: /\n";
  EXPECT_FALSE(Allows(kBody, "/", "foo"));
  EXPECT_FALSE(Allows(kBody, "/", "Foo/1.0 (+http://x)"));
  EXPECT_TRUE(Allows(kBody, "/", "foobot"));
  EXPECT_TRUE(Allows(kBody, "/", "fo"));
  EXPECT_TRUE(Allows("User-agent: foobot-news\nDisallow: /\n", "/", "foobot"));
}

TEST(RobotsTest, Rfc9309_2_2_1_SeveralUserAgentsShareAGroup) {
  constexpr std::string_view kBody = "User-agent: a\nUser-agent: b\nDisallow: /x\n";
  EXPECT_FALSE(Allows(kBody, "/x", "a"));
  EXPECT_FALSE(Allows(kBody, "/x", "b"));
  EXPECT_TRUE(Allows(kBody, "/x", "c"));
}

TEST(RobotsTest, Rfc9309_2_2_1_NoGroupMeansAllowed) {
  EXPECT_TRUE(Allows("", "/x"));
  EXPECT_TRUE(Allows("Disallow: /\n", "/x"));  // before any user-agent
  EXPECT_TRUE(Allows("User-agent: *\n", "/x"));
  EXPECT_TRUE(Allows("User-agent: *\nDisallow:\n", "/x"));
  EXPECT_TRUE(
      Allows("User-agent: FooBot\nUser-agent: Bar\n\nUser-agent: FooBot\nDisallow:\n"
             "User-agent: *\nDisallow: /",
             "/x"));
}

TEST(RobotsTest, Rfc9309_2_2_2_LongestMatchWins) {
  constexpr std::string_view kBody =
      "User-agent: *\nDisallow: /x/page.html\nAllow: /x/\nDisallow: /y\nAllow: /y/deep\n";
  EXPECT_FALSE(Allows(kBody, "/x/page.html"));
  EXPECT_TRUE(Allows(kBody, "/x/"));
  EXPECT_TRUE(Allows(kBody, "/y/deep/er"));
  EXPECT_FALSE(Allows(kBody, "/y/dee"));
}

TEST(RobotsTest, Rfc9309_2_2_2_AllowWinsATie) {
  EXPECT_TRUE(Allows("User-agent: *\nDisallow: /x\nAllow: /x\n", "/x"));
  EXPECT_TRUE(Allows("User-agent: *\nAllow: /x\nDisallow: /x\n", "/x"));
}

TEST(RobotsTest, Rfc9309_2_2_2_PathsAreCaseSensitive) {
  EXPECT_TRUE(Allows("User-agent: *\nDisallow: /X/\n", "/x/"));
}

TEST(RobotsTest, Rfc9309_2_2_2_RobotsTxtItselfIsAllowed) {
  EXPECT_TRUE(Allows("User-agent: *\nDisallow: /\n", "/robots.txt"));
  EXPECT_FALSE(Allows("User-agent: *\nDisallow: /\n", "/robots.txt/"));
  EXPECT_TRUE(RobotsRules::DisallowAll().Allows("/robots.txt"));
  EXPECT_FALSE(RobotsRules::DisallowAll().Allows("/"));
  EXPECT_TRUE(RobotsRules::AllowAll().Allows("/"));
}

// The table in section 2.2.2.
TEST(RobotsTest, Rfc9309_2_2_2_PercentEncodingIsMadeEqual) {
  const auto blocked = [](std::string_view rule, std::string_view path) {
    return !Allows("User-agent: *\nDisallow: " + std::string(rule) + "\n", path);
  };
  EXPECT_TRUE(blocked("/foo/bar?baz=quz", "/foo/bar?baz=quz"));
  EXPECT_TRUE(blocked("/foo/bar?baz=https://foo.bar", "/foo/bar?baz=https%3A%2F%2Ffoo.bar"));
  EXPECT_TRUE(blocked("/foo/bar?baz=https%3a%2f%2Ffoo.bar", "/foo/bar?baz=https://foo.bar"));
  EXPECT_TRUE(blocked("/foo/bar/\xE3\x83\x84", "/foo/bar/%E3%83%84"));
  EXPECT_TRUE(blocked("/foo/bar/%e3%83%84", "/foo/bar/%E3%83%84"));
  EXPECT_TRUE(blocked("/foo/bar/%62%61%7A", "/foo/bar/baz"));
  EXPECT_TRUE(blocked("/foo/bar/baz", "/foo/bar/%62%61%7a"));
  // A reserved character in a path is not its encoded form.
  EXPECT_FALSE(blocked("/a%2Fb", "/a/b"));
  EXPECT_TRUE(blocked("/a%2fb", "/a%2Fb"));
  EXPECT_TRUE(blocked("/*%3Futm", "/a%3Futm"));
  EXPECT_TRUE(blocked("/*%2F", "/?u=%2f"));
  EXPECT_TRUE(blocked("/a b|", "/a%20b%7C"));
}

TEST(RobotsTest, Rfc9309_2_2_3_SpecialCharacters) {
  const auto blocked = [](std::string_view rule, std::string_view path) {
    return !Allows("User-agent: *\nDisallow: " + std::string(rule) + "\n", path);
  };
  EXPECT_TRUE(blocked("/this/*/exactly", "/this/path/exactly"));
  EXPECT_TRUE(blocked("/this/*/exactly", "/this/a/b/exactly/too"));
  EXPECT_FALSE(blocked("/this/*/exactly$", "/this/path/exactly/too"));
  EXPECT_TRUE(blocked("/this/*/exactly$", "/this/exactly/exactly"));
  EXPECT_TRUE(blocked("/*.gif$", "/a.gif.gif"));
  EXPECT_FALSE(blocked("/*.gif$", "/a.gif?x"));
  EXPECT_TRUE(blocked("/x$", "/x"));
  EXPECT_FALSE(blocked("/x$", "/xy"));
  EXPECT_TRUE(blocked("*", "/anything"));
  EXPECT_TRUE(blocked("/a***b", "/axxb"));
  EXPECT_FALSE(blocked("/*aba*aba$", "/aba"));
  EXPECT_TRUE(blocked("/*aba*aba$", "/abaaba"));
  EXPECT_FALSE(blocked("/*ababa*bax$", "/ababax"));
  EXPECT_TRUE(blocked("/path/file-with-a-%2A.html", "/path/file-with-a-*.html"));
  EXPECT_FALSE(blocked("/path/file-with-a-%2A.html", "/path/file-with-a-x.html"));
  EXPECT_TRUE(blocked("/path/foo-%24", "/path/foo-$"));
  EXPECT_TRUE(blocked("/a$b", "/a$b"));  // a '$' that is not last is literal
  EXPECT_FALSE(blocked("/a$b", "/a"));
}

TEST(RobotsTest, Rfc9309_2_2_4_OtherRecordsDoNotEndAGroup) {
  constexpr std::string_view kBody =
      "User-agent: FooBot\nCrawl-delay: 2.5\nSitemap: http://h/s.xml\nUnknown: x\n"
      "User-agent: BarBot\nDisallow: /x\n";
  for (const std::string_view agent : {"FooBot", "BarBot"}) {
    const RobotsRules rules = RobotsRules::Parse(kBody, agent);
    EXPECT_FALSE(rules.Allows("/x")) << agent;
    EXPECT_EQ(rules.sitemaps(), std::vector<std::string>{"http://h/s.xml"}) << agent;
  }
}

TEST(RobotsTest, ACrawlDelayIsForTheUserAgentLinesAboveIt) {
  constexpr std::string_view kBody =
      "User-agent: a\nCrawl-delay: 1\nUser-agent: b\nUser-agent: c\nCrawl-delay: 2\n"
      "Disallow: /x\nCrawl-delay: 3\nUser-agent: d\nDisallow: /y\n";
  const auto delay = [&](std::string_view agent) {
    return RobotsRules::Parse(kBody, agent).crawl_delay();
  };
  EXPECT_EQ(delay("a"), milliseconds(1000));
  EXPECT_EQ(delay("b"), milliseconds(3000)) << "the longest when it says several";
  EXPECT_EQ(delay("c"), milliseconds(3000));
  EXPECT_EQ(delay("d"), std::nullopt);
  EXPECT_FALSE(RobotsRules::Parse(kBody, "a").Allows("/x")) << "but the rules are for all three";
}

TEST(RobotsTest, Rfc9309_2_2_KeysAreWholeWords) {
  constexpr std::string_view kBody =
      "User-agent: *\nDisallow: /\nAllowed: /a\nAllow-from: /b\nUser-agents: x\nAllow: /c\n";
  const RobotsRules rules = RobotsRules::Parse(kBody, "x");
  EXPECT_FALSE(rules.Allows("/a"));
  EXPECT_FALSE(rules.Allows("/b"));
  EXPECT_TRUE(rules.Allows("/c"));
}

TEST(RobotsTest, CrawlDelayIsOfTheChosenGroupAndCapped) {
  constexpr std::string_view kBody =
      "Crawl-delay: 9\nUser-agent: *\nCrawl-delay: 7\nDisallow: /y\nUser-agent: FooBot\nDisallow: "
      "/x\n";
  EXPECT_EQ(RobotsRules::Parse(kBody, "bar").crawl_delay(), milliseconds(7000));
  EXPECT_EQ(RobotsRules::Parse(kBody, "FooBot").crawl_delay(), std::nullopt);
  const auto delay = [](std::string_view text) {
    return RobotsRules::Parse("User-agent: *\nCrawl-delay: " + std::string(text), "x")
        .crawl_delay();
  };
  EXPECT_EQ(delay("10"), milliseconds(10000));
  EXPECT_EQ(delay("10s"), milliseconds(10000));
  EXPECT_EQ(delay("0.0019"), milliseconds(1));
  EXPECT_EQ(delay("999999999999999999999999"), kMaxCrawlDelay);
  EXPECT_EQ(delay("-1"), std::nullopt);
  EXPECT_EQ(delay("fast"), std::nullopt);
  EXPECT_EQ(delay(""), std::nullopt);
}

TEST(RobotsTest, TyposThatBigReadersForgiveAreForgiven) {
  EXPECT_FALSE(Allows("useragent *\nDisallow /x\n", "/x"));
  EXPECT_FALSE(Allows("User Agent: *\ndissallow : /x\n", "/x"));
  EXPECT_FALSE(Allows("  user-agent  :  *  \t\n\tDIASLLOW:/x # why\n", "/x"));
  EXPECT_TRUE(Allows("User-agent: *\nDisallow /x y\n", "/x"));  // two words are needed, not three
  EXPECT_EQ(RobotsRules::Parse("Site-map: http://h/s\n", "x").sitemaps().size(), 1U);
}

TEST(RobotsTest, AnyLineEndingAndAByteOrderMark) {
  EXPECT_FALSE(Allows("\xEF\xBB\xBFUser-agent: *\rDisallow: /x\r", "/x"));
  EXPECT_FALSE(Allows("User-agent: *\r\nDisallow: /x\r\n", "/x"));
  EXPECT_FALSE(Allows("User-agent: *\nDisallow: /x", "/x"));
}

TEST(RobotsTest, Rfc9309_2_5_LimitIsReadAndTheRestIgnored) {
  const std::string head = "User-agent: *\nDisallow: /first\n";
  const std::string last = "Disallow: /last";
  std::string body =
      head + std::string(kMaxRobotsBytes - head.size() - last.size() - 1, '#') + "\n";
  EXPECT_FALSE(Allows(body + last + "\nDisallow: /beyond\n", "/last"));
  EXPECT_TRUE(Allows(body + last + "\nDisallow: /beyond\n", "/beyond"));
  EXPECT_FALSE(Allows(body + last, "/last"));
  // One byte past the limit: the line is cut, and half a rule is no rule.
  EXPECT_TRUE(Allows(body + last + "x\n", "/lastx"));
  EXPECT_FALSE(Allows(body + last + "x\n", "/first"));
}

TEST(RobotsTest, AdversarialPatternsTakeLinearTime) {
  std::string body = "User-agent: *\nDisallow: /";
  for (int i = 0; i < 20000; ++i) body += "*a";
  body += "b\n";
  const RobotsRules rules = RobotsRules::Parse(body, "x");
  EXPECT_TRUE(rules.Allows("/" + std::string(60000, 'a')));

  const RobotsRules periodic =
      RobotsRules::Parse("User-agent: *\nDisallow: /*" + std::string(20000, 'a') + "b\n", "x");
  EXPECT_TRUE(periodic.Allows("/" + std::string(60000, 'a')));
  EXPECT_FALSE(periodic.Allows("/" + std::string(40000, 'a') + "b"));

  // Many patterns, each of which reads the whole path: the budget ends it, on the careful side.
  std::string many = "User-agent: *\n";
  while (many.size() < kMaxRobotsBytes - 100)
    many += "Disallow: /*b" + std::to_string(many.size()) + "\n";
  EXPECT_FALSE(RobotsRules::Parse(many, "x").Allows("/" + std::string(60000, 'a')));
  EXPECT_TRUE(RobotsRules::Parse(many, "x").Allows("/" + std::string(60, 'a')));
}

TEST(RobotsTest, AForgottenColonBeforeAValueThatHasOne) {
  const auto rules = RobotsRules::Parse(
      "User-agent *\nDisallow /a:b\nSitemap http://h/s.xml\nUser agent: x\nCrawl delay: 3\n", "x");
  EXPECT_EQ(rules.sitemaps(), std::vector<std::string>{"http://h/s.xml"});
  EXPECT_EQ(rules.crawl_delay(), std::chrono::milliseconds(3000));
  EXPECT_FALSE(RobotsRules::Parse("User-agent *\nDisallow /a:b\n", "x").Allows("/a:bc"));
}

}  // namespace
}  // namespace crawld::web
