// The fetcher against a catalogue of everything that a server can do wrong: each by itself, and all
// of them at once.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fetcher/fetcher.h"
#include "tests/support/hostile_server.h"
#include "tests/support/sanitized.h"

namespace crawld::fetcher {
namespace {

using test::Due;
using test::HostileServer;
using test::kSanitized;
using test::Misbehaviour;
using test::Misbehaviours;
using test::Place;

std::string_view Name(Truncation truncation) {
  switch (truncation) {
    case Truncation::kNone:
      return "";
    case Truncation::kLength:
      return "length";
    case Truncation::kTime:
      return "time";
    case Truncation::kDisconnect:
      return "disconnect";
  }
  return "";
}

std::string_view ErrorOf(const FetchResult& result) {
  return result.error ? fetcher::Name(*result.error) : std::string_view();
}

FetcherOptions SmallLimits(int patience) {
  FetcherOptions options;
  options.user_agent = "crawld-test/1";
  options.allow_addresses = AllAddresses();
  options.max_body_bytes = test::kHostileMaxBody;
  options.max_header_bytes = test::kHostileMaxHeader;
  options.first_byte_timeout = options.idle_timeout = Millis(400) * patience;
  options.total_timeout = Millis(1200) * patience;
  return options;
}

FetchRequest To(const std::string& url) {
  FetchRequest request;
  request.url = *web::Url::Parse(url);
  return request;
}

// A kept connection that broke under the request says nothing of the answer: it is the caller's to
// ask again, on a new one.
FetchResult Settled(Fetcher& fetcher, const std::string& url, FetchResult result) {
  if (!result.error || result.retry != fetcher::RetryAdvice::kFresh) return result;
  FetchRequest again = To(url);
  again.fresh_connection = true;
  return fetcher.Submit(std::move(again)).Take();
}

void ExpectDue(const FetchResult& result, const Misbehaviour& entry) {
  SCOPED_TRACE(entry.name + " " + std::string(entry.what));
  const Due& due = entry.due;
  const bool alternative =
      std::find(due.or_errors.begin(), due.or_errors.end(), ErrorOf(result)) != due.or_errors.end();
  if (!alternative) {
    EXPECT_EQ(ErrorOf(result), due.error) << result.detail;
    EXPECT_EQ(Name(result.truncated), due.truncated);
  }
  EXPECT_EQ(result.error.has_value(), !result.detail.empty()) << "an error says what it is";
  EXPECT_EQ(result.status, due.status);
  if (due.body) {
    EXPECT_EQ(result.body.size(), *due.body) << result.body.substr(0, 100);
  }
  EXPECT_LE(result.body.size(), test::kHostileMaxBody);
  EXPECT_LE(result.response_head.size(), test::kHostileMaxHeader);
  EXPECT_EQ(result.response_head.empty(), result.status == 0);
  if (result.status > 0) {
    // The final answer's head alone.
    const std::string status_line = result.response_head.substr(0, result.response_head.find('\n'));
    EXPECT_NE(status_line.find(" " + std::to_string(result.status)), std::string::npos);
    EXPECT_EQ(std::min(result.response_head.find("\n\r\n"), result.response_head.find("\n\n")) +
                  (result.response_head.ends_with("\r\n") ? 3 : 2),
              result.response_head.size());
  }
}

class HostileTest : public testing::TestWithParam<size_t> {};

TEST_P(HostileTest, HasTheOutcomeThatIsDueAndHarmsNobodyElse) {
  const Misbehaviour& entry = Misbehaviours()[GetParam()];
  HostileServer server;
  Fetcher fetcher(SmallLimits(kSanitized ? 2 : 1));
  ExpectDue(fetcher.Submit(To(server.UrlOf(entry))).Take(), entry);
  EXPECT_EQ(fetcher.in_flight(), 0U);
  EXPECT_EQ(fetcher.body_bytes(), 0U);
  // What the server still had to say has been said, and lies in a connection that is kept, if any.
  ASSERT_TRUE(server.http().AwaitQuiet());
  server.Heal();
  for (int i = 0; i < 2; ++i) {
    const std::string url = server.HealthyUrlOf(entry);
    const FetchResult next = Settled(fetcher, url, fetcher.Submit(To(url)).Take());
    EXPECT_FALSE(next.error) << next.detail;
    EXPECT_EQ(next.status, 200);
    EXPECT_EQ(next.body, HostileServer::HealthyBody(web::Url::Parse(url)->PathAndQuery()));
    EXPECT_EQ(next.response_head.find("HTTP/", 1), std::string::npos) << next.response_head;
  }
  EXPECT_EQ(fetcher.in_flight(), 0U);
}

std::vector<size_t> All() {
  std::vector<size_t> all(Misbehaviours().size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = i;
  return all;
}

INSTANTIATE_TEST_SUITE_P(Each, HostileTest, testing::ValuesIn(All()), [](const auto& parameter) {
  return Misbehaviours()[parameter.param].name;
});

long MaxResidentKib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

// Three of most, and pages that are well between them.
TEST(HostileCrowdTest, AllAtOnceHaveTheirOutcomesWithinTheirBudgetAndThePagesAreWhole) {
  constexpr size_t kRounds = 3;
  const auto& entries = Misbehaviours();
  HostileServer server;
  FetcherOptions options = SmallLimits(kSanitized ? 15 : 5);
  options.max_kept_connections = 64;
  Fetcher fetcher(options);
  const long before = MaxResidentKib();
  std::vector<std::pair<const Misbehaviour*, concurrency::Future<FetchResult>>> hostile;
  std::vector<std::pair<std::string, concurrency::Future<FetchResult>>> healthy;
  for (size_t round = 0; round < kRounds; ++round) {
    for (const Misbehaviour& entry : entries) {
      // An answer that comes unasked may be taken by who asks next; so nobody does.
      if (entry.place == Place::kAlone && round > 0) continue;
      hostile.emplace_back(&entry, fetcher.Submit(To(server.UrlOf(entry))));
      if (entry.place == Place::kAlone || entry.place == Place::kHost) continue;
      const std::string url = server.HealthyUrlOf(entry);
      healthy.emplace_back(url, fetcher.Submit(To(url)));
    }
  }
  std::map<std::string, size_t> outcomes;
  for (auto& [entry, future] : hostile) {
    const FetchResult result = Settled(fetcher, server.UrlOf(*entry), future.Take());
    ExpectDue(result, *entry);
    ++outcomes[std::string(ErrorOf(result)) + " " + std::to_string(result.status)];
  }
  for (auto& [url, future] : healthy) {
    const FetchResult result = Settled(fetcher, url, future.Take());
    EXPECT_EQ(result.status, 200) << url << ": " << result.detail;
    EXPECT_EQ(result.body, HostileServer::HealthyBody(web::Url::Parse(url)->PathAndQuery()));
  }
  size_t sum = 0;
  for (const auto& [outcome, count] : outcomes) sum += count;
  EXPECT_EQ(sum, hostile.size());
  EXPECT_EQ(fetcher.in_flight(), 0U);
  EXPECT_EQ(fetcher.body_bytes(), 0U);
  if (!kSanitized) {
    // Body, head, and libcurl's buffers of each; the server's too.
    const size_t budget = (hostile.size() + healthy.size()) * (128 << 10);
    EXPECT_LE(static_cast<size_t>(MaxResidentKib() - before) << 10, budget);
  }
}

// libcurl takes "HTTP/2" in a text for leave to send several requests at once on one connection,
// which then get each other's answers.
TEST(HostileCrowdTest, AnAnswerThatCallsItselfHttp2MixesUpNothing) {
  test::HttpServer server([](const test::Request& request) {
    if (request.target == "/first") {
      return test::Reply().Send("HTTP/2 200 OK\r\nContent-Length: 4\r\n\r\nbody");
    }
    return test::Reply()
        .Delay(std::chrono::milliseconds(20))
        .Send(test::ResponseBytes(200, request.target));
  });
  Fetcher fetcher(SmallLimits(5));
  fetcher.Submit(To(server.Url("/first"))).Wait();
  std::vector<concurrency::Future<FetchResult>> futures;
  for (int i = 0; i < 6; ++i) {
    futures.push_back(fetcher.Submit(To(server.Url("/" + std::to_string(i)))));
  }
  for (size_t i = 0; i < futures.size(); ++i) {
    EXPECT_EQ(futures[i].Take().body, "/" + std::to_string(i));
  }
}

}  // namespace
}  // namespace crawld::fetcher
