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

constexpr std::chrono::milliseconds kMoment{1};

TEST_F(FetcherTest, ItCountsWhatItHasDone) {
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

TEST_F(FetcherTest, TheOldestTransferHasAnAgeThatGrowsAndNoneHasNone) {
  test::DnsServer dns([](const test::DnsQuestion&) { return test::DnsAnswer{.silent = true}; });
  options_.resolver.servers = {dns.address()};
  Serve([](const Request&) { return Reply().Stall(); });
  EXPECT_EQ(fetcher().stats().oldest, Millis(0));
  for (const std::string& url : {server_->Url("/"), std::string("http://slow.test/")}) {
    auto future = fetcher().Submit(RequestFor(url));
    while (fetcher().stats().oldest < Millis(120)) (void)future.WaitFor(kMoment);
    EXPECT_EQ(fetcher().stats().resolving, url == "http://slow.test/" ? 1U : 0U);
    fetcher().CancelAll();
    EXPECT_EQ(future.Take().error, FetchError::kCancelled);
    concurrency::Event never;
    while (fetcher().stats().oldest > Millis(0)) never.WaitFor(kMoment);
  }
}

TEST_F(FetcherTest, WhatIsRefusedAtOnceLeavesNoAgeBehind) {
  EXPECT_EQ(FetchUrl("ftp://127.0.0.1/").error, FetchError::kBadUrl);
  concurrency::Event never;
  while (fetcher().stats().oldest > Millis(0)) never.WaitFor(kMoment);
}

TEST_F(FetcherTest, WhatEndsByATimeLimitLeavesNoAgeBehind) {
  test::DnsServer dns([](const test::DnsQuestion&) { return test::DnsAnswer{.silent = true}; });
  options_.resolver.servers = {dns.address()};
  options_.total_timeout = Millis(100);
  Serve([](const Request&) { return Reply().Stall(); });
  for (const std::string& url : {server_->Url("/"), std::string("http://slow.test/")}) {
    EXPECT_EQ(FetchUrl(url).error, FetchError::kTotalTimeout);
    concurrency::Event never;
    const auto begun = std::chrono::steady_clock::now();
    while (fetcher().stats().oldest > Millis(0)) {
      never.WaitFor(kMoment);
      ASSERT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(20));
    }
  }
}

TEST_F(FetcherTest, WhoIsImpatientIsToldOnceThatNothingIsOver) {
  test::DnsServer dns([](const test::DnsQuestion&) { return test::DnsAnswer{.silent = true}; });
  options_.resolver.servers = {dns.address()};
  std::shared_ptr<test::Gate> gate;
  Serve([&](const Request&) { return Reply().WaitFor(gate).Send(test::ResponseBytes(200, "x")); });
  gate = server_->MakeGate();
  std::atomic<int> told = 0;
  FetchRequest request = RequestFor(server_->Url("/"));
  request.patience = Millis(30);
  request.on_slow = [&] {
    ++told;
    return true;
  };
  auto future = fetcher().Submit(std::move(request));
  while (told == 0) (void)future.WaitFor(kMoment);
  FetchRequest nameless = RequestFor("http://slow.test/");
  nameless.patience = Millis(30);
  nameless.on_slow = [&] {
    ++told;
    return true;
  };
  auto unresolved = fetcher().Submit(std::move(nameless));
  while (told == 1) (void)unresolved.WaitFor(kMoment);
  gate->Open();
  EXPECT_EQ(future.Take().body, "x");
  fetcher().CancelAll();
  EXPECT_EQ(unresolved.Take().error, FetchError::kCancelled);
  EXPECT_EQ(told, 2);
}

// Found by an attacker: answers that trickle held all places of a crawl.
TEST_F(FetcherTest, AnAnswerThatTricklesIsSlowToo) {
  std::shared_ptr<test::Gate> gate;
  Serve([&](const Request&) {
    return Reply().Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx").WaitFor(gate).Send("y");
  });
  gate = server_->MakeGate();
  std::atomic<int> told = 0;
  FetchRequest request = RequestFor(server_->Url("/"));
  request.patience = Millis(30);
  request.on_slow = [&] {
    ++told;
    return true;
  };
  auto future = fetcher().Submit(std::move(request));
  while (told == 0) (void)future.WaitFor(kMoment);
  gate->Open();
  EXPECT_EQ(future.Take().body, "xy");
  EXPECT_EQ(told, 1);
}

TEST_F(FetcherTest, WhoCannotDoAnythingYetIsToldAgain) {
  std::shared_ptr<test::Gate> gate;
  Serve([&](const Request&) { return Reply().WaitFor(gate).Send(test::ResponseBytes(200, "x")); });
  gate = server_->MakeGate();
  std::atomic<int> told = 0;
  FetchRequest request = RequestFor(server_->Url("/"));
  request.patience = Millis(30);
  request.on_slow = [&] { return ++told == 3; };
  auto future = fetcher().Submit(std::move(request));
  while (told < 3) (void)future.WaitFor(kMoment);
  (void)future.WaitFor(Millis(120));
  gate->Open();
  EXPECT_EQ(future.Take().body, "x");
  EXPECT_EQ(told, 3);
}

TEST_F(FetcherTest, NobodyIsToldOfAFetchThatIsOverInTime) {
  Serve([](const Request&) { return test::Answer(200, "x"); });
  std::atomic<int> told = 0;
  FetchRequest request = RequestFor(server_->Url("/"));
  request.patience = Millis(30'000);
  request.on_slow = [&] {
    ++told;
    return true;
  };
  EXPECT_EQ(fetcher().Submit(std::move(request)).Take().body, "x");
  EXPECT_EQ(told, 0);
}

}  // namespace
}  // namespace crawld::fetcher
