// DnsServer: a name server for tests, on loopback UDP, that answers as it is told.
//
// Thread safety: all members may be called from any thread; the answers are made on the server's.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace crawld::test {

struct DnsQuestion {
  std::string name;  // lower case, without final dot
  bool v6 = false;   // AAAA; else A
};

struct DnsAnswer {
  std::vector<std::string> addresses = {};  // of the question's family
  uint32_t ttl = 60;
  int code = 0;         // RCODE: 3 is "no such name", 2 "server failure"
  bool silent = false;  // no answer at all
  bool cut = false;     // TC: to be asked again by TCP, where nobody listens
};

class DnsServer {
 public:
  explicit DnsServer(std::function<DnsAnswer(const DnsQuestion&)> answer);
  ~DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  // "127.0.0.1:PORT"
  std::string address() const;
  // Questions for addresses of this name, of both families.
  size_t asked(const std::string& name) const EXCLUDES(mutex_);

 private:
  void Run();

  const std::function<DnsAnswer(const DnsQuestion&)> answer_;
  int socket_ = -1;
  uint16_t port_ = 0;
  mutable Mutex mutex_;
  std::vector<std::string> asked_ GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace crawld::test
