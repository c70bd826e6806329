// The fetcher: what it tells of itself.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>

#include "concurrency/event.h"
#include "tests/fetcher/fetcher_fixture.h"
#include "tests/support/dns_server.h"

namespace crawld::fetcher {
namespace {

using test::Reply;
using test::Request;

class FetcherStatsTest : public FetcherTest {
 protected:
  void AwaitIdle() {
    Await([this] { return fetcher().stats().oldest == Millis(0); });
  }
  void AwaitTold(int times) {
    Await([this, times] { return told_ >= times; });
  }
  // Who asks for it is impatient after 30 ms, and content when told `times`.
  FetchRequest Impatient(const std::string& url, int times = 1) {
    FetchRequest request = RequestFor(url);
    request.patience = Millis(30);
    request.on_slow = [this, times] { return ++told_ >= times; };
    return request;
  }
  // Answers of 200 that wait for `gate_`.
  void ServeLate() {
    Serve([this](const Request&) {
      return Reply().WaitFor(gate_).Send(test::ResponseBytes(200, "x"));
    });
    gate_ = server_->MakeGate();
  }
  template <typename Condition>
  void Await(Condition holds) {
    concurrency::Event never;
    const auto begun = std::chrono::steady_clock::now();
    while (!holds()) {
      never.WaitFor(std::chrono::milliseconds(1));
      ASSERT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(30));
    }
  }

  std::atomic<int> told_ = 0;
  std::shared_ptr<test::Gate> gate_;
};

TEST_F(FetcherStatsTest, ItCountsWhatItHasDone) {
  test::DnsServer dns([](const test::DnsQuestion& question) {
    if (question.name == "none.test") return test::DnsAnswer{.code = 3};
    return test::DnsAnswer{.addresses = {question.v6 ? "::1" : "127.0.0.1"}};
  });
  options_.resolver.servers = {dns.address()};
  Serve([](const Request&) { return test::Html("x"); });
  const std::string url = "http://web.test:" + std::to_string(server_->port()) + "/";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(FetchUrl(url).status, 200);
  EXPECT_EQ(FetchUrl("http://none.test/").error, FetchError::kDns);
  const FetcherStats stats = fetcher().stats();
  EXPECT_EQ(stats.dns_lookups, 2U);
  EXPECT_EQ(stats.dns_hits, 2U);
  EXPECT_EQ(stats.dns_failures, 1U);
  EXPECT_EQ(stats.connections, 1U);
  EXPECT_EQ(stats.reused, 2U);
  EXPECT_EQ(stats.in_flight, 0U);
  EXPECT_EQ(stats.resolving, 0U);
}

TEST_F(FetcherStatsTest, TheOldestTransferHasAnAgeThatGrowsAndNoneHasNone) {
  test::DnsServer dns([](const test::DnsQuestion&) { return test::DnsAnswer{.silent = true}; });
  options_.resolver.servers = {dns.address()};
  Serve([](const Request&) { return Reply().Stall(); });
  EXPECT_EQ(fetcher().stats().oldest, Millis(0));
  for (const std::string& url : {server_->Url("/"), std::string("http://slow.test/")}) {
    auto future = fetcher().Submit(RequestFor(url));
    Await([this] { return fetcher().stats().oldest >= Millis(120); });
    EXPECT_EQ(fetcher().stats().resolving, url == "http://slow.test/" ? 1U : 0U);
    fetcher().CancelAll();
    EXPECT_EQ(future.Take().error, FetchError::kCancelled);
    AwaitIdle();
  }
}

TEST_F(FetcherStatsTest, WhatIsRefusedAtOnceLeavesNoAgeBehind) {
  EXPECT_EQ(FetchUrl("ftp://127.0.0.1/").error, FetchError::kBadUrl);
  AwaitIdle();
}

TEST_F(FetcherStatsTest, WhatEndsByATimeLimitLeavesNoAgeBehind) {
  test::DnsServer dns([](const test::DnsQuestion&) { return test::DnsAnswer{.silent = true}; });
  options_.resolver.servers = {dns.address()};
  options_.total_timeout = Millis(100);
  Serve([](const Request&) { return Reply().Stall(); });
  for (const std::string& url : {server_->Url("/"), std::string("http://slow.test/")}) {
    EXPECT_EQ(FetchUrl(url).error, FetchError::kTotalTimeout);
    AwaitIdle();
  }
}

TEST_F(FetcherStatsTest, WhoIsImpatientIsToldOnceThatNothingIsOver) {
  test::DnsServer dns([](const test::DnsQuestion&) { return test::DnsAnswer{.silent = true}; });
  options_.resolver.servers = {dns.address()};
  ServeLate();
  auto future = fetcher().Submit(Impatient(server_->Url("/")));
  AwaitTold(1);
  auto unresolved = fetcher().Submit(Impatient("http://slow.test/"));
  AwaitTold(2);
  gate_->Open();
  EXPECT_EQ(future.Take().body, "x");
  fetcher().CancelAll();
  EXPECT_EQ(unresolved.Take().error, FetchError::kCancelled);
  EXPECT_EQ(told_, 2);
}

// Found by an attacker: answers that trickle held all places of a crawl.
TEST_F(FetcherStatsTest, AnAnswerThatTricklesIsSlowToo) {
  Serve([this](const Request&) {
    return Reply().Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx").WaitFor(gate_).Send("y");
  });
  gate_ = server_->MakeGate();
  auto future = fetcher().Submit(Impatient(server_->Url("/")));
  AwaitTold(1);
  gate_->Open();
  EXPECT_EQ(future.Take().body, "xy");
  EXPECT_EQ(told_, 1);
}

TEST_F(FetcherStatsTest, WhoCannotDoAnythingYetIsToldAgain) {
  ServeLate();
  auto future = fetcher().Submit(Impatient(server_->Url("/"), 3));
  AwaitTold(3);
  (void)future.WaitFor(Millis(120));
  gate_->Open();
  EXPECT_EQ(future.Take().body, "x");
  EXPECT_EQ(told_, 3);
}

TEST_F(FetcherStatsTest, NobodyIsToldOfAFetchThatIsOverInTime) {
  Serve([](const Request&) { return test::Answer(200, "x"); });
  FetchRequest request = Impatient(server_->Url("/"));
  request.patience = Millis(30'000);
  EXPECT_EQ(fetcher().Submit(std::move(request)).Take().body, "x");
  EXPECT_EQ(told_, 0);
}

}  // namespace
}  // namespace crawld::fetcher
