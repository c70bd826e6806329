#include "pipeline/host_health.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <variant>

#include "tests/support/http_server.h"
#include "tests/support/temp_dir.h"

namespace crawld::pipeline {
namespace {

using frontier::Completion;
using frontier::Reach;
using test::HttpServer;
using test::Reply;
using test::Request;

// One host whose first fetch has failed, with the rooms that look after it; the test is the
// dispatcher.
class HostHealthTest : public testing::Test {
 protected:
  HostHealthTest() {
    frontier_options_.scheduler.politeness.delay = Millis(0);
    frontier_options_.scheduler.politeness.robots = false;
    frontier_options_.scheduler.health.failures = 1;
    frontier_options_.on_gate = [this](frontier::GatedHost host) {
      health_->Watch(std::move(host));
    };
    frontier_options_.on_probe = [this](frontier::HostId host) { health_->Probe(host); };
    fetcher_options_.allow_addresses = {*fetcher::AddressRange::Parse("127.0.0.0/8")};
    fetcher_options_.user_agent = "t/1";
    options_.probes = 3;
    options_.backoff = Millis(5);
    options_.park = Millis(3'600'000);
  }

  void Begin(const std::string& url) {
    frontier_ = std::make_unique<frontier::Frontier>(dir_ / "frontier", frontier_options_);
    fetcher_ = std::make_unique<fetcher::Fetcher>(fetcher_options_);
    health_ = std::make_unique<HostHealth>(options_, clock_, *fetcher_, *frontier_);
    frontier::CommitGroup seeds;
    seeds.seeds.push_back(frontier_->scope().JudgeSeed(*web::Url::Parse(url)));
    frontier_->Commit(std::move(seeds), clock_.Now());
    auto decision = frontier_->Next(clock_.Now());
    Completion failed;
    failed.task = std::get<frontier::Task>(decision);
    failed.outcome = frontier::Outcome::kRetry;
    failed.reach = Reach::kSilent;
    failed.reason = "reset";
    frontier_->Release(failed.task,
                       {.when = clock_.Now(), .reach = Reach::kSilent, .reason = "reset"});
    frontier::CommitGroup group;
    group.completions.push_back(std::move(failed));
    frontier_->Commit(std::move(group), clock_.Now());
  }
  // Dispatches until that is so; false: it was not so for a long time.
  bool Await(const std::function<bool()>& so) {
    for (int i = 0; i < 4000; ++i) {
      frontier_->Commit({}, clock_.Now());
      auto decision = frontier_->Next(clock_.Now());
      if (const auto* task = std::get_if<frontier::Task>(&decision)) leased_ = task->url.href();
      if (so()) return true;
      std::this_thread::sleep_for(Millis(5));
    }
    return false;
  }

  const test::TempDir dir_;
  const Clock clock_;
  frontier::FrontierOptions frontier_options_;
  fetcher::FetcherOptions fetcher_options_;
  HostHealthOptions options_;
  std::string leased_;
  std::unique_ptr<frontier::Frontier> frontier_;
  std::unique_ptr<fetcher::Fetcher> fetcher_;
  std::unique_ptr<HostHealth> health_;
};

TEST_F(HostHealthTest, AHostIsProbedUntilItAnswersAndThenCrawledOnAtOnce) {
  std::atomic<int> asked = 0;
  HttpServer server([&](const Request&) {
    return ++asked < 3 ? Reply().Reset() : test::Answer(503, "still an answer");
  });
  Begin(server.Url("/page"));
  EXPECT_TRUE(Await([&] { return !leased_.empty(); }));
  EXPECT_EQ(leased_, server.Url("/page"));
  EXPECT_EQ(server.CountOf("/robots.txt"), 3) << "nothing else is asked for";
  EXPECT_EQ(server.request_count(), 3U);
  const HostHealthStats stats = health_->stats();
  EXPECT_EQ(stats.probes, 3U);
  EXPECT_EQ(stats.opened, 1U);
  EXPECT_EQ(stats.gated + stats.parked, 0U);
}

TEST_F(HostHealthTest, AHostThatAnswersNoProbeIsParked) {
  HttpServer server([](const Request&) { return Reply().Reset(); });
  Begin(server.Url("/page"));
  EXPECT_TRUE(Await([&] { return frontier_->stats().parked_urls == 1; }));
  const HostHealthStats stats = health_->stats();
  EXPECT_EQ(stats.probes, 3U);
  EXPECT_EQ(stats.parked, 1U);
  EXPECT_EQ(stats.gated + stats.opened, 0U);
  EXPECT_EQ(leased_, "");
}

TEST_F(HostHealthTest, ARetryAfterInTheAnswerToAProbeHoldsTheHost) {
  HttpServer server([](const Request&) {
    return test::Answer(503, "", {{"Retry-After", "1000"}});
  });
  Begin(server.Url("/page"));
  EXPECT_TRUE(
      Await([&] { return frontier_->stats().last_wait.held_by == frontier::Hold::kRetryAfter; }));
  EXPECT_GT(frontier_->stats().last_wait.until, clock_.Now() + Millis(900'000));
  EXPECT_EQ(health_->stats().opened, 1U);
  EXPECT_EQ(leased_, "");
}

TEST_F(HostHealthTest, WhatIsNotTheHostsFaultParksNobody) {
  HttpServer server([](const Request&) { return Reply().Reset(); });
  fetcher_options_.proxy = *fetcher::ProxyUrl::Parse("http://127.0.0.1:1");  // nobody listens
  Begin(server.Url("/page"));
  EXPECT_TRUE(Await([&] { return health_->stats().probes > 2 * options_.probes; }));
  const HostHealthStats stats = health_->stats();
  EXPECT_EQ(stats.gated, 1U);
  EXPECT_EQ(stats.parked, 0U);
}

}  // namespace
}  // namespace crawld::pipeline
