// The fetcher: bytes, requests, what is said of an answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/fetcher/fetcher_fixture.h"
#include "tests/support/site.h"

namespace crawld::fetcher {
namespace {

using test::Answer;
using test::Framing;
using test::Reply;
using test::Request;
using test::ResponseBytes;
using test::ResponseHead;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

// --- bytes

TEST_F(FetcherTest, TheHeadIsKeptByteForByte) {
  const std::string head =
      "HTTP/1.1 200 \xc3\xa4h, yes\r\nsErVeR:   odd  \r\nX-Twice: 1\r\nx-twice: 2\r\n"
      "X-Bytes: \xff\xfe\r\nContent-Length: 2\r\n\r\n";
  ServeBytes(head + "ok");
  const FetchResult result = Fetch();
  EXPECT_FALSE(result.error);
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(result.response_head, head);
  EXPECT_EQ(result.body, "ok");
}

TEST_F(FetcherTest, AHeadOfLineFeedsAloneIsKeptByteForByte) {
  const std::string head = "HTTP/1.1 200 OK\nContent-Length: 2\n\n";
  ServeBytes(head + "ok");
  const FetchResult result = Fetch();
  EXPECT_FALSE(result.error) << result.detail;
  EXPECT_EQ(result.response_head, head);
  EXPECT_EQ(result.body, "ok");
}

TEST_F(FetcherTest, ChunkedFramingIsKeptRaw) {
  const std::string body = "5;name=value\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: yes\r\n\r\n";
  Serve([&](const Request&) {
    return Reply().Send(ResponseHead(200, {{"Transfer-Encoding", "chunked"}}) + body);
  });
  for (int i = 0; i < 2; ++i) {
    const FetchResult result = Fetch();
    EXPECT_FALSE(result.error) << result.detail;
    EXPECT_EQ(result.body, body);
    EXPECT_EQ(result.truncated, Truncation::kNone);
    EXPECT_THAT(result.response_head, Not(HasSubstr("X-Trailer")));
    EXPECT_EQ(result.reused, i == 1) << "the end of a raw chunked body is known";
  }
}

TEST_F(FetcherTest, AChunkedBodyInSmallPiecesIsKeptRaw) {
  const std::string body = test::Chunked(std::string(300, 'x'), 7);
  Serve([&](const Request&) {
    return Reply().Drip(ResponseHead(200, {{"Transfer-Encoding", "chunked"}}) + body, 97,
                        std::chrono::milliseconds(1));
  });
  const FetchResult result = Fetch();
  EXPECT_FALSE(result.error) << result.detail;
  EXPECT_EQ(result.body, body);
}

TEST_F(FetcherTest, BytesBeyondTheEndOfTheBodyAreNoSecondAnswer) {
  Serve([&](const Request& request) {
    const Framing framing = request.target == "/length" ? Framing::kLength : Framing::kChunked;
    return Reply().Send(ResponseBytes(200, "body", {}, framing) + "HTTP/1.1 404 No\r\n\r\n");
  });
  const FetchResult by_length = Fetch("/length");
  EXPECT_FALSE(by_length.error) << by_length.detail;
  EXPECT_EQ(by_length.body, "body");
  // Of a chunked body libcurl hands on what came in the same read; decoding drops it.
  const FetchResult chunked = Fetch("/chunked");
  EXPECT_FALSE(chunked.error) << chunked.detail;
  EXPECT_EQ(chunked.status, 200);
  EXPECT_THAT(chunked.body, testing::StartsWith(test::Chunked("body")));
  EXPECT_EQ(Fetch("/length").status, 200);
}

TEST_F(FetcherTest, CodingsAreNotUndone) {
  const std::string body = test::Gzip("<a href=/x>x</a>");
  Serve([&](const Request&) { return Answer(200, body, {{"Content-Encoding", "gzip"}}); });
  EXPECT_EQ(Fetch().body, body);
}

TEST_F(FetcherTest, ABodyThatEndsWithTheConnectionIsWhole) {
  Serve([](const Request&) { return Answer(200, "to the end", {}, Framing::kUntilClose); });
  const FetchResult result = Fetch();
  EXPECT_FALSE(result.error);
  EXPECT_EQ(result.body, "to the end");
  EXPECT_EQ(result.truncated, Truncation::kNone);
}

TEST_F(FetcherTest, AServerThatHalfClosesAfterItsAnswerIsUnderstood) {
  Serve([](const Request&) {
    return Reply().Send("HTTP/1.1 200 OK\r\n\r\nhalf").HalfClose().Stall();
  });
  const FetchResult result = Fetch();
  EXPECT_FALSE(result.error);
  EXPECT_EQ(result.body, "half");
}

TEST_F(FetcherTest, AnswersWithoutABodyEndAtTheirHead) {
  Serve([](const Request& request) {
    const int status = std::stoi(request.target.substr(1));
    // 304 may announce the length of what it does not send (RFC 9110 section 8.6).
    return Reply().Send(status == 304   ? ResponseHead(304, {{"Content-Length", "1000"}})
                        : status == 204 ? ResponseHead(204)
                                        : ResponseHead(status, {{"Content-Length", "0"}}));
  });
  for (const int status : {204, 304, 200, 404, 500}) {
    const FetchResult result = Fetch("/" + std::to_string(status));
    EXPECT_FALSE(result.error) << status << result.detail;
    EXPECT_EQ(result.status, status);
    EXPECT_EQ(result.body, "");
    EXPECT_THAT(result.response_head, EndsWith("\r\n\r\n"));
  }
  EXPECT_EQ(server_->connection_count(), 1U);
}

TEST_F(FetcherTest, InterimResponsesAreNotTheAnswer) {
  Serve([](const Request&) {
    return Reply()
        .Send("HTTP/1.1 100 Continue\r\n\r\n")
        .Delay(std::chrono::milliseconds(1))
        .Send("HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n")
        .Delay(std::chrono::milliseconds(1))
        .Send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfinal");
  });
  const FetchResult result = Fetch();
  EXPECT_FALSE(result.error) << result.detail;
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(result.response_head, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(result.body, "final");
}

TEST_F(FetcherTest, RedirectsAreNotFollowed) {
  Serve([](const Request&) { return test::RedirectTo("/elsewhere"); });
  const FetchResult result = Fetch();
  EXPECT_EQ(result.status, 302);
  EXPECT_EQ(server_->request_count(), 1U);
}

// --- requests

TEST_F(FetcherTest, TheRecordedRequestIsWhatTheServerReads) {
  Serve([](const Request&) { return test::Html("x"); });
  for (const char* target : {"/", "/a/b?c=d&e=%20f", "/?q", "/%7Euser/;p=1", "/a//b/", "/?a?b"}) {
    const FetchResult result = Fetch(target);
    EXPECT_EQ(result.request_head, server_->requests().back().raw_head);
    EXPECT_EQ(server_->requests().back().target, target);
  }
  EXPECT_THAT(server_->requests().back().raw_head,
              testing::StartsWith("GET /?a?b HTTP/1.1\r\nHost: " + server_->Authority() +
                                  "\r\nUser-Agent: crawld-test/1 (+https://example.org/)\r\n"));
}

TEST_F(FetcherTest, FurtherHeadersAreSentAndRecorded) {
  options_.headers = {{"X-One", "1"}, {"Cookie", "a=b; c"}, {"x-two", "\xc3\xa4"}};
  Serve([](const Request&) { return test::Html("x"); });
  const FetchResult result = Fetch();
  EXPECT_THAT(server_->requests().back().raw_head,
              HasSubstr("\r\nX-One: 1\r\nCookie: a=b; c\r\nx-two: \xc3\xa4\r\n"));
  EXPECT_THAT(result.request_head, HasSubstr("\r\nX-One: 1\r\nx-two: \xc3\xa4\r\n"))
      << "a cookie may be a key";
}

TEST_F(FetcherTest, FurtherHeadersMayTakeTheDefaultsPlace) {
  options_.headers = {{"accept-language", "de"},
                      {"Accept", "text/plain"},
                      {"accept-encoding", "identity"},
                      {"X-Empty", ""}};
  Serve([](const Request&) { return test::Html("x"); });
  const FetchResult result = Fetch();
  EXPECT_EQ(result.request_head, server_->requests().back().raw_head);
  EXPECT_THAT(result.request_head, HasSubstr("Accept: text/plain\r\n"));
  EXPECT_THAT(result.request_head, Not(HasSubstr("text/html")));
  EXPECT_THAT(result.request_head, HasSubstr("accept-encoding: identity\r\n"));
  EXPECT_THAT(result.request_head, Not(HasSubstr("gzip")));
  EXPECT_THAT(result.request_head, HasSubstr("X-Empty:\r\n"));
}

TEST_F(FetcherTest, CredentialsAreSentAndNotRecorded) {
  Serve([](const Request&) { return test::Html("x"); });
  const FetchResult result = FetchUrl("http://user:secret@" + server_->Authority() + "/private");
  EXPECT_THAT(server_->requests().back().raw_head, HasSubstr("Authorization: Basic"));
  EXPECT_THAT(result.request_head, Not(HasSubstr("Authorization")));
  EXPECT_THAT(result.request_head, Not(HasSubstr("secret")));
}

TEST_F(FetcherTest, TheFragmentIsNotSent) {
  Serve([](const Request&) { return test::Html("x"); });
  EXPECT_THAT(Fetch("/a?b#c").request_head, HasSubstr("GET /a?b HTTP/1.1"));
  EXPECT_EQ(server_->requests().back().target, "/a?b");
}

// --- what is said of the answer

TEST_F(FetcherTest, AnAnswerTellsItsTimesPeerAndProtocol) {
  Serve([](const Request& request) {
    if (request.target == "/old") return Reply().Send("HTTP/1.0 200 OK\r\n\r\nold").Close();
    return Reply().Delay(std::chrono::milliseconds(30)).Send(ResponseBytes(200, "x"));
  });
  const FetchResult result = Fetch();
  EXPECT_EQ(result.ip, "127.0.0.1");
  EXPECT_EQ(result.protocol, "http/1.1");
  EXPECT_GT(result.connect.count(), 0);
  EXPECT_GE(result.first_byte, std::chrono::milliseconds(30));
  EXPECT_GE(result.first_byte, result.connect);
  EXPECT_GE(result.total, result.first_byte);
  EXPECT_NE(result.begun, WallTime{});
  EXPECT_EQ(result.bytes(), result.response_head.size() + 1);
  EXPECT_EQ(Fetch("/old").protocol, "http/1.0");
}

TEST_F(FetcherTest, AnIdleConnectionIsUsedAgain) {
  Serve([](const Request&) { return test::Html("x"); });
  EXPECT_FALSE(Fetch("/1").reused);
  EXPECT_TRUE(Fetch("/2").reused);
  EXPECT_TRUE(Fetch("/3").reused);
  EXPECT_EQ(server_->connection_count(), 1U);
}

TEST_F(FetcherTest, AConnectionOutlivesABodyCutAtTheLimitOnlyByANewOne) {
  Serve([](const Request&) { return Answer(200, std::string(100'000, 'x')); });
  EXPECT_EQ(FetchUrl(server_->Url("/"), 0, 10).truncated, Truncation::kLength);
  const FetchResult next = Fetch();
  EXPECT_FALSE(next.error);
  EXPECT_EQ(next.body.size(), 100'000U);
}

TEST_F(FetcherTest, PinsSpreadOverThreadsAndKeepTheirConnections) {
  options_.threads = 2;
  Serve([](const Request&) { return test::Html("x"); });
  for (int round = 0; round < 3; ++round) {
    for (const uint64_t pin : {0, 1}) {
      EXPECT_EQ(FetchUrl(server_->Url("/"), pin).reused, round > 0);
    }
  }
  EXPECT_EQ(server_->connection_count(), 2U) << "each thread has its own connections";
}

}  // namespace
}  // namespace crawld::fetcher
