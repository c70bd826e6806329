// The fetcher: one budget for the bodies of all transfers.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/fetcher/fetcher_fixture.h"

namespace crawld::fetcher {
namespace {

using test::Reply;
using test::Request;
using test::ResponseBytes;
using test::ResponseHead;

constexpr uint64_t kBudget = 1 << 20;
constexpr std::chrono::milliseconds kMoment{1};

TEST_F(FetcherTest, ManyBigBodiesAtOnceArriveWholeWithinTheBudget) {
  constexpr size_t kTransfers = 40;
  constexpr size_t kBody = 400'000;
  options_.threads = 2;
  options_.memory_budget_bytes = kBudget;
  options_.max_body_bytes = kBody;
  options_.idle_timeout = Millis(1000);
  std::shared_ptr<test::Gate> gate;
  Serve([&](const Request&) {
    return Reply()
        .Send(ResponseHead(200, {{"Content-Length", std::to_string(kBody)}}))
        .Send(std::string(kBody / 4, 'a'))
        .WaitFor(gate)
        .Send(std::string(kBody - kBody / 4, 'b'));
  });
  gate = server_->MakeGate();
  const std::string whole = std::string(kBody / 4, 'a') + std::string(kBody - kBody / 4, 'b');
  std::vector<concurrency::Future<FetchResult>> futures;
  for (size_t i = 0; i < kTransfers; ++i) {
    FetchRequest request = RequestFor(server_->Url("/"));
    request.pin = i;
    futures.push_back(fetcher().Submit(std::move(request)));
  }
  // Forty quarters are four times the budget.
  while (fetcher().stats().paused < 2) (void)futures.front().WaitFor(kMoment);
  gate->Open();
  uint64_t most = 0;
  for (auto& future : futures) {
    do {
      most = std::max(most, fetcher().budget().used());
    } while (!future.WaitFor(kMoment));
    const FetchResult result = future.Take();
    EXPECT_FALSE(result.error) << result.detail;
    EXPECT_EQ(result.body, whole);
  }
  EXPECT_LE(most, kBudget + 2 * kBody);
  EXPECT_EQ(fetcher().budget().used(), 0U);
  EXPECT_EQ(fetcher().body_bytes(), 0U);
  EXPECT_EQ(fetcher().stats().paused, 0U);
}

TEST_F(FetcherTest, ABodyBeyondTheBudgetGoesOnAlone) {
  options_.memory_budget_bytes = 10'000;
  Serve([](const Request&) { return test::Answer(200, std::string(3'000'000, 'x')); });
  const FetchResult result = Fetch();
  EXPECT_FALSE(result.error) << result.detail;
  EXPECT_EQ(result.body.size(), 3'000'000U);
}

TEST_F(FetcherTest, WhatOthersHoldIsWaitedForAndTheWaitIsNoIdleTime) {
  options_.memory_budget_bytes = kBudget;
  options_.idle_timeout = Millis(50);
  options_.min_speed_bytes = 1 << 20;
  options_.min_speed_window = Millis(50);
  Serve([](const Request&) { return test::Answer(200, std::string(300'000, 'x')); });
  fetcher().budget().Add(kBudget);
  auto future = fetcher().Submit(RequestFor(server_->Url("/")));
  while (fetcher().stats().paused == 0) (void)future.WaitFor(kMoment);
  EXPECT_FALSE(future.WaitFor(std::chrono::milliseconds(300)));
  fetcher().budget().Sub(kBudget);
  const FetchResult result = future.Take();
  EXPECT_FALSE(result.error) << result.detail;
  EXPECT_EQ(result.body.size(), 300'000U);
}

TEST_F(FetcherTest, TheTotalTimeHoldsForAPausedTransferToo) {
  options_.memory_budget_bytes = kBudget;
  options_.total_timeout = Millis(200);
  Serve([](const Request&) { return test::Answer(200, std::string(300'000, 'x')); });
  fetcher().budget().Add(kBudget);
  const FetchResult result = Fetch();
  EXPECT_EQ(result.error, FetchError::kTotalTimeout);
  EXPECT_EQ(result.truncated, Truncation::kTime);
  EXPECT_EQ(fetcher().stats().paused, 0U);
}

TEST_F(FetcherTest, APausedTransferCanBeCancelled) {
  options_.memory_budget_bytes = kBudget;
  Serve([](const Request&) { return test::Answer(200, std::string(300'000, 'x')); });
  fetcher().budget().Add(kBudget);
  auto future = fetcher().Submit(RequestFor(server_->Url("/")));
  while (fetcher().stats().paused == 0) (void)future.WaitFor(kMoment);
  fetcher().CancelAll();
  EXPECT_EQ(future.Take().error, FetchError::kCancelled);
  EXPECT_EQ(fetcher().stats().paused, 0U);
}

// libcurl hands on what it kept from within the call that lets it go on.
TEST_F(FetcherTest, ABodyThatIsCutWhenItGoesOnEnds) {
  options_.memory_budget_bytes = kBudget;
  options_.max_body_bytes = 10;
  Serve([](const Request&) { return test::Answer(200, std::string(300'000, 'x')); });
  fetcher().budget().Add(kBudget);
  auto future = fetcher().Submit(RequestFor(server_->Url("/")));
  while (fetcher().stats().paused == 0) (void)future.WaitFor(kMoment);
  fetcher().budget().Sub(kBudget);
  const FetchResult result = future.Take();
  EXPECT_FALSE(result.error) << result.detail;
  EXPECT_EQ(result.truncated, Truncation::kLength);
  EXPECT_EQ(result.body.size(), 10U);
  EXPECT_EQ(Fetch().truncated, Truncation::kLength);
}

}  // namespace
}  // namespace crawld::fetcher
