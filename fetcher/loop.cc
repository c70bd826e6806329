#include "fetcher/loop.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <charconv>
#include <utility>

#include "base/check.h"
#include "base/error.h"

namespace crawld::fetcher {
namespace {

namespace asio = boost::asio;

// How often time limits are looked at: the resolution of first byte, idle and total time-outs.
constexpr std::chrono::milliseconds kSweepInterval{50};
constexpr size_t kMaxIdleHandles = 64;
constexpr uint64_t kMaxFirstReserve = 1 << 20;
// Between two looks at the network.
constexpr size_t kStartsAtOnce = 16;
constexpr long kReceiveBuffer = 32 << 10;
constexpr long kReceiveBufferOfMany = 16 << 10;  // libcurl's own; with thousands of transfers
constexpr std::string_view kAccept =
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
constexpr std::string_view kAcceptEncoding = "gzip, deflate, br, zstd";

// A header that is configured takes the place of the default of its name.
std::vector<std::pair<std::string, std::string>> HeadersOf(const FetcherOptions& options) {
  std::vector<std::pair<std::string, std::string>> headers;
  for (const auto& [name, value] :
       {std::pair("Accept", kAccept), std::pair("Accept-Encoding", kAcceptEncoding)}) {
    const bool given = std::any_of(
        options.headers.begin(), options.headers.end(),
        [name = name](const auto& header) { return strcasecmp(header.first.c_str(), name) == 0; });
    if (!given) headers.emplace_back(name, value);
  }
  headers.insert(headers.end(), options.headers.begin(), options.headers.end());
  return headers;
}

// A field as sent. libcurl's "Name;" is a field without a value, its "Name:" is no field at all.
std::string FieldOf(const std::string& name, const std::string& value) {
  return value.empty() ? name + ":" : fmt::format("{}: {}", name, value);
}

std::string FieldsOf(const FetcherOptions& options) {
  std::string fields;
  for (const auto& [name, value] : HeadersOf(options)) fields += FieldOf(name, value) + "\r\n";
  return fields;
}

FetchError ErrorOf(CURLcode code, bool answered) {
  // Not a switch over all of CURLcode: it has a hundred values, most of other protocols.
  switch (static_cast<int>(code)) {
    case CURLE_URL_MALFORMAT:
      return FetchError::kBadUrl;
    case CURLE_UNSUPPORTED_PROTOCOL:  // of the answer: HTTP/0.9, SSH; the URL's was looked at
      return FetchError::kProtocol;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return FetchError::kDns;
    case CURLE_COULDNT_CONNECT:
      return FetchError::kConnect;
    case CURLE_OPERATION_TIMEDOUT:
      return FetchError::kConnectTimeout;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_USE_SSL_FAILED:
      return FetchError::kTls;
    case CURLE_GOT_NOTHING:
      return FetchError::kEmptyReply;
    case CURLE_PARTIAL_FILE:
      return FetchError::kBodyShort;
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
      return answered ? FetchError::kBodyShort : FetchError::kReset;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP_RETURNED_ERROR:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WRITE_ERROR:  // our callbacks end a transfer with a reason of their own, see Finish
      return FetchError::kProtocol;
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return FetchError::kHttp2;
    default:
      return FetchError::kInternal;
  }
}

// "192.0.2.1", "[2001:db8::1]": nothing to look up.
bool IsAddress(std::string_view host) {
  return host.starts_with('[') || IpAddress::Parse(host).has_value();
}

bool HasPeer(curl_socket_t fd) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  return getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
}

template <typename T>
void Set(CURL* easy, CURLoption option, T value) {
  CRAWLD_CHECK(curl_easy_setopt(easy, option, value) == CURLE_OK,
               "this libcurl knows the options that are set");
}

}  // namespace

struct Fetcher::Loop::Transfer {
  Transfer(Loop* l, FetchRequest r, concurrency::Promise<FetchResult> p)
      : loop(l), request(std::move(r)), promise(std::move(p)) {}
  Loop* loop;
  ~Transfer() { curl_slist_free_all(addresses); }
  CURL* easy = nullptr;
  curl_slist* addresses = nullptr;  // of its host, as CURLOPT_RESOLVE wants them
  FetchRequest request;
  concurrency::Promise<FetchResult> promise;
  FetchResult result;
  uint64_t max_body = 0;
  Clock::time_point begun;
  Clock::time_point last_progress;
  // What the guard said of the addresses that the name has.
  std::optional<AddressKind> refused;
  std::string refused_ip;
  bool connecting = false;  // to one that it did not refuse
  bool answering = false;   // a final response's head is complete
  bool head_open = false;   // inside a head: between a status line and its empty line
  uint64_t head_bytes = 0;  // interim responses included
  std::optional<FetchError> ended_by_us;
};

struct Fetcher::Loop::Socket {
  Socket(asio::io_context& io, curl_socket_t fd, bool own) : descriptor(io, fd), ours(own) {}
  // Never closes: OnClose has, or libcurl, and then the number may be another file's by now.
  ~Socket() { descriptor.release(); }
  asio::posix::stream_descriptor descriptor;
  const bool ours;       // opened by OnOpen; others (the resolver's) are libcurl's to close
  int wanted = 0;        // CURL_POLL_IN | CURL_POLL_OUT
  bool reading = false;  // a wait is pending
  bool writing = false;
  bool connected = false;
  bool gone = false;

  // For good: libcurl no longer has it, and its number may be another's soon.
  void LetGo() {
    gone = true;
    descriptor.release();
  }
};

Fetcher::Loop::Loop(const FetcherOptions& options, int number)
    : options_(options),
      guard_(options.allow_addresses),
      fields_(FieldsOf(options)),
      io_(1),
      work_(asio::make_work_guard(io_)),
      timer_(io_),
      sweep_(io_) {
  multi_ = curl_multi_init();
  if (multi_ == nullptr) throw FatalError("libcurl cannot be initialised: out of memory");
  try {
    resolver_ = std::make_unique<Resolver>(io_, options.resolver);
  } catch (...) {
    curl_multi_cleanup(multi_);
    throw;
  }
  for (const auto& [name, value] : HeadersOf(options)) {
    const std::string field = value.empty() ? name + ";" : FieldOf(name, value);
    header_list_ = curl_slist_append(header_list_, field.c_str());
  }
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &OnSocket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &OnTimer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(options.max_connections));
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
  thread_ = concurrency::NamedThread(fmt::format("fetch-{}", number), [this] { Run(); });
}

Fetcher::Loop::~Loop() {
  Stop();
  asio::post(io_, [this] { io_.stop(); });
  thread_.Join();
  curl_slist_free_all(header_list_);
}

void Fetcher::Loop::Run() {
  concurrency::Idle("waits for network events");
  io_.run();
}

concurrency::Future<FetchResult> Fetcher::Loop::Submit(FetchRequest request) {
  concurrency::Promise<FetchResult> promise;
  auto future = promise.GetFuture();
  in_flight_.fetch_add(1, std::memory_order_relaxed);
  auto transfer = std::make_unique<Transfer>(this, std::move(request), std::move(promise));
  {
    MutexLock lock(intake_mutex_);
    intake_.push_back(std::move(transfer));
    if (std::exchange(take_in_posted_, true)) return future;
  }
  asio::post(io_, [this] { TakeIn(); });
  return future;
}

concurrency::Future<std::string> Fetcher::Loop::LookUp(std::string host) {
  auto promise = std::make_shared<concurrency::Promise<std::string>>();
  auto future = promise->GetFuture();
  asio::post(io_, [this, promise = std::move(promise), host = std::move(host)] {
    if (resolver_ == nullptr || !promise->Start()) return;
    if (IsAddress(host)) {
      promise->SetValue(host.starts_with('[') ? host.substr(1, host.size() - 2) : host);
      return;
    }
    resolver_->Resolve(host, [promise](const Resolution& found) {
      promise->SetValue(found.addresses.empty() ? "" : found.addresses.front().ToString());
    });
  });
  return future;
}

void Fetcher::Loop::TakeIn() {
  std::vector<std::unique_ptr<Transfer>> taken;
  bool more = false;
  {
    MutexLock lock(intake_mutex_);
    while (!intake_.empty() && taken.size() < kStartsAtOnce) {
      taken.push_back(std::move(intake_.front()));
      intake_.pop_front();
    }
    more = take_in_posted_ = !intake_.empty();
  }
  const bool posted = std::exchange(act_posted_, true);
  for (auto& transfer : taken) Start(std::move(transfer));
  act_posted_ = posted;
  Act(CURL_SOCKET_TIMEOUT, 0);  // connects, or sends on a connection that stands
  if (more) asio::post(io_, [this] { TakeIn(); });
}

void Fetcher::Loop::CancelAll() {
  asio::post(io_, [this] { CancelNow(); });
}

void Fetcher::Loop::Stop() {
  asio::post(io_, [this] {
    CancelNow();
    CloseAll();
  });
}

void Fetcher::Loop::CancelNow() {
  std::deque<std::unique_ptr<Transfer>> waiting;
  {
    MutexLock lock(intake_mutex_);
    waiting.swap(intake_);
  }
  for (auto& transfer : waiting) {
    if (transfer->promise.Start()) {
      Refuse(*transfer, FetchError::kCancelled);
    } else {
      in_flight_.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  auto resolving = std::exchange(resolving_, {});
  for (auto& [number, transfer] : resolving) Refuse(*transfer, FetchError::kCancelled);
  const std::vector<Transfer*> all(transfers_.begin(), transfers_.end());
  for (Transfer* transfer : all) {
    transfer->ended_by_us = FetchError::kCancelled;
    Finish(*transfer, CURLE_ABORTED_BY_CALLBACK);
  }
  if (transfers_.empty()) {
    timer_.cancel();
    armed_ = due_ = Clock::time_point::max();
  }
}

void Fetcher::Loop::CloseAll() {
  if (multi_ == nullptr) return;
  for (CURL* easy : idle_handles_) curl_easy_cleanup(easy);
  idle_handles_.clear();
  curl_multi_cleanup(std::exchange(multi_, nullptr));
  sockets_.clear();
  resolver_.reset();
}

CURL* Fetcher::Loop::TakeHandle() {
  if (!idle_handles_.empty()) {
    CURL* easy = idle_handles_.back();
    idle_handles_.pop_back();
    return easy;
  }
  CURL* easy = curl_easy_init();
  if (easy == nullptr) return nullptr;
  Set(easy, CURLOPT_NOSIGNAL, 1L);
  // A transfer that ends while its name is being resolved does not wait for the resolver's thread.
  Set(easy, CURLOPT_QUICK_EXIT, 1L);
  Set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  Set(easy, CURLOPT_PATH_AS_IS, 1L);
  Set(easy, CURLOPT_PROXY, "");  // not what the environment says
  Set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  Set(easy, CURLOPT_HTTP_TRANSFER_DECODING, 0L);
  Set(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
  Set(easy, CURLOPT_HTTP09_ALLOWED, 0L);
  Set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  Set(easy, CURLOPT_BUFFERSIZE,
      options_.max_connections > 256 ? kReceiveBufferOfMany : kReceiveBuffer);
  Set(easy, CURLOPT_HTTP_VERSION,
      static_cast<long>(options_.http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  Set(easy, CURLOPT_USERAGENT, options_.user_agent.c_str());
  Set(easy, CURLOPT_HTTPHEADER, header_list_);
  if (!options_.ca_file.empty()) Set(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
  Set(easy, CURLOPT_HEADERFUNCTION, &OnHeader);
  Set(easy, CURLOPT_WRITEFUNCTION, &OnBody);
  Set(easy, CURLOPT_OPENSOCKETFUNCTION, &OnOpen);
  Set(easy, CURLOPT_CLOSESOCKETFUNCTION, &OnClose);
  Set(easy, CURLOPT_CLOSESOCKETDATA, this);
  return easy;
}

void Fetcher::Loop::GiveHandleBack(CURL* easy) {
  if (idle_handles_.size() < kMaxIdleHandles) {
    idle_handles_.push_back(easy);
  } else {
    curl_easy_cleanup(easy);
  }
}

void Fetcher::Loop::Prepare(Transfer& transfer) {
  const web::Url& url = transfer.request.url;
  CURL* easy = transfer.easy;
  Set(easy, CURLOPT_URL, std::string(url.HrefWithoutFragment()).c_str());
  // Of several requests to an HTTP/2 host, the later ones wait for the first one's connection.
  Set(easy, CURLOPT_PIPEWAIT, options_.http2 && url.scheme() == "https" ? 1L : 0L);
  Set(easy, CURLOPT_PRIVATE, &transfer);
  Set(easy, CURLOPT_OPENSOCKETDATA, &transfer);
  Set(easy, CURLOPT_RESOLVE, transfer.addresses);
  // What is left of the time after the name was looked up.
  const auto spent = std::chrono::floor<Millis>(Clock::now() - transfer.begun);
  Set(easy, CURLOPT_CONNECTTIMEOUT_MS,
      static_cast<long>(std::max(options_.connect_timeout - spent, Millis(1)).count()));
  Set(easy, CURLOPT_HEADERDATA, &transfer);
  Set(easy, CURLOPT_WRITEDATA, &transfer);
  // As libcurl writes it; tests/fetcher compares it with what a server reads.
  const auto port = url.port();
  transfer.result.request_head =
      fmt::format("GET {} HTTP/1.1\r\nHost: {}{}\r\nUser-Agent: {}\r\n{}\r\n", url.PathAndQuery(),
                  url.host(), port ? fmt::format(":{}", *port) : "", options_.user_agent, fields_);
}

void Fetcher::Loop::Refuse(Transfer& transfer, FetchError error, std::string_view detail) {
  transfer.result.error = error;
  transfer.result.detail = detail.empty() ? Name(error) : detail;
  in_flight_.fetch_sub(1, std::memory_order_relaxed);
  transfer.promise.SetValue(std::move(transfer.result));
}

void Fetcher::Loop::Start(std::unique_ptr<Transfer> transfer) {
  concurrency::Heartbeat("starts a fetch");
  const FetchRequest& request = transfer->request;
  transfer->max_body = request.max_body != 0 ? request.max_body : options_.max_body_bytes;
  transfer->begun = transfer->last_progress = Clock::now();
  transfer->result.begun = std::chrono::floor<Millis>(std::chrono::system_clock::now());
  if (!transfer->promise.Start()) {  // cancelled before it began
    in_flight_.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  if (multi_ == nullptr) return Refuse(*transfer, FetchError::kCancelled);
  if (!request.url.IsHttp()) {
    return Refuse(*transfer, FetchError::kBadUrl, "neither http nor https");
  }
  if (IsAddress(request.url.host())) return Launch(std::move(transfer), {});
  const uint64_t number = next_number_++;
  const std::string host(request.url.host());
  resolving_.emplace(number, std::move(transfer));
  resolver_->Resolve(
      host, [this, number](const Resolution& resolution) { Resolved(number, resolution); });
  if (!resolving_.empty()) ArmSweep();
}

void Fetcher::Loop::Resolved(uint64_t number, const Resolution& resolution) {
  auto node = resolving_.extract(number);
  if (node.empty()) return;
  std::unique_ptr<Transfer> transfer = std::move(node.mapped());
  if (resolution.addresses.empty()) {
    return Refuse(*transfer, FetchError::kDns, resolution.error);
  }
  Launch(std::move(transfer), resolution.addresses);
}

void Fetcher::Loop::Launch(std::unique_ptr<Transfer> transfer,
                           const std::vector<IpAddress>& addresses) {
  transfer->easy = TakeHandle();
  if (transfer->easy == nullptr) {
    return Refuse(*transfer, FetchError::kInternal, "libcurl gives no handle");
  }
  if (!addresses.empty()) {
    const web::Url& url = transfer->request.url;
    // "+": libcurl forgets it after a while; the next transfer brings it anew.
    std::string entry = fmt::format("+{}:{}:", url.host(), url.EffectivePort());
    for (const IpAddress& address : addresses) {
      if (&address != &addresses.front()) entry += ',';
      entry += address.IsV4() ? address.ToString() : "[" + address.ToString() + "]";
    }
    transfer->addresses = curl_slist_append(nullptr, entry.c_str());
  }
  Prepare(*transfer);
  Transfer* started = transfer.release();  // Finish() deletes it
  transfers_.insert(started);
  const CURLMcode code = curl_multi_add_handle(multi_, started->easy);
  CRAWLD_CHECK(code == CURLM_OK, "a fresh handle can be added");
  ArmSweep();
}

size_t Fetcher::Loop::OnHeader(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(data, size * count);
  transfer.last_progress = Clock::now();
  transfer.head_bytes += line.size();
  if (transfer.head_bytes > transfer.loop->options_.max_header_bytes) {
    transfer.ended_by_us = FetchError::kHeadTooLarge;
    return 0;
  }
  std::string& head = transfer.result.response_head;
  if (transfer.answering) return line.size();  // a chunked body's trailer: part of the raw body
  if (!transfer.head_open && line.starts_with("HTTP/")) {
    head.clear();
    transfer.head_open = true;
  }
  head.append(line);
  if (line == "\r\n" || line == "\n") {
    transfer.head_open = false;
    long status = 0;
    curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    transfer.answering = status >= 200 || status == 101;
  }
  return line.size();
}

size_t Fetcher::Loop::OnBody(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  std::string& body = transfer.result.body;
  const size_t bytes = size * count;
  transfer.last_progress = Clock::now();
  if (body.empty()) {
    curl_off_t announced = -1;
    curl_easy_getinfo(transfer.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    if (announced > 0) {
      body.reserve(
          std::min({static_cast<uint64_t>(announced), transfer.max_body, kMaxFirstReserve}));
    }
  }
  const size_t taken = std::min<uint64_t>(bytes, transfer.max_body - body.size());
  body.append(data, taken);
  transfer.loop->body_bytes_.fetch_add(taken, std::memory_order_relaxed);
  if (taken < bytes) {
    transfer.result.truncated = Truncation::kLength;
    return taken;  // libcurl ends the transfer
  }
  return bytes;
}

curl_socket_t Fetcher::Loop::OnOpen(void* user, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(user);
  Loop& loop = *transfer.loop;
  if (const auto refusal = loop.guard_.Refusal(address->addr)) {
    transfer.refused = refusal;
    const auto ip = IpAddress::From(address->addr);
    transfer.refused_ip = ip ? ip->ToString() : "an address of another family";
    return CURL_SOCKET_BAD;
  }
  transfer.connecting = true;
  const int fd =
      socket(address->family, address->socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address->protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  if (const auto stale = loop.sockets_.find(fd); stale != loop.sockets_.end()) {
    stale->second->LetGo();
    loop.sockets_.erase(stale);
  }
  // One registration with the reactor for the connection's life, not one a request. The system may
  // have no room for it; no exception may leave through libcurl's frames.
  try {
    loop.sockets_[fd] = std::make_shared<Socket>(loop.io_, fd, true);
  } catch (const std::exception& e) {
    spdlog::error("a connection cannot be watched: {}", e.what());
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
  boost::system::error_code ignored;
  it->second->descriptor.close(ignored);  // NOLINT(bugprone-unused-return-value)
  loop.sockets_.erase(it);
  return 0;
}

int Fetcher::Loop::OnSocket(CURL*, curl_socket_t fd, int what, void* user, void*) {
  try {
    static_cast<Loop*>(user)->Watch(fd, what);
  } catch (const std::exception& e) {
    spdlog::error("a socket cannot be watched: {}", e.what());
    return -1;
  }
  return 0;
}

int Fetcher::Loop::OnTimer(CURLM*, long delay_ms, void* user) {
  static_cast<Loop*>(user)->ArmTimer(delay_ms);
  return 0;
}

void Fetcher::Loop::Watch(curl_socket_t fd, int what) {
  auto it = sockets_.find(fd);
  if (what == CURL_POLL_REMOVE) {
    if (it == sockets_.end()) return;
    Socket& socket = *it->second;
    socket.wanted = 0;
    // libcurl closes the socket of a connection that never came about without OnClose.
    socket.connected = socket.connected || (socket.ours && HasPeer(fd));
    if (socket.connected) return;
    socket.LetGo();
    sockets_.erase(it);
    return;
  }
  if (it == sockets_.end()) {
    it = sockets_.emplace(fd, std::make_shared<Socket>(io_, fd, false)).first;
  }
  it->second->wanted = what;
  Arm(it->second);
}

void Fetcher::Loop::Arm(const std::shared_ptr<Socket>& socket) {
  if (socket->gone) return;
  const auto wait = [this, &socket](bool& pending, asio::posix::stream_descriptor::wait_type type,
                                    int poll, int event) {
    if (pending || (socket->wanted & poll) == 0) return;
    pending = true;
    socket->descriptor.async_wait(
        type, [this, socket, &pending, poll, event](const boost::system::error_code& error) {
          pending = false;
          if (socket->gone || error == asio::error::operation_aborted) return;
          if ((socket->wanted & poll) == 0) return;
          Act(socket->descriptor.native_handle(), error ? CURL_CSELECT_ERR : event);
          Arm(socket);
        });
  };
  wait(socket->reading, asio::posix::stream_descriptor::wait_read, CURL_POLL_IN, CURL_CSELECT_IN);
  wait(socket->writing, asio::posix::stream_descriptor::wait_write, CURL_POLL_OUT,
       CURL_CSELECT_OUT);
}

void Fetcher::Loop::ArmTimer(long delay_ms) {
  if (delay_ms < 0) {
    due_ = Clock::time_point::max();
    return;
  }
  due_ = Clock::now() + std::chrono::milliseconds(delay_ms);
  if (delay_ms == 0) {
    if (std::exchange(act_posted_, true)) return;
    asio::post(io_, [this] {
      act_posted_ = false;
      Act(CURL_SOCKET_TIMEOUT, 0);
    });
    return;
  }
  WaitUntilDue();
}

// libcurl changes its mind with each transfer, and setting a timer is a system call, one of the
// slower ones on a virtual machine. A timer that fires too early only looks again.
void Fetcher::Loop::WaitUntilDue() {
  if (due_ >= armed_) return;
  armed_ = due_;
  timer_.expires_at(due_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;  // set anew, or the loop ends
    armed_ = Clock::time_point::max();
    if (due_ <= Clock::now()) {
      due_ = Clock::time_point::max();
      Act(CURL_SOCKET_TIMEOUT, 0);
    }
    WaitUntilDue();
  });
}

void Fetcher::Loop::Act(curl_socket_t fd, int events) {
  if (multi_ == nullptr) return;
  concurrency::Heartbeat("moves bytes");
  int running = 0;
  curl_multi_socket_action(multi_, fd, events, &running);
  Reap();
  concurrency::Idle("waits for network events");
}

void Fetcher::Loop::Reap() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;  // the message dies with the handle's removal
    Transfer* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    Finish(*transfer, code);
  }
}

void Fetcher::Loop::Describe(Transfer& transfer, CURLcode code) const {
  FetchResult& result = transfer.result;
  CURL* easy = transfer.easy;
  long number = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &number);
  result.status = transfer.answering ? static_cast<int>(number) : 0;
  curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &number);
  result.protocol = number == CURL_HTTP_VERSION_1_0   ? "http/1.0"
                    : number == CURL_HTTP_VERSION_1_1 ? "http/1.1"
                    : number == CURL_HTTP_VERSION_2_0 ? "h2"
                                                      : "";
  curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &number);
  result.reused = number == 0 && transfer.head_bytes > 0;
  const char* ip = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &ip);
  if (ip != nullptr) result.ip = ip;
  curl_off_t micros = 0;
  curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &micros);
  result.connect = std::chrono::microseconds(micros);
  curl_easy_getinfo(easy, CURLINFO_STARTTRANSFER_TIME_T, &micros);
  result.first_byte = std::chrono::microseconds(micros);
  result.total =
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - transfer.begun);
  if (transfer.ended_by_us) {
    result.error = transfer.ended_by_us;
    result.detail = std::string(Name(*result.error));
    const bool timed_out =
        result.error == FetchError::kIdleTimeout || result.error == FetchError::kTotalTimeout;
    if (transfer.answering) {
      result.truncated = timed_out ? Truncation::kTime : Truncation::kDisconnect;
    }
  } else if (result.truncated == Truncation::kLength) {
    // As much of the body as was asked for: not an error.
  } else if (code != CURLE_OK) {
    result.error = ErrorOf(code, transfer.answering);
    // One line of a head that outgrows libcurl's buffer (100 KB) comes as this.
    if (code == CURLE_OUT_OF_MEMORY && transfer.head_open) {
      result.error = FetchError::kHeadTooLarge;
    }
    result.detail = curl_easy_strerror(code);
    if (transfer.refused && !transfer.connecting) {
      result.error = FetchError::kAddressForbidden;
      result.detail = fmt::format("{} is a {} address; fetcher.allow_addresses can allow it",
                                  transfer.refused_ip, Name(*transfer.refused));
    }
    if (transfer.answering) result.truncated = Truncation::kDisconnect;
  } else if (!transfer.answering) {
    result.error = FetchError::kProtocol;
    result.detail = "the response ended within its head";
  }
  if (result.status == 0) {
    result.response_head.clear();
    result.body.clear();
  }
}

void Fetcher::Loop::Finish(Transfer& ended, CURLcode code) {
  const std::unique_ptr<Transfer> transfer(&ended);
  body_bytes_.fetch_sub(transfer->result.body.size(), std::memory_order_relaxed);
  Describe(*transfer, code);
  curl_multi_remove_handle(multi_, transfer->easy);
  GiveHandleBack(transfer->easy);
  transfers_.erase(transfer.get());
  in_flight_.fetch_sub(1, std::memory_order_relaxed);
  transfer->promise.SetValue(std::move(transfer->result));
}

void Fetcher::Loop::ArmSweep() {
  if (sweeping_) return;
  sweeping_ = true;
  sweep_.expires_after(kSweepInterval);
  sweep_.async_wait([this](const boost::system::error_code& error) {
    sweeping_ = false;
    if (!error) Sweep();
  });
}

// Time limits that libcurl has no word for, and the total as a last resort.
void Fetcher::Loop::Sweep() {
  const Clock::time_point now = Clock::now();
  std::vector<std::pair<Transfer*, FetchError>> late;
  for (Transfer* transfer : transfers_) {
    if (now - transfer->begun >= options_.total_timeout) {
      late.emplace_back(transfer, FetchError::kTotalTimeout);
    } else if (transfer->head_bytes > 0) {
      if (now - transfer->last_progress >= options_.idle_timeout) {
        late.emplace_back(transfer, FetchError::kIdleTimeout);
      }
    } else if (now - transfer->begun >= options_.first_byte_timeout) {
      curl_off_t connected = 0;
      curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
      if (connected > 0 && now - transfer->begun - std::chrono::microseconds(connected) >=
                               options_.first_byte_timeout) {
        late.emplace_back(transfer, FetchError::kFirstByteTimeout);
      }
    }
  }
  std::vector<uint64_t> unresolved;
  for (const auto& [number, transfer] : resolving_) {
    if (now - transfer->begun >= options_.connect_timeout) unresolved.push_back(number);
  }
  for (const uint64_t number : unresolved) {
    auto node = resolving_.extract(number);
    Refuse(*node.mapped(), FetchError::kConnectTimeout, "no name server has answered in time");
  }
  for (const auto& [transfer, error] : late) {
    transfer->ended_by_us = error;
    Finish(*transfer, CURLE_OPERATION_TIMEDOUT);
  }
  if (!transfers_.empty() || !resolving_.empty()) ArmSweep();
}

}  // namespace crawld::fetcher
