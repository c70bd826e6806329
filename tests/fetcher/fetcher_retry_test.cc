// The fetcher: connections that end between requests, and what may be tried again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/fetcher/fetcher_fixture.h"

namespace crawld::fetcher {
namespace {

using test::Reply;
using test::Request;
using test::ResponseBytes;

TEST_F(FetcherTest, AKeptConnectionThatTheServerClosedIsReplaced) {
  Serve([](const Request&) { return Reply().Send(ResponseBytes(200, "x")).Close(); });
  for (int i = 0; i < 5; ++i) {
    const FetchResult result = Fetch();
    EXPECT_FALSE(result.error) << result.detail;
    EXPECT_EQ(result.body, "x");
    ASSERT_TRUE(server_->AwaitNoConnections());
  }
  EXPECT_EQ(server_->connection_count(), 5U);
}

// libcurl would send the request again at once, on a connection of its own choice.
TEST_F(FetcherTest, AKeptConnectionThatDiesUnderTheNextRequestIsNotTriedAnewByLibcurl) {
  for (const bool reset : {false, true}) {
    Serve([reset](const Request& request) {
      if (request.sequence == 1) return test::Html("x");
      return reset ? Reply().Reset() : Reply().Close();
    });
    EXPECT_FALSE(Fetch("/1").error);
    const FetchResult result = Fetch("/2");
    EXPECT_EQ(result.error, FetchError::kReset) << result.detail;
    EXPECT_EQ(result.retry, RetryAdvice::kFresh);
    EXPECT_EQ(result.status, 0);
    EXPECT_EQ(server_->CountOf("/2"), 1);
    EXPECT_EQ(server_->connection_count(), 1U) << "not even a connection";
    EXPECT_EQ(Fetch("/3").body, "x");
  }
}

TEST_F(FetcherTest, NorOnAnotherConnectionThatIsKept) {
  std::shared_ptr<test::Gate> gate;
  Serve([&](const Request& request) {
    if (request.target == "/dies") return Reply().Reset();
    return Reply().WaitFor(gate).Send(ResponseBytes(200, "x"));
  });
  gate = server_->MakeGate();
  std::vector<concurrency::Future<FetchResult>> both;
  for (int i = 0; i < 2; ++i) both.push_back(fetcher().Submit(RequestFor(server_->Url("/warm"))));
  ASSERT_TRUE(server_->AwaitInFlight(2));
  gate->Open();
  for (auto& future : both) EXPECT_EQ(future.Take().status, 200);
  const FetchResult result = Fetch("/dies");
  EXPECT_EQ(result.error, FetchError::kReset);
  EXPECT_EQ(result.retry, RetryAdvice::kFresh);
  EXPECT_EQ(server_->CountOf("/dies"), 1);
  EXPECT_EQ(server_->connection_count(), 2U);
}

TEST_F(FetcherTest, ANewConnectionThatDiesIsNoFaultOfTheConnection) {
  Serve([](const Request& request) {
    return request.target == "/reset" ? Reply().Reset() : Reply().Close();
  });
  for (const char* target : {"/reset", "/close"}) {
    const FetchResult result = Fetch(target);
    EXPECT_EQ(result.retry, RetryAdvice::kLater) << target;
    EXPECT_EQ(server_->CountOf(target), 1);
  }
}

TEST_F(FetcherTest, AKeptConnectionThatBreaksWithinTheAnswerHasHadItsChance) {
  Serve([](const Request& request) {
    if (request.sequence == 1) return test::Html("x");
    if (request.target == "/head") return Reply().Send("HTTP/1.1 200 OK\r\nX: ").Close();
    return test::ShortBody("some", 1000);
  });
  for (const char* target : {"/head", "/body"}) {
    EXPECT_FALSE(Fetch("/warm").error);
    const FetchResult result = Fetch(target);
    ASSERT_TRUE(result.error) << target;
    EXPECT_EQ(result.retry, RetryAdvice::kLater) << target;
    EXPECT_EQ(server_->CountOf(target), 1);
  }
}

TEST_F(FetcherTest, AFreshConnectionIsOneThatWasNotThere) {
  Serve([](const Request&) { return test::Html("x"); });
  EXPECT_FALSE(Fetch("/1").error);
  FetchRequest request = RequestFor(server_->Url("/2"));
  request.fresh_connection = true;
  const FetchResult result = fetcher().Submit(std::move(request)).Take();
  EXPECT_EQ(result.body, "x");
  EXPECT_FALSE(result.reused);
  EXPECT_EQ(server_->connection_count(), 2U);
  EXPECT_TRUE(Fetch("/3").reused) << "the wish is one request's, not its handle's";
}

}  // namespace
}  // namespace crawld::fetcher
