// The fetcher: by a proxy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/fetcher/fetcher_fixture.h"
#include "tests/support/dns_server.h"
#include "tests/support/proxy_server.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tls_server.h"

namespace crawld::fetcher {
namespace {

using test::ProxyServer;
using test::Request;
using test::TlsServer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class FetcherProxyTest : public FetcherTest {
 protected:
  FetcherProxyTest() {
    options_.allow_addresses.clear();  // the proxy's own address needs no leave
    Serve([](const Request&) { return test::Html("x"); });
    port_ = ":" + std::to_string(server_->port());
  }
  void GoBy(const ProxyServer& proxy, const std::string& scheme) {
    options_.proxy = *ProxyUrl::Parse(proxy.Url(scheme));
  }
  std::string UrlOf(const std::string& host) const { return "http://" + host + port_ + "/p"; }

  std::string port_;
};

TEST_F(FetcherProxyTest, AnHttpUrlIsAskedOfTheProxyInAbsoluteForm) {
  const ProxyServer proxy;
  GoBy(proxy, "http");
  const FetchResult result = FetchUrl(UrlOf("web.test"));
  EXPECT_FALSE(result.error) << result.detail;
  EXPECT_EQ(result.body, "x");
  EXPECT_EQ(result.ip, "") << "it would be the proxy's";
  EXPECT_THAT(proxy.asked(), ElementsAre("GET " + UrlOf("web.test")));
  EXPECT_THAT(result.request_head, HasSubstr("GET /p HTTP/1.1"));
}

TEST_F(FetcherProxyTest, AnHttpsUrlGoesThroughATunnel) {
  const test::TempDir dir;
  const TlsServer tls([](const test::TlsRequest&) { return test::TlsAnswer{.body = "secret"}; },
                      {.names = {"DNS:web.test"}});
  options_.ca_file = dir.Write("ca.pem", tls.ca_pem());
  const ProxyServer proxy({.credentials = "me:pass"});
  GoBy(proxy, "http");
  const FetchResult result = FetchUrl(tls.Url("/", "web.test"));
  EXPECT_FALSE(result.error) << result.detail;
  EXPECT_EQ(result.body, "secret");
  EXPECT_THAT(result.response_head, testing::StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(proxy.asked(), ElementsAre("CONNECT web.test:" + std::to_string(tls.port())));
  EXPECT_THAT(tls.heads().front(), Not(HasSubstr("Proxy")));
}

TEST_F(FetcherProxyTest, AProxyThatRefusesIsAProxyErrorThatNamesItWithoutThePassword) {
  for (const char* head : {"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", "garbage\r\n\r\n"}) {
    const ProxyServer proxy({.credentials = "me:s3cret", .connect_head = head});
    GoBy(proxy, "http");
    fetcher_.reset();
    const FetchResult result = FetchUrl("https://web.test/");
    EXPECT_EQ(result.error, FetchError::kProxy) << result.detail;
    EXPECT_EQ(result.retry, RetryAdvice::kLater);
    EXPECT_THAT(result.detail, HasSubstr("127.0.0.1:" + std::to_string(proxy.port())));
    EXPECT_THAT(result.detail, Not(HasSubstr("s3cret")));
    EXPECT_EQ(result.status, 0);
  }
}

TEST_F(FetcherProxyTest, AProxyThatDoesNotKnowUsIsAProxyError) {
  const ProxyServer proxy({.credentials = "me:pass"});
  options_.proxy = *ProxyUrl::Parse("http://127.0.0.1:" + std::to_string(proxy.port()));
  for (const std::string& url : {UrlOf("web.test"), std::string("https://web.test/")}) {
    const FetchResult result = FetchUrl(url);
    EXPECT_EQ(result.error, FetchError::kProxy) << url << result.detail;
    EXPECT_EQ(result.status, 0);
  }
}

TEST_F(FetcherProxyTest, AProxyThatIsNotThereIsAProxyError) {
  int port = 0;
  {
    const ProxyServer gone;
    port = gone.port();
  }
  for (const char* scheme : {"http", "socks5h"}) {
    options_.proxy = *ProxyUrl::Parse(std::string(scheme) + "://127.0.0.1:" + std::to_string(port));
    fetcher_.reset();
    EXPECT_EQ(FetchUrl(UrlOf("web.test")).error, FetchError::kProxy) << scheme;
  }
}

// A proxy that has broken down must not make all hosts look silent.
TEST_F(FetcherProxyTest, AProxyThatIsMuteOrDropsUsIsAProxyErrorAndSaysNothingOfTheHost) {
  options_.connect_timeout = Millis(300);
  for (const bool mute : {true, false}) {
    const ProxyServer proxy({.mute = mute, .drops = !mute});
    for (const char* scheme : {"http", "https", "socks5h"}) {
      GoBy(proxy, scheme);
      fetcher_.reset();
      for (const std::string& url : {UrlOf("web.test"), std::string("https://web.test/")}) {
        if (std::string_view(scheme) == "http" && url.starts_with("http:")) continue;  // see below
        const FetchResult result = FetchUrl(url);
        EXPECT_EQ(result.error, FetchError::kProxy) << scheme << " " << url << " " << mute;
        EXPECT_EQ(result.contact(), Contact::kNone) << scheme << " " << url << " " << mute;
        EXPECT_EQ(result.retry, RetryAdvice::kLater);
        EXPECT_THAT(result.detail, HasSubstr("127.0.0.1:" + std::to_string(proxy.port())));
      }
    }
  }
}

TEST_F(FetcherProxyTest, ATlsErrorOfAnHttpsProxyIsAProxyError) {
  const TlsServer proxy([](const test::TlsRequest&) { return test::TlsAnswer{.body = "x"}; },
                        {.names = {"DNS:another.test"}});
  options_.proxy = *ProxyUrl::Parse("https://127.0.0.1:" + std::to_string(proxy.port()));
  for (const std::string& url : {UrlOf("web.test"), std::string("https://web.test/")}) {
    const FetchResult result = FetchUrl(url);
    EXPECT_EQ(result.error, FetchError::kProxy) << url << result.detail;
    EXPECT_EQ(result.contact(), Contact::kNone) << url;
  }
}

// Who knows which of the two it is that says nothing?
TEST_F(FetcherProxyTest, SilenceBehindAProxySaysNothingOfTheHost) {
  options_.first_byte_timeout = Millis(300);
  options_.connect_timeout = Millis(300);
  const ProxyServer mute({.mute = true});
  GoBy(mute, "http");
  FetchResult result = FetchUrl(UrlOf("web.test"));
  EXPECT_EQ(result.error, FetchError::kFirstByteTimeout) << result.detail;
  EXPECT_EQ(result.contact(), Contact::kNone);
  const ProxyServer drops({.drops = true});
  GoBy(drops, "http");
  fetcher_.reset();
  result = FetchUrl(UrlOf("web.test"));
  EXPECT_EQ(result.error, FetchError::kEmptyReply) << result.detail;
  EXPECT_EQ(result.contact(), Contact::kNone);
  // The proxies are well, the host's TLS does not answer.
  const ProxyServer silent({.mute = true});
  const ProxyServer good;
  for (const char* scheme : {"http", "socks5h"}) {
    GoBy(good, scheme);
    fetcher_.reset();
    result = FetchUrl("https://web.test:" + std::to_string(silent.port()) + "/");
    EXPECT_EQ(result.error, FetchError::kConnectTimeout) << scheme << " " << result.detail;
    EXPECT_EQ(result.contact(), Contact::kNone) << scheme;
  }
}

TEST_F(FetcherProxyTest, AProxysNameThatNobodyLooksUpInTimeIsAProxyError) {
  test::DnsServer dns([](const test::DnsQuestion&) { return test::DnsAnswer{.silent = true}; });
  options_.resolver.servers = {dns.address()};
  options_.connect_timeout = Millis(200);
  options_.proxy = *ProxyUrl::Parse("http://proxy.test:3128");
  const FetchResult result = FetchUrl(UrlOf("web.test"));
  EXPECT_EQ(result.error, FetchError::kProxy) << result.detail;
  EXPECT_EQ(result.contact(), Contact::kNone);
}

TEST_F(FetcherProxyTest, TheAnswerToConnectCountsAsAHead) {
  options_.max_header_fields = 20;
  std::string head = "HTTP/1.1 200 Connected\r\n";
  for (int i = 0; i < 50; ++i) head += "X-Field: x\r\n";
  const ProxyServer proxy({.connect_head = head + "\r\n"});
  GoBy(proxy, "http");
  EXPECT_EQ(FetchUrl("https://web.test" + port_ + "/").error, FetchError::kHeadTooLarge);
}

TEST_F(FetcherProxyTest, Socks5hLooksNamesUpItself) {
  const ProxyServer proxy({.credentials = "me:pass"});
  GoBy(proxy, "socks5h");
  const FetchResult result = FetchUrl(UrlOf("web.test"));
  EXPECT_EQ(result.body, "x") << result.detail;
  EXPECT_THAT(proxy.asked(), ElementsAre("SOCKS name web.test" + port_));
}

TEST_F(FetcherProxyTest, ForSocks5WeLookNamesUpAndJudgeWhatIsFound) {
  test::DnsServer dns([](const test::DnsQuestion& question) {
    if (question.v6) return test::DnsAnswer{};
    if (question.name == "bad.test") return test::DnsAnswer{.addresses = {"10.0.0.1"}};
    return test::DnsAnswer{.addresses = {"10.0.0.1", "8.8.8.8"}};
  });
  options_.resolver.servers = {dns.address()};
  const ProxyServer proxy;
  GoBy(proxy, "socks5");
  EXPECT_EQ(FetchUrl(UrlOf("web.test")).body, "x");
  EXPECT_THAT(proxy.asked(), ElementsAre("SOCKS ipv4 8.8.8.8" + port_));
  EXPECT_EQ(FetchUrl(UrlOf("bad.test")).error, FetchError::kAddressForbidden);
  EXPECT_EQ(proxy.asked().size(), 1U);
}

TEST_F(FetcherProxyTest, ASocksErrorIsAProxyError) {
  const ProxyServer proxy({.socks_reply = 2});
  GoBy(proxy, "socks5h");
  const FetchResult result = FetchUrl(UrlOf("web.test"));
  EXPECT_EQ(result.error, FetchError::kProxy) << result.detail;
}

TEST_F(FetcherProxyTest, NoProxyIsAskedForWhatMayNotBeConnectedTo) {
  const ProxyServer proxy;
  for (const char* scheme : {"http", "socks5", "socks5h"}) {
    GoBy(proxy, scheme);
    fetcher_.reset();
    for (const char* host : {"127.0.0.1", "[::1]", "10.1.2.3", "169.254.169.254", "localhost",
                             "a.localhost", "localhost.", "[::ffff:10.0.0.1]"}) {
      const FetchResult result = FetchUrl(UrlOf(host));
      EXPECT_EQ(result.error, FetchError::kAddressForbidden) << scheme << " " << host;
    }
  }
  EXPECT_THAT(proxy.asked(), IsEmpty());
}

TEST_F(FetcherProxyTest, WhatGoesStraightIsJudgedAsEver) {
  const ProxyServer proxy;
  GoBy(proxy, "http");
  EXPECT_FALSE(options_.no_proxy.Add("127.0.0.0/8"));
  EXPECT_FALSE(options_.no_proxy.Add("*.direct.test"));
  EXPECT_EQ(FetchUrl(UrlOf("127.0.0.1")).error, FetchError::kAddressForbidden);
  fetcher_.reset();
  options_.allow_addresses = AllAddresses();
  EXPECT_EQ(FetchUrl(UrlOf("127.0.0.1")).ip, "127.0.0.1");
  EXPECT_THAT(proxy.asked(), IsEmpty());
  EXPECT_EQ(FetchUrl(UrlOf("web.test")).body, "x");
  EXPECT_EQ(proxy.asked().size(), 1U);
}

TEST_F(FetcherProxyTest, AHostMayHaveAProxyOfItsOwnOrNone) {
  const ProxyServer everybodys;
  const ProxyServer own;
  GoBy(everybodys, "http");
  HostOptions other;
  other.match = {*web::HostPattern::Parse("own.test")};
  other.proxy = ProxyChoice(*ProxyUrl::Parse(own.Url("http")));
  HostOptions none;
  none.match = {*web::HostPattern::Parse("127.0.0.1")};
  none.proxy = ProxyChoice();
  options_.hosts = {other, none};
  options_.allow_addresses = AllAddresses();
  for (const char* host : {"own.test", "127.0.0.1", "web.test"}) {
    EXPECT_EQ(FetchUrl(UrlOf(host)).body, "x") << host;
  }
  EXPECT_THAT(own.asked(), ElementsAre("GET " + UrlOf("own.test")));
  EXPECT_THAT(everybodys.asked(), ElementsAre("GET " + UrlOf("web.test")));
}

TEST_F(FetcherProxyTest, TheProxysNameIsLookedUpByUs) {
  test::DnsServer dns([](const test::DnsQuestion& question) {
    if (question.name != "proxy.test") return test::DnsAnswer{.code = 3};
    return test::DnsAnswer{.addresses = {question.v6 ? "::1" : "127.0.0.1"}};
  });
  options_.resolver.servers = {dns.address()};
  const ProxyServer proxy;
  options_.proxy = *ProxyUrl::Parse("http://proxy.test:" + std::to_string(proxy.port()));
  EXPECT_EQ(FetchUrl(UrlOf("web.test")).body, "x");
  EXPECT_EQ(dns.asked("web.test"), 0U);
  options_.proxy = *ProxyUrl::Parse("http://gone.test:3128");
  fetcher_.reset();
  EXPECT_EQ(FetchUrl(UrlOf("web.test")).error, FetchError::kProxy);
}

TEST(ProxyUrlTest, AProxyIsASchemeAHostAndAPort) {
  const auto proxy = ProxyUrl::Parse("socks5h://u%40x:p%3Aw@Proxy.TEST:1080/");
  ASSERT_TRUE(proxy);
  EXPECT_EQ(proxy->username, "u@x");
  EXPECT_EQ(proxy->password, "p:w");
  EXPECT_EQ(proxy->ToString(), "socks5h://proxy.test:1080");
  EXPECT_EQ(ProxyUrl::Parse("http://[2001:db8::1]:8080")->ToString(), "http://[2001:db8::1]:8080");
  for (const char* bad :
       {"", "s3cret", "ftp://a:1", "http://s3cret", "http://s3cret:0", "http://a:70000",
        "http://s3cret@:1", "http://:s3cret@a:1", "http://a:1/s3cret", "socks4://a:1",
        "http://u:s3cret%0a@a:1", "http://u:s3%@a:1", "http://*.a:1", "http://[::1]"}) {
    const auto result = ProxyUrl::Parse(bad);
    ASSERT_FALSE(result) << bad;
    EXPECT_THAT(result.error(), Not(HasSubstr("s3"))) << bad;
  }
}

}  // namespace
}  // namespace crawld::fetcher
