// Acceptor: a loopback listener with a thread for each connection, none of which outlives it.
//
// Thread safety: `serve` is called on connections' threads; all members from any thread.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace crawld::test {

class Acceptor {
 public:
  // `serve` gets a socket and its number, from 1. It ends soon when the socket is shut down and
  // stopping() is true, and does not close it. It is not called before Start().
  explicit Acceptor(std::function<void(int fd, int number)> serve);
  ~Acceptor() { Stop(); }
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  void Start();
  int port() const { return port_; }
  int connections() const { return connections_.load(); }
  bool stopping() const { return stop_.load(); }
  // Another socket that is shut down and closed at the end.
  void Keep(int fd) EXCLUDES(mutex_);
  // Shuts all sockets down and waits for the threads.
  void Stop() EXCLUDES(mutex_);

 private:
  void Accept() EXCLUDES(mutex_);

  const std::function<void(int fd, int number)> serve_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_ = false;
  std::atomic<int> connections_ = 0;

  Mutex mutex_;
  // Closed at the end, so that a number is never another's.
  std::vector<int> fds_ GUARDED_BY(mutex_);

  // Owned by the accepting thread until it is joined.
  std::list<std::thread> threads_;
  std::thread thread_;  // last: it uses all of the above
};

// A socket that is connected to that port of loopback; -1: it could not be. The caller owns it.
int ConnectToLoopback(int port);

}  // namespace crawld::test
