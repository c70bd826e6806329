#include "web/url_key.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <random>
#include <string>

#include "web/registrable_domain.h"
#include "web/surt.h"

namespace crawld::web {
namespace {

std::string Key(std::string_view url, const CrawlKeyOptions& options = {}) {
  return CrawlKey(*Url::Parse(url), options);
}

TEST(UrlKeyTest, DefaultIsTheCanonicalUrlWithoutFragment) {
  EXPECT_EQ(Key("HTTP://Example.com:80#x"), "http://example.com/");
  EXPECT_EQ(Key("http://h/a?b=2&a=1&utm_source=x;jsessionid=1#f"),
            "http://h/a?b=2&a=1&utm_source=x;jsessionid=1");
  EXPECT_EQ(Key("http://h/?"), "http://h/?");
}

TEST(UrlKeyTest, SessionIdsAreDropped) {
  constexpr CrawlKeyOptions kDrop{.drop_session_ids = true};
  EXPECT_EQ(Key("http://h/a;JSESSIONID=1A.b;v=2/c;jsessionid=?x=1&PHPSESSID=9", kDrop),
            "http://h/a;v=2/c?x=1");
  EXPECT_EQ(Key("http://h/?sid=1", kDrop), "http://h/");
  EXPECT_EQ(Key("http://h/?aspsessionidABC=1&a", kDrop), "http://h/?a");
  EXPECT_EQ(Key("http://h/?side=1&xsid=2", kDrop), "http://h/?side=1&xsid=2");
  EXPECT_EQ(Key("http://h/a/..;jsessionid=1", kDrop), "http://h/");
  EXPECT_EQ(Key("mailto:a;jsessionid=1", kDrop), "mailto:a;jsessionid=1");
}

TEST(UrlKeyTest, TrackingIsDroppedAndQueriesAreSorted) {
  EXPECT_EQ(Key("http://h/?utm_source=a&q=1&GCLID=2&fbclid", {.drop_tracking = true}),
            "http://h/?q=1");
  EXPECT_EQ(Key("http://h/?b=2&a=1&b=1&a", {.sort_query = true}), "http://h/?a&a=1&b=1&b=2");
}

TEST(UrlKeyTest, KeyOfKeyIsKey) {
  const unsigned seed = std::random_device{}();
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  constexpr std::string_view kPieces[] = {
      "/", "..",    ".",        "%2e", "a",     ";jsessionid=",     "x",
      ";", "?",     "&",        "=",   "sid=1", "utm_a=1",          "#",
      "b", "gclid", "\xC3\xA9", "%",   " ",     "cfid=1&cftoken=2", ";JSESSIONID=",
      "//"};
  for (int i = 0; i < 100000; ++i) {
    std::string text = random() % 8 == 0 ? "foo://h" : "http://h";
    for (unsigned n = random() % 10; n > 0; --n) text += kPieces[random() % std::size(kPieces)];
    const auto url = Url::Parse(text);
    if (!url) continue;
    const CrawlKeyOptions options{.drop_session_ids = random() % 2 == 0,
                                  .drop_tracking = random() % 2 == 0,
                                  .sort_query = random() % 2 == 0};
    const std::string key = CrawlKey(*url, options);
    const auto again = Url::Parse(key);
    ASSERT_TRUE(again) << key;
    ASSERT_EQ(again->href(), key) << text;
    ASSERT_EQ(CrawlKey(*again, options), key) << text;
  }
}

TEST(UrlKeyTest, HashesAreStable) {
  // The seen set on disk depends on these.
  EXPECT_EQ(HashKey("http://example.com/").hi, HashKey("http://example.com/", 0).hi);
  EXPECT_NE(HashKey("http://example.com/"), HashKey("http://example.com/", 1));
  EXPECT_EQ(HashKey(""), (UrlHash{0x99aa06d3014798d8U, 0x6001c324468d497fU}));
  EXPECT_EQ(HostHash(""), 0x2d06800538d394c2U);
}

TEST(SurtTest, HostsAndPorts) {
  const auto surt = [](std::string_view url) { return Surt(*Url::Parse(url)); };
  EXPECT_EQ(surt("http://www.Example.com:80/a?b=1"), "com,example)/a?b=1");
  EXPECT_EQ(surt("http://example.com:8080/"), "com,example:8080)/");
  EXPECT_EQ(surt("https://www2.example.co.uk"), "uk,co,example)/");
  EXPECT_EQ(surt("http://u:p@wwwx.example.com/"), "com,example,wwwx)/");
  EXPECT_EQ(surt("http://1.2.3.4/"), "4,3,2,1)/");
  EXPECT_EQ(surt("http://www.com./"), "com)/");
  EXPECT_EQ(surt("http://[::1]:81/x"), "[::1]:81)/x");
}

TEST(SurtTest, PathsAndQueries) {
  const auto surt = [](std::string_view path) {
    return Surt(*Url::Parse("http://h" + std::string(path)));
  };
  EXPECT_EQ(surt("/A/B/"), "h)/a/b");
  EXPECT_EQ(surt("//a///b?c//d"), "h)/a/b?c//d");
  EXPECT_EQ(surt("/%257Ea%2521b%2540c"), "h)/~a!b@c");
  EXPECT_EQ(surt("/%20%23%25"), "h)/%20%23%25");
  EXPECT_EQ(surt("/?"), "h)/");
  EXPECT_EQ(surt("/?b=2&a=1&a"), "h)/?a&a=1&b=2");
  EXPECT_EQ(surt("/x#frag"), "h)/x");
  EXPECT_EQ(surt("/?x=1&jsessionid=0123456789abcdef0123456789ABCDEF&y=2"), "h)/?x=1&y=2");
  EXPECT_EQ(surt("/?PHPSESSID=0123456789abcdef0123456789ABCDEF"), "h)/");
  EXPECT_EQ(surt("/?cfid=1&cftoken=2&z"), "h)/?z");
  EXPECT_EQ(surt("/(4hqa0555fwsecu455xqckv45)/Page.aspx"), "h)/page.aspx");
  EXPECT_EQ(surt("/a/(A(4hqa0555fwsecu455xqckv45))/Page.aspx"), "h)/a/page.aspx");
}

TEST(RegistrableDomainTest, TheStandardsTable) {
  EXPECT_EQ(RegistrableDomain("com"), "");
  EXPECT_EQ(RegistrableDomain("example.com"), "example.com");
  EXPECT_EQ(RegistrableDomain("sub.www.example.com"), "example.com");
  EXPECT_EQ(RegistrableDomain("example.com."), "example.com.");
  EXPECT_EQ(RegistrableDomain("github.io"), "");
  EXPECT_EQ(RegistrableDomain("whatwg.github.io"), "whatwg.github.io");
  EXPECT_EQ(RegistrableDomain("www.example.co.uk"), "example.co.uk");
  EXPECT_EQ(RegistrableDomain("[2001:db8::1]"), "");
  EXPECT_EQ(RegistrableDomain("1.2.3.4"), "");
  EXPECT_EQ(RegistrableDomain(""), "");
}

}  // namespace
}  // namespace crawld::web
