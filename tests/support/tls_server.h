// TlsServer: a loopback HTTPS server with a certificate made for it, HTTP/1.1 or HTTP/2.
//
// It trusts nobody and signs for itself: ca_pem() is what a client has to trust. A thread a
// connection; none outlives the server. HTTP/2 is the little that a test needs: requests are told
// apart by their number, answers have a body of a length, streams can be left without an answer or
// reset.
//
// Thread safety: the handler is called on connections' threads; all other members from any thread.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "tests/support/acceptor.h"

namespace crawld::test {

struct TlsRequest {
  std::string target;    // HTTP/1.1 only
  std::string raw_head;  // HTTP/1.1 only
  int number = 0;        // of the request, on this server, from 1
  int connection = 0;    // from 1
};

struct TlsAnswer {
  std::string body;
  bool stall = false;   // no answer
  bool close = false;   // HTTP/1.1, and with `frames`: the connection, after the answer
  uint32_t reset = 0;   // HTTP/2: RST_STREAM with this code instead of an answer
  bool goaway = false;  // HTTP/2: the connection ends instead of an answer
  // HTTP/2: what is sent instead of an answer, as it is, to the stream of that number.
  std::function<std::string(uint32_t stream)> frames = {};
};

// RFC 9113 section 4.1.
std::string Http2Frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload);

struct TlsServerOptions {
  std::vector<std::string> names = {"IP:127.0.0.1"};  // of the certificate: "DNS:a.test", "IP:..."
  bool expired = false;
  bool http2 = false;
  int max_version = TLS1_3_VERSION;
  bool wait = false;  // HTTP/2: answers wait for Release()
};

class TlsServer {
 public:
  using Handler = std::function<TlsAnswer(const TlsRequest&)>;
  explicit TlsServer(Handler handler, const TlsServerOptions& options = {});
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  void Release() { released_.store(true); }

  int port() const { return acceptor_.port(); }
  std::string Url(std::string_view target, std::string_view host = "127.0.0.1") const;
  const std::string& ca_pem() const { return ca_pem_; }

  int connections() const { return acceptor_.connections(); }
  int requests() const { return requests_.load(); }
  int resumed() const { return resumed_.load(); }            // handshakes with an earlier session
  int waiting() const { return waiting_.load(); }            // streams that have no answer yet
  int most_streams() const { return most_streams_.load(); }  // of a connection, at the same time
  std::vector<std::string> heads() const EXCLUDES(mutex_);

 private:
  struct Certificates;
  void Serve(int fd, int connection);
  void ServeHttp1(SSL* ssl, int connection);
  void ServeHttp2(SSL* ssl, int fd, int connection);

  // Constant after construction.
  const Handler handler_;
  const TlsServerOptions options_;
  SSL_CTX* context_ = nullptr;
  std::string ca_pem_;

  std::atomic<bool> released_ = false;
  std::atomic<int> requests_ = 0;
  std::atomic<int> resumed_ = 0;
  std::atomic<int> waiting_ = 0;
  std::atomic<int> most_streams_ = 0;

  mutable Mutex mutex_;
  std::vector<std::string> heads_ GUARDED_BY(mutex_);

  Acceptor acceptor_{
      [this](int fd, int number) { Serve(fd, number); }};  // last: it uses all of the above
};

}  // namespace crawld::test
