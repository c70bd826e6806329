#include "config/own_hosts.h"

#include <gtest/gtest.h>

#include <string>

namespace crawld::config {
namespace {

TEST(OwnHostsTest, NamesAndAddressesOfThisMachineAndOfPrivateNetworksAreOwn) {
  for (const char* host : {"localhost",       "LOCALHOST.",
                           "a.localhost",     "wiki",
                           "a.test",          "printer.local",
                           "nas.home.arpa",   "git.corp.internal",
                           "*.corp.internal", "127.0.0.1",
                           "127.255.0.9",     "10.1.2.3",
                           "172.16.0.1",      "172.31.255.255",
                           "192.168.1.1",     "169.254.1.1",
                           "[::1]",           "::1",
                           "[fd00::1]",       "fe80::1"}) {
    EXPECT_TRUE(IsOwnHost(host)) << host;
  }
  for (const char* host : {"", "example.org", "*.example.org", "localhost.example.org",
                           "test.example", "internal.org", "172.15.0.1", "172.32.0.1",
                           "192.169.0.1", "11.0.0.1", "8.8.8.8", "[2001:db8::1]", "[::2]"}) {
    EXPECT_FALSE(IsOwnHost(host)) << host;
  }
}

TEST(OwnHostsTest, AHostStandsBetweenSchemeAndPath) {
  EXPECT_EQ(HostOf("https://user:p@Example.org:8443/a@b"), "Example.org");
  EXPECT_EQ(HostOf("http://example.org"), "example.org");
  EXPECT_EQ(HostOf("http://example.org?x"), "example.org");
  EXPECT_EQ(HostOf("http://[::1]:80/"), "[::1]");
  EXPECT_EQ(HostOf("example.org/"), "");
  EXPECT_EQ(HostOf(""), "");
}

TEST(OwnHostsTest, ACrawlIsOfOwnHostsIfItBeginsAtSuchAndStaysThere) {
  Config config;
  EXPECT_FALSE(CrawlsOwnHostsAlone(config)) << "who knows where it begins";
  config.seeds.urls = {{"http://127.0.0.1:8080/"}, {"http://wiki/"}};
  EXPECT_TRUE(CrawlsOwnHostsAlone(config));
  config.seeds.sitemaps = {{"https://example.org/sitemap.xml"}};
  EXPECT_FALSE(CrawlsOwnHostsAlone(config));
  config.seeds.sitemaps = {{"http://wiki/sitemap.xml"}};
  EXPECT_TRUE(CrawlsOwnHostsAlone(config));
  config.scope.mode = ScopeMode::kAny;
  EXPECT_FALSE(CrawlsOwnHostsAlone(config));
  config.scope.mode = ScopeMode::kDomain;
  config.seeds.files = {{"list.txt"}};
  EXPECT_FALSE(CrawlsOwnHostsAlone(config)) << "the list is not read";
}

}  // namespace
}  // namespace crawld::config
