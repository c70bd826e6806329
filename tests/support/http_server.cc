#include "tests/support/http_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <optional>

#include "base/check.h"

namespace crawld::test {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// Only a broken test waits so long.
constexpr std::chrono::seconds kPatience{60};
// Sent to one connection before the others have their turn.
constexpr size_t kTurnBytes = 256 << 10;

std::string_view ReasonOf(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 103:
      return "Early Hints";
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 404:
      return "Not Found";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "Whatever";
  }
}

void Wake(int fd) {
  const uint64_t one = 1;
  (void)!write(fd, &one, sizeof one);  // an eventfd takes a one
}

std::string FieldOf(std::string_view head, std::string_view name) {
  size_t line = head.find("\r\n");
  while (line != std::string_view::npos) {
    const std::string_view rest = head.substr(line + 2);
    if (rest.size() > name.size() && rest[name.size()] == ':' &&
        strncasecmp(rest.data(), name.data(), name.size()) == 0) {
      std::string_view value = rest.substr(name.size() + 1, rest.find("\r\n") - name.size() - 1);
      while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
      return std::string(value);
    }
    line = head.find("\r\n", line + 2);
  }
  return {};
}

}  // namespace

Gate::~Gate() { close(wake_fd_); }

void Gate::Open() {
  open_.store(true, std::memory_order_release);
  Wake(wake_fd_);
}

Reply& Reply::Send(std::string bytes, uint64_t times) {
  if (!bytes.empty()) steps_.emplace_back(SendStep{std::move(bytes), times, 0});
  return *this;
}

Reply& Reply::Drip(std::string bytes, size_t piece, milliseconds every) {
  for (size_t at = 0; at < bytes.size(); at += piece) {
    if (at > 0) Delay(every);
    Send(bytes.substr(at, piece));
  }
  return *this;
}

Reply& Reply::Delay(milliseconds time) {
  steps_.emplace_back(DelayStep{time});
  return *this;
}

Reply& Reply::WaitFor(std::shared_ptr<Gate> gate) {
  steps_.emplace_back(WaitStep{std::move(gate)});
  return *this;
}

Reply& Reply::Stall() {
  steps_.emplace_back(StallStep{});
  return *this;
}

Reply& Reply::Close() {
  steps_.emplace_back(CloseStep{});
  return *this;
}

Reply& Reply::Reset() {
  steps_.emplace_back(ResetStep{});
  return *this;
}

Reply& Reply::HalfClose() {
  steps_.emplace_back(HalfCloseStep{});
  return *this;
}

std::string ResponseHead(int status, const Headers& headers) {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
  head.append(ReasonOf(status)).append("\r\n");
  for (const auto& [name, value] : headers) {
    head.append(name).append(": ").append(value).append("\r\n");
  }
  return head + "\r\n";
}

std::string Chunked(std::string_view body, size_t piece) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (size_t at = 0; at < body.size(); at += piece) {
    const std::string_view chunk = body.substr(at, piece);
    std::string size;
    for (size_t n = chunk.size(); n > 0; n /= 16) size.insert(size.begin(), kHex[n % 16]);
    out.append(size).append("\r\n").append(chunk).append("\r\n");
  }
  return out + "0\r\n\r\n";
}

std::string ResponseBytes(int status, std::string_view body, Headers headers, Framing framing) {
  switch (framing) {
    case Framing::kLength:
      headers.emplace_back("Content-Length", std::to_string(body.size()));
      return ResponseHead(status, headers).append(body);
    case Framing::kChunked:
      headers.emplace_back("Transfer-Encoding", "chunked");
      return ResponseHead(status, headers).append(Chunked(body));
    case Framing::kUntilClose:
      headers.emplace_back("Connection", "close");
      return ResponseHead(status, headers).append(body);
  }
  return {};
}

Reply Answer(int status, std::string_view body, Headers headers, Framing framing) {
  Reply reply;
  reply.Send(ResponseBytes(status, body, std::move(headers), framing));
  if (framing == Framing::kUntilClose) reply.Close();
  return reply;
}

Reply Html(std::string_view body) {
  return Answer(200, body, {{"Content-Type", "text/html; charset=utf-8"}});
}

Reply RedirectTo(std::string_view location, int status) {
  return Answer(status, "", {{"Location", std::string(location)}});
}

Reply ShortBody(std::string_view body, uint64_t announced) {
  Reply reply;
  reply.Send(ResponseHead(200, {{"Content-Type", "text/html"},
                                {"Content-Length", std::to_string(announced)}})
                 .append(body));
  return reply.Close();
}

struct HttpServer::Connection {
  int fd = -1;
  uint64_t number = 0;
  uint64_t requests = 0;
  std::string in;
  std::deque<Reply::Step> script;
  bool busy = false;  // a request is being answered
  std::string host;   // of that request
  bool peer_done = false;
  bool writable_wanted = false;
  std::optional<Clock::time_point> resume;  // the end of a delay that runs
};

HttpServer::HttpServer(Handler handler, const HttpServerOptions& options)
    : handler_(std::move(handler)), greeting_(options.greeting), on_connect_(options.on_connect) {
  epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  CRAWLD_CHECK(epoll_fd_ >= 0 && wake_fd_ >= 0, "a test has a few descriptors");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = wake_fd_;
  epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event);
  Listen(options);
  thread_ = std::thread([this] { Loop(); });
}

HttpServer::~HttpServer() {
  Stop();
  close(wake_fd_);
  close(epoll_fd_);
}

void HttpServer::Stop() {
  stop_.store(true, std::memory_order_release);
  Wake(wake_fd_);
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<Gate> HttpServer::MakeGate() const {
  return std::shared_ptr<Gate>(new Gate(fcntl(wake_fd_, F_DUPFD_CLOEXEC, 0)));
}

std::string HttpServer::Authority(int address) const {
  return "127.0.0." + std::to_string(address) + ":" + std::to_string(port_);
}

std::string HttpServer::Url(std::string_view target, int address) const {
  return "http://" + Authority(address) + std::string(target);
}

void HttpServer::Listen(const HttpServerOptions& options) {
  port_ = options.port;
  for (int number = 1; number <= options.addresses; ++number) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<uint32_t>(number) - 1);
    address.sin_port = htons(static_cast<uint16_t>(port_));
    socklen_t size = sizeof address;
    CRAWLD_CHECK(bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     listen(fd, 4096) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0,
                 "loopback has a free port, the same for all addresses");
    port_ = ntohs(address.sin_port);
    listeners_.push_back(fd);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event);
  }
}

void HttpServer::Loop() {
  std::array<epoll_event, 256> events;
  while (!stop_.load(std::memory_order_acquire)) {
    int wait = -1;
    for (const auto& [fd, connection] : connections_) {
      if (!connection->resume) continue;
      const auto left = std::chrono::ceil<milliseconds>(*connection->resume - Clock::now()).count();
      const int ms = static_cast<int>(std::max<int64_t>(left, 0));
      wait = wait < 0 ? ms : std::min(wait, ms);
    }
    const int count = epoll_wait(epoll_fd_, events.data(), events.size(), wait);
    bool woken = false;
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == wake_fd_) {
        uint64_t ignored = 0;
        (void)!read(wake_fd_, &ignored, sizeof ignored);
        woken = true;
      } else if (const auto at = std::find(listeners_.begin(), listeners_.end(), fd);
                 at != listeners_.end()) {
        Accept(static_cast<size_t>(at - listeners_.begin()));
      } else if (const auto it = connections_.find(fd); it != connections_.end()) {
        if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) ReadFrom(*it->second);
        if (connections_.contains(fd)) Advance(*connections_.at(fd));
      }
    }
    // Those whose gate or delay may be over.
    std::vector<int> waiting;
    for (const auto& [fd, connection] : connections_) {
      if ((woken && !connection->script.empty()) ||
          (connection->resume && *connection->resume <= Clock::now())) {
        waiting.push_back(fd);
      }
    }
    for (const int fd : waiting) Advance(*connections_.at(fd));
  }
  while (!connections_.empty()) {
    const linger hard{1, 0};
    setsockopt(connections_.begin()->first, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    Drop(*connections_.begin()->second);
  }
  for (const int fd : listeners_) close(fd);
}

void HttpServer::Accept(size_t listener) {
  while (true) {
    const int fd = accept4(listeners_[listener], nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    auto connection = std::make_unique<Connection>();
    connection->fd = fd;
    connection->number = next_connection_++;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event);
    if (!greeting_.empty()) send(fd, greeting_.data(), greeting_.size(), MSG_NOSIGNAL);
    if (on_connect_) {
      Reply reply = on_connect_(static_cast<int>(listener) + 1);
      connection->script.assign(std::make_move_iterator(reply.steps_.begin()),
                                std::make_move_iterator(reply.steps_.end()));
    }
    Connection& accepted = *(connections_[fd] = std::move(connection));
    {
      const MutexLock lock(mutex_);
      ++connection_count_;
    }
    if (!accepted.script.empty()) Advance(accepted);
  }
}

void HttpServer::ReadFrom(Connection& connection) {
  std::array<char, 16384> buffer;
  while (true) {
    const ssize_t n = recv(connection.fd, buffer.data(), buffer.size(), 0);
    if (n > 0) {
      connection.in.append(buffer.data(), static_cast<size_t>(n));
      continue;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    connection.peer_done = true;
    // A client has no reason to half-close: it is gone.
    Drop(connection);
    return;
  }
}

// Performs what can be performed now. The connection may be gone afterwards.
void HttpServer::Advance(Connection& connection) {
  const int fd = connection.fd;
  while (true) {
    // What is said to whoever connects comes before the first request's answer.
    if (!connection.busy && connection.script.empty() && !TakeRequest(connection)) break;
    if (!Perform(connection)) break;
    EndRequest(connection);
  }
  if (connections_.contains(fd)) Watch(connection);
}

bool HttpServer::TakeRequest(Connection& connection) {
  const size_t end = connection.in.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  Request request;
  request.raw_head = connection.in.substr(0, end + 4);
  connection.in.erase(0, end + 4);
  const size_t first = request.raw_head.find(' ');
  const size_t second = request.raw_head.find(' ', first + 1);
  request.method = request.raw_head.substr(0, first);
  request.target = request.raw_head.substr(first + 1, second - first - 1);
  request.host = FieldOf(request.raw_head, "host");
  request.connection = connection.number;
  request.sequence = ++connection.requests;
  request.arrived = Clock::now();
  connection.busy = true;
  connection.host = request.host;
  {
    const MutexLock lock(mutex_);
    requests_.push_back(request);
    ++counts_[request.target];
    max_in_flight_ = std::max(max_in_flight_, ++in_flight_);
    auto& [now, most] = by_host_[request.host];
    most = std::max(most, ++now);
    changed_.NotifyAll();
  }
  Reply reply = handler_(request);
  connection.script.assign(std::make_move_iterator(reply.steps_.begin()),
                           std::make_move_iterator(reply.steps_.end()));
  return true;
}

// True when the script is over; false when it has to wait or the connection is gone.
bool HttpServer::Perform(Connection& connection) {
  connection.writable_wanted = false;
  size_t sent = 0;
  while (!connection.script.empty()) {
    Reply::Step& step = connection.script.front();
    if (auto* send_step = std::get_if<Reply::SendStep>(&step)) {
      if (sent >= kTurnBytes) {
        connection.writable_wanted = true;
        return false;
      }
      const std::string_view left = std::string_view(send_step->bytes).substr(send_step->at);
      const ssize_t n = send(connection.fd, left.data(), left.size(), MSG_NOSIGNAL);
      if (n < 0) {
        if (errno == EAGAIN || errno == EINTR) {
          connection.writable_wanted = true;
        } else {
          Drop(connection);
        }
        return false;
      }
      send_step->at += static_cast<size_t>(n);
      sent += static_cast<size_t>(n);
      if (send_step->at < send_step->bytes.size()) continue;
      send_step->at = 0;
      if (--send_step->times > 0) continue;
    } else if (auto* wait = std::get_if<Reply::WaitStep>(&step)) {
      if (!wait->gate->is_open()) return false;
    } else if (auto* delay = std::get_if<Reply::DelayStep>(&step)) {
      if (!connection.resume) connection.resume = Clock::now() + delay->time;
      if (Clock::now() < *connection.resume) return false;
      connection.resume.reset();
    } else if (std::holds_alternative<Reply::StallStep>(step)) {
      return false;
    } else if (std::holds_alternative<Reply::HalfCloseStep>(step)) {
      shutdown(connection.fd, SHUT_WR);
    } else {
      if (std::holds_alternative<Reply::ResetStep>(step)) {
        const linger hard{1, 0};
        setsockopt(connection.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
      }
      Drop(connection);
      return false;
    }
    connection.script.pop_front();
  }
  return true;
}

void HttpServer::EndRequest(Connection& connection) {
  if (!connection.busy) return;
  connection.busy = false;
  const MutexLock lock(mutex_);
  --in_flight_;
  --by_host_[connection.host].first;
  changed_.NotifyAll();
}

void HttpServer::Drop(Connection& connection) {
  EndRequest(connection);
  const int fd = connection.fd;
  close(fd);
  connections_.erase(fd);
  const MutexLock lock(mutex_);
  ++closed_count_;
  changed_.NotifyAll();
}

void HttpServer::Watch(Connection& connection) {
  epoll_event event{};
  event.events = EPOLLIN;
  if (connection.writable_wanted) event.events |= EPOLLOUT;
  event.data.fd = connection.fd;
  epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, connection.fd, &event);
}

std::vector<Request> HttpServer::requests() const {
  const MutexLock lock(mutex_);
  return requests_;
}

std::map<std::string, int> HttpServer::CountsByTarget() const {
  const MutexLock lock(mutex_);
  return counts_;
}

int HttpServer::CountOf(const std::string& target) const {
  const MutexLock lock(mutex_);
  const auto it = counts_.find(target);
  return it == counts_.end() ? 0 : it->second;
}

uint64_t HttpServer::request_count() const {
  const MutexLock lock(mutex_);
  return requests_.size();
}

uint64_t HttpServer::connection_count() const {
  const MutexLock lock(mutex_);
  return connection_count_;
}

int HttpServer::in_flight() const {
  const MutexLock lock(mutex_);
  return in_flight_;
}

int HttpServer::max_in_flight() const {
  const MutexLock lock(mutex_);
  return max_in_flight_;
}

int HttpServer::MaxInFlight(const std::string& host) const {
  const MutexLock lock(mutex_);
  const auto it = by_host_.find(host);
  return it == by_host_.end() ? 0 : it->second.second;
}

bool HttpServer::AwaitRequests(uint64_t count) const {
  const auto deadline = Clock::now() + kPatience;
  const MutexLock lock(mutex_);
  while (requests_.size() < count) {
    if (!changed_.WaitUntil(mutex_, deadline)) return requests_.size() >= count;
  }
  return true;
}

bool HttpServer::AwaitInFlight(int count) const {
  const auto deadline = Clock::now() + kPatience;
  const MutexLock lock(mutex_);
  while (in_flight_ < count) {
    if (!changed_.WaitUntil(mutex_, deadline)) return in_flight_ >= count;
  }
  return true;
}

bool HttpServer::AwaitQuiet() const {
  const auto deadline = Clock::now() + kPatience;
  const MutexLock lock(mutex_);
  while (in_flight_ > 0) {
    if (!changed_.WaitUntil(mutex_, deadline)) return in_flight_ == 0;
  }
  return true;
}

bool HttpServer::AwaitNoConnections() const {
  const auto deadline = Clock::now() + kPatience;
  const MutexLock lock(mutex_);
  while (closed_count_ < connection_count_) {
    if (!changed_.WaitUntil(mutex_, deadline)) return closed_count_ == connection_count_;
  }
  return true;
}

}  // namespace crawld::test
