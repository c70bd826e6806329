#include "tests/support/proxy_server.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <utility>

namespace crawld::test {
namespace {

bool SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

// "" at the end.
std::string Receive(int fd) {
  std::string piece(16'384, '\0');
  const ssize_t got = recv(fd, piece.data(), piece.size(), 0);
  piece.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return piece;
}

bool ReceiveExactly(int fd, std::string& bytes, size_t count) {
  bytes.assign(count, '\0');
  return recv(fd, bytes.data(), count, MSG_WAITALL) == static_cast<ssize_t>(count);
}

std::string Base64(const std::string& text) {
  std::string out(text.size() * 2 + 4, '\0');
  out.resize(static_cast<size_t>(EVP_EncodeBlock(
      reinterpret_cast<unsigned char*>(out.data()),
      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()))));
  return out;
}

int PortOf(const std::string& authority) {
  return std::stoi(authority.substr(authority.rfind(':') + 1));
}

}  // namespace

ProxyServer::ProxyServer(ProxyOptions options)
    : options_(std::move(options)), acceptor_([this](int fd, int) { Serve(fd); }) {
  acceptor_.Start();
}

std::string ProxyServer::Url(const std::string& scheme) const {
  const std::string user = options_.credentials.empty() ? "" : options_.credentials + "@";
  return scheme + "://" + user + "127.0.0.1:" + std::to_string(port());
}

std::vector<std::string> ProxyServer::asked() const {
  const MutexLock lock(mutex_);
  return asked_;
}

void ProxyServer::Note(std::string what) {
  const MutexLock lock(mutex_);
  asked_.push_back(std::move(what));
}

void ProxyServer::Serve(int fd) {
  char first = 0;
  if (recv(fd, &first, 1, MSG_PEEK) == 1) {
    if (options_.mute) {
      while (!Receive(fd).empty()) continue;
    } else if (options_.drops) {
      Receive(fd);
    } else if (first == 5) {
      ServeSocks(fd);
    } else {
      ServeHttp(fd, "");
    }
  }
  shutdown(fd, SHUT_RDWR);
}

int ProxyServer::Connect(int port) {
  const int fd = ConnectToLoopback(port);
  if (fd >= 0) acceptor_.Keep(fd);
  return fd;
}

void ProxyServer::Relay(int client, int server) {
  while (!acceptor_.stopping()) {
    std::array<pollfd, 2> ends = {pollfd{client, POLLIN, 0}, pollfd{server, POLLIN, 0}};
    if (poll(ends.data(), ends.size(), -1) < 0) break;
    for (size_t i = 0; i < 2; ++i) {
      if (ends.at(i).revents == 0) continue;
      const std::string bytes = Receive(ends.at(i).fd);
      if (bytes.empty() || !SendAll(ends.at(1 - i).fd, bytes)) {
        shutdown(server, SHUT_RDWR);
        return;
      }
    }
  }
}

// RFC 1928, RFC 1929.
void ProxyServer::ServeSocks(int fd) {
  std::string bytes;
  if (!ReceiveExactly(fd, bytes, 2)) return;
  if (!ReceiveExactly(fd, bytes, static_cast<uint8_t>(bytes[1]))) return;
  const bool want_user = !options_.credentials.empty();
  if (!SendAll(fd, std::string("\x05") + (want_user ? '\x02' : '\0'))) return;
  if (want_user) {
    std::string user;
    std::string password;
    if (!ReceiveExactly(fd, bytes, 2)) return;
    if (!ReceiveExactly(fd, user, static_cast<uint8_t>(bytes[1]))) return;
    if (!ReceiveExactly(fd, bytes, 1)) return;
    if (!ReceiveExactly(fd, password, static_cast<uint8_t>(bytes[0]))) return;
    const bool good = user + ":" + password == options_.credentials;
    if (!SendAll(fd, std::string("\x01") + (good ? '\0' : '\x01')) || !good) return;
  }
  std::string address;
  std::string port;
  if (!ReceiveExactly(fd, bytes, 4)) return;
  const char type = bytes[3];
  if (type == 3) {
    if (!ReceiveExactly(fd, bytes, 1)) return;
    if (!ReceiveExactly(fd, address, static_cast<uint8_t>(bytes[0]))) return;
  } else {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (!ReceiveExactly(fd, bytes, type == 1 ? 4 : 16)) return;
    address = inet_ntop(type == 1 ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size());
  }
  if (!ReceiveExactly(fd, port, 2)) return;
  const int number = static_cast<uint8_t>(port[0]) * 256 + static_cast<uint8_t>(port[1]);
  Note(std::string("SOCKS ") +
       (type == 3   ? "name "
        : type == 1 ? "ipv4 "
                    : "ipv6 ") +
       address + ":" + std::to_string(number));
  const int server = options_.socks_reply == 0 ? Connect(number) : -1;
  const int reply = options_.socks_reply != 0 ? options_.socks_reply : server < 0 ? 5 : 0;
  const std::string answer =
      std::string("\x05") + static_cast<char>(reply) + std::string("\0\x01\0\0\0\0\0\0", 8);
  if (!SendAll(fd, answer) || server < 0) return;
  Relay(fd, server);
}

void ProxyServer::ServeHttp(int fd, std::string in) {
  while (in.find("\r\n\r\n") == std::string::npos) {
    const std::string piece = Receive(fd);
    if (piece.empty()) return;
    in += piece;
  }
  const std::string method = in.substr(0, in.find(' '));
  const size_t from = method.size() + 1;
  const std::string target = in.substr(from, in.find(' ', from) - from);
  Note(method + " " + target);
  if (!options_.credentials.empty() &&
      in.find("Proxy-Authorization: Basic " + Base64(options_.credentials) + "\r\n") ==
          std::string::npos) {
    SendAll(fd, "HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n");
    return;
  }
  if (method == "CONNECT") {
    if (!options_.connect_head.empty()) {
      SendAll(fd, options_.connect_head);
      if (options_.connect_head.find(" 200 ") == std::string::npos) return;
    } else if (!SendAll(fd, "HTTP/1.1 200 Connected\r\n\r\n")) {
      return;
    }
    const int server = Connect(PortOf(target));
    if (server >= 0) Relay(fd, server);
    return;
  }
  const size_t host = target.find("://") + 3;
  const size_t path = target.find('/', host);
  const int server = Connect(PortOf(target.substr(host, path - host)));
  if (server < 0) return;
  in.replace(from, target.size(), target.substr(path));
  if (SendAll(server, in)) Relay(fd, server);
}

}  // namespace crawld::test
