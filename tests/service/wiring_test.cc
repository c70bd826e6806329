#include "service/wiring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "config/error.h"
#include "tests/support/temp_dir.h"

namespace crawld::service {
namespace {

using testing::HasSubstr;
using testing::Not;

class WiringTest : public testing::Test {
 protected:
  config::Config Load(const std::string& more) const {
    return config::Load(dir_.Write("c.yaml",
                                   "name: t\ndata_dir: d\n"
                                   "identity: {user_agent: \"t/1 (+https://example.org/)\"}\n" +
                                       more));
  }
  // What is wrong with it, when the fetcher's options are made of it.
  std::string Wrong(const std::string& more) const {
    try {
      const config::Config config = Load(more);
      CheckAgainstRooms(config);
      CheckLogs(config);
      (void)FetcherOptionsOf(config);
    } catch (const config::ConfigError& e) {
      return e.what();
    }
    return {};
  }

  const test::TempDir dir_;
};

TEST_F(WiringTest, ASecretsFileIsReadWithoutTheNewlineAtItsEnd) {
  for (const char* content : {"hushcret", "hushcret\n", "hushcret\r\n"}) {
    dir_.Write("secret", content);
    const auto options =
        FetcherOptionsOf(Load("hosts:\n"
                              "  - {match: a.test, username: me, password_file: secret}\n"
                              "  - {match: b.test, bearer_token_file: secret}\n"));
    ASSERT_EQ(options.hosts.size(), 2U);
    EXPECT_EQ(options.hosts[0].password, "hushcret");
    EXPECT_EQ(options.hosts[1].bearer_token, "hushcret");
  }
}

TEST_F(WiringTest, ASecretsFileHasOneLineWithinTheLimit) {
  const std::string rule = "hosts: [{match: b.test, bearer_token_file: secret}]\n";
  EXPECT_THAT(Wrong(rule), HasSubstr("c.yaml:4:9: hosts[].bearer_token_file: is no file"));
  dir_.Write("secret", std::string(64 << 10, 'x'));
  EXPECT_EQ(Wrong(rule), "");
  for (const std::string& bad : {std::string((64 << 10) + 1, 'x'), std::string("hushcret\nmore\n"),
                                 std::string("\n"), std::string(), std::string("hush\0cret", 9)}) {
    dir_.Write("secret", bad);
    EXPECT_THAT(Wrong(rule), HasSubstr("c.yaml:4:9: hosts[].bearer_token_file: '"));
    EXPECT_THAT(Wrong(rule), Not(HasSubstr("hush")));
  }
}

TEST_F(WiringTest, ProxiesAreReadAndNoErrorQuotesThem) {
  const std::string text =
      "fetcher: {proxy: 'socks5h://u:p@proxy.test:1080', no_proxy: [a.test, 10.0.0.0/8]}\n"
      "hosts: [{match: b.test, proxy: none}, {match: c.test, proxy: 'http://d.test:1'}]\n";
  EXPECT_EQ(Wrong(text), "");
  const auto options = FetcherOptionsOf(Load(text));
  ASSERT_TRUE(options.proxy);
  EXPECT_EQ(options.proxy->ToString(), "socks5h://proxy.test:1080");
  EXPECT_EQ(options.proxy->password, "p");
  EXPECT_TRUE(options.no_proxy.Contains("a.test", 80));
  EXPECT_TRUE(options.no_proxy.Contains("10.2.3.4", 80));
  EXPECT_FALSE(options.no_proxy.Contains("b.test", 80));
  ASSERT_TRUE(options.hosts[0].proxy);
  EXPECT_FALSE(options.hosts[0].proxy->has_value()) << "none, not the fetcher's";
  EXPECT_EQ((*options.hosts[1].proxy)->host, "d.test");
  EXPECT_THAT(Wrong("fetcher: {no_proxy: [a.test, 'b/c']}\n"),
              HasSubstr("c.yaml:4:30: fetcher.no_proxy: "));
  const std::string wrong = Wrong("fetcher: {proxy: 'http://u:hush%zz@a:1'}\n");
  EXPECT_THAT(wrong, HasSubstr("fetcher.proxy: is no proxy"));
  EXPECT_THAT(wrong, Not(HasSubstr("hush")));
}

TEST_F(WiringTest, AHostsProxyThatIsNoneIsFoundByItsPlace) {
  const std::string wrong =
      Wrong("hosts:\n  - {match: a.test}\n  - {match: b.test, proxy: 'http://u:hush%zz@a:1'}\n");
  EXPECT_THAT(wrong, HasSubstr("c.yaml:6:5: hosts[].proxy: is no proxy"));
  EXPECT_THAT(wrong, Not(HasSubstr("hush")));
}

TEST_F(WiringTest, CertificatesAreReadWhenTheConfigIsChecked) {
  dir_.Write("ca.pem", "no certificate");
  EXPECT_THAT(Wrong("fetcher: {ca_file: ca.pem}\n"),
              AllOf(HasSubstr("fetcher.ca_file: "), HasSubstr("has no certificate")));
  EXPECT_THAT(Wrong("hosts: [{match: a.test, ca_file: ca.pem}]\n"),
              HasSubstr("c.yaml:4:9: hosts[].ca_file: "));
}

TEST_F(WiringTest, ANameServerHasAnAddressAndPerhapsAPort) {
  for (const char* good : {"192.0.2.53", "192.0.2.53:5353", "'[2001:db8::53]:1'"}) {
    EXPECT_EQ(Wrong(std::string("fetcher: {dns_servers: [") + good + "]}\n"), "") << good;
  }
  for (const char* bad : {"ns.test", "192.0.2.53:0", "192.0.2.0/24", "192.0.2.53:70000"}) {
    EXPECT_THAT(Wrong(std::string("fetcher: {dns_servers: [") + bad + "]}\n"),
                HasSubstr("c.yaml:4:25: fetcher.dns_servers: "))
        << bad;
  }
}

TEST_F(WiringTest, ABadSeedIsQuotedWithoutItsPassword) {
  for (const char* seed : {"http://u:hush@[bad/", "ftp://u:hush@a.test/"}) {
    const std::string wrong = Wrong(std::string("seeds: {urls: ['") + seed + "']}\n");
    EXPECT_THAT(wrong, AllOf(HasSubstr("c.yaml:4:16: seeds.urls: "), Not(HasSubstr("hush"))));
  }
}

TEST_F(WiringTest, ALogThatWouldBeReadAsAListIsRefused) {
  dir_.Write("lists/a.txt", "http://a.test/\n");
  dir_.Write("lists/crawld.log", "");
  for (const char* lists : {"lists", "lists/*", "list?", "lists/crawld.log"}) {
    EXPECT_THAT(
        Wrong(std::string("log: {file: lists/crawld.log}\nseeds: {files: ['") + lists + "']}\n"),
        AllOf(HasSubstr("c.yaml:5:17: seeds.files: "), HasSubstr("log.file")))
        << lists;
  }
  for (const char* lists : {"lists/*.txt", "lists/a.txt"}) {
    EXPECT_EQ(
        Wrong(std::string("log: {file: lists/crawld.log}\nseeds: {files: ['") + lists + "']}\n"),
        "")
        << lists;
  }
  dir_.Write("d/kept", "");
  EXPECT_THAT(Wrong("seeds: {files: [d]}\n"), HasSubstr("the crawl's own log"));
}

TEST_F(WiringTest, ALogNeedsItsFolder) {
  EXPECT_THAT(Wrong("log: {file: logs/crawld.log}\n"),
              AllOf(HasSubstr("c.yaml:4:13: log.file: "), HasSubstr("make it")));
  dir_.Write("logs/kept", "");
  EXPECT_EQ(Wrong("log: {file: logs/crawld.log}\n"), "");
  EXPECT_THAT(Wrong("log: {file: logs}\n"), HasSubstr("is a folder"));
}

TEST_F(WiringTest, AHostThatIsNoneHasItsPlace) {
  EXPECT_THAT(Wrong("hosts: [{match: [a.test, 'http://b.test']}]\n"),
              HasSubstr("c.yaml:4:26: hosts[].match: 'http://b.test' is no host"));
}

}  // namespace
}  // namespace crawld::service
