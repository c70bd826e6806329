// The fetcher: names, and where they may lead.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/fetcher/fetcher_fixture.h"
#include "tests/support/dns_server.h"

namespace crawld::fetcher {
namespace {

using test::HttpServer;
using test::Reply;
using test::Request;
using test::ResponseBytes;
using testing::HasSubstr;

// --- the address guard

TEST_F(FetcherTest, ByDefaultNothingConnectsToThisMachine) {
  options_.allow_addresses.clear();
  ServeBytes(ResponseBytes(200, "canary"));
  const std::string port = std::to_string(server_->port());
  for (const std::string host : {"127.0.0.1", "localhost", "0x7f.1", "2130706433", "0.0.0.0",
                                 "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "127.1"}) {
    const FetchResult result = FetchUrl("http://" + host + ":" + port + "/");
    EXPECT_EQ(result.error, FetchError::kAddressForbidden) << host;
    EXPECT_THAT(result.detail, HasSubstr("fetcher.allow_addresses")) << host;
    EXPECT_EQ(result.status, 0) << host;
  }
  EXPECT_TRUE(server_->requests().empty());
}

TEST_F(FetcherTest, ARangeOpensItsPortsAlone) {
  ServeBytes(ResponseBytes(200, "x"));
  HttpServer closed([](const Request&) { return Reply().Send(ResponseBytes(200, "y")); });
  options_.allow_addresses = {
      *AddressRange::Parse("127.0.0.0/8:" + std::to_string(server_->port()))};
  EXPECT_EQ(Fetch().status, 200);
  EXPECT_EQ(FetchUrl(closed.Url("/")).error, FetchError::kAddressForbidden);
  EXPECT_TRUE(closed.requests().empty());
}

// --- names

TEST_F(FetcherTest, ANameIsLookedUpAndTheAddressThatAnswersIsTaken) {
  test::DnsServer dns([](const test::DnsQuestion& question) {
    return test::DnsAnswer{.addresses = {question.v6 ? "::1" : "127.0.0.1"}};
  });
  options_.resolver.servers = {dns.address()};
  Serve([](const Request& request) { return Reply().Send(ResponseBytes(200, request.target)); });
  const std::string url = "http://web.test:" + std::to_string(server_->port());
  const FetchResult result = FetchUrl(url + "/a");
  EXPECT_EQ(result.status, 200) << result.detail;
  EXPECT_EQ(result.ip, "127.0.0.1");
  EXPECT_EQ(FetchUrl(url + "/b").status, 200);
  EXPECT_EQ(dns.asked("web.test"), 2U) << "A and AAAA, once";
}

TEST_F(FetcherTest, ANameServerThatChangesItsMindLeadsNowhereElse) {
  std::atomic<int> asked = 0;
  test::DnsServer dns([&](const test::DnsQuestion& question) {
    if (question.v6) return test::DnsAnswer{};
    return test::DnsAnswer{.addresses = {asked++ == 0 ? "192.0.2.1" : "127.0.0.1"}, .ttl = 0};
  });
  options_.resolver.servers = {dns.address()};
  options_.resolver.min_ttl = Millis(0);
  options_.allow_addresses.clear();
  ServeBytes(ResponseBytes(200, "canary"));
  const std::string url = "http://rebind.test:" + std::to_string(server_->port()) + "/";
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(FetchUrl(url).error, FetchError::kAddressForbidden) << i;
  }
  EXPECT_TRUE(server_->requests().empty());
}

TEST_F(FetcherTest, ANameThatDoesNotExistIsADnsError) {
  test::DnsServer dns([](const test::DnsQuestion&) { return test::DnsAnswer{.code = 3}; });
  options_.resolver.servers = {dns.address()};
  const FetchResult result = FetchUrl("http://none.test/");
  EXPECT_EQ(result.error, FetchError::kDns);
  EXPECT_NE(result.detail, "");
}

// What one transfer needs no more another takes out of libcurl's hands; a third may need it again.
TEST_F(FetcherTest, NamesThatComeAndGoAreFoundEachTime) {
  test::DnsServer dns([](const test::DnsQuestion& question) {
    if (question.v6) return test::DnsAnswer{};
    return test::DnsAnswer{.addresses = {"127.0.0.1"}};
  });
  options_.resolver.servers = {dns.address()};
  // Every second answer leaves something in its connection, so that the next is launched twice.
  Serve([](const Request& request) {
    const std::string rest = request.target == "/1" ? "more" : "";
    return Reply().Send(ResponseBytes(200, "x") + rest);
  });
  const std::string port = ":" + std::to_string(server_->port());
  for (int round = 0; round < 20; ++round) {
    std::vector<concurrency::Future<FetchResult>> futures;
    for (int i = 0; i < 8; ++i) {
      futures.push_back(
          fetcher().Submit(RequestFor("http://web" + std::to_string((round + i) % 12) + ".test" +
                                      port + "/" + std::to_string(i % 2))));
    }
    for (auto& future : futures) {
      const FetchResult result = future.Take();
      EXPECT_EQ(result.status, 200) << result.detail;
    }
  }
}

TEST_F(FetcherTest, ANameServerThatIsSilentHoldsUpItsNamesAlone) {
  test::DnsServer dns([](const test::DnsQuestion& question) {
    if (question.name == "slow.test") return test::DnsAnswer{.silent = true};
    return test::DnsAnswer{.addresses = {question.v6 ? "::1" : "127.0.0.1"}};
  });
  options_.resolver.servers = {dns.address()};
  options_.connect_timeout = Millis(400);
  ServeBytes(ResponseBytes(200, "x"));
  FetchRequest slow;
  slow.url = *web::Url::Parse("http://slow.test/");
  auto waiting = fetcher().Submit(std::move(slow));
  EXPECT_EQ(FetchUrl("http://web.test:" + std::to_string(server_->port()) + "/").status, 200);
  EXPECT_EQ(waiting.Take().error, FetchError::kConnectTimeout);
}

TEST_F(FetcherTest, ALookupEndsWithinTheTotalTimeToo) {
  test::DnsServer dns([](const test::DnsQuestion&) { return test::DnsAnswer{.silent = true}; });
  options_.resolver.servers = {dns.address()};
  options_.connect_timeout = Millis(60'000);
  options_.total_timeout = Millis(200);
  EXPECT_EQ(FetchUrl("http://slow.test/").error, FetchError::kTotalTimeout);
}

TEST_F(FetcherTest, ALookupThatIsCancelledEndsAtOnce) {
  test::DnsServer dns([](const test::DnsQuestion&) { return test::DnsAnswer{.silent = true}; });
  options_.resolver.servers = {dns.address()};
  FetchRequest slow;
  slow.url = *web::Url::Parse("http://slow.test/");
  auto waiting = fetcher().Submit(std::move(slow));
  while (dns.asked("slow.test") == 0) std::this_thread::yield();
  fetcher().CancelAll();
  EXPECT_EQ(waiting.Take().error, FetchError::kCancelled);
  EXPECT_EQ(fetcher().in_flight(), 0U);
}

}  // namespace
}  // namespace crawld::fetcher
