#include "admin/admin_client.h"

#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <utility>

#include "base/error.h"

namespace crawld::admin {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Protocol = boost::asio::generic::stream_protocol;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr uint64_t kMaxAnswer = uint64_t{256} << 20;

std::string Place(const AdminTarget& target) {
  return target.socket ? target.socket->string() : target.address;
}

}  // namespace

class AdminClient::Connection {
 public:
  Connection(const AdminTarget& target, std::chrono::milliseconds patience)
      : target_(target), patience_(patience), stream_(io_) {}

  // What went wrong, or the answer.
  boost::system::error_code Ask(const http::request<http::string_body>& request,
                                AdminAnswer& answer) {
    boost::system::error_code error = asio::error::timed_out;
    asio::co_spawn(io_, Exchange(request, answer, error), asio::detached);
    io_.restart();
    io_.run();
    return error;
  }
  bool used() const { return used_; }
  bool open() const { return open_; }

 private:
  asio::awaitable<void> Exchange(const http::request<http::string_body>& request,
                                 AdminAnswer& answer, boost::system::error_code& result) {
    if (!open_) {
      result = co_await Connect();
      if (result) co_return;
      open_ = true;
    }
    stream_.expires_after(patience_);
    // Both at once: an answer may begin before all of a long body has been sent, and who does not
    // read it is not read on.
    bool sent = false;
    asio::co_spawn(io_, Write(request, sent), asio::detached);
    http::response_parser<http::string_body> parser;
    parser.body_limit(kMaxAnswer);
    const auto [read_error, read] = co_await http::async_read(stream_, buffer_, parser, kAwait);
    if (!sent || read_error) stream_.close();
    result = read_error;
    if (result) co_return;
    used_ = true;
    open_ = sent && parser.get().keep_alive();
    answer.status = static_cast<int>(parser.get().result_int());
    answer.body = std::move(parser.get().body());
  }

  asio::awaitable<void> Write(const http::request<http::string_body>& request, bool& sent) {
    const auto [error, bytes] = co_await http::async_write(stream_, request, kAwait);
    sent = !error;
  }

  asio::awaitable<boost::system::error_code> Connect() {
    stream_.expires_after(patience_);
    if (target_.socket) {
      const asio::local::stream_protocol::endpoint endpoint(target_.socket->string());
      const auto [error] = co_await stream_.async_connect(Protocol::endpoint(endpoint), kAwait);
      co_return error;
    }
    const size_t colon = target_.address.rfind(':');
    std::string host = target_.address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    asio::ip::tcp::resolver resolver(io_);
    const std::string port = colon == std::string::npos ? "" : target_.address.substr(colon + 1);
    auto [error, endpoints] = co_await resolver.async_resolve(host, port, kAwait);
    for (const auto& entry : endpoints) {
      const Protocol::endpoint endpoint(entry.endpoint());
      const auto [failed] = co_await stream_.async_connect(endpoint, kAwait);
      error = failed;
      if (!error) break;
    }
    co_return error;
  }

  const AdminTarget& target_;
  const std::chrono::milliseconds patience_;
  asio::io_context io_;
  beast::basic_stream<Protocol> stream_;
  beast::flat_buffer buffer_;
  bool open_ = false;
  bool used_ = false;
};

AdminClient::AdminClient(AdminTarget target, std::chrono::milliseconds patience)
    : target_(std::move(target)), patience_(patience) {}
AdminClient::~AdminClient() = default;

AdminAnswer AdminClient::Ask(const std::string& method, const std::string& path,
                             const std::string& body, const std::string& type) {
  http::request<http::string_body> request;
  request.method_string(method);
  request.target(path);
  request.version(11);
  request.set(http::field::host, target_.socket ? "localhost" : target_.address);
  request.set(http::field::user_agent, "crawld/" CRAWLD_VERSION);
  if (!target_.token.empty()) {
    request.set(http::field::authorization, "Bearer " + target_.token);
  }
  if (!type.empty()) request.set(http::field::content_type, type);
  request.body() = body;
  request.prepare_payload();
  while (true) {
    if (!connection_) connection_ = std::make_unique<Connection>(target_, patience_);
    AdminAnswer answer;
    const auto error = connection_->Ask(request, answer);
    if (!error) {
      if (!connection_->open()) connection_.reset();
      return answer;
    }
    // One that was kept may have been closed in the meantime. All that is asked for may be asked
    // for twice.
    const bool again = connection_->used();
    connection_.reset();
    if (again) continue;
    throw FatalError(
        fmt::format("nobody answers at {} ({}): is the crawl running, and may you ask "
                    "it?",
                    Place(target_), error.message()));
  }
}

}  // namespace crawld::admin
