// The fetcher: TLS, and HTTP/2 over it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "fetcher/tls.h"
#include "tests/fetcher/fetcher_fixture.h"
#include "tests/support/dns_server.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tls_server.h"

namespace crawld::fetcher {
namespace {

using test::TlsAnswer;
using test::TlsRequest;
using test::TlsServer;
using test::TlsServerOptions;
using testing::HasSubstr;

constexpr std::chrono::milliseconds kMoment{1};

class FetcherTlsTest : public FetcherTest {
 protected:
  TlsServer& ServeTls(const TlsServerOptions& options = {}, TlsServer::Handler handler = {}) {
    if (!handler) handler = [](const TlsRequest&) { return TlsAnswer{.body = "x"}; };
    tls_ = std::make_unique<TlsServer>(std::move(handler), options);
    return *tls_;
  }
  // From here on the server's authority is trusted, and no other.
  void TrustServer() {
    options_.ca_file = dir_ / "ca.pem";
    std::ofstream(options_.ca_file) << tls_->ca_pem();
  }
  FetchResult FetchTls(const std::string& target = "/") { return FetchUrl(tls_->Url(target)); }
  // Over a connection of its own.
  FetchResult FetchAnew() {
    FetchRequest request = RequestFor(tls_->Url("/"));
    request.fresh_connection = true;
    return fetcher().Submit(std::move(request)).Take();
  }

  const test::TempDir dir_;
  std::unique_ptr<TlsServer> tls_;
};

SSL_SESSION* SessionOf(int version) {
  SSL_SESSION* const session = SSL_SESSION_new();
  SSL_SESSION_set_protocol_version(session, version);
  return session;
}

// Whether there was one.
bool TakeFrom(SessionCache& cache, const std::string& peer) {
  SSL_SESSION* const session = cache.Take(peer);
  SSL_SESSION_free(session);
  return session != nullptr;
}

TEST(SessionCacheTest, OnePeerTooManyForgetsTheLeastLatelyUsed) {
  SessionCache cache(3);
  for (const char* peer : {"a", "b", "c"}) cache.Put(peer, SessionOf(TLS1_2_VERSION));
  for (const char* peer : {"a", "b", "c"}) EXPECT_TRUE(TakeFrom(cache, peer)) << peer;
  EXPECT_TRUE(TakeFrom(cache, "a"));
  cache.Put("d", SessionOf(TLS1_2_VERSION));
  EXPECT_FALSE(TakeFrom(cache, "b"));
  for (const char* peer : {"a", "c", "d"}) EXPECT_TRUE(TakeFrom(cache, peer)) << peer;
  cache.Put("a", SessionOf(TLS1_2_VERSION));
  cache.Put("e", SessionOf(TLS1_2_VERSION));
  EXPECT_FALSE(TakeFrom(cache, "c"));
  for (const char* peer : {"a", "d", "e"}) EXPECT_TRUE(TakeFrom(cache, peer)) << peer;
}

TEST(SessionCacheTest, ATicketIsGivenOutOnceAndAPeerHasTwoAtMost) {
  SessionCache cache(1);
  for (int i = 0; i < 3; ++i) cache.Put("a", SessionOf(TLS1_3_VERSION));
  EXPECT_TRUE(TakeFrom(cache, "a"));
  EXPECT_TRUE(TakeFrom(cache, "a"));
  EXPECT_FALSE(TakeFrom(cache, "a"));
  cache.Put("b", SessionOf(TLS1_3_VERSION));  // the place is free again
  EXPECT_TRUE(TakeFrom(cache, "b"));
}

TEST(SessionCacheTest, OneWithoutRoomKeepsNothing) {
  SessionCache cache(0);
  cache.Put("a", SessionOf(TLS1_2_VERSION));
  EXPECT_FALSE(TakeFrom(cache, "a"));
}

TEST_F(FetcherTlsTest, AnAuthorityThatIsTrustedIsEnough) {
  ServeTls();
  TrustServer();
  const FetchResult result = FetchTls();
  EXPECT_FALSE(result.error) << result.detail;
  EXPECT_EQ(result.body, "x");
  EXPECT_EQ(result.protocol, "http/1.1");
}

TEST_F(FetcherTlsTest, AnUnknownAuthorityIsRefused) {
  ServeTls();
  const FetchResult result = FetchTls();
  EXPECT_EQ(result.error, FetchError::kTls);
  EXPECT_THAT(result.detail, HasSubstr("issuer"));
  EXPECT_EQ(tls_->requests(), 0);
}

TEST_F(FetcherTlsTest, ACertificateForAnotherNameIsRefused) {
  ServeTls({.names = {"DNS:other.test", "IP:192.0.2.1"}});
  TrustServer();
  const FetchResult result = FetchTls();
  EXPECT_EQ(result.error, FetchError::kTls);
  EXPECT_THAT(result.detail, HasSubstr("another name"));
  EXPECT_EQ(tls_->requests(), 0);
}

TEST_F(FetcherTlsTest, ACertificateThatHasExpiredIsRefused) {
  ServeTls({.expired = true});
  TrustServer();
  const FetchResult result = FetchTls();
  EXPECT_EQ(result.error, FetchError::kTls);
  EXPECT_THAT(result.detail, HasSubstr("expired"));
  EXPECT_EQ(tls_->requests(), 0);
}

TEST_F(FetcherTlsTest, AFileThatHasNoCertificatesEndsTheStart) {
  options_.ca_file = dir_ / "none.pem";
  EXPECT_THROW(fetcher(), FatalError);
  std::ofstream(options_.ca_file) << "certificates\n";
  EXPECT_THROW(fetcher(), FatalError);
  std::ofstream(options_.ca_file)
      << "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
  EXPECT_THROW(fetcher(), FatalError);
}

TEST_F(FetcherTlsTest, ASecondConnectionResumesTheSessionOfTheFirst) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    ServeTls({.max_version = version});
    TrustServer();
    fetcher_.reset();
    for (int i = 0; i < 5; ++i) {
      const FetchResult result = FetchAnew();
      EXPECT_FALSE(result.error) << result.detail;
    }
    EXPECT_EQ(tls_->connections(), 5);
    EXPECT_EQ(tls_->resumed(), 4) << version;
    EXPECT_EQ(fetcher().stats().tls_handshakes, 5U);
    EXPECT_EQ(fetcher().stats().tls_resumed, 4U);
  }
}

TEST_F(FetcherTlsTest, WithoutRoomForSessionsEachHandshakeIsWhole) {
  options_.max_tls_sessions = 0;
  ServeTls();
  TrustServer();
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(FetchAnew().error);
  EXPECT_EQ(tls_->resumed(), 0);
  EXPECT_EQ(fetcher().stats().tls_handshakes, 3U);
}

TEST_F(FetcherTlsTest, AServersSessionsAreNoOtherServers) {
  ServeTls();
  TrustServer();
  EXPECT_FALSE(FetchTls().error);
  const TlsServer other([](const TlsRequest&) { return TlsAnswer{.body = "y"}; });
  EXPECT_EQ(FetchUrl(other.Url("/")).error, FetchError::kTls);
  EXPECT_FALSE(FetchAnew().error);
  EXPECT_EQ(tls_->resumed(), 1);
}

// --- HTTP/2

class FetcherHttp2Test : public FetcherTlsTest {
 protected:
  std::vector<concurrency::Future<FetchResult>> SubmitMany(int count) {
    std::vector<concurrency::Future<FetchResult>> futures;
    for (int i = 0; i < count; ++i) {
      futures.push_back(fetcher().Submit(RequestFor(tls_->Url("/" + std::to_string(i)))));
    }
    return futures;
  }
};

TEST_F(FetcherHttp2Test, RequestsGoSideBySideOverOneConnection) {
  ServeTls({.http2 = true, .wait = true});
  TrustServer();
  auto futures = SubmitMany(10);
  while (tls_->waiting() < 10) (void)futures.front().WaitFor(kMoment);
  tls_->Release();
  for (auto& future : futures) {
    const FetchResult result = future.Take();
    EXPECT_FALSE(result.error) << result.detail;
    EXPECT_EQ(result.protocol, "h2");
    EXPECT_EQ(result.body, "x");
  }
  EXPECT_EQ(tls_->connections(), 1);
}

TEST_F(FetcherHttp2Test, AConnectionHasNoMoreStreamsThanAllowed) {
  options_.max_streams = 4;
  ServeTls({.http2 = true, .wait = true});
  TrustServer();
  auto futures = SubmitMany(10);
  while (tls_->waiting() < 10) (void)futures.front().WaitFor(kMoment);
  tls_->Release();
  for (auto& future : futures) EXPECT_FALSE(future.Take().error);
  EXPECT_EQ(tls_->most_streams(), 4);
}

TEST_F(FetcherHttp2Test, AStreamThatTimesOutHurtsNoOther) {
  options_.first_byte_timeout = Millis(300);
  ServeTls({.http2 = true}, [](const TlsRequest& request) {
    return TlsAnswer{.body = std::string(100'000, 'x'), .stall = request.number % 2 == 0};
  });
  TrustServer();
  auto futures = SubmitMany(10);
  int late = 0;
  for (auto& future : futures) {
    const FetchResult result = future.Take();
    if (result.error == FetchError::kFirstByteTimeout) {
      ++late;
    } else {
      EXPECT_FALSE(result.error) << result.detail;
      EXPECT_EQ(result.body.size(), 100'000U);
    }
  }
  EXPECT_EQ(late, 5);
  EXPECT_EQ(tls_->connections(), 1);
}

TEST_F(FetcherHttp2Test, ARefusedStreamIsForAFreshConnectionAndNotSentAgain) {
  constexpr uint32_t kRefusedStream = 7;
  ServeTls({.http2 = true}, [](const TlsRequest& request) {
    return TlsAnswer{.body = "x", .reset = request.number == 2 ? kRefusedStream : 0};
  });
  TrustServer();
  EXPECT_FALSE(FetchTls().error);
  const FetchResult result = FetchTls();
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.retry, RetryAdvice::kFresh) << result.detail;
  EXPECT_EQ(tls_->requests(), 2);
}

TEST_F(FetcherHttp2Test, AConnectionThatSaysGoodbyeIsForAFreshOneAndNothingIsSentAgain) {
  ServeTls({.http2 = true}, [](const TlsRequest& request) {
    return TlsAnswer{.body = "x", .goaway = request.number == 2};
  });
  TrustServer();
  EXPECT_FALSE(FetchTls().error);
  const FetchResult result = FetchTls();
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.retry, RetryAdvice::kFresh) << result.detail;
  EXPECT_EQ(tls_->requests(), 2);
  EXPECT_FALSE(FetchTls().error);
}

// libcurl cannot read one stream past another.
TEST_F(FetcherHttp2Test, StreamsThatShareAConnectionGoOnTogether) {
  options_.memory_budget_bytes = 500'000;
  options_.max_body_bytes = 400'000;
  options_.idle_timeout = Millis(1000);
  ServeTls({.http2 = true, .wait = true},
           [](const TlsRequest&) { return TlsAnswer{.body = std::string(300'000, 'x')}; });
  TrustServer();
  auto futures = SubmitMany(20);
  while (tls_->waiting() < 20) (void)futures.front().WaitFor(kMoment);
  tls_->Release();
  for (auto& future : futures) {
    const FetchResult result = future.Take();
    EXPECT_FALSE(result.error) << result.detail;
    EXPECT_EQ(result.body.size(), 300'000U);
  }
  EXPECT_EQ(fetcher().budget().used(), 0U);
}

TEST_F(FetcherHttp2Test, WhatAPausedStreamHoldsUpIsNotTheServersDelay) {
  options_.memory_budget_bytes = 100'000;
  options_.first_byte_timeout = Millis(2000);
  std::atomic<bool> answer_second = false;
  ServeTls({.http2 = true}, [&](const TlsRequest& request) {
    if (request.number == 1) return TlsAnswer{.body = std::string(50'000, 'x')};
    while (!answer_second.load()) std::this_thread::yield();
    return TlsAnswer{.body = "second"};
  });
  TrustServer();
  fetcher().budget().Add(100'000);
  auto first = fetcher().Submit(RequestFor(tls_->Url("/1")));
  while (fetcher().stats().paused < 1) (void)first.WaitFor(kMoment);
  auto second = fetcher().Submit(RequestFor(tls_->Url("/2")));
  while (tls_->requests() < 2) (void)second.WaitFor(kMoment);
  EXPECT_EQ(tls_->connections(), 1);
  EXPECT_FALSE(second.WaitFor(std::chrono::milliseconds(2500))) << "longer than first_byte_timeout";
  fetcher().budget().Sub(100'000);
  EXPECT_FALSE(first.Take().error);
  // Several sweeps see it without a byte.
  EXPECT_FALSE(second.WaitFor(std::chrono::milliseconds(200)));
  answer_second.store(true);
  const FetchResult result = second.Take();
  EXPECT_FALSE(result.error) << result.detail;
  EXPECT_EQ(result.body, "second");
}

// libcurl would read it, and keep what comes for the one that is paused.
TEST_F(FetcherHttp2Test, AConnectionWithAPausedStreamIsNotReadForItsOthers) {
  options_.memory_budget_bytes = 100'000;
  ServeTls({.http2 = true}, [&](const TlsRequest& request) {
    if (request.number == 2) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return TlsAnswer{.body = std::string(300'000, 'x')};
  });
  TrustServer();
  fetcher().budget().Add(100'000);
  auto first = fetcher().Submit(RequestFor(tls_->Url("/1")));
  while (fetcher().stats().paused < 1) (void)first.WaitFor(kMoment);
  auto second = fetcher().Submit(RequestFor(tls_->Url("/2")));
  while (tls_->requests() < 2) (void)second.WaitFor(kMoment);
  EXPECT_FALSE(second.WaitFor(std::chrono::milliseconds(500)));
  EXPECT_EQ(tls_->connections(), 1);
  EXPECT_EQ(fetcher().stats().paused, 1U) << "of the second nothing was read";
  fetcher().budget().Sub(100'000);
  for (auto* future : {&first, &second}) {
    const FetchResult result = future->Take();
    EXPECT_FALSE(result.error) << result.detail;
    EXPECT_EQ(result.body.size(), 300'000U);
  }
  EXPECT_EQ(fetcher().budget().used(), 0U);
}

TEST_F(FetcherHttp2Test, ConnectionsThatWaitForTheBudgetGoOnOneAfterAnother) {
  options_.memory_budget_bytes = 500'000;
  options_.max_body_bytes = 400'000;
  options_.idle_timeout = Millis(1000);
  options_.first_byte_timeout = Millis(1000);
  const auto big = [](const TlsRequest&) { return TlsAnswer{.body = std::string(300'000, 'x')}; };
  std::vector<std::unique_ptr<TlsServer>> servers;
  std::string authorities;
  for (int i = 0; i < 6; ++i) {
    servers.push_back(
        std::make_unique<TlsServer>(big, TlsServerOptions{.http2 = true, .wait = true}));
    authorities += servers.back()->ca_pem();
  }
  options_.ca_file = dir_ / "all.pem";
  std::ofstream(options_.ca_file) << authorities;
  std::vector<concurrency::Future<FetchResult>> futures;
  for (int i = 0; i < 4; ++i) {
    for (const auto& server : servers) {
      futures.push_back(fetcher().Submit(RequestFor(server->Url("/"))));
    }
  }
  for (const auto& server : servers) {
    while (server->waiting() < 4) (void)futures.front().WaitFor(kMoment);
  }
  for (const auto& server : servers) server->Release();
  for (auto& future : futures) {
    const FetchResult result = future.Take();
    EXPECT_FALSE(result.error) << result.detail;
    EXPECT_EQ(result.body.size(), 300'000U);
  }
}

}  // namespace
}  // namespace crawld::fetcher
