#include "fetcher/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "tests/support/dns_server.h"
#include "tests/support/temp_dir.h"

namespace crawld::fetcher {
namespace {

using test::DnsAnswer;
using test::DnsQuestion;
using test::DnsServer;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

class ResolverTest : public testing::Test {
 protected:
  void Serve(std::function<DnsAnswer(const DnsQuestion&)> answer) {
    server_ = std::make_unique<DnsServer>(std::move(answer));
    options_.servers = {server_->address()};
    options_.hosts_file = hosts_;
    options_.timeout = Millis(200);
    options_.tries = 2;
  }
  Resolver& resolver() {
    if (!resolver_) resolver_ = std::make_unique<Resolver>(io_, options_);
    return *resolver_;
  }
  Resolution Resolve(const std::string& host) {
    std::optional<Resolution> result;
    resolver().Resolve(host, [&](const Resolution& resolution) { result = resolution; });
    io_.restart();
    while (!result && io_.run_one() > 0) {
    }
    EXPECT_TRUE(result);
    return result.value_or(Resolution{});
  }
  std::vector<std::string> Addresses(const std::string& host) {
    std::vector<std::string> texts;
    for (const IpAddress& address : Resolve(host).addresses) texts.push_back(address.ToString());
    return texts;
  }

  const test::TempDir dir_;
  const std::string hosts_ = (dir_ / "hosts").string();
  boost::asio::io_context io_;
  ResolverOptions options_;
  std::unique_ptr<DnsServer> server_;
  std::unique_ptr<Resolver> resolver_;  // before the server, and in front of the io_context
};

DnsAnswer Both(const DnsQuestion& question) {
  return {.addresses = {question.v6 ? "2001:4860::1" : "198.51.100.7"}};
}

TEST_F(ResolverTest, ANameHasTheAddressesOfBothFamilies) {
  Serve(Both);
  EXPECT_THAT(Addresses("a.test"), UnorderedElementsAre("198.51.100.7", "2001:4860::1"));
}

TEST_F(ResolverTest, WhatWasFoundIsNotAskedAgain) {
  Serve(Both);
  EXPECT_FALSE(Resolve("a.test").cached);
  const size_t asked = server_->asked("a.test");
  const Resolution again = Resolve("A.Test.");
  EXPECT_TRUE(again.cached);
  EXPECT_THAT(again.addresses, Not(IsEmpty()));
  EXPECT_EQ(server_->asked("a.test"), asked);
  EXPECT_EQ(resolver().stats().hits, 1U);
}

TEST_F(ResolverTest, WhoAsksWhileANameIsLookedUpGetsTheSameAnswer) {
  Serve(Both);
  int answers = 0;
  for (int i = 0; i < 10; ++i) {
    resolver().Resolve("a.test", [&](const Resolution& resolution) {
      answers += resolution.addresses.empty() ? 0 : 1;
    });
  }
  while (answers < 10 && io_.run_one() > 0) {
  }
  EXPECT_EQ(answers, 10);
  EXPECT_EQ(resolver().stats().lookups, 1U);
  EXPECT_EQ(resolver().stats().joined, 9U);
  EXPECT_EQ(server_->asked("a.test"), 2U) << "A and AAAA";
}

// The refusal by TCP ends all questions that the server has.
TEST_F(ResolverTest, ANameWhoseAnswerIsCutTakesNoOthersWithIt) {
  std::atomic<int> asked = 0;
  Serve([&](const DnsQuestion& question) -> DnsAnswer {
    if (question.name == "cut.test") return {.cut = true};
    if (asked.fetch_add(1) < 4) return {.silent = true};  // both families, both of c-ares' tries
    return Both(question);
  });
  options_.timeout = Millis(5000);
  std::optional<Resolution> good;
  std::optional<Resolution> cut;
  resolver().Resolve("good.test", [&](const Resolution& found) { good = found; });
  resolver().Resolve("cut.test", [&](const Resolution& found) { cut = found; });
  while ((!good || !cut) && io_.run_one() > 0) {
  }
  ASSERT_TRUE(good && cut);
  EXPECT_THAT(good->addresses, Not(IsEmpty())) << good->error;
  EXPECT_EQ(cut->error, "no name server gives an answer");
}

TEST_F(ResolverTest, ATtlHoldsWithinItsBounds) {
  Serve([](const DnsQuestion& question) {
    DnsAnswer answer = Both(question);
    answer.ttl = question.name == "short.test" ? 0 : 1'000'000;
    return answer;
  });
  options_.min_ttl = Millis(0);
  options_.max_ttl = Millis(0);
  Resolve("short.test");
  Resolve("long.test");
  EXPECT_FALSE(Resolve("short.test").cached);
  EXPECT_FALSE(Resolve("long.test").cached) << "a long TTL is cut";
  resolver_.reset();
  options_.min_ttl = options_.max_ttl = Millis(60'000);
  Resolve("short.test");
  EXPECT_TRUE(Resolve("short.test").cached) << "a short TTL is stretched";
}

TEST_F(ResolverTest, ThatANameDoesNotExistIsKept) {
  Serve([](const DnsQuestion&) { return DnsAnswer{.code = 3}; });
  const Resolution none = Resolve("none.test");
  EXPECT_THAT(none.addresses, IsEmpty());
  EXPECT_NE(none.error, "");
  const size_t asked = server_->asked("none.test");
  EXPECT_EQ(Resolve("none.test").error, none.error);
  EXPECT_EQ(server_->asked("none.test"), asked);
}

TEST_F(ResolverTest, ANameWithoutAddressesSaysSo) {
  Serve([](const DnsQuestion&) { return DnsAnswer{}; });
  EXPECT_NE(Resolve("empty.test").error, "");
}

TEST_F(ResolverTest, AServerThatIsSilentEndsInAnError) {
  Serve([](const DnsQuestion&) { return DnsAnswer{.silent = true}; });
  EXPECT_NE(Resolve("slow.test").error, "");
  EXPECT_GE(server_->asked("slow.test"), 2U) << "it was asked again";
}

TEST_F(ResolverTest, OneFamilyIsEnough) {
  Serve([](const DnsQuestion& question) {
    return question.v6 ? DnsAnswer{.code = 2} : DnsAnswer{.addresses = {"198.51.100.7"}};
  });
  EXPECT_THAT(Addresses("four.test"), ElementsAre("198.51.100.7"));
}

TEST_F(ResolverTest, TheHostsFileComesFirst) {
  Serve(Both);
  std::ofstream(hosts_) << "# comment\n198.51.100.1 a.test B.test # more\n2001:4860::5\ta.test\n"
                           "nonsense c.test\n";
  EXPECT_THAT(Addresses("a.test"), ElementsAre("198.51.100.1", "2001:4860::5"));
  EXPECT_THAT(Addresses("b.test"), ElementsAre("198.51.100.1"));
  EXPECT_EQ(server_->asked("a.test"), 0U);
  EXPECT_THAT(Addresses("c.test"), Not(IsEmpty()));
  EXPECT_GT(server_->asked("c.test"), 0U);
}

TEST_F(ResolverTest, Rfc6761_NamesOfLocalhostAreThisMachines) {
  Serve(Both);
  for (const char* const name : {"localhost", "a.localhost", "LOCALHOST."}) {
    EXPECT_THAT(Addresses(name), ElementsAre("127.0.0.1", "::1")) << name;
  }
  EXPECT_EQ(server_->asked("localhost") + server_->asked("a.localhost"), 0U);
}

TEST_F(ResolverTest, TheCacheIsBounded) {
  Serve(Both);
  options_.max_entries = 8;
  for (int i = 0; i < 30; ++i) Resolve("h" + std::to_string(i) + ".test");
  EXPECT_EQ(resolver().entries(), 8U);
  EXPECT_TRUE(Resolve("h29.test").cached);
  EXPECT_FALSE(Resolve("h0.test").cached);
}

TEST_F(ResolverTest, ALookupThatIsUnderWayEndsWithTheResolver) {
  Serve([](const DnsQuestion&) { return DnsAnswer{.silent = true}; });
  bool answered = false;
  resolver().Resolve("slow.test", [&](const Resolution&) { answered = true; });
  io_.poll();
  resolver_.reset();
  io_.restart();
  io_.poll();
  EXPECT_FALSE(answered);
}

TEST_F(ResolverTest, AServerThatIsNoneIsRefused) {
  options_.servers = {"nonsense"};
  EXPECT_THROW(resolver(), FatalError);
}

}  // namespace
}  // namespace crawld::fetcher
