// The fetcher: connections that end between requests, and what may be tried again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

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
  }
  EXPECT_EQ(server_->connection_count(), 5U);
}

TEST_F(FetcherTest, AKeptConnectionThatDiesUnderTheNextRequestIsTriedAnew) {
  for (const bool reset : {false, true}) {
    Serve([reset](const Request& request) {
      if (request.sequence == 1) return test::Html("x");
      return reset ? Reply().Reset() : Reply().Close();
    });
    EXPECT_FALSE(Fetch("/1").error);
    const FetchResult result = Fetch("/2");
    EXPECT_FALSE(result.error) << result.detail;
    EXPECT_EQ(result.body, "x");
    EXPECT_EQ(server_->CountOf("/2"), 2);
  }
}

}  // namespace
}  // namespace crawld::fetcher
