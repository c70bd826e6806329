#include "service/http_server.h"

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
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "concurrency/threads.h"
#include "web/ascii.h"

namespace crawld::service {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::asio::ip::tcp;
using Local = boost::asio::local::stream_protocol;
using Clock = std::chrono::steady_clock;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kLookAgain{20};
constexpr auto kAcceptPause = std::chrono::milliseconds(100);  // after an error (no descriptors)
constexpr mode_t kSocketMode = 0660;

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
  Impl(const HttpServerOptions& options, Handler handler)
      : options_(options), handler_(std::move(handler)), io_(1), tokens_(options.rate) {
    if (options_.listen) Listen(*options_.listen);
    if (options_.socket) ListenLocally(*options_.socket);
    thread_ = concurrency::NamedThread("admin", [this] {
      concurrency::LowerPriority();
      concurrency::Idle("waits for requests");
      io_.run();
    });
  }

  ~Impl() {
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
      if (error && lstat(path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode)) {
        std::filesystem::remove(path);
      }
      Local::acceptor acceptor(io_, endpoint);
      bound_ = true;
      if (chmod(path.c_str(), kSocketMode) != 0) {
        throw boost::system::system_error(errno, boost::system::generic_category());
      }
      asio::co_spawn(io_, Accept(std::move(acceptor)), asio::detached);
    } catch (const std::exception& e) {
      throw FatalError(
          fmt::format("admin.socket: '{}' cannot be listened at: {}", path.string(), e.what()));
    }
  }

  template <typename Acceptor>
  asio::awaitable<void> Accept(Acceptor acceptor) {
    using Protocol = typename Acceptor::protocol_type;
    uint32_t connections = 0;
    while (true) {
      auto [error, socket] = co_await acceptor.async_accept(kAwait);
      if (error) {
        co_await Sleep(kAcceptPause);
        continue;
      }
      ++connections;
      asio::co_spawn(io_, Serve<Protocol>(beast::basic_stream<Protocol>(std::move(socket))),
                     [&connections](const std::exception_ptr&) { --connections; });
      while (connections >= options_.max_connections) co_await Sleep(kLookAgain);
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

  template <typename Protocol>
  asio::awaitable<void> Serve(beast::basic_stream<Protocol> stream) {
    beast::flat_buffer buffer;
    bool keep = true;
    while (keep) {
      http::request_parser<http::string_body> parser;
      parser.header_limit(options_.max_header_bytes);
      parser.body_limit(options_.max_body_bytes);
      stream.expires_after(buffer.size() > 0 ? options_.request_timeout : options_.idle_timeout);
      const auto [head_error, head_bytes] =
          co_await http::async_read_header(stream, buffer, parser, kAwait);
      auto error = head_error;
      HttpResponse response;
      if (!error) {
        co_await Turn();
        stream.expires_after(options_.request_timeout);
        const auto [body_error, bytes] = co_await http::async_read(stream, buffer, parser, kAwait);
        error = body_error;
      }
      if (error) {
        auto refusal = RefusalOf(error);
        if (!refusal) co_return;  // gone, or too slow
        response = *std::move(refusal);
      } else {
        concurrency::Heartbeat("answers a request");
        response = Answer(parser.get(), std::is_same_v<Protocol, Local>);
        concurrency::Idle("waits for requests");
      }
      keep = !error && parser.get().keep_alive();
      http::response<http::string_body> out;
      out.result(static_cast<unsigned>(response.status));
      out.version(11);
      out.set(http::field::server, "crawld");
      out.set(http::field::content_type, response.content_type);
      out.set(http::field::cache_control, "no-store");
      out.set("X-Content-Type-Options", "nosniff");
      if (response.status == 401) out.set(http::field::www_authenticate, "Bearer");
      if (!response.allow.empty()) out.set(http::field::allow, response.allow);
      out.keep_alive(keep);
      const bool head_only = !error && parser.get().method() == http::verb::head;
      const size_t size = response.body.size();
      if (!head_only) out.body() = std::move(response.body);
      out.content_length(size);
      stream.expires_after(options_.request_timeout);
      const auto [write_error, written] = co_await http::async_write(stream, out, kAwait);
      if (write_error) co_return;
    }
    boost::system::error_code ignored;
    stream.socket().shutdown(Protocol::socket::shutdown_send, ignored);  // NOLINT
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

  HttpResponse Answer(const http::request<http::string_body>& from, bool local) const {
    if (!local) {
      if (!options_.token.empty()) {
        const auto given = from[http::field::authorization];
        constexpr std::string_view kScheme = "bearer ";
        const std::string_view text(given.data(), given.size());
        if (!web::StartsWithIgnoringCase(text, kScheme) ||
            !Same(text.substr(kScheme.size()), options_.token)) {
          return Refusal(401, "the token is missing or wrong (Authorization: Bearer ...)");
        }
      } else if (!IsMeantForUs({from[http::field::host].data(), from[http::field::host].size()})) {
        return Refusal(421, "the Host header is not ours; ask for localhost or the address");
      }
    }
    HttpRequest request;
    request.method = from.method() == http::verb::head ? "GET" : std::string(from.method_string());
    ReadTarget({from.target().data(), from.target().size()}, request);
    request.body = from.body();
    try {
      return handler_(request);
    } catch (const std::exception& e) {
      spdlog::error("admin: {} {} failed: {}", request.method, request.path, e.what());
      return Refusal(500, "an error of ours; the log has more");
    }
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
  uint16_t port_ = 0;
  asio::ip::address address_;
  bool bound_ = false;

  // Owned by the server's thread.
  asio::io_context io_;
  double tokens_;
  Clock::time_point filled_ = Clock::now();

  concurrency::NamedThread thread_;  // last: it uses all of the above
};

HttpServer::HttpServer(const HttpServerOptions& options, Handler handler)
    : impl_(std::make_unique<Impl>(options, std::move(handler))) {}
HttpServer::~HttpServer() = default;
uint16_t HttpServer::port() const { return impl_->port(); }

}  // namespace crawld::service
