#include "admin/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/error.h"
#include "concurrency/event.h"
#include "concurrency/future.h"
#include "tests/support/acceptor.h"
#include "tests/support/temp_dir.h"

namespace crawld::admin {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

// A client's connection, closed at the end.
class Client {
 public:
  explicit Client(int port) : fd_(test::ConnectToLoopback(port)) {}
  explicit Client(const std::filesystem::path& path) : fd_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      close(fd_);
      fd_ = -1;
    }
  }
  ~Client() {
    if (fd_ >= 0) close(fd_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return fd_ >= 0; }
  void Send(const std::string& bytes) const {
    EXPECT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // Everything until the server closes.
  std::string ReadAll() const {
    std::string all;
    std::array<char, 4096> piece{};
    for (ssize_t got = 0; (got = recv(fd_, piece.data(), piece.size(), 0)) > 0;) {
      all.append(piece.data(), static_cast<size_t>(got));
    }
    return all;
  }
  // Until that has come.
  std::string ReadUntil(const std::string& end) const {
    std::string all;
    char byte = 0;
    while (!all.ends_with(end) && recv(fd_, &byte, 1, 0) == 1) all += byte;
    return all;
  }

 private:
  int fd_;
};

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() { options_.listen = "127.0.0.1:0"; }

  void Start() {
    server_.emplace(options_, [this](const HttpRequest& request) {
      ++handled_;
      if (request.path == "/throws") throw std::runtime_error("secret reason");
      std::string body = request.method + " " + request.path;
      for (const auto& [name, value] : request.query) body.append(" ").append(name + "=" + value);
      if (!request.body.empty()) body += " [" + request.body + "]";
      return HttpResponse{.content_type = "text/plain", .body = body};
    });
  }
  std::string Ask(const std::string& bytes) const {
    const Client client(server_->port());
    client.Send(bytes);
    return client.ReadAll();
  }
  static std::string Get(const std::string& target,
                         const std::string& more = "Host: localhost\r\n") {
    return "GET " + target + " HTTP/1.1\r\n" + more + "Connection: close\r\n\r\n";
  }

  const test::TempDir dir_;
  HttpServerOptions options_;
  std::atomic<int> handled_ = 0;
  std::optional<HttpServer> server_;
};

TEST_F(HttpServerTest, ARequestReachesItsHandlerDecoded) {
  Start();
  EXPECT_THAT(
      Ask(Get("/a%20b/c+d?x=1%3D2&y&z=a+b")),
      AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("\r\n\r\nGET /a b/c+d x=1=2 y= z=a b"),
            HasSubstr("X-Content-Type-Options: nosniff")));
  EXPECT_THAT(Ask("POST /p HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n"
                  "Connection: close\r\n\r\nbody"),
              HasSubstr("POST /p [body]"));
  const std::string head = Ask("HEAD / HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_TRUE(head.ends_with("\r\n\r\n")) << "no body";
}

TEST_F(HttpServerTest, AConnectionCarriesSeveralRequests) {
  Start();
  const Client client(server_->port());
  for (int i = 0; i < 3; ++i) {
    client.Send("GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_THAT(client.ReadUntil("GET /x"), HasSubstr("200 OK"));
  }
}

TEST_F(HttpServerTest, APageOfAnotherNameCannotSpeakToUs) {
  Start();
  for (const char* host : {"Host: evil.test\r\n", "Host: evil.test:80\r\n", "Host: 192.0.2.1\r\n",
                           "Host: localhost.evil.test\r\n", "Host: \r\n", ""}) {
    EXPECT_THAT(Ask(Get("/", host)), StartsWith("HTTP/1.1 421 ")) << host;
  }
  EXPECT_EQ(handled_, 0);
  for (const char* host :
       {"Host: LOCALHOST:8080\r\n", "Host: 127.0.0.1:1\r\n", "Host: [::1]:1\r\n"}) {
    EXPECT_THAT(Ask(Get("/", host)), StartsWith("HTTP/1.1 200 ")) << host;
  }
}

TEST_F(HttpServerTest, WithATokenNobodyIsHeardWithoutIt) {
  options_.token = "t0ken";
  Start();
  for (const char* header :
       {"", "Authorization: Bearer wrong\r\n", "Authorization: Bearer t0ke\r\n",
        "Authorization: Basic t0ken\r\n", "Authorization: t0ken\r\n"}) {
    EXPECT_THAT(Ask(Get("/x", std::string("Host: localhost\r\n") + header)),
                AllOf(StartsWith("HTTP/1.1 401 "), HasSubstr("WWW-Authenticate: Bearer\r\n")))
        << header;
  }
  EXPECT_EQ(handled_, 0);
  EXPECT_THAT(Ask(Get("/", "Host: monitor.test\r\nAuthorization: bearer t0ken\r\n")),
              StartsWith("HTTP/1.1 200 "))
      << "who has the token may use any name";
  EXPECT_THAT(Ask(Get("/")), StartsWith("HTTP/1.1 200 ")) << "the page asks for the token itself";
  EXPECT_THAT(Ask("POST / HTTP/1.1\r\nHost: localhost\r\n\r\n"), StartsWith("HTTP/1.1 401 "));
}

TEST_F(HttpServerTest, APageOfAnotherOriginIsNotHeard) {
  Start();
  for (const char* origin :
       {"http://evil.test", "null", "https://localhost", "http://localhost:1"}) {
    EXPECT_THAT(Ask(Get("/", std::string("Host: localhost\r\nOrigin: ") + origin + "\r\n")),
                StartsWith("HTTP/1.1 403 "))
        << origin;
  }
  EXPECT_EQ(handled_, 0);
  EXPECT_THAT(Ask(Get("/", "Host: localhost\r\nOrigin: http://localhost\r\n")),
              StartsWith("HTTP/1.1 200 "));
}

// --- bodies that are read piece by piece, answers that come later, events

class Echo final : public BodyHandler {
 public:
  void Take(std::string_view piece, bool last) override {
    text_ = std::string(piece) + (last ? "|end" : "|");
  }
  std::optional<concurrency::Future<void>> HandOver() override {
    if (text_.starts_with("throw")) throw std::runtime_error("it is being stopped");
    if (++asked_ % 2 == 1) return std::nullopt;  // not now
    concurrency::Promise<void> promise;
    auto future = promise.GetFuture();
    promise.SetValue();
    return future;
  }
  std::string Answer() override { return text_; }

 private:
  std::string text_;
  int asked_ = 0;
};

class HttpServerStreamTest : public HttpServerTest {
 protected:
  void StartStreaming() {
    server_.emplace(
        options_,
        [this](const HttpRequest& request) {
          HttpResponse response;
          if (request.path == "/later") {
            promise_.emplace();
            response.later = promise_->GetFuture();
            asked_later_.Set();
          } else if (request.path == "/events") {
            response.period = milliseconds(1);
            response.next_event = [this] { return "event " + std::to_string(++events_) + ";"; };
          }
          return response;
        },
        [](const HttpRequest& request) -> std::unique_ptr<BodyHandler> {
          return request.path == "/echo" ? std::make_unique<Echo>() : nullptr;
        });
  }

  concurrency::Event asked_later_;
  std::optional<concurrency::Promise<HttpResponse>> promise_;
  std::atomic<int> events_ = 0;
};

TEST_F(HttpServerStreamTest, ABodyIsAnsweredPieceByPieceWhateverItsFraming) {
  options_.max_body_bytes = 3;  // is not for these
  StartStreaming();
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                  "Content-Length: 5\r\n\r\nabcde"),
              AllOf(HasSubstr("Transfer-Encoding: chunked"), HasSubstr("abcde|end"),
                    testing::EndsWith("0\r\n\r\n")));
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
              AllOf(HasSubstr("abc"), HasSubstr("|end"), testing::EndsWith("0\r\n\r\n")));
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                  "Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx"),
              AllOf(StartsWith("HTTP/1.1 100 "), HasSubstr("x|end")));
}

TEST_F(HttpServerStreamTest, WhatIsNotTakenAnyMoreHasNoProperEnd) {
  StartStreaming();
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                  "Content-Length: 5\r\n\r\nthrow"),
              AllOf(HasSubstr("{\"error\":\"it is being stopped\"}"),
                    testing::Not(testing::EndsWith("0\r\n\r\n"))));
}

TEST_F(HttpServerStreamTest, AnAnswerThatComesLaterHoldsUpNobody) {
  StartStreaming();
  const Client patient(server_->port());
  patient.Send(Get("/later"));
  asked_later_.Wait();
  EXPECT_THAT(Ask(Get("/")), StartsWith("HTTP/1.1 200 "));
  promise_->SetValue({.status = 202, .body = "there it is"});
  EXPECT_THAT(patient.ReadAll(), AllOf(StartsWith("HTTP/1.1 202 "), HasSubstr("there it is")));
}

TEST_F(HttpServerStreamTest, APromiseThatIsBrokenIsAnErrorOfOurs) {
  StartStreaming();
  const Client patient(server_->port());
  patient.Send(Get("/later"));
  asked_later_.Wait();
  promise_.reset();
  EXPECT_THAT(patient.ReadAll(), StartsWith("HTTP/1.1 500 "));
}

TEST_F(HttpServerStreamTest, AServerThatGoesDoesNotWaitForAnswersThatDoNotCome) {
  StartStreaming();
  const Client patient(server_->port());
  patient.Send(Get("/later"));
  asked_later_.Wait();
  server_.reset();
  promise_->SetValue({});  // whoever keeps it may do so later
  EXPECT_EQ(patient.ReadAll(), "");
}

TEST_F(HttpServerStreamTest, EventsComeUntilTheClientGoesAndOnlySoManyAreSent) {
  options_.max_event_streams = 1;
  StartStreaming();
  {
    const Client client(server_->port());
    client.Send(Get("/events"));
    EXPECT_THAT(client.ReadUntil("event 3;"), HasSubstr("event 2;"));
    EXPECT_THAT(Ask(Get("/events")), StartsWith("HTTP/1.1 503 "));
  }
  // The first one's end is noticed when something is sent to it.
  while (!Ask(Get("/")).starts_with("HTTP/1.1 200 ")) {
  }
  std::string head;
  do {
    const Client client(server_->port());
    client.Send(Get("/events"));
    head = client.ReadUntil("\r\n");
  } while (head.starts_with("HTTP/1.1 503 "));
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, WhatIsTooLargeOrNoHttpIsRefused) {
  options_.max_header_bytes = 1000;
  options_.max_body_bytes = 100;
  Start();
  EXPECT_THAT(Ask(Get("/" + std::string(2000, 'x'))), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(Ask("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 101\r\n\r\n" +
                  std::string(101, 'x')),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(Ask("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Ask(std::string("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 11)),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_EQ(handled_, 0);
  EXPECT_THAT(Ask(Get("/")), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, AnErrorOfOursIsA500ThatTellsNothing) {
  Start();
  const std::string answer = Ask(Get("/throws"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(answer, testing::Not(HasSubstr("secret reason")));
}

TEST_F(HttpServerTest, ASlowClientLosesItsConnection) {
  options_.idle_timeout = options_.request_timeout = milliseconds(50);
  Start();
  const Client silent(server_->port());
  const Client slow(server_->port());
  slow.Send("GET / HTTP/1.1\r\nHost: loc");
  EXPECT_EQ(silent.ReadAll(), "");
  EXPECT_EQ(slow.ReadAll(), "");
}

TEST_F(HttpServerTest, WhoWantsMoreThanTheRateWaits) {
  options_.rate = 50;
  Start();
  const auto began = std::chrono::steady_clock::now();
  const Client client(server_->port());
  for (int i = 0; i < 75; ++i) client.Send("GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
  for (int i = 0; i < 75; ++i) client.ReadUntil("GET /x");
  EXPECT_EQ(handled_, 75) << "nobody is turned away";
  // 50 at once, and the other 25 at 50 a second: never sooner, however fast the machine.
  EXPECT_GE(std::chrono::steady_clock::now() - began, milliseconds(490));
}

// Found by an attacker: 64 silent connections kept everybody out for ten seconds.
TEST_F(HttpServerTest, WhoIsSilentLongestMakesRoom) {
  options_.max_connections = 2;
  options_.request_timeout = options_.idle_timeout = std::chrono::hours(1);
  Start();
  const Client first(server_->port());
  const Client second(server_->port());
  second.Send("GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
  second.ReadUntil("GET /x");
  const Client third(server_->port());
  third.Send("GET /y HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(third.ReadUntil("GET /y"), HasSubstr("200 OK"));
  EXPECT_EQ(first.ReadAll(), "");
  second.Send("GET /z HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(second.ReadUntil("GET /z"), HasSubstr("200 OK"));
}

// Found by an attacker: bodies that did not come kept everybody out, without the token.
TEST_F(HttpServerTest, WhoIsSilentWithinABodyMakesRoomAsWell) {
  options_.max_connections = 1;
  options_.request_timeout = options_.idle_timeout = std::chrono::hours(1);
  Start();
  const Client first(server_->port());
  first.Send("POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc");
  const Client second(server_->port());
  second.Send(Get("/y"));
  EXPECT_THAT(second.ReadAll(), HasSubstr("GET /y"));
  EXPECT_EQ(first.ReadAll(), "");
}

TEST_F(HttpServerTest, AGetHasNoBody) {
  Start();
  EXPECT_THAT(Ask("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Ask("GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
}

// Each one took 20 ms to be closed.
TEST_F(HttpServerTest, ACrowdOfTheSilentIsPassedBy) {
  options_.max_connections = 2;
  options_.request_timeout = options_.idle_timeout = std::chrono::hours(1);
  Start();
  std::vector<std::unique_ptr<Client>> crowd;
  for (int i = 0; i < 200; ++i) crowd.push_back(std::make_unique<Client>(server_->port()));
  const Client last(server_->port());
  last.Send(Get("/x"));
  EXPECT_THAT(last.ReadAll(), HasSubstr("GET /x"));
}

TEST_F(HttpServerTest, WhoIsBeingAnsweredIsNotCutOff) {
  options_.max_connections = 1;
  server_.emplace(options_, [this](const HttpRequest& request) {
    ++handled_;
    HttpResponse response{.content_type = "text/plain", .body = request.path};
    if (request.path == "/events") {
      response.next_event = [] { return std::string("event."); };
      response.period = milliseconds(1);
    }
    return response;
  });
  auto first = std::make_unique<Client>(server_->port());
  first->Send(Get("/events"));
  first->ReadUntil("event.");
  const Client second(server_->port());
  second.Send(Get("/x"));
  for (int i = 0; i < 100; ++i) first->ReadUntil("event.");
  EXPECT_EQ(handled_, 1) << "it waits for its turn";
  first.reset();
  EXPECT_THAT(second.ReadAll(), HasSubstr("200 OK"));
}

TEST_F(HttpServerTest, TheUnixSocketIsForItsOwnerAndGroupAndGoesWithTheServer) {
  const auto path = dir_ / "admin.sock";
  options_.listen.reset();
  options_.socket = path;
  options_.token = "t0ken";
  Start();
  EXPECT_EQ(server_->port(), 0);
  struct stat found {};
  ASSERT_EQ(stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0660U);
  const Client client(path);
  client.Send(Get("/", "Host: whatever\r\n"));
  EXPECT_THAT(client.ReadAll(), StartsWith("HTTP/1.1 200 ")) << "permissions are the token here";
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(HttpServerTest, ASocketThatACrashHasLeftIsReplacedAndAnythingElseIsNot) {
  const auto path = dir_ / "admin.sock";
  options_.listen.reset();
  options_.socket = path;
  const int left = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.string().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(left, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  close(left);
  Start();
  EXPECT_TRUE(Client(path).connected());
  EXPECT_THROW(HttpServer(options_, [](const HttpRequest&) { return HttpResponse(); }), FatalError)
      << "somebody serves there";
  EXPECT_TRUE(Client(path).connected());
  server_.reset();
  std::ofstream(path) << "a file of somebody's";
  EXPECT_THROW(Start(), FatalError);
  EXPECT_TRUE(std::filesystem::is_regular_file(path));
  options_.socket = dir_ / std::string(200, 'x');
  EXPECT_THROW(Start(), FatalError);
}

TEST_F(HttpServerTest, AnAddressThatIsTakenIsAnErrorWithItsName) {
  Start();
  HttpServerOptions same;
  same.listen = "127.0.0.1:" + std::to_string(server_->port());
  try {
    const HttpServer second(same, [](const HttpRequest&) { return HttpResponse(); });
    ADD_FAILURE() << "two at one address";
  } catch (const FatalError& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr("admin.listen"), HasSubstr(*same.listen)));
  }
}

TEST(EndpointTest, LoopbackIsToldFromWhatOthersCanReach) {
  EXPECT_EQ(IsLoopbackEndpoint("127.0.0.1:80"), true);
  EXPECT_EQ(IsLoopbackEndpoint("[::1]:80"), true);
  EXPECT_EQ(IsLoopbackEndpoint("0.0.0.0:80"), false);
  EXPECT_EQ(IsLoopbackEndpoint("[2001:db8::1]:80"), false);
  for (const char* bad :
       {"", "80", "localhost:80", "127.0.0.1", "127.0.0.1:70000", "127.0.0.1:x"}) {
    EXPECT_EQ(IsLoopbackEndpoint(bad), std::nullopt) << bad;
  }
}

// Found by a power cut: what stood there was said to be an address in use.
TEST_F(HttpServerTest, WhatIsNoSocketIsLeftAloneAndNamed) {
  const std::filesystem::path path = dir_ / "s";
  std::ofstream(path) << "somebody's";
  options_.socket = path;
  options_.listen.reset();
  try {
    Start();
    FAIL() << "it listens";
  } catch (const FatalError& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr(path.string()), HasSubstr("is no socket")));
  }
  EXPECT_EQ(std::filesystem::file_size(path), 10U);
}

}  // namespace
}  // namespace crawld::admin
