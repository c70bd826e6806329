#include "tests/support/dns_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "base/check.h"

namespace crawld::test {
namespace {

constexpr size_t kHeaderBytes = 12;
constexpr uint16_t kTypeA = 1;
constexpr uint16_t kTypeAaaa = 28;

void Put16(unsigned value, std::string& out) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 0xFF);
}

void Put32(uint32_t value, std::string& out) {
  Put16(value >> 16, out);
  Put16(value & 0xFFFF, out);
}

unsigned Get16(const std::string& text, size_t at) {
  return static_cast<unsigned>(static_cast<unsigned char>(text[at]) << 8 |
                               static_cast<unsigned char>(text[at + 1]));
}

// RFC 1035 section 4.1, for a query of one question.
std::string Respond(const std::string& query, const DnsAnswer& answer, bool v6,
                    size_t question_end) {
  std::string response = query.substr(0, 2);
  Put16(0x8180U | (answer.cut ? 0x0200U : 0U) | static_cast<unsigned>(answer.code), response);
  Put16(1, response);
  Put16(static_cast<unsigned>(answer.addresses.size()), response);
  Put32(0, response);
  response += query.substr(kHeaderBytes, question_end - kHeaderBytes);
  for (const std::string& address : answer.addresses) {
    Put16(0xC000U | kHeaderBytes, response);  // the question's name
    Put16(v6 ? kTypeAaaa : kTypeA, response);
    Put16(1, response);
    Put32(answer.ttl, response);
    std::array<char, 16> bytes{};
    CRAWLD_CHECK(inet_pton(v6 ? AF_INET6 : AF_INET, address.c_str(), bytes.data()) == 1,
                 "the test's address is one");
    Put16(v6 ? 16 : 4, response);
    response.append(bytes.data(), v6 ? 16 : 4);
  }
  return response;
}

}  // namespace

DnsServer::DnsServer(std::function<DnsAnswer(const DnsQuestion&)> answer)
    : answer_(std::move(answer)) {
  socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CRAWLD_CHECK(bind(socket_, reinterpret_cast<sockaddr*>(&in), sizeof in) == 0, "a port is free");
  socklen_t size = sizeof in;
  CRAWLD_CHECK(getsockname(socket_, reinterpret_cast<sockaddr*>(&in), &size) == 0, "it has a name");
  port_ = ntohs(in.sin_port);
  thread_ = std::thread([this] { Run(); });
}

DnsServer::~DnsServer() {
  shutdown(socket_, SHUT_RDWR);
  // A datagram of no bytes ends the server.
  const int wake = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  in.sin_port = htons(port_);
  sendto(wake, "", 0, 0, reinterpret_cast<sockaddr*>(&in), sizeof in);
  close(wake);
  thread_.join();
  close(socket_);
}

std::string DnsServer::address() const { return "127.0.0.1:" + std::to_string(port_); }

size_t DnsServer::asked(const std::string& name) const {
  MutexLock lock(mutex_);
  return static_cast<size_t>(std::count(asked_.begin(), asked_.end(), name));
}

void DnsServer::Run() {
  while (true) {
    std::string query(1500, '\0');
    sockaddr_in from{};
    socklen_t from_size = sizeof from;
    const ssize_t bytes = recvfrom(socket_, query.data(), query.size(), 0,
                                   reinterpret_cast<sockaddr*>(&from), &from_size);
    if (bytes <= 0) return;
    query.resize(static_cast<size_t>(bytes));
    DnsQuestion question;
    size_t at = kHeaderBytes;
    while (at < query.size() && query[at] != 0) {
      const auto label = static_cast<size_t>(static_cast<unsigned char>(query[at]));
      if (!question.name.empty()) question.name += '.';
      question.name += query.substr(at + 1, label);
      at += label + 1;
    }
    if (at + 5 > query.size()) continue;
    question.v6 = Get16(query, at + 1) == kTypeAaaa;
    for (char& c : question.name) {
      c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    {
      MutexLock lock(mutex_);
      asked_.push_back(question.name);
    }
    const DnsAnswer answer = answer_(question);
    if (answer.silent) continue;
    const std::string response = Respond(query, answer, question.v6, at + 5);
    sendto(socket_, response.data(), response.size(), 0, reinterpret_cast<sockaddr*>(&from),
           from_size);
  }
}

}  // namespace crawld::test
