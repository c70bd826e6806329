#include "fetcher/fetcher.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "concurrency/event.h"
#include "tests/support/dns_server.h"
#include "tests/support/http_server.h"
#include "tests/support/site.h"

namespace crawld::fetcher {
namespace {

using test::Answer;
using test::Framing;
using test::HttpServer;
using test::Reply;
using test::Request;
using test::ResponseBytes;
using test::ResponseHead;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

class FetcherTest : public testing::Test {
 protected:
  FetcherTest() {
    options_.user_agent = "crawld-test/1 (+https://example.org/)";
    options_.allow_addresses = AllAddresses();
  }

  HttpServer& Serve(HttpServer::Handler handler) {
    server_ = std::make_unique<HttpServer>(std::move(handler));
    return *server_;
  }
  // Every request gets these bytes, and then the end of the connection.
  HttpServer& ServeBytes(const std::string& bytes) {
    return Serve([bytes](const Request&) { return Reply().Send(bytes).Close(); });
  }
  Fetcher& fetcher() {
    if (!fetcher_) fetcher_ = std::make_unique<Fetcher>(options_);
    return *fetcher_;
  }
  FetchResult FetchUrl(const std::string& url, uint64_t pin = 0, uint64_t max_body = 0) {
    FetchRequest request;
    request.url = *web::Url::Parse(url);
    request.pin = pin;
    request.max_body = max_body;
    return fetcher().Submit(std::move(request)).Take();
  }
  FetchResult Fetch(const std::string& target = "/") { return FetchUrl(server_->Url(target)); }

  FetcherOptions options_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<Fetcher> fetcher_;
};

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
  EXPECT_EQ(result.request_head, server_->requests().back().raw_head);
  EXPECT_THAT(result.request_head,
              HasSubstr("\r\nX-One: 1\r\nCookie: a=b; c\r\nx-two: \xc3\xa4\r\n"));
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

// --- limits

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

// --- errors, one each

TEST_F(FetcherTest, WhatIsNeitherHttpNorHttpsIsABadUrl) {
  for (const char* url : {"ftp://127.0.0.1/", "mailto:a@b.test", "data:,x"}) {
    const FetchResult result = FetchUrl(url);
    EXPECT_EQ(result.error, FetchError::kBadUrl) << url;
    EXPECT_EQ(AdviceFor(*result.error), RetryAdvice::kNever);
  }
  EXPECT_EQ(fetcher().in_flight(), 0U);
}

TEST_F(FetcherTest, ANameThatNoResolverCanKnowIsADnsError) {
  // A label of more than 63 bytes (RFC 1035 section 2.3.4): refused without a question to anyone.
  const FetchResult result = FetchUrl("http://" + std::string(64, 'a') + ".invalid/");
  EXPECT_EQ(result.error, FetchError::kDns) << result.detail;
  EXPECT_EQ(result.status, 0);
  EXPECT_NE(result.detail, "");
}

TEST_F(FetcherTest, APortNobodyListensOnIsAConnectError) {
  Serve([](const Request&) { return test::Html("x"); });
  const std::string url = server_->Url("/");
  server_.reset();
  const FetchResult result = FetchUrl(url);
  EXPECT_EQ(result.error, FetchError::kConnect) << result.detail;
}

// A listener with a full backlog: what comes further is dropped, and never gets connected.
class DeafListener {
 public:
  DeafListener() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* name = reinterpret_cast<sockaddr*>(&address);
    fds_[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(fds_[0], name, size), 0);
    EXPECT_EQ(listen(fds_[0], 0), 0);
    EXPECT_EQ(getsockname(fds_[0], name, &size), 0);
    for (size_t i = 1; i < fds_.size(); ++i) {
      fds_[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      (void)connect(fds_[i], name, size);
    }
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
  }
  ~DeafListener() {
    for (const int fd : fds_) close(fd);
  }
  const std::string& url() const { return url_; }

 private:
  std::array<int, 5> fds_{};
  std::string url_;
};

TEST_F(FetcherTest, AConnectionThatIsNotAcceptedTimesOut) {
  options_.connect_timeout = Millis(100);
  const DeafListener deaf;
  const FetchResult result = FetchUrl(deaf.url());
  EXPECT_EQ(result.error, FetchError::kConnectTimeout) << result.detail;
}

// libcurl closes the socket of a connection that never came about by itself; its number comes
// again.
TEST_F(FetcherTest, AConnectionThatNeverCameAboutDoesNotHarmTheNext) {
  options_.connect_timeout = Millis(50);
  const DeafListener deaf;
  Serve([](const Request&) { return Reply().Send(ResponseBytes(200, "x")).Close(); });
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(FetchUrl(deaf.url()).error, FetchError::kConnectTimeout);
    const FetchResult result = Fetch();
    EXPECT_FALSE(result.error) << result.detail;
  }
}

TEST_F(FetcherTest, AConnectionThatNeverCameAboutDoesNotCloseAFileOfItsNumber) {
  options_.connect_timeout = Millis(50);
  const DeafListener deaf;
  EXPECT_EQ(FetchUrl(deaf.url()).error, FetchError::kConnectTimeout);
  std::array<int, 8> files{};  // they take the numbers that are free
  for (int& fd : files) fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  fetcher_.reset();
  for (const int fd : files) {
    EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC) << "closed by another";
    close(fd);
  }
}

TEST_F(FetcherTest, AServerThatSpeaksNoTlsIsATlsError) {
  test::HttpServerOptions options;
  options.greeting = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
  HttpServer server([](const Request&) { return Reply(); }, options);
  const FetchResult result = FetchUrl("https://" + server.Authority() + "/");
  EXPECT_EQ(result.error, FetchError::kTls) << result.detail;
}

TEST_F(FetcherTest, AServerThatDoesNotAnswerIsAFirstByteTimeout) {
  options_.first_byte_timeout = Millis(100);
  Serve([](const Request&) { return Reply().Stall(); });
  const FetchResult result = Fetch();
  EXPECT_EQ(result.error, FetchError::kFirstByteTimeout);
  EXPECT_EQ(result.status, 0);
  EXPECT_GE(result.total, Millis(100));
}

TEST_F(FetcherTest, AnAnswerThatStopsFlowingIsAnIdleTimeoutAndWhatCameIsKept) {
  options_.idle_timeout = Millis(100);
  Serve([](const Request& request) {
    if (request.target == "/head") return Reply().Send("HTTP/1.1 200 OK\r\nX-Half").Stall();
    return Reply().Send(ResponseHead(200, {{"Content-Length", "100"}}) + "some").Stall();
  });
  const FetchResult result = Fetch("/body");
  EXPECT_EQ(result.error, FetchError::kIdleTimeout);
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(result.body, "some");
  EXPECT_EQ(result.truncated, Truncation::kTime);
  const FetchResult in_head = Fetch("/head");
  EXPECT_EQ(in_head.error, FetchError::kIdleTimeout);
  EXPECT_EQ(in_head.status, 0);
  EXPECT_EQ(in_head.response_head, "");
}

TEST_F(FetcherTest, ADripThatNeverIdlesEndsAtTheTotalTimeout) {
  options_.idle_timeout = Millis(2000);
  options_.total_timeout = Millis(300);
  Serve([](const Request&) {
    return Reply()
        .Send("HTTP/1.1 200 OK\r\n\r\n")
        .Drip(std::string(2000, 'x'), 1, std::chrono::milliseconds(10));
  });
  const FetchResult result = Fetch();
  EXPECT_EQ(result.error, FetchError::kTotalTimeout);
  EXPECT_EQ(result.truncated, Truncation::kTime);
  EXPECT_GT(result.body.size(), 0U);
  EXPECT_GE(result.total, Millis(300));
}

TEST_F(FetcherTest, AConnectionClosedWithoutAnAnswerIsAnEmptyReply) {
  Serve([](const Request&) { return Reply().Close(); });
  EXPECT_EQ(Fetch().error, FetchError::kEmptyReply);
}

TEST_F(FetcherTest, AConnectionResetBeforeTheAnswerIsAReset) {
  Serve([](const Request&) { return Reply().Reset(); });
  EXPECT_EQ(Fetch().error, FetchError::kReset);
}

TEST_F(FetcherTest, AConnectionThatEndsWithinTheHeadIsNoAnswer) {
  ServeBytes("HTTP/1.1 200 OK\r\nContent-Le");
  const FetchResult result = Fetch();
  ASSERT_TRUE(result.error);
  EXPECT_EQ(AdviceFor(*result.error), RetryAdvice::kLater);
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.response_head, "");
}

TEST_F(FetcherTest, ABodyShorterThanAnnouncedIsShortAndKept) {
  Serve([](const Request&) { return test::ShortBody("only this", 1000); });
  const FetchResult result = Fetch();
  EXPECT_EQ(result.error, FetchError::kBodyShort);
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(result.body, "only this");
  EXPECT_EQ(result.truncated, Truncation::kDisconnect);
}

TEST_F(FetcherTest, AChunkedBodyWithoutItsEndIsShortAndKept) {
  ServeBytes(ResponseHead(200, {{"Transfer-Encoding", "chunked"}}) + "5\r\nhello\r\n");
  const FetchResult result = Fetch();
  EXPECT_EQ(result.error, FetchError::kBodyShort);
  EXPECT_EQ(result.body, "5\r\nhello\r\n");
  EXPECT_EQ(result.truncated, Truncation::kDisconnect);
}

TEST_F(FetcherTest, AConnectionResetWithinTheBodyIsShortAndKept) {
  const auto gate = std::make_shared<std::shared_ptr<test::Gate>>();
  Serve([gate](const Request&) {
    return Reply()
        .Send(ResponseHead(200, {{"Content-Length", "1000"}}) + "before")
        .WaitFor(*gate)
        .Reset();
  });
  *gate = server_->MakeGate();
  FetchRequest request;
  request.url = *web::Url::Parse(server_->Url("/"));
  auto future = fetcher().Submit(std::move(request));
  // The client has the first bytes before the reset throws away what is on its way.
  while (fetcher().body_bytes() < 6) (void)future.WaitFor(std::chrono::milliseconds(1));
  (*gate)->Open();
  const FetchResult result = future.Take();
  EXPECT_EQ(result.error, FetchError::kBodyShort);
  EXPECT_EQ(result.body, "before");
  EXPECT_EQ(result.truncated, Truncation::kDisconnect);
}

TEST_F(FetcherTest, WhatIsNotHttpIsAProtocolErrorAndMayPass) {
  for (const std::string& bytes :
       {std::string("<html>HTTP/0.9 has no head</html>"), std::string("SSH-2.0-OpenSSH_9.2\r\n"),
        std::string("\0\1\2\3\4\5\6\7 garbage", 16), std::string("HTTP/1.1 OK\r\n\r\n"),
        std::string("HTTP/9.9 200 OK\r\n\r\n")}) {
    ServeBytes(bytes);
    const FetchResult result = Fetch();
    EXPECT_EQ(result.error, FetchError::kProtocol) << bytes << ": " << result.detail;
    EXPECT_EQ(result.status, 0);
    EXPECT_EQ(result.body, "");
  }
}

TEST_F(FetcherTest, ChunksThatAreNoneEndTheBody) {
  ServeBytes(ResponseHead(200, {{"Transfer-Encoding", "chunked"}}) +
             "not a number\r\nx\r\n0\r\n\r\n");
  const FetchResult result = Fetch();
  EXPECT_EQ(result.error, FetchError::kBodyShort) << result.detail;
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(result.truncated, Truncation::kDisconnect);
}

// --- the address guard

TEST_F(FetcherTest, ByDefaultNothingConnectsToThisMachine) {
  options_.allow_addresses.clear();
  ServeBytes(ResponseBytes(200, "canary"));
  const std::string port = std::to_string(server_->port());
  for (const std::string host : {"127.0.0.1", "localhost", "0x7f.1", "2130706433", "0.0.0.0",
                                 "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "127.1"}) {
    const FetchResult result = FetchUrl("http://" + host + ":" + port + "/");
    EXPECT_EQ(result.error, FetchError::kAddressForbidden) << host;
    EXPECT_THAT(result.detail, HasSubstr("fetcher.allow_addresses")) << host;
    EXPECT_EQ(result.status, 0) << host;
  }
  EXPECT_TRUE(server_->requests().empty());
}

TEST_F(FetcherTest, ARangeOpensItsPortsAlone) {
  ServeBytes(ResponseBytes(200, "x"));
  HttpServer closed([](const Request&) { return Reply().Send(ResponseBytes(200, "y")); });
  options_.allow_addresses = {
      *AddressRange::Parse("127.0.0.0/8:" + std::to_string(server_->port()))};
  EXPECT_EQ(Fetch().status, 200);
  EXPECT_EQ(FetchUrl(closed.Url("/")).error, FetchError::kAddressForbidden);
  EXPECT_TRUE(closed.requests().empty());
}

// --- names

TEST_F(FetcherTest, ANameIsLookedUpAndTheAddressThatAnswersIsTaken) {
  test::DnsServer dns([](const test::DnsQuestion& question) {
    return test::DnsAnswer{.addresses = {question.v6 ? "::1" : "127.0.0.1"}};
  });
  options_.resolver.servers = {dns.address()};
  Serve([](const Request& request) { return Reply().Send(ResponseBytes(200, request.target)); });
  const std::string url = "http://web.test:" + std::to_string(server_->port());
  const FetchResult result = FetchUrl(url + "/a");
  EXPECT_EQ(result.status, 200) << result.detail;
  EXPECT_EQ(result.ip, "127.0.0.1");
  EXPECT_EQ(FetchUrl(url + "/b").status, 200);
  EXPECT_EQ(dns.asked("web.test"), 2U) << "A and AAAA, once";
}

TEST_F(FetcherTest, ANameServerThatChangesItsMindLeadsNowhereElse) {
  std::atomic<int> asked = 0;
  test::DnsServer dns([&](const test::DnsQuestion& question) {
    if (question.v6) return test::DnsAnswer{};
    return test::DnsAnswer{.addresses = {asked++ == 0 ? "192.0.2.1" : "127.0.0.1"}, .ttl = 0};
  });
  options_.resolver.servers = {dns.address()};
  options_.resolver.min_ttl = Millis(0);
  options_.allow_addresses.clear();
  ServeBytes(ResponseBytes(200, "canary"));
  const std::string url = "http://rebind.test:" + std::to_string(server_->port()) + "/";
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(FetchUrl(url).error, FetchError::kAddressForbidden) << i;
  }
  EXPECT_TRUE(server_->requests().empty());
}

TEST_F(FetcherTest, ANameThatDoesNotExistIsADnsError) {
  test::DnsServer dns([](const test::DnsQuestion&) { return test::DnsAnswer{.code = 3}; });
  options_.resolver.servers = {dns.address()};
  const FetchResult result = FetchUrl("http://none.test/");
  EXPECT_EQ(result.error, FetchError::kDns);
  EXPECT_NE(result.detail, "");
}

TEST_F(FetcherTest, ANameServerThatIsSilentHoldsUpItsNamesAlone) {
  test::DnsServer dns([](const test::DnsQuestion& question) {
    if (question.name == "slow.test") return test::DnsAnswer{.silent = true};
    return test::DnsAnswer{.addresses = {question.v6 ? "::1" : "127.0.0.1"}};
  });
  options_.resolver.servers = {dns.address()};
  options_.connect_timeout = Millis(400);
  ServeBytes(ResponseBytes(200, "x"));
  FetchRequest slow;
  slow.url = *web::Url::Parse("http://slow.test/");
  auto waiting = fetcher().Submit(std::move(slow));
  EXPECT_EQ(FetchUrl("http://web.test:" + std::to_string(server_->port()) + "/").status, 200);
  EXPECT_EQ(waiting.Take().error, FetchError::kConnectTimeout);
}

TEST_F(FetcherTest, ALookupThatIsCancelledEndsAtOnce) {
  test::DnsServer dns([](const test::DnsQuestion&) { return test::DnsAnswer{.silent = true}; });
  options_.resolver.servers = {dns.address()};
  FetchRequest slow;
  slow.url = *web::Url::Parse("http://slow.test/");
  auto waiting = fetcher().Submit(std::move(slow));
  while (dns.asked("slow.test") == 0) std::this_thread::yield();
  fetcher().CancelAll();
  EXPECT_EQ(waiting.Take().error, FetchError::kCancelled);
  EXPECT_EQ(fetcher().in_flight(), 0U);
}

// --- connections that end between requests

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
