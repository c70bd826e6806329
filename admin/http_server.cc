#include "admin/http_server.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <list>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "concurrency/threads.h"
#include "web/ascii.h"

namespace crawld::admin {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::asio::ip::tcp;
using Local = boost::asio::local::stream_protocol;
using Clock = std::chrono::steady_clock;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kLookAgain{20};
constexpr int kTurns = 16;  // of the event loop, until a connection that was cancelled is gone
constexpr auto kAcceptPause = std::chrono::milliseconds(100);  // after an error (no descriptors)
constexpr mode_t kSocketMode = 0660;
constexpr double kLeastBytesPerSecond = 256;  // of such a body, on the long run
constexpr size_t kPieceBytes = 64 << 10;      // of a body that is read piece by piece

std::string Decode(std::string_view text, bool form) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && web::HexValue(text[i + 1]) >= 0 &&
        web::HexValue(text[i + 2]) >= 0) {
      out += static_cast<char>(web::HexValue(text[i + 1]) * 16 + web::HexValue(text[i + 2]));
      i += 2;
    } else {
      out += form && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

void ReadTarget(std::string_view target, HttpRequest& request) {
  const size_t mark = std::min(target.find('?'), target.size());
  request.path = Decode(target.substr(0, mark), false);
  std::string_view query = target.substr(std::min(mark + 1, target.size()));
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    if (!pair.empty()) request.query[Decode(pair.substr(0, equals), true)] = Decode(value, true);
    query.remove_prefix(std::min(end + 1, query.size()));
  }
}

std::optional<tcp::endpoint> EndpointOf(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  uint16_t port = 0;
  const char* const last = text.data() + text.size();
  const auto [end, bad] = std::from_chars(text.data() + colon + 1, last, port);
  boost::system::error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (error || bad != std::errc() || end != last) return std::nullopt;
  return tcp::endpoint(address, port);
}

HttpResponse Refusal(int status, std::string_view why) {
  boost::json::object body;
  body["error"] = why;
  return {.status = status, .body = boost::json::serialize(body) + "\n"};
}

bool Same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

std::optional<bool> IsLoopbackEndpoint(const std::string& text) {
  const auto endpoint = EndpointOf(text);
  if (!endpoint) return std::nullopt;
  return endpoint->address().is_loopback();
}

class HttpServer::Impl {
 public:
  Impl(const HttpServerOptions& options, Handler handler, BodyHandlers body_handlers)
      : options_(options),
        handler_(std::move(handler)),
        body_handlers_(std::move(body_handlers)),
        io_(1),
        tokens_(options.rate) {
    if (options_.listen) Listen(*options_.listen);
    if (options_.socket) ListenLocally(*options_.socket);
    {
      MutexLock lock(door_->mutex);
      door_->server = this;
    }
    thread_ = concurrency::NamedThread("admin", [this] {
      concurrency::LowerPriority();
      concurrency::Idle("waits for requests");
      io_.run();
    });
  }

  ~Impl() {
    {
      MutexLock lock(door_->mutex);
      door_->server = nullptr;
    }
    asio::post(io_, [this] { io_.stop(); });
    thread_.Join();
    std::error_code ignored;
    if (bound_) std::filesystem::remove(*options_.socket, ignored);
  }

  uint16_t port() const { return port_; }

 private:
  void Listen(const std::string& where) {
    const auto endpoint = EndpointOf(where);
    if (!endpoint)
      throw FatalError(fmt::format("admin.listen: '{}' is no address and port", where));
    try {
      tcp::acceptor acceptor(io_, *endpoint);  // with SO_REUSEADDR
      port_ = acceptor.local_endpoint().port();
      address_ = endpoint->address();
      asio::co_spawn(io_, Accept(std::move(acceptor)), asio::detached);
    } catch (const boost::system::system_error& e) {
      throw FatalError(
          fmt::format("admin.listen: {} cannot be listened at: {}", where, e.code().message()));
    }
  }

  void ListenLocally(const std::filesystem::path& path) {
    if (path.string().size() >= sizeof sockaddr_un{}.sun_path) {
      throw FatalError(fmt::format(
          "admin.socket: '{}' is longer than the system allows ({} bytes); give a shorter path",
          path.string(), sizeof sockaddr_un{}.sun_path - 1));
    }
    try {
      const Local::endpoint endpoint(path.string());
      // One that a crash has left. Who holds the crawl's lock is the only one who may serve here.
      boost::system::error_code error;
      Local::socket(io_).connect(endpoint, error);
      struct stat found {};
      const bool exists = lstat(path.c_str(), &found) == 0;
      if (exists && !S_ISSOCK(found.st_mode)) {
        throw FatalError(fmt::format(
            "admin.socket: '{}' is there, and is no socket; move it away, or name another place",
            path.string()));
      }
      if (error && exists) std::filesystem::remove(path);
      Local::acceptor acceptor(io_, endpoint);
      bound_ = true;
      if (chmod(path.c_str(), kSocketMode) != 0) {
        throw boost::system::system_error(errno, boost::system::generic_category());
      }
      asio::co_spawn(io_, Accept(std::move(acceptor)), asio::detached);
    } catch (const boost::system::system_error& e) {
      throw FatalError(fmt::format("admin.socket: '{}' cannot be listened at: {}", path.string(),
                                   e.code().message()));
    } catch (const std::filesystem::filesystem_error& e) {
      throw FatalError(fmt::format("admin.socket: '{}' cannot be listened at: {}", path.string(),
                                   e.code().message()));
    }
  }

  // Connections of which a request is awaited, or more of its body; who has been silent longest is
  // first.
  template <typename Stream>
  using Silent = std::list<Stream*>;
  // Among them while it lives. It shares the list: when the loop is destroyed, in no order, it may
  // be the last who knows it.
  template <typename Stream>
  class Listed {
   public:
    Listed(std::shared_ptr<Silent<Stream>> silent, Stream& stream)
        : silent_(std::move(silent)), place_(silent_->insert(silent_->end(), &stream)) {}
    ~Listed() { silent_->erase(place_); }
    Listed(const Listed&) = delete;
    Listed& operator=(const Listed&) = delete;

   private:
    std::shared_ptr<Silent<Stream>> silent_;
    typename Silent<Stream>::iterator place_;
  };

  template <typename Acceptor>
  asio::awaitable<void> Accept(Acceptor acceptor) {
    using Protocol = typename Acceptor::protocol_type;
    uint32_t connections = 0;
    const auto silent = std::make_shared<Silent<beast::basic_stream<Protocol>>>();
    while (true) {
      auto [error, socket] = co_await acceptor.async_accept(kAwait);
      if (error) {
        co_await Sleep(kAcceptPause);
        continue;
      }
      while (connections >= options_.max_connections) {
        // Who says nothing keeps nobody out. What has come and was not read yet is not nothing.
        const auto quiet = std::ranges::find_if(*silent, [](auto* stream) {
          boost::system::error_code ignored;
          return stream->socket().available(ignored) == 0;
        });
        const uint32_t before = connections;
        if (quiet != silent->end()) (*quiet)->cancel();
        for (int i = 0; quiet != silent->end() && i < kTurns && connections == before; ++i) {
          co_await asio::post(io_, asio::use_awaitable);
        }
        if (connections == before) co_await Sleep(kLookAgain);
      }
      ++connections;
      asio::co_spawn(io_, Serve<Protocol>(beast::basic_stream<Protocol>(std::move(socket)), silent),
                     [&connections](const std::exception_ptr&) { --connections; });
    }
  }

  asio::awaitable<void> Sleep(std::chrono::milliseconds time) {
    asio::steady_timer timer(io_, time);
    co_await timer.async_wait(kAwait);
  }

  // Until there is a request to be had of `rate`.
  asio::awaitable<void> Turn() {
    while (true) {
      const Clock::time_point now = Clock::now();
      const double passed = std::chrono::duration<double>(now - filled_).count();
      filled_ = now;
      tokens_ = std::min<double>(options_.rate, tokens_ + passed * options_.rate);
      if (tokens_ >= 1) break;
      co_await Sleep(kLookAgain);
    }
    tokens_ -= 1;
  }

  // What a future has, once it has it. Throws what it has instead.
  template <typename T>
  asio::awaitable<T> Await(concurrency::Future<T> future) {
    asio::steady_timer timer(io_, asio::steady_timer::time_point::max());
    const uint64_t number = ++next_awaited_;
    awaited_[number] = &timer;
    // Whoever keeps the promise may do so when this server is gone: it must hold nothing of ours.
    future.AddDoneCallback([door = door_, number](concurrency::Future<T>&) {
      MutexLock lock(door->mutex);
      if (door->server != nullptr) door->server->Awake(number);
    });
    while (!future.Done()) co_await timer.async_wait(kAwait);
    awaited_.erase(number);
    if constexpr (std::is_void_v<T>) {
      future.Take();
    } else {
      co_return future.Take();
    }
  }

  // Any thread, while the door is open.
  void Awake(uint64_t number) {
    asio::post(io_, [this, number] {
      const auto found = awaited_.find(number);
      if (found != awaited_.end()) found->second->cancel();
    });
  }

  template <typename Protocol>
  asio::awaitable<void> Serve(beast::basic_stream<Protocol> stream,
                              std::shared_ptr<Silent<beast::basic_stream<Protocol>>> silent) {
    constexpr bool kLocal = std::is_same_v<Protocol, Local>;
    beast::flat_buffer buffer;
    bool keep = true;
    auto patience = options_.request_timeout;  // of one that has just come
    while (keep) {
      http::request_parser<http::empty_body> head;
      head.header_limit(options_.max_header_bytes);
      head.body_limit(boost::none);
      stream.expires_after(buffer.size() > 0 ? options_.request_timeout : patience);
      patience = options_.idle_timeout;
      std::optional<Listed<beast::basic_stream<Protocol>>> listed(std::in_place, silent, stream);
      const auto [error, bytes] = co_await http::async_read_header(stream, buffer, head, kAwait);
      listed.reset();
      if (error) {
        auto refusal = RefusalOf(error);
        if (refusal) co_await Refuse(stream, *refusal);
        break;
      }
      co_await Turn();
      if (auto refusal = Judge(head.get(), kLocal)) {
        if (head.get().method() == http::verb::head) refusal->body.clear();
        co_await Refuse(stream, *refusal);
        break;
      }
      keep = co_await Obey(stream, silent, buffer, head);
    }
    boost::system::error_code ignored;
    stream.socket().shutdown(Protocol::socket::shutdown_send, ignored);  // NOLINT
  }

  // A request that may be answered. Whether the connection is good for another one.
  template <typename Stream>
  asio::awaitable<bool> Obey(Stream& stream, std::shared_ptr<Silent<Stream>> silent,
                             beast::flat_buffer& buffer,
                             http::request_parser<http::empty_body>& head) {
    HttpRequest request = RequestOf(head.get());
    if (request.method == "GET" && (head.chunked() || head.content_length().value_or(0) > 0)) {
      const HttpResponse refusal = Refusal(400, "a GET has no body");
      co_await Refuse(stream, refusal);
      co_return false;
    }
    if (web::EqualIgnoringCase(std::string_view(head.get()[http::field::expect]), "100-continue")) {
      http::response<http::empty_body> go_on(http::status::continue_, 11);
      const auto [error, bytes] = co_await http::async_write(stream, go_on, kAwait);
      if (error) co_return false;
    }
    if (auto handler = body_handlers_(request)) {
      co_return co_await ServePieces(stream, silent, buffer, head, std::move(handler));
    }
    // The parser looks at the limit when it reads the head, which it has done.
    if (head.content_length() && *head.content_length() > options_.max_body_bytes) {
      const auto refusal = RefusalOf(http::error::body_limit);
      co_await Refuse(stream, *refusal);
      co_return false;
    }
    http::request_parser<http::string_body> parser(std::move(head));
    parser.body_limit(options_.max_body_bytes);
    stream.expires_after(options_.request_timeout);
    std::optional<Listed<Stream>> listed(std::in_place, silent, stream);
    const auto [error, bytes] = co_await http::async_read(stream, buffer, parser, kAwait);
    listed.reset();
    if (error) {
      auto refusal = RefusalOf(error);
      if (refusal) co_await Refuse(stream, *refusal);
      co_return false;
    }
    request.body = std::move(parser.get().body());
    HttpResponse response = Answer(request);
    if (response.later) {
      concurrency::Future<HttpResponse> later = *std::move(response.later);
      response = co_await Later(request, std::move(later));
    }
    const bool keep = parser.get().keep_alive();
    const bool head_only = parser.get().method() == http::verb::head;
    if (response.next_event && !head_only) {
      co_await SendEvents(stream, response);
      co_return false;
    }
    co_return co_await Send(stream, std::move(response), keep, head_only);
  }

  asio::awaitable<HttpResponse> Later(const HttpRequest& request,
                                      concurrency::Future<HttpResponse> later) {
    try {
      co_return co_await Await(std::move(later));
    } catch (const std::exception& e) {
      co_return Failed(request, e.what());
    }
  }

  template <typename Body>
  void SetFields(http::response<Body>& out, const HttpResponse& response) {
    if (options_.counters != nullptr) {
      options_.counters->answers.at(static_cast<size_t>(response.status / 100))
          .fetch_add(1, std::memory_order_relaxed);
    }
    out.result(static_cast<unsigned>(response.status));
    out.version(11);
    out.set(http::field::server, "crawld");
    out.set(http::field::content_type, response.content_type);
    out.set(http::field::cache_control, "no-store");
    out.set("X-Content-Type-Options", "nosniff");
    if (!response.security_policy.empty()) {
      out.set("Content-Security-Policy", response.security_policy);
      out.set("Referrer-Policy", "no-referrer");
    }
    if (response.status == 401) out.set(http::field::www_authenticate, "Bearer");
    if (response.status == 503) out.set(http::field::retry_after, "1");
    if (!response.allow.empty()) out.set(http::field::allow, response.allow);
  }

  // Whether the connection is good for another request.
  template <typename Stream>
  asio::awaitable<bool> Send(Stream& stream, HttpResponse response, bool keep, bool head_only) {
    http::response<http::string_body> out;
    SetFields(out, response);
    out.keep_alive(keep);
    const size_t size = response.body.size();
    if (!head_only) out.body() = std::move(response.body);
    out.content_length(size);
    stream.expires_after(options_.request_timeout);
    const auto [error, bytes] = co_await http::async_write(stream, out, kAwait);
    co_return keep && !error;
  }

  template <typename Stream>
  asio::awaitable<void> Refuse(Stream& stream, const HttpResponse& refusal) {
    HttpResponse response = refusal;
    co_await Send(stream, std::move(response), /*keep=*/false, /*head_only=*/false);
  }

  // The head of an answer whose length nobody knows.
  template <typename Stream>
  asio::awaitable<bool> BeginChunks(Stream& stream, const HttpResponse& response, bool keep) {
    http::response<http::empty_body> out;
    SetFields(out, response);
    out.keep_alive(keep);
    out.chunked(true);
    http::response_serializer<http::empty_body> serializer(out);
    stream.expires_after(options_.request_timeout);
    const auto [error, bytes] = co_await http::async_write_header(stream, serializer, kAwait);
    co_return !error;
  }
  template <typename Stream>
  asio::awaitable<bool> SendChunk(Stream& stream, const std::string& text) {
    if (text.empty()) co_return true;  // an empty one would be the last
    stream.expires_after(options_.request_timeout);
    const auto [error, bytes] =
        co_await asio::async_write(stream, http::make_chunk(asio::buffer(text)), kAwait);
    co_return !error;
  }

  template <typename Stream>
  asio::awaitable<void> SendEvents(Stream& stream, const HttpResponse& response) {
    if (event_streams_ >= options_.max_event_streams) {
      HttpResponse refusal =
          Refusal(503, fmt::format("{} such streams are open, and no more may be", event_streams_));
      co_await Send(stream, std::move(refusal), false, false);
      co_return;
    }
    ++event_streams_;
    bool there = co_await BeginChunks(stream, response, false);
    if (there) there = co_await SendChunk(stream, response.body);
    while (there) {
      std::string event;
      try {
        event = response.next_event();
      } catch (const std::exception& e) {
        spdlog::error("admin: a stream of events failed: {}", e.what());
        break;
      }
      there = co_await SendChunk(stream, event);
      if (there) co_await Sleep(response.period);
    }
    --event_streams_;
  }

  template <typename Stream>
  asio::awaitable<bool> ServePieces(Stream& stream, std::shared_ptr<Silent<Stream>> silent,
                                    beast::flat_buffer& buffer,
                                    http::request_parser<http::empty_body>& head,
                                    std::unique_ptr<BodyHandler> handler) {
    http::request_parser<http::buffer_body> parser(std::move(head));
    parser.body_limit(boost::none);
    const bool keep = parser.get().keep_alive();
    // Named: GCC 12 destroys temporaries among a co_await's arguments twice.
    HttpResponse begin;
    begin.content_type = "application/x-ndjson";
    const bool begun = co_await BeginChunks(stream, begin, keep);
    if (!begun) co_return false;
    std::vector<char> piece(kPieceBytes);
    uint64_t received = 0;
    Clock::duration reading{0};
    while (true) {
      parser.get().body().data = piece.data();
      parser.get().body().size = piece.size();
      if (!parser.is_done()) {  // it may have no body at all
        const Clock::time_point began = Clock::now();
        stream.expires_after(options_.request_timeout);
        std::optional<Listed<Stream>> listed(std::in_place, silent, stream);
        auto [error, bytes] = co_await http::async_read_some(stream, buffer, parser, kAwait);
        listed.reset();
        if (error == http::error::need_buffer) error = {};
        if (error) co_return false;
        reading += Clock::now() - began;
        received += bytes;
        // Who drips holds one of few connections.
        const double seconds = std::chrono::duration<double>(reading).count();
        if (reading > 3 * options_.request_timeout &&
            static_cast<double>(received) < seconds * kLeastBytesPerSecond) {
          co_return false;
        }
      }
      const bool last = parser.is_done();
      const std::string_view taken(piece.data(), piece.size() - parser.get().body().size);
      std::string answer;
      std::string failure;
      try {
        concurrency::Heartbeat("takes URLs");
        handler->Take(taken, last);
        auto done = handler->HandOver();
        concurrency::Idle("waits for requests");
        while (!done) {
          co_await Sleep(kLookAgain);
          done = handler->HandOver();
        }
        concurrency::Future<void> durable = *std::move(done);
        co_await Await(std::move(durable));
        answer = handler->Answer();
      } catch (const std::exception& e) {
        failure = e.what();
      }
      if (!failure.empty()) {
        boost::json::object body;
        body["error"] = failure;
        const std::string line = boost::json::serialize(body) + "\n";
        co_await SendChunk(stream, line);
        co_return false;  // without the last chunk: the answer is not whole
      }
      if (!co_await SendChunk(stream, answer)) co_return false;
      if (last) break;
    }
    stream.expires_after(options_.request_timeout);
    const auto [error, bytes] = co_await asio::async_write(stream, http::make_chunk_last(), kAwait);
    co_return keep && !error;
  }

  // What to say to who is still there; nullopt: nobody is.
  std::optional<HttpResponse> RefusalOf(const boost::system::error_code& error) const {
    if (error == http::error::body_limit) {
      return Refusal(413, fmt::format("the body has more than {} bytes", options_.max_body_bytes));
    }
    if (error == http::error::header_limit) {
      return Refusal(431,
                     fmt::format("the head has more than {} bytes", options_.max_header_bytes));
    }
    const bool of_http =
        error.category() == http::make_error_code(http::error::header_limit).category();
    if (!of_http || error == http::error::end_of_stream || error == http::error::partial_message) {
      return std::nullopt;
    }
    return Refusal(400, error.message());
  }

  // Why the request is not to be answered; nullopt: it is.
  std::optional<HttpResponse> Judge(const http::request<http::empty_body>& from, bool local) const {
    if (from.count(http::field::host) > 1) return Refusal(400, "one Host header, not several");
    // A page in the operator's browser that is not ours may send requests, though it cannot read
    // what is answered.
    const std::string_view origin(from[http::field::origin]);
    if (!origin.empty() &&
        origin != "http://" + std::string(std::string_view(from[http::field::host]))) {
      return Refusal(403, "a page of another origin may not ask");
    }
    if (local) return std::nullopt;
    if (options_.token.empty()) {
      if (IsMeantForUs(std::string_view(from[http::field::host]))) return std::nullopt;
      return Refusal(421, "the Host header is not ours; ask for localhost or the address");
    }
    // It has no secret in it; its script asks the operator for the token.
    if (from.target() == "/" && from.method() == http::verb::get) return std::nullopt;
    constexpr std::string_view kScheme = "bearer ";
    const std::string_view given(from[http::field::authorization]);
    if (web::StartsWithIgnoringCase(given, kScheme) &&
        Same(given.substr(kScheme.size()), options_.token)) {
      return std::nullopt;
    }
    return Refusal(401, "the token is missing or wrong (Authorization: Bearer ...)");
  }

  static HttpRequest RequestOf(const http::request<http::empty_body>& from) {
    HttpRequest request;
    request.method = from.method() == http::verb::head ? "GET" : std::string(from.method_string());
    ReadTarget(std::string_view(from.target()), request);
    return request;
  }

  static HttpResponse Failed(const HttpRequest& request, const char* why) {
    spdlog::error("admin: {} {} failed: {}", request.method, request.path, why);
    return Refusal(500, "an error of ours; the log has more");
  }

  HttpResponse Answer(const HttpRequest& request) const {
    concurrency::Heartbeat("answers a request");
    HttpResponse response;
    try {
      response = handler_(request);
    } catch (const std::exception& e) {
      response = Failed(request, e.what());
    }
    concurrency::Idle("waits for requests");
    return response;
  }

  bool IsMeantForUs(std::string_view host) const {
    const size_t colon = host.rfind(':');
    if (colon != host.npos && host.find(']', colon) == host.npos) host = host.substr(0, colon);
    if (web::EqualIgnoringCase(host, "localhost")) return true;
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    boost::system::error_code error;
    const auto address = asio::ip::make_address(std::string(host), error);
    return !error && (address.is_loopback() || address == address_);
  }

  const HttpServerOptions options_;
  const Handler handler_;
  const BodyHandlers body_handlers_;
  uint16_t port_ = 0;
  asio::ip::address address_;
  bool bound_ = false;

  // Where those knock who keep a promise; closed when the server is gone.
  struct Door {
    Mutex mutex;
    Impl* server GUARDED_BY(mutex) = nullptr;
  };
  const std::shared_ptr<Door> door_ = std::make_shared<Door>();

  // Owned by the server's thread.
  asio::io_context io_;
  uint32_t event_streams_ = 0;
  uint64_t next_awaited_ = 0;
  std::map<uint64_t, asio::steady_timer*> awaited_;  // who waits for a future
  double tokens_;
  Clock::time_point filled_ = Clock::now();

  concurrency::NamedThread thread_;  // last: it uses all of the above
};

HttpServer::HttpServer(const HttpServerOptions& options, Handler handler,
                       BodyHandlers body_handlers)
    : impl_(std::make_unique<Impl>(options, std::move(handler), std::move(body_handlers))) {}
HttpServer::~HttpServer() = default;
uint16_t HttpServer::port() const { return impl_->port(); }

}  // namespace crawld::admin
