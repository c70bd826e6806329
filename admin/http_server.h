// HttpServer: HTTP/1.1 for the admin API, on a Unix socket, on TCP, or both.
//
// For a few operators and a scraper, in a process whose time is for something else: one thread of
// low priority serves all of them, and no more than `rate` requests a second; who asks for more
// waits. Heads, bodies and the number of connections are limited, and a client that is slow loses
// its connection. When there are as many connections as may be, and another one comes, the one that
// has been silent longest is closed; who has not sent a whole head, or body, is silent, and who is
// being answered is not. On TCP a request needs the token, if there is one, and must be meant for
// us (its Host header), so that a page in the operator's browser cannot speak to us under a name of
// its own. The Unix socket is for whom its folder's and its own permissions let in (0660).
//
// Thread safety: handlers are called on the server's thread, and hold up all other requests for as
// long as they take; the other members are for any thread. Errors: the constructor throws
// FatalError.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "concurrency/future.h"

namespace crawld::admin {

struct HttpRequest {
  std::string method;                        // "GET"; a HEAD comes as one, and its body is not sent
  std::string path;                          // percent-decoded, without the query
  std::map<std::string, std::string> query;  // decoded; of several values the last
  std::string body;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body = {};
  std::string allow = {};            // of a 405
  std::string security_policy = {};  // Content-Security-Policy, of a page
  // Instead of all that: what is sent when it is there. Its promise must be kept or broken.
  std::optional<concurrency::Future<HttpResponse>> later = {};
  // Behind `body`: one piece every `period`, until the client goes.
  std::function<std::string()> next_event = {};
  std::chrono::milliseconds period{1000};
};

// A request whose body is read piece by piece, however long it is, and answered piece by piece. All
// calls are the server's thread's, in this order, until the last piece has been answered.
class BodyHandler {
 public:
  virtual ~BodyHandler() = default;
  virtual void Take(std::string_view piece, bool last) = 0;
  // Hands over what was taken. The future is done when Answer() can tell of it; nullopt: not now,
  // and it is asked again soon. Throws if it is never going to be.
  virtual std::optional<concurrency::Future<void>> HandOver() = 0;
  virtual std::string Answer() = 0;
};

// What a server counts. Any thread may read it.
struct HttpCounters {
  std::array<std::atomic<uint64_t>, 6> answers{};  // by the first digit of their status
};

struct HttpServerOptions {
  std::optional<std::filesystem::path> socket;  // one that is there and nobody serves is replaced
  std::optional<std::string> listen;            // "127.0.0.1:8080", "[::1]:0"
  std::string token = {};                       // for TCP; empty: none is asked for
  uint32_t max_connections = 64;                // of each of the two; see above
  uint32_t max_header_bytes = 16 << 10;
  uint32_t max_body_bytes = 1 << 20;
  uint32_t rate = 200;  // requests a second, all clients together; bursts of as many
  std::chrono::milliseconds request_timeout{10'000};  // for a request to come, an answer to go
  std::chrono::milliseconds idle_timeout{60'000};     // between two requests
  uint32_t max_event_streams = 16;                    // HttpResponse::next_event
  HttpCounters* counters = nullptr;                   // told, if there are any; outlive the server
};

class HttpServer {
 public:
  using Handler = std::function<HttpResponse(const HttpRequest&)>;
  // Asked first, with the head alone; null: the body is read, and the other one asked.
  using BodyHandlers = std::function<std::unique_ptr<BodyHandler>(const HttpRequest&)>;

  HttpServer(
      const HttpServerOptions& options, Handler handler,
      BodyHandlers body_handlers = [](const HttpRequest&) { return nullptr; });
  // Closes all connections and waits for the thread.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Where it listens by TCP; 0: it does not.
  uint16_t port() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

// Whether it is an address of this machine alone, with a port: "127.0.0.1:8080", "[::1]:8080".
// nullopt: it is no address with a port.
std::optional<bool> IsLoopbackEndpoint(const std::string& text);

}  // namespace crawld::admin
