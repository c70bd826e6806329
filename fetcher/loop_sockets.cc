// The loop's sockets and timer: what libcurl wants watched, Asio watches.
#include <fmt/format.h>
#include <netinet/in.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <system_error>
#include <utility>

#include "fetcher/multi.h"
#include "fetcher/socket.h"
#include "fetcher/transfer.h"

namespace crawld::fetcher {
namespace {

namespace asio = boost::asio;

int PortOf(const sockaddr_storage& address) {
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                   : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

}  // namespace

curl_socket_t Fetcher::Loop::OnOpen(void* user, curlsocktype, curl_sockaddr* address) {
  try {
    return Open(*static_cast<Transfer*>(user), *address);
  } catch (const std::exception&) {  // no memory
    return CURL_SOCKET_BAD;
  }
}

curl_socket_t Fetcher::Loop::Open(Transfer& transfer, const curl_sockaddr& address) {
  Loop& loop = *transfer.loop;
  if (transfer.sent) {  // see OnRequest(); here it costs the server no connection
    transfer.died = true;
    return CURL_SOCKET_BAD;
  }
  // The proxy is the operator's choice; what lies behind it was judged before, as far as it can be.
  if (transfer.proxy != nullptr) {
    transfer.connecting = true;
  } else if (const auto refusal = loop.guard_.Refusal(address.addr)) {
    transfer.refused = refusal;
    const auto ip = IpAddress::From(address.addr);
    transfer.refused_ip = ip ? ip->ToString() : "an address of another family";
    return CURL_SOCKET_BAD;
  }
  transfer.connecting = true;
  const int fd =
      socket(address.family, address.socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address.protocol);
  if (fd < 0) {  // no descriptors, no memory: no fault of the host's
    transfer.ended_by_us = FetchError::kInternal;
    transfer.result.detail = "no socket: " + std::generic_category().message(errno);
    return CURL_SOCKET_BAD;
  }
  if (const auto stale = loop.sockets_.find(fd); stale != loop.sockets_.end()) {
    loop.ForgetKept(*stale->second);
    stale->second->LetGo();
    loop.sockets_.erase(stale);
  }
  // One registration with the reactor for the connection's life, not one a request. The system may
  // have no room for it; no exception may leave through libcurl's frames.
  try {
    loop.sockets_[fd] = std::make_shared<Socket>(loop.io_, *transfer.multi, fd, true);
  } catch (const std::exception& e) {
    spdlog::error("a connection cannot be watched: {}", e.what());
    transfer.ended_by_us = FetchError::kInternal;
    close(fd);
    return CURL_SOCKET_BAD;
  }
  return fd;
}

int Fetcher::Loop::OnClose(void* user, curl_socket_t fd) {
  auto& loop = *static_cast<Loop*>(user);
  const auto it = loop.sockets_.find(fd);
  if (it == loop.sockets_.end()) return close(fd);
  it->second->gone = true;
  loop.ForgetKept(*it->second);
  boost::system::error_code ignored;
  it->second->descriptor.close(ignored);  // NOLINT(bugprone-unused-return-value)
  loop.sockets_.erase(it);
  return 0;
}

int Fetcher::Loop::OnSocket(CURL*, curl_socket_t fd, int what, void* user, void*) {
  try {
    auto& multi = *static_cast<Multi*>(user);
    multi.loop->Watch(multi, fd, what);
  } catch (const std::exception& e) {
    spdlog::error("a socket cannot be watched: {}", e.what());
    return -1;
  }
  return 0;
}

int Fetcher::Loop::OnTimer(CURLM*, long delay_ms, void* user) {
  auto& multi = *static_cast<Multi*>(user);
  try {
    multi.loop->ArmTimer(multi, delay_ms);
  } catch (const std::exception&) {  // no memory; the next sweep sees that something is due
    multi.loop->armed_ = Clock::time_point::max();
  }
  return 0;  // anything else would end all transfers
}

void Fetcher::Loop::Watch(Multi& multi, curl_socket_t fd, int what) {
  auto it = sockets_.find(fd);
  if (what == CURL_POLL_REMOVE) {
    if (it == sockets_.end()) return;
    Socket& socket = *it->second;
    socket.wanted = 0;
    // libcurl closes the socket of a connection that never came about without OnClose.
    if (!socket.connected && socket.ours) NoteKept(it->second);
    if (socket.connected) return;
    socket.LetGo();
    sockets_.erase(it);
    return;
  }
  if (it == sockets_.end()) {
    it = sockets_.emplace(fd, std::make_shared<Socket>(io_, multi, fd, false)).first;
  }
  it->second->wanted = what;
  Arm(it->second);
}

void Fetcher::Loop::NoteKept(const std::shared_ptr<Socket>& socket) {
  const int fd = socket->descriptor.native_handle();
  sockaddr_storage peer{};
  sockaddr_storage local{};
  socklen_t peer_size = sizeof peer;
  socklen_t local_size = sizeof local;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&local), &local_size) != 0) {
    return;
  }
  socket->connected = true;
  if (const auto ip = IpAddress::From(reinterpret_cast<const sockaddr&>(peer))) {
    socket->peer_ip = ip->ToString();
  }
  socket->peer_port = PortOf(peer);
  socket->local_port = PortOf(local);
  kept_.emplace(socket->local_port, socket);
  ++socket->multi.kept;
}

void Fetcher::Loop::ForgetKept(const Socket& socket) {
  if (!socket.connected) return;
  const auto [begin, end] = kept_.equal_range(socket.local_port);
  const auto it =
      std::find_if(begin, end, [&](const auto& kept) { return kept.second.get() == &socket; });
  if (it == end) return;
  kept_.erase(it);
  --socket.multi.kept;
}

const Fetcher::Loop::Socket* Fetcher::Loop::FindKept(std::string_view peer_ip, int peer_port,
                                                     int local_port) const {
  const auto [begin, end] = kept_.equal_range(local_port);
  for (auto it = begin; it != end; ++it) {
    const Socket& socket = *it->second;
    if (socket.peer_port == peer_port && socket.peer_ip == peer_ip) return &socket;
  }
  return nullptr;
}

// libcurl tells a transfer's socket when it is over; before, the connection's ends alone.
std::shared_ptr<Fetcher::Loop::Socket> Fetcher::Loop::SocketOf(const Transfer& transfer) const {
  long local_port = 0;
  curl_easy_getinfo(transfer.easy, CURLINFO_LOCAL_PORT, &local_port);
  for (const auto& [fd, socket] : sockets_) {
    if (&socket->multi != transfer.multi || socket->gone) continue;
    sockaddr_storage local{};
    socklen_t size = sizeof local;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size) == 0 &&
        PortOf(local) == local_port) {
      return socket;
    }
  }
  return nullptr;
}

bool Fetcher::Loop::Socket::HasInput() const {
  char byte = 0;
  // Asio's type has no const way to its number.
  const int fd = const_cast<Socket*>(this)->descriptor.native_handle();
  return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
         (errno != EAGAIN && errno != EWOULDBLOCK);
}

void Fetcher::Loop::Arm(const std::shared_ptr<Socket>& socket) {
  if (socket->gone) return;
  const auto wait = [this, &socket](bool& pending, asio::posix::stream_descriptor::wait_type type,
                                    int poll, int event) {
    const auto unwanted = [](const Socket& of, int what) {
      return (of.wanted & what) == 0 || (what == CURL_POLL_IN && of.held > 0);
    };
    if (pending || unwanted(*socket, poll)) return;
    pending = true;
    socket->descriptor.async_wait(type, [this, socket, &pending, poll, event,
                                         unwanted](const boost::system::error_code& error) {
      pending = false;
      if (socket->gone || error == asio::error::operation_aborted) return;
      if (unwanted(*socket, poll)) return;
      Act(socket->multi, socket->descriptor.native_handle(), error ? CURL_CSELECT_ERR : event);
      Arm(socket);
    });
  };
  wait(socket->reading, asio::posix::stream_descriptor::wait_read, CURL_POLL_IN, CURL_CSELECT_IN);
  wait(socket->writing, asio::posix::stream_descriptor::wait_write, CURL_POLL_OUT,
       CURL_CSELECT_OUT);
}

Fetcher::Loop::Multi& Fetcher::Loop::MultiFor(const Transfer& transfer) const {
  const web::Url& url = transfer.request.url;
  // libcurl keeps a connection under the name of the host that it asks on it.
  const bool asks_proxy =
      transfer.proxy != nullptr && !transfer.proxy->IsSocks() && url.scheme() == "http";
  const std::string_view host = asks_proxy ? std::string_view(transfer.proxy->host) : url.host();
  return *multis_[std::hash<std::string_view>()(host) % multis_.size()];
}

void Fetcher::Loop::ArmTimer(Multi& multi, long delay_ms) {
  if (delay_ms < 0) {
    multi.due = Clock::time_point::max();
    return;
  }
  multi.due = Clock::now() + std::chrono::milliseconds(delay_ms);
  if (delay_ms > 0) return WaitUntil(multi.due);
  if (act_posted_) return;
  asio::post(io_, [this] {
    act_posted_ = false;
    ActOnDue();
  });
  act_posted_ = true;
}

// libcurl changes its mind with each transfer, and setting a timer is a system call, one of the
// slower ones on a virtual machine. A timer that fires too early only looks again.
void Fetcher::Loop::WaitUntil(Clock::time_point due) {
  if (due >= armed_) return;
  armed_ = due;
  timer_.expires_at(due);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;  // set anew, or the loop ends
    armed_ = Clock::time_point::max();
    ActOnDue();
    Clock::time_point next = Clock::time_point::max();
    for (const auto& multi : multis_) next = std::min(next, multi->due);
    WaitUntil(next);
  });
}

void Fetcher::Loop::ActOnDue() {
  const Clock::time_point now = Clock::now();
  for (const auto& multi : multis_) {
    if (multi->due > now) continue;
    multi->due = Clock::time_point::max();
    Act(*multi, CURL_SOCKET_TIMEOUT, 0);
  }
}

void Fetcher::Loop::Act(Multi& multi, curl_socket_t fd, int events) {
  concurrency::Heartbeat("moves bytes");
  int running = 0;
  curl_multi_socket_action(multi.handle, fd, events, &running);
  Reap(multi);
  if (room_made_) ResumePaused();
  concurrency::Idle("waits for network events");
}

}  // namespace crawld::fetcher
