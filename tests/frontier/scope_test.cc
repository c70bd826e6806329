#include "frontier/scope.h"

#include <gtest/gtest.h>

#include <string>

namespace crawld::frontier {
namespace {

web::Url U(std::string_view text) { return *web::Url::Parse(text); }

std::unique_ptr<Scope> Make(ScopeOptions options) { return *Scope::Create(options); }

ScopeOptions Mode(ScopeMode mode) {
  ScopeOptions options;
  options.mode = mode;
  return options;
}

Verdict JudgeLink(const Scope& scope, std::string_view link, std::string_view page,
                  std::string_view seed) {
  const Discovery from_seed = scope.JudgeSeed(U(seed));
  return scope.JudgeLink(U(link), U(page), from_seed.info).verdict;
}

TEST(ScopeTest, ModeHostKeepsToThePagesHost) {
  const auto scope = Make(Mode(ScopeMode::kHost));
  EXPECT_EQ(JudgeLink(*scope, "http://a.test/x", "http://a.test/", "http://a.test/"),
            Verdict::kAdmit);
  EXPECT_EQ(JudgeLink(*scope, "https://a.test:8443/x", "http://a.test/", "http://a.test/"),
            Verdict::kAdmit);
  EXPECT_EQ(JudgeLink(*scope, "http://b.a.test/", "http://a.test/", "http://a.test/"),
            Verdict::kOtherHost);
}

TEST(ScopeTest, ModeDomainKeepsToTheRegistrableDomain) {
  const auto scope = Make(Mode(ScopeMode::kDomain));
  EXPECT_EQ(JudgeLink(*scope, "http://www.a.co.uk/", "http://a.co.uk/", "http://a.co.uk/"),
            Verdict::kAdmit);
  EXPECT_EQ(JudgeLink(*scope, "http://b.co.uk/", "http://a.co.uk/", "http://a.co.uk/"),
            Verdict::kOtherDomain);
  EXPECT_EQ(JudgeLink(*scope, "http://10.0.0.1/", "http://10.0.0.2/", "http://10.0.0.2/"),
            Verdict::kOtherDomain);
}

TEST(ScopeTest, ModePrefixKeepsBelowTheSeedsFolderAcrossGenerations) {
  const auto scope = Make(Mode(ScopeMode::kPrefix));
  const Discovery seed = scope->JudgeSeed(U("http://a.test/docs/index.html"));
  const Discovery child =
      scope->JudgeLink(U("http://a.test/docs/deep/page.html"), seed.url, seed.info);
  EXPECT_EQ(child.verdict, Verdict::kAdmit);
  EXPECT_EQ(scope->JudgeLink(U("http://a.test/docs/x"), child.url, child.info).verdict,
            Verdict::kAdmit);
  EXPECT_EQ(scope->JudgeLink(U("http://a.test/blog/"), child.url, child.info).verdict,
            Verdict::kOutsidePrefix);
  EXPECT_EQ(scope->JudgeLink(U("https://a.test/docs/x"), child.url, child.info).verdict,
            Verdict::kOutsidePrefix);
}

TEST(ScopeTest, ModeAnyAdmitsEverything) {
  const auto scope = Make(Mode(ScopeMode::kAny));
  EXPECT_EQ(JudgeLink(*scope, "http://z.test/", "http://a.test/", "http://a.test/"),
            Verdict::kAdmit);
}

TEST(ScopeTest, ExcludeWinsOverIncludeAndAppliesToSeeds) {
  ScopeOptions options = Mode(ScopeMode::kHost);
  options.include = {"/docs/"};
  options.exclude = {"\\.pdf$"};
  const auto scope = Make(options);
  EXPECT_EQ(scope->JudgeSeed(U("http://a.test/docs/")).verdict, Verdict::kAdmit);
  EXPECT_EQ(scope->JudgeSeed(U("http://a.test/docs/x.pdf")).verdict, Verdict::kExcluded);
  EXPECT_EQ(scope->JudgeSeed(U("http://a.test/")).verdict, Verdict::kNotIncluded);
}

TEST(ScopeTest, IncludeDoesNotJudgeSitemaps) {
  ScopeOptions options = Mode(ScopeMode::kHost);
  options.include = {"/docs/"};
  options.exclude = {"secret"};
  const auto scope = Make(options);
  const web::Url robots = U("http://a.test/robots.txt");
  EXPECT_EQ(scope->JudgeSitemap(U("http://a.test/sitemap.xml"), robots, {}).verdict,
            Verdict::kAdmit);
  EXPECT_EQ(scope->JudgeSitemap(U("http://a.test/secret.xml"), robots, {}).verdict,
            Verdict::kExcluded);
}

TEST(ScopeTest, CredentialsAreTakenOutOfUrls) {
  const auto scope = Make(Mode(ScopeMode::kHost));
  const Discovery with = scope->JudgeSeed(U("http://user:secret@a.test/x#top"));
  EXPECT_EQ(with.url.href(), "http://a.test/x");
  EXPECT_EQ(with.hash, scope->JudgeSeed(U("http://a.test/x")).hash);
}

TEST(ScopeTest, APatternThatDoesNotCompileIsNamed) {
  ScopeOptions options;
  options.exclude = {"fine", "(broken"};
  const auto scope = Scope::Create(options);
  ASSERT_FALSE(scope);
  EXPECT_TRUE(scope.error().in_exclude);
  EXPECT_EQ(scope.error().index, 1U);
  EXPECT_NE(scope.error().message.find("missing )"), std::string::npos);
}

TEST(ScopeTest, DepthCountsLinksFromTheSeed) {
  ScopeOptions options = Mode(ScopeMode::kHost);
  options.max_depth = 1;
  const auto scope = Make(options);
  const Discovery seed = scope->JudgeSeed(U("http://a.test/"));
  const Discovery child = scope->JudgeLink(U("http://a.test/1"), seed.url, seed.info);
  EXPECT_EQ(child.verdict, Verdict::kAdmit);
  EXPECT_EQ(child.info.depth, 1);
  EXPECT_EQ(scope->JudgeLink(U("http://a.test/2"), child.url, child.info).verdict,
            Verdict::kTooDeep);
}

TEST(ScopeTest, UrlLengthIsLimitedAtTheLimitAndNotOneBefore) {
  ScopeOptions options = Mode(ScopeMode::kHost);
  const std::string at_limit = "http://a.test/" + std::string(50, 'x');
  options.max_url_length = static_cast<uint32_t>(at_limit.size());
  const auto scope = Make(options);
  EXPECT_EQ(scope->JudgeSeed(U(at_limit)).verdict, Verdict::kAdmit);
  EXPECT_EQ(scope->JudgeSeed(U(at_limit + "x")).verdict, Verdict::kUrlTooLong);
}

TEST(ScopeTest, Rfc1035_2_3_4_HostsThatDnsCannotNameAreLeftOut) {
  const auto scope = Make([] {
    ScopeOptions options;
    options.max_host_labels = 5;
    return options;
  }());
  const auto verdict = [&](const std::string& host) {
    return scope->JudgeSeed(U("http://" + host + "/")).verdict;
  };
  const std::string label(63, 'a');
  EXPECT_EQ(verdict(label + ".test"), Verdict::kAdmit);
  EXPECT_EQ(verdict(label + "a.test"), Verdict::kBadHost);
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'a');
  ASSERT_EQ(longest.size(), 253U);
  EXPECT_EQ(verdict(longest), Verdict::kAdmit);
  EXPECT_EQ(verdict(longest + "."), Verdict::kAdmit) << "the root's dot does not count";
  EXPECT_EQ(verdict(longest + "a"), Verdict::kBadHost);
  EXPECT_EQ(verdict("a.b.c.d.test"), Verdict::kAdmit);
  EXPECT_EQ(verdict("a.b.c.d.e.test"), Verdict::kBadHost);
  EXPECT_EQ(verdict("a..test"), Verdict::kBadHost);
  EXPECT_EQ(verdict("[::1]"), Verdict::kAdmit);
  EXPECT_EQ(verdict("127.0.0.1"), Verdict::kAdmit);
}

TEST(ScopeTest, ASitemapsPriorityMovesAUrl) {
  const auto scope = Make({});
  const auto rank = [&](uint8_t priority) {
    SitemapHints hints;
    hints.priority = priority;
    return scope->JudgeLink(U("http://a.test/x"), U("http://a.test/map.xml"), {}, hints).priority;
  };
  EXPECT_LT(rank(100), rank(50));
  EXPECT_EQ(rank(50), rank(SitemapHints::kNoPriority));
  EXPECT_LT(rank(50), rank(0));
}

TEST(ScopeTest, TheTargetOfASeedsRedirectCountsAsASeed) {
  const auto scope = Make(Mode(ScopeMode::kHost));
  const Discovery seed = scope->JudgeSeed(U("http://a.test/"));
  const Discovery target = scope->JudgeRedirect(U("https://www.a.test/"), seed.url, seed.info);
  EXPECT_EQ(target.verdict, Verdict::kAdmit);
  EXPECT_EQ(target.info.depth, 0);
  EXPECT_EQ(target.info.redirects, 1);
  // A page further in has no such right.
  const Discovery child = scope->JudgeLink(U("http://a.test/x"), seed.url, seed.info);
  EXPECT_EQ(scope->JudgeRedirect(U("http://b.test/"), child.url, child.info).verdict,
            Verdict::kOtherHost);
}

TEST(ScopeTest, RedirectsInARowAreLimited) {
  ScopeOptions options = Mode(ScopeMode::kHost);
  options.max_redirects = 2;
  const auto scope = Make(options);
  Discovery hop = scope->JudgeSeed(U("http://a.test/0"));
  for (int i = 1; i <= 2; ++i) {
    hop = scope->JudgeRedirect(U("http://a.test/" + std::to_string(i)), hop.url, hop.info);
    EXPECT_EQ(hop.verdict, Verdict::kAdmit) << i;
  }
  hop = scope->JudgeRedirect(U("http://a.test/3"), hop.url, hop.info);
  EXPECT_EQ(hop.verdict, Verdict::kTooManyRedirects);
}

TEST(ScopeTest, RobotsFilesAreNotPages) {
  const auto scope = Make(Mode(ScopeMode::kHost));
  EXPECT_EQ(JudgeLink(*scope, "http://a.test/robots.txt", "http://a.test/", "http://a.test/"),
            Verdict::kRobotsFile);
}

TEST(ScopeTest, ASitemapOfARobotsFileHasNoPrefixToHandOn) {
  const auto scope = Make(Mode(ScopeMode::kPrefix));
  EXPECT_EQ(
      scope->JudgeSitemap(U("http://a.test/s.xml"), U("http://a.test/robots.txt"), {}).verdict,
      Verdict::kOutsidePrefix);
}

}  // namespace
}  // namespace crawld::frontier
