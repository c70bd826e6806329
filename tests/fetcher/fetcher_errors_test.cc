// The fetcher: errors, one each.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>

#include "tests/fetcher/fetcher_fixture.h"

namespace crawld::fetcher {
namespace {

using test::HttpServer;
using test::Reply;
using test::Request;
using test::ResponseBytes;
using test::ResponseHead;

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

// What lies in a kept connection costs one new connection, and not one after another.
TEST_F(FetcherTest, AServerThatAlwaysSpeaksFirstIsConnectedToOnceAFetch) {
  test::HttpServerOptions options;
  options.greeting = ResponseBytes(200, "unasked");
  HttpServer server([](const Request&) { return Reply().Send(ResponseBytes(200, "x")); }, options);
  constexpr uint64_t kFetches = 10;
  for (uint64_t i = 0; i < kFetches; ++i) {
    FetchRequest request = RequestFor(server.Url("/"));
    request.fresh_connection = i % 2 == 1;
    EXPECT_EQ(fetcher().Submit(std::move(request)).Take().status, 200) << i;
  }
  EXPECT_LE(server.connection_count(), kFetches);
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

// A sweep looks at a transfer when it may be late; what begins meanwhile may end before that.
TEST_F(FetcherTest, AnAnswerThatBeginsLateAndStopsIsAnIdleTimeoutAllTheSame) {
  options_.first_byte_timeout = Millis(60'000);
  options_.idle_timeout = Millis(100);
  options_.total_timeout = Millis(20'000);
  Serve([](const Request&) {
    return Reply()
        .Delay(std::chrono::milliseconds(300))
        .Send(ResponseHead(200, {{"Content-Length", "100"}}) + "some")
        .Stall();
  });
  EXPECT_EQ(Fetch().error, FetchError::kIdleTimeout) << "long before the total timeout";
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

}  // namespace
}  // namespace crawld::fetcher
