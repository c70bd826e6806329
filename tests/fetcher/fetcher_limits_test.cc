// The fetcher: limits on what comes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/fetcher/fetcher_fixture.h"
#include "tests/support/dns_server.h"
#include "tests/support/sanitized.h"

namespace crawld::fetcher {
namespace {

using test::Answer;
using test::Framing;
using test::Reply;
using test::Request;
using test::ResponseBytes;
using test::ResponseHead;

TEST_F(FetcherTest, TheTimeOfTheNameServersIsNotTakenFromTheHosts) {
  test::DnsServer dns([](const test::DnsQuestion& question) {
    std::this_thread::sleep_for(Millis(600));
    return test::DnsAnswer{.addresses = question.v6 ? std::vector<std::string>{}
                                                    : std::vector<std::string>{"127.0.0.1"}};
  });
  options_.resolver.servers = {dns.address()};
  options_.first_byte_timeout = Millis(1000);
  Serve([](const Request&) {
    std::this_thread::sleep_for(Millis(50));
    return Reply().Send(ResponseBytes(200, "x"));
  });
  const FetchResult result = FetchUrl("http://web.test:" + std::to_string(server_->port()) + "/");
  EXPECT_EQ(result.status, 200) << result.detail;
  EXPECT_GE(result.connect, Millis(1200)) << "from the beginning, which is the look-up's";
  EXPECT_GE(result.first_byte, result.connect);
}

TEST_F(FetcherTest, OurOwnLackOfDescriptorsSaysNothingOfTheHost) {
  if (test::kSanitized) GTEST_SKIP() << "a sanitizer needs descriptors itself";
  Serve([](const Request&) { return Answer(200, "x"); });
  EXPECT_EQ(Fetch("/").status, 200);
  const int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
  close(next);
  rlimit usual{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &usual), 0);
  rlimit few = usual;
  few.rlim_cur = static_cast<rlim_t>(next);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  FetchRequest request = RequestFor(server_->Url("/"));
  request.fresh_connection = true;
  const FetchResult result = fetcher().Submit(std::move(request)).Take();
  setrlimit(RLIMIT_NOFILE, &usual);
  EXPECT_EQ(result.error, FetchError::kInternal) << result.detail;
  EXPECT_EQ(result.contact(), Contact::kNone);
}

TEST_F(FetcherTest, ABodyAtTheLimitIsWholeAndOneBytePastItIsCut) {
  options_.max_body_bytes = 5000;
  for (const Framing framing : {Framing::kLength, Framing::kUntilClose}) {
    Serve([framing](const Request& request) {
      return Answer(200, std::string(std::stoul(request.target.substr(1)), 'x'), {}, framing);
    });
    const FetchResult at = Fetch("/5000");
    EXPECT_FALSE(at.error);
    EXPECT_EQ(at.truncated, Truncation::kNone);
    EXPECT_EQ(at.body.size(), 5000U);
    const FetchResult past = Fetch("/5001");
    EXPECT_FALSE(past.error) << "as much as was asked for is no error";
    EXPECT_EQ(past.truncated, Truncation::kLength);
    EXPECT_EQ(past.body.size(), 5000U);
    EXPECT_EQ(past.status, 200);
  }
}

TEST_F(FetcherTest, AChunkedBodyIsCutByItsRawBytes) {
  const std::string raw = test::Chunked(std::string(3000, 'x'));
  Serve([](const Request&) { return Answer(200, std::string(3000, 'x'), {}, Framing::kChunked); });
  EXPECT_EQ(FetchUrl(server_->Url("/"), 0, raw.size()).truncated, Truncation::kNone);
  const FetchResult cut = FetchUrl(server_->Url("/"), 0, raw.size() - 1);
  EXPECT_EQ(cut.truncated, Truncation::kLength);
  EXPECT_EQ(cut.body, raw.substr(0, raw.size() - 1));
}

TEST_F(FetcherTest, AnEndlessBodyIsCut) {
  options_.max_body_bytes = 1 << 20;
  Serve([](const Request&) {
    return Reply().Send("HTTP/1.1 200 OK\r\n\r\n").Send(std::string(65536, 'x'), uint64_t{1} << 40);
  });
  const FetchResult result = Fetch();
  EXPECT_FALSE(result.error);
  EXPECT_EQ(result.truncated, Truncation::kLength);
  EXPECT_EQ(result.body.size(), 1U << 20);
}

TEST_F(FetcherTest, AHeadAtTheLimitIsGoodAndOneBytePastItIsTooLarge) {
  options_.max_header_bytes = 3000;
  Serve([](const Request& request) {
    const std::string rest = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: \r\n\r\n";
    const size_t size = std::stoul(request.target.substr(1));
    return Reply().Send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: " +
                        std::string(size - rest.size(), 'x') + "\r\n\r\n");
  });
  const FetchResult at = Fetch("/3000");
  EXPECT_FALSE(at.error) << at.detail;
  EXPECT_EQ(at.response_head.size(), 3000U);
  EXPECT_EQ(Fetch("/3001").error, FetchError::kHeadTooLarge);
}

TEST_F(FetcherTest, EndlessHeadersAreTooLarge) {
  Serve([](const Request&) {
    return Reply().Send("HTTP/1.1 200 OK\r\n").Send("X-More: and more\r\n", uint64_t{1} << 40);
  });
  const FetchResult result = Fetch();
  EXPECT_EQ(result.error, FetchError::kHeadTooLarge);
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(AdviceFor(*result.error), RetryAdvice::kNever);
}

TEST_F(FetcherTest, AnEndlessHeaderLineIsTooLarge) {
  Serve([](const Request&) {
    return Reply().Send("HTTP/1.1 200 OK\r\nX: ").Send(std::string(4096, 'x'), uint64_t{1} << 40);
  });
  EXPECT_EQ(Fetch().error, FetchError::kHeadTooLarge);
}

TEST_F(FetcherTest, AStormOfInterimResponsesIsTooLarge) {
  Serve([](const Request&) {
    return Reply().Send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", uint64_t{1} << 40);
  });
  EXPECT_EQ(Fetch().error, FetchError::kHeadTooLarge);
}

TEST_F(FetcherTest, AHeadBeyondLibcurlsOwnLimitIsTooLargeToo) {
  options_.max_header_bytes = 16 << 20;
  options_.max_header_fields = 100'000;
  Serve([](const Request& request) {
    const std::string line = "X: " + std::string(995, 'x') + "\r\n";  // a thousand bytes
    return Reply()
        .Send("HTTP/1.1 200 OK\r\n")
        .Send(line, std::stoul(request.target.substr(1)))
        .Send("Content-Length: 0\r\n\r\n");
  });
  EXPECT_FALSE(Fetch("/290").error);
  const FetchResult result = Fetch("/400");
  EXPECT_EQ(result.error, FetchError::kHeadTooLarge) << result.detail;
  EXPECT_EQ(result.retry, RetryAdvice::kNever);
}

// `fields` lines, in all.
std::string Lines(size_t fields) {
  std::string lines;
  for (size_t i = 0; i < fields; ++i) lines += "X-Field: " + std::to_string(i) + "\r\n";
  return lines;
}

TEST_F(FetcherTest, AHeadWithAsManyFieldsAsAllowedIsGoodAndOneMoreIsTooLarge) {
  options_.max_header_fields = 10;
  Serve([](const Request& request) {
    const size_t fields = std::stoul(request.target.substr(1));
    return Reply().Send("HTTP/1.1 200 OK\r\n" + Lines(fields - 1) + "Content-Length: 0\r\n\r\n");
  });
  EXPECT_FALSE(Fetch("/10").error);
  EXPECT_EQ(Fetch("/11").error, FetchError::kHeadTooLarge);
}

TEST_F(FetcherTest, FieldsOfInterimResponsesCount) {
  options_.max_header_fields = 10;
  Serve([](const Request& request) {
    const size_t fields = std::stoul(request.target.substr(1));
    return Reply().Send("HTTP/1.1 103 Early Hints\r\n" + Lines(fields - 1) +
                        "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  EXPECT_FALSE(Fetch("/10").error);
  EXPECT_EQ(Fetch("/11").error, FetchError::kHeadTooLarge);
}

TEST_F(FetcherTest, FieldsOfATrailerCountAndTheAnswerIsKept) {
  options_.max_header_fields = 10;
  Serve([](const Request& request) {
    const size_t fields = std::stoul(request.target.substr(1));
    return Reply().Send(ResponseHead(200, {{"transfer-encoding", "Chunked"}}) +
                        "5;x=\"y\"\r\nhello\r\n0\r\n" + Lines(fields - 1) + "\r\n");
  });
  const FetchResult at = Fetch("/10");
  EXPECT_FALSE(at.error) << at.detail;
  EXPECT_TRUE(at.body.ends_with(Lines(9) + "\r\n"));
  const FetchResult past = Fetch("/11");
  EXPECT_EQ(past.error, FetchError::kHeadTooLarge);
  EXPECT_EQ(past.status, 200);
  EXPECT_EQ(past.truncated, Truncation::kDisconnect);
}

TEST_F(FetcherTest, AnEndlessTrailerIsTooLarge) {
  Serve([](const Request&) {
    return Reply()
        .Send(ResponseHead(200, {{"Transfer-Encoding", "chunked"}}) + "0\r\n")
        .Send("X-More: and more\r\n", uint64_t{1} << 40);
  });
  EXPECT_EQ(Fetch().error, FetchError::kHeadTooLarge);
}

TEST_F(FetcherTest, AnAnswerThatTricklesIsTooSlowAndWhatCameIsKept) {
  options_.min_speed_bytes = 10'000;
  options_.min_speed_window = Millis(100);
  Serve([](const Request&) {
    return Reply()
        .Send("HTTP/1.1 200 OK\r\n\r\n")
        .Drip(std::string(20'000, 'x'), 1, std::chrono::milliseconds(1));
  });
  const FetchResult result = Fetch();
  EXPECT_EQ(result.error, FetchError::kTooSlow);
  EXPECT_EQ(result.retry, RetryAdvice::kLater);
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(result.truncated, Truncation::kTime);
  EXPECT_GT(result.body.size(), 0U);
}

TEST_F(FetcherTest, AHeadThatTricklesIsTooSlow) {
  options_.min_speed_bytes = 10'000;
  options_.min_speed_window = Millis(100);
  Serve([](const Request&) {
    return Reply().Send("HTTP/1.1 200 OK\r\n").Drip(Lines(2000), 20, std::chrono::milliseconds(20));
  });
  const FetchResult result = Fetch();
  EXPECT_EQ(result.error, FetchError::kTooSlow);
  EXPECT_EQ(result.status, 0);
}

TEST_F(FetcherTest, AnySpeedIsGoodWhereNoneIsAskedFor) {
  options_.min_speed_bytes = 0;
  options_.min_speed_window = Millis(1);
  Serve([](const Request&) {
    return Reply().Drip(ResponseBytes(200, std::string(20, 'x')), 20,
                        std::chrono::milliseconds(30));
  });
  const FetchResult result = Fetch();
  EXPECT_FALSE(result.error) << result.detail;
  EXPECT_EQ(result.body.size(), 20U);
}

}  // namespace
}  // namespace crawld::fetcher
