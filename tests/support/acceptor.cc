#include "tests/support/acceptor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "base/check.h"

namespace crawld::test {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

}  // namespace

Acceptor::Acceptor(std::function<void(int fd, int number)> serve) : serve_(std::move(serve)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t length = sizeof address;
  auto* const name = reinterpret_cast<sockaddr*>(&address);
  CRAWLD_CHECK(bind(listener_, name, length) == 0 && listen(listener_, 256) == 0 &&
                   getsockname(listener_, name, &length) == 0,
               "loopback has a free port");
  port_ = ntohs(address.sin_port);
}

void Acceptor::Start() {
  thread_ = std::thread([this] { Accept(); });
}

void Acceptor::Stop() {
  if (stop_.exchange(true)) return;
  shutdown(listener_, SHUT_RDWR);
  if (thread_.joinable()) thread_.join();
  {
    const MutexLock lock(mutex_);
    for (const int fd : fds_) shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
  const MutexLock lock(mutex_);
  for (const int fd : fds_) close(fd);
  close(listener_);
}

void Acceptor::Keep(int fd) {
  const MutexLock lock(mutex_);
  fds_.push_back(fd);
}

void Acceptor::Accept() {
  while (!stop_.load()) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    Keep(fd);
    threads_.emplace_back([this, fd, number = ++connections_] { serve_(fd, number); });
  }
}

int ConnectToLoopback(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(port);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

}  // namespace crawld::test
