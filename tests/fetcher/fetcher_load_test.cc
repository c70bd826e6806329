// The fetcher under load: many transfers at once, cancelled, destroyed.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "concurrency/event.h"
#include "fetcher/fetcher.h"
#include "tests/support/http_server.h"

namespace crawld::fetcher {
namespace {

using test::Answer;
using test::HttpServer;
using test::Reply;
using test::Request;

class FetcherLoadTest : public testing::Test {
 protected:
  FetcherLoadTest() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    options_.user_agent = "crawld-test/1";
    options_.allow_addresses = AllAddresses();
    options_.max_kept_connections = 1100;
  }
  static FetchRequest To(const HttpServer& server, int number) {
    FetchRequest request;
    request.url = *web::Url::Parse(server.Url("/" + std::to_string(number)));
    request.pin = static_cast<uint64_t>(number);
    return request;
  }

  FetcherOptions options_;
};

TEST_F(FetcherLoadTest, OneLoopCarriesAThousandTransfersAndNoneTwice) {
  constexpr int kTransfers = 1000;
  std::shared_ptr<test::Gate> gate;
  HttpServer server([&gate](const Request& request) {
    return Reply().WaitFor(gate).Send(test::ResponseBytes(200, request.target));
  });
  gate = server.MakeGate();
  Fetcher fetcher(options_);
  std::vector<concurrency::Future<FetchResult>> futures;
  for (int i = 0; i < kTransfers; ++i) futures.push_back(fetcher.Submit(To(server, i)));
  ASSERT_TRUE(server.AwaitInFlight(kTransfers));
  EXPECT_EQ(fetcher.in_flight(), 1000U);
  gate->Open();
  for (int i = 0; i < kTransfers; ++i) {
    const FetchResult result = futures[static_cast<size_t>(i)].Take();
    EXPECT_FALSE(result.error) << result.detail;
    EXPECT_EQ(result.body, "/" + std::to_string(i));
  }
  EXPECT_EQ(server.max_in_flight(), kTransfers);
  EXPECT_EQ(server.request_count(), 1000U);
  EXPECT_EQ(fetcher.in_flight(), 0U);
  EXPECT_EQ(fetcher.body_bytes(), 0U);
}

TEST_F(FetcherLoadTest, TransfersThatFollowOneAnotherShareFewConnections) {
  HttpServer server([](const Request&) { return test::Html("x"); });
  Fetcher fetcher(options_);
  for (int round = 0; round < 20; ++round) {
    std::vector<concurrency::Future<FetchResult>> futures;
    for (int i = 0; i < 10; ++i) futures.push_back(fetcher.Submit(To(server, i)));
    for (auto& future : futures) EXPECT_FALSE(future.Take().error);
  }
  EXPECT_EQ(server.request_count(), 200U);
  EXPECT_LE(server.connection_count(), 10U);
}

TEST_F(FetcherLoadTest, CancelAllCompletesEveryFutureExactlyOnce) {
  constexpr int kTransfers = 300;
  options_.threads = 2;
  // A third answers at once, a third has begun to answer, a third says nothing.
  HttpServer server([](const Request& request) {
    switch (std::stoi(request.target.substr(1)) % 3) {
      case 0:
        return Answer(200, "whole");
      case 1:
        return Reply().Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome").Stall();
      default:
        return Reply().Stall();
    }
  });
  std::vector<std::atomic<int>> calls(kTransfers);
  std::atomic<int> cancelled = 0;
  auto owner = std::make_unique<Fetcher>(options_);
  Fetcher& fetcher = *owner;
  std::vector<concurrency::Future<FetchResult>> futures;
  for (int i = 0; i < kTransfers; ++i) {
    futures.push_back(fetcher.Submit(To(server, i)));
    futures.back().AddDoneCallback([&, i](concurrency::Future<FetchResult>& future) {
      ++calls[static_cast<size_t>(i)];
      const FetchResult& result = future.Result();
      if (result.error == FetchError::kCancelled) {
        ++cancelled;
      } else {
        EXPECT_FALSE(result.error) << result.detail;
        EXPECT_EQ(i % 3, 0);
      }
    });
  }
  ASSERT_TRUE(server.AwaitInFlight(kTransfers * 2 / 3));
  fetcher.CancelAll();
  for (auto& future : futures) future.Wait();
  EXPECT_EQ(fetcher.in_flight(), 0U);
  EXPECT_EQ(fetcher.body_bytes(), 0U);

  // New ones may be submitted afterwards.
  EXPECT_EQ(fetcher.Submit(To(server, 3)).Take().body, "whole");
  owner.reset();  // a callback may run on for a moment after its future's waiters were woken
  EXPECT_GE(cancelled, kTransfers * 2 / 3);
  for (const auto& count : calls) EXPECT_EQ(count, 1);
}

TEST_F(FetcherLoadTest, CancelAllReachesTransfersThatWereOnlyJustSubmitted) {
  HttpServer server([](const Request&) { return Reply().Stall(); });
  Fetcher fetcher(options_);
  for (int round = 0; round < 50; ++round) {
    std::vector<concurrency::Future<FetchResult>> futures;
    for (int i = 0; i < 8; ++i) futures.push_back(fetcher.Submit(To(server, i)));
    fetcher.CancelAll();
    for (auto& future : futures) EXPECT_EQ(future.Take().error, FetchError::kCancelled);
  }
}

TEST_F(FetcherLoadTest, AStoppedFetcherClosesItsConnectionsAndTakesNothingMore) {
  HttpServer server([](const Request& request) {
    return request.target == "/1" ? Reply().Stall() : Answer(200, "x");
  });
  Fetcher fetcher(options_);
  EXPECT_EQ(fetcher.Submit(To(server, 0)).Take().body, "x");
  auto stalled = fetcher.Submit(To(server, 1));
  ASSERT_TRUE(server.AwaitRequests(2));
  fetcher.Stop();
  EXPECT_EQ(stalled.Take().error, FetchError::kCancelled);
  EXPECT_EQ(fetcher.Submit(To(server, 2)).Take().error, FetchError::kCancelled);
  fetcher.Stop();
  fetcher.CancelAll();
  EXPECT_EQ(server.request_count(), 2U);
  EXPECT_EQ(fetcher.in_flight(), 0U);
  EXPECT_TRUE(server.AwaitNoConnections()) << "the idle one too";
}

// The loop of a thousand transfers must not wait for one name.
TEST_F(FetcherLoadTest, CancellingWhileANameIsResolvedHoldsUpNothing) {
  HttpServer server([](const Request&) { return Answer(200, "x"); });
  Fetcher fetcher(options_);
  for (int round = 0; round < 20; ++round) {
    auto unresolved = fetcher.Submit(
        {.url = *web::Url::Parse("http://name-" + std::to_string(round) + ".invalid/")});
    fetcher.CancelAll();
    const auto result = unresolved.Take();
    EXPECT_TRUE(result.error == FetchError::kCancelled || result.error == FetchError::kDns);
    auto next = fetcher.Submit(To(server, round)).Take();
    // Where the name failed first, the cancellation was still on its way, and may meet this one.
    if (result.error == FetchError::kDns && next.error == FetchError::kCancelled) {
      next = fetcher.Submit(To(server, round)).Take();
    }
    EXPECT_EQ(next.body, "x");
  }
}

TEST_F(FetcherLoadTest, ACallbackMaySubmitTheNextTransfer) {
  HttpServer server([](const Request& request) { return Answer(200, request.target); });
  Fetcher fetcher(options_);
  concurrency::Event all;
  std::function<void(int)> next = [&](int number) {
    fetcher.Submit(To(server, number))
        .AddDoneCallback([&, number](concurrency::Future<FetchResult>& future) {
          EXPECT_FALSE(future.Result().error);
          if (number == 100) {
            all.Set();
          } else {
            next(number + 1);
          }
        });
  };
  next(1);
  all.Wait();
  EXPECT_EQ(server.connection_count(), 1U);
}

TEST_F(FetcherLoadTest, DestructionCompletesWhatIsInFlight) {
  for (const int threads : {1, 2}) {
    options_.threads = threads;
    HttpServer server([](const Request& request) {
      if (request.target == "/0") return Answer(200, "x");
      return Reply().Send("HTTP/1.1 200 OK\r\n\r\nsome").Stall();
    });
    std::atomic<int> calls = 0;
    std::vector<concurrency::Future<FetchResult>> futures;
    {
      Fetcher fetcher(options_);
      for (int i = 0; i < 100; ++i) {
        futures.push_back(fetcher.Submit(To(server, i)));
        futures.back().AddDoneCallback([&](concurrency::Future<FetchResult>&) { ++calls; });
      }
      ASSERT_TRUE(server.AwaitInFlight(50));
    }
    EXPECT_EQ(calls, 100);
    for (auto& future : futures) EXPECT_TRUE(future.Done());
  }
}

TEST_F(FetcherLoadTest, AFetcherThatWasNeverUsedGoesAway) {
  options_.threads = 4;
  const Fetcher fetcher(options_);
  EXPECT_EQ(fetcher.in_flight(), 0U);
}

}  // namespace
}  // namespace crawld::fetcher
