#include "fetcher/host_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "tests/fetcher/fetcher_fixture.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tls_server.h"

namespace crawld::fetcher {
namespace {

using test::Request;
using testing::HasSubstr;
using testing::Not;

HostOptions For(const std::vector<std::string>& hosts) {
  HostOptions options;
  for (const std::string& host : hosts) options.match.push_back(*web::HostPattern::Parse(host));
  return options;
}

TEST(HostRulesTest, TheFirstThatMatchesCounts) {
  const HostRules rules({For({"a.test", "*.b.test"}), For({"*.deep.b.test", "b.test"}),
                         For({"a.test", "*.test"}), For({"192.0.2.1", "[2001:DB8::1]"})},
                        {});
  const auto found = [&](const std::string& host) {
    const HostRules::Rule* rule = rules.Find(host);
    return rule == nullptr ? std::string() : rule->options.match.front().name;
  };
  EXPECT_EQ(found("a.test"), "a.test");
  EXPECT_EQ(found("a.test."), "a.test") << "the same host, written in full";
  EXPECT_EQ(found("x.b.test"), "a.test");
  EXPECT_EQ(found("x.deep.b.test"), "a.test") << "an earlier entry counts, not the longer one";
  EXPECT_EQ(found("b.test"), "deep.b.test") << "what is below b.test is not b.test";
  EXPECT_EQ(found("c.test"), "a.test") << "the third entry's first name";
  EXPECT_EQ(rules.Find("c.test")->options.match.size(), 2U);
  EXPECT_EQ(found("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(found("[2001:db8::1]"), "192.0.2.1");
  EXPECT_EQ(found("test"), "");
  EXPECT_EQ(found("atest"), "");
  EXPECT_EQ(found(""), "");
}

TEST(HostRulesTest, APatternIsAHostOrAllBelowOne) {
  EXPECT_EQ(*web::HostPattern::Parse("Example.ORG"), (web::HostPattern{"example.org", false}));
  EXPECT_EQ(*web::HostPattern::Parse("*.b\xc3\xbc"
                                     "cher.example"),
            (web::HostPattern{"xn--bcher-kva.example", true}));
  for (const char* bad : {"", "*", "*.", "a.test/", "http://a.test", "a.test:80", "a b", "x*.test",
                          "*.*.test", "u@a.test", "[::1", "a%2etest"}) {
    EXPECT_FALSE(web::HostPattern::Parse(bad)) << bad;
  }
}

TEST_F(FetcherTest, AHostsKeysGoToThatHostAloneAndAreNotRecorded) {
  HostOptions basic = For({"127.0.0.1"});
  basic.username = "me";
  basic.password = "s3cret";
  basic.headers = {{"X-Key", "s3cret"}, {"Accept", "text/plain"}};
  HostOptions bearer = For({"127.0.0.2"});
  bearer.bearer_token = "t0ken";
  options_.hosts = {basic, bearer};
  test::HttpServerOptions three;
  three.addresses = 3;
  test::HttpServer server([](const Request&) { return test::Html("x"); }, three);
  for (const int round : {0, 1}) {  // the second time with handles that were used
    for (const int address : {1, 2, 3}) {
      const FetchResult result = FetchUrl(server.Url("/", address));
      EXPECT_FALSE(result.error) << result.detail << round;
      const std::string sent = server.requests().back().raw_head;
      EXPECT_EQ(sent.find("Authorization: Basic bWU6czNjcmV0\r\n") != sent.npos, address == 1);
      EXPECT_EQ(sent.find("X-Key: s3cret\r\n") != sent.npos, address == 1);
      EXPECT_EQ(sent.find("Accept: text/plain\r\n") != sent.npos, address == 1);
      EXPECT_EQ(sent.find("Authorization: Bearer t0ken\r\n") != sent.npos, address == 2);
      for (const char* secret : {"Authorization", "s3cret", "t0ken", "bWU6"}) {
        EXPECT_THAT(result.request_head, Not(HasSubstr(secret)));
      }
    }
  }
}

TEST_F(FetcherTest, AHostsOwnWordOnTlsIsItsOwn) {
  const test::TempDir dir;
  const auto handler = [](const test::TlsRequest&) { return test::TlsAnswer{.body = "x"}; };
  test::TlsServerOptions server_options;
  server_options.names = {"DNS:other.test"};
  server_options.http2 = true;
  const test::TlsServer server(handler, server_options);
  HostOptions trusting = For({"127.0.0.1"});
  trusting.verify_tls = false;
  options_.hosts = {trusting};
  EXPECT_EQ(FetchUrl(server.Url("/")).protocol, "h2") << "whoever answers is believed";
  fetcher_.reset();
  options_.hosts = {For({"127.0.0.2"})};
  EXPECT_EQ(FetchUrl(server.Url("/")).error, FetchError::kTls);

  const test::TlsServer good(handler);
  HostOptions own = For({"127.0.0.1"});
  own.ca_file = dir.Write("ca.pem", good.ca_pem());
  fetcher_.reset();
  options_.hosts = {own};
  EXPECT_EQ(FetchUrl(good.Url("/")).body, "x");
  own.ca_file = dir / "none.pem";
  options_.hosts = {own};
  fetcher_.reset();
  EXPECT_THROW(fetcher(), FatalError);
}

}  // namespace
}  // namespace crawld::fetcher
