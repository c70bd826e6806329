// HttpServer: a loopback HTTP/1.1 server that answers exactly what a test tells it to, byte for
// byte, broken answers included.
//
// A handler turns each request into a Reply: a script of steps (send, drip, wait at a gate, stall,
// close, reset, half-close) that the server performs. A script that does not close keeps the
// connection alive for the next request. One thread serves all connections; the handler runs on it
// and must not block: waiting is what gates are for. Stopping is immediate, whatever the scripts
// wait for, and no thread outlives the server.
//
// Thread safety: the handler belongs to the server's thread; all other members may be called from
// any thread. Connections are accepted on 127.0.0.1, and on 127.0.0.2 ... with `addresses`.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/mutex.h"

namespace crawld::test {

struct Request {
  std::string method;
  std::string target;  // as on the request line
  std::string host;    // the Host field
  std::string raw_head;
  uint64_t connection = 0;  // number of the connection, from 1
  uint64_t sequence = 0;    // number of the request on its connection, from 1
  std::chrono::steady_clock::time_point arrived;

  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
};

// A door in front of which replies wait. Made by HttpServer::MakeGate(); any thread may open it.
class Gate {
 public:
  ~Gate();
  void Open();
  bool is_open() const { return open_.load(std::memory_order_acquire); }

 private:
  friend class HttpServer;
  explicit Gate(int wake_fd) : wake_fd_(wake_fd) {}
  std::atomic<bool> open_ = false;
  const int wake_fd_;  // a duplicate: the gate may outlive the server
};

// What to do with one request, step by step.
class Reply {
 public:
  // These bytes, `times` times over (without holding them so often in memory).
  Reply& Send(std::string bytes, uint64_t times = 1);
  // These bytes in pieces, one every `every`.
  Reply& Drip(std::string bytes, size_t piece, std::chrono::milliseconds every);
  Reply& Delay(std::chrono::milliseconds time);
  Reply& WaitFor(std::shared_ptr<Gate> gate);
  Reply& Stall();  // nothing more, until the peer or the server goes
  Reply& Close();
  Reply& Reset();      // RST (SO_LINGER 0)
  Reply& HalfClose();  // FIN, but reads on

 private:
  friend class HttpServer;
  struct SendStep {
    std::string bytes;
    uint64_t times = 1;
    size_t at = 0;
  };
  struct WaitStep {
    std::shared_ptr<Gate> gate;
  };
  struct DelayStep {
    std::chrono::milliseconds time;
  };
  struct StallStep {};
  struct CloseStep {};
  struct ResetStep {};
  struct HalfCloseStep {};
  using Step =
      std::variant<SendStep, WaitStep, DelayStep, StallStep, CloseStep, ResetStep, HalfCloseStep>;
  std::vector<Step> steps_;
};

using Headers = std::vector<std::pair<std::string, std::string>>;

// How the end of a body is told.
enum class Framing { kLength, kChunked, kUntilClose };

std::string ResponseHead(int status, const Headers& headers = {});
std::string Chunked(std::string_view body, size_t piece = 1000);
// The same bytes that Answer() sends.
std::string ResponseBytes(int status, std::string_view body, Headers headers = {},
                          Framing framing = Framing::kLength);
Reply Answer(int status, std::string_view body, Headers headers = {},
             Framing framing = Framing::kLength);
Reply Html(std::string_view body);
Reply RedirectTo(std::string_view location, int status = 302);
// Announces `announced` bytes of body, sends `body` and closes.
Reply ShortBody(std::string_view body, uint64_t announced);

struct HttpServerOptions {
  int addresses = 1;     // 127.0.0.1 ... 127.0.0.N, all with one port
  int port = 0;          // 0: any
  std::string greeting;  // sent to whoever connects, before any request
  // Performed for whoever connects to this address, before any request is read.
  std::function<Reply(int address)> on_connect = nullptr;
};

class HttpServer {
 public:
  using Handler = std::function<Reply(const Request&)>;

  explicit HttpServer(Handler handler, const HttpServerOptions& options = {});
  ~HttpServer();  // Stop()
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Resets every connection and ends the thread. Again is allowed.
  void Stop();
  std::shared_ptr<Gate> MakeGate() const;

  int port() const { return port_; }
  std::string Authority(int address = 1) const;  // "127.0.0.1:PORT"
  std::string Url(std::string_view target, int address = 1) const;

  // --- what has happened so far
  std::vector<Request> requests() const EXCLUDES(mutex_);
  std::map<std::string, int> CountsByTarget() const EXCLUDES(mutex_);
  int CountOf(const std::string& target) const EXCLUDES(mutex_);
  uint64_t request_count() const EXCLUDES(mutex_);
  uint64_t connection_count() const EXCLUDES(mutex_);
  // A request is in flight from its last byte to the end of its script or of its connection.
  int in_flight() const EXCLUDES(mutex_);
  int max_in_flight() const EXCLUDES(mutex_);
  int MaxInFlight(const std::string& host) const EXCLUDES(mutex_);
  // Waits, with a limit that only a broken test reaches, until so much has arrived.
  bool AwaitRequests(uint64_t count) const EXCLUDES(mutex_);
  bool AwaitInFlight(int count) const EXCLUDES(mutex_);
  // Likewise, until no request is in flight.
  bool AwaitQuiet() const EXCLUDES(mutex_);
  // Likewise, until no connection is open.
  bool AwaitNoConnections() const EXCLUDES(mutex_);

 private:
  struct Connection;

  void Listen(const HttpServerOptions& options);
  void Loop();
  void Accept(size_t listener);
  void ReadFrom(Connection& connection);
  void Advance(Connection& connection);
  bool TakeRequest(Connection& connection);
  bool Perform(Connection& connection);
  void EndRequest(Connection& connection);
  void Drop(Connection& connection);
  void Watch(Connection& connection);

  // Constant after construction.
  const Handler handler_;
  const std::string greeting_;
  const std::function<Reply(int)> on_connect_;
  int port_ = 0;
  int epoll_fd_ = -1;
  int wake_fd_ = -1;
  std::vector<int> listeners_;

  std::atomic<bool> stop_ = false;  // read by the loop after each wake

  // Owned by the server's thread.
  std::map<int, std::unique_ptr<Connection>> connections_;
  uint64_t next_connection_ = 1;

  mutable Mutex mutex_;
  mutable CondVar changed_;
  std::vector<Request> requests_ GUARDED_BY(mutex_);
  std::map<std::string, int> counts_ GUARDED_BY(mutex_);
  std::map<std::string, std::pair<int, int>> by_host_ GUARDED_BY(mutex_);  // now, most
  uint64_t connection_count_ GUARDED_BY(mutex_) = 0;
  uint64_t closed_count_ GUARDED_BY(mutex_) = 0;
  int in_flight_ GUARDED_BY(mutex_) = 0;
  int max_in_flight_ GUARDED_BY(mutex_) = 0;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace crawld::test
