// ProxyServer: a loopback proxy for tests: HTTP (CONNECT and absolute-form) and SOCKS5 on one port.
//
// Whatever name it is asked for, it connects to 127.0.0.1. A thread a connection; none outlives it.
// Thread safety: all members, from any thread.
#pragma once

#include <string>
#include <vector>

#include "base/mutex.h"
#include "tests/support/acceptor.h"

namespace crawld::test {

struct ProxyOptions {
  std::string credentials = {};   // "user:password" that a client must give; empty: none
  std::string connect_head = {};  // the answer to CONNECT, instead of a tunnel
  int socks_reply = 0;            // RFC 1928 section 6; 0: it connects
  bool mute = false;              // reads, and never says a word
  bool drops = false;             // reads something, and closes
};

class ProxyServer {
 public:
  explicit ProxyServer(ProxyOptions options = {});
  ~ProxyServer() { acceptor_.Stop(); }
  ProxyServer(const ProxyServer&) = delete;
  ProxyServer& operator=(const ProxyServer&) = delete;

  int port() const { return acceptor_.port(); }
  // "http://user:password@127.0.0.1:PORT", with the credentials if it wants any.
  std::string Url(const std::string& scheme) const;
  // What it was asked for: "CONNECT a.test:443", "GET http://a.test/", "SOCKS name a.test:80",
  // "SOCKS ipv4 127.0.0.1:80".
  std::vector<std::string> asked() const EXCLUDES(mutex_);

 private:
  void Serve(int fd);
  void ServeSocks(int fd);
  void ServeHttp(int fd, std::string in);
  void Relay(int client, int server);
  int Connect(int port);
  void Note(std::string what) EXCLUDES(mutex_);

  const ProxyOptions options_;
  mutable Mutex mutex_;
  std::vector<std::string> asked_ GUARDED_BY(mutex_);

  Acceptor acceptor_;  // last: it uses all of the above
};

}  // namespace crawld::test
