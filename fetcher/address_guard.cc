#include "fetcher/address_guard.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace crawld::fetcher {
namespace {

constexpr size_t kV4At = 12;  // of the bytes
constexpr int kV4Bits = 96;   // before it

constexpr std::array<uint8_t, kV4At> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool SamePrefix(const IpAddress& a, const IpAddress& b, int bits) {
  const auto whole = static_cast<size_t>(bits / 8);
  if (std::memcmp(a.bytes.data(), b.bytes.data(), whole) != 0) return false;
  if (bits % 8 == 0) return true;
  const auto mask = static_cast<uint8_t>(0xFF << (8 - bits % 8));
  return ((a.bytes[whole] ^ b.bytes[whole]) & mask) == 0;
}

IpAddress V4(const uint8_t* four) {
  IpAddress address;
  std::copy(kMapped.begin(), kMapped.end(), address.bytes.begin());
  std::copy_n(four, 4, address.bytes.begin() + kV4At);
  return address;
}

struct Entry {
  IpAddress network;
  int bits;
  AddressKind kind;
};

struct Line {
  std::string_view network;
  int bits;
  AddressKind kind;
};

// The first that fits counts.
constexpr std::array kV4Registry = std::to_array<Line>({
    {"0.0.0.0", 8, AddressKind::kThisNetwork},
    {"10.0.0.0", 8, AddressKind::kPrivate},
    {"100.64.0.0", 10, AddressKind::kShared},
    {"127.0.0.0", 8, AddressKind::kLoopback},
    {"169.254.0.0", 16, AddressKind::kLinkLocal},
    {"172.16.0.0", 12, AddressKind::kPrivate},
    {"192.0.0.0", 24, AddressKind::kReserved},  // IETF protocol assignments
    {"192.0.2.0", 24, AddressKind::kDocumentation},
    {"192.88.99.0", 24, AddressKind::kReserved},  // 6to4 relays, until 2015
    {"192.168.0.0", 16, AddressKind::kPrivate},
    {"198.18.0.0", 15, AddressKind::kReserved},  // benchmarks
    {"198.51.100.0", 24, AddressKind::kDocumentation},
    {"203.0.113.0", 24, AddressKind::kDocumentation},
    {"224.0.0.0", 4, AddressKind::kMulticast},
    {"255.255.255.255", 32, AddressKind::kMulticast},  // broadcast
    {"240.0.0.0", 4, AddressKind::kReserved},
});

// What is not here and not in 2000::/3, IANA has not given out.
constexpr std::array kV6Registry = std::to_array<Line>({
    {"::", 128, AddressKind::kThisNetwork},
    {"::1", 128, AddressKind::kLoopback},
    {"2001::", 23, AddressKind::kReserved},  // IETF protocol assignments, Teredo
    {"2001:db8::", 32, AddressKind::kDocumentation},
    {"3fff::", 20, AddressKind::kDocumentation},
    {"2000::", 3, AddressKind::kPublic},
    {"fc00::", 7, AddressKind::kPrivate},
    {"fe80::", 10, AddressKind::kLinkLocal},
    {"fec0::", 10, AddressKind::kPrivate},
    {"ff00::", 8, AddressKind::kMulticast},
});

template <size_t kSize>
std::vector<Entry> Read(const std::array<Line, kSize>& lines) {
  std::vector<Entry> entries;
  for (const Line& line : lines) {
    const IpAddress network = *IpAddress::Parse(line.network);
    entries.push_back({network, line.bits + (network.IsV4() ? kV4Bits : 0), line.kind});
  }
  return entries;
}

std::optional<AddressKind> Find(const std::vector<Entry>& entries, const IpAddress& address) {
  for (const Entry& entry : entries) {
    if (SamePrefix(entry.network, address, entry.bits)) return entry.kind;
  }
  return std::nullopt;
}

std::optional<unsigned> ReadNumber(std::string_view text, unsigned limit) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > limit) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

std::optional<IpAddress> IpAddress::From(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof in);
    std::array<uint8_t, 4> four{};
    std::memcpy(four.data(), &in.sin_addr, four.size());
    return V4(four.data());
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 in6{};
    std::memcpy(&in6, &address, sizeof in6);
    IpAddress ip;
    std::memcpy(ip.bytes.data(), &in6.sin6_addr, ip.bytes.size());
    return ip;
  }
  return std::nullopt;
}

std::optional<IpAddress> IpAddress::Parse(std::string_view text) {
  const std::string terminated(text);
  std::array<uint8_t, 16> bytes{};
  if (inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) return V4(bytes.data());
  if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return IpAddress{bytes};
  return std::nullopt;
}

bool IpAddress::IsV4() const { return std::equal(kMapped.begin(), kMapped.end(), bytes.begin()); }

std::string IpAddress::ToString() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (IsV4()) {
    inet_ntop(AF_INET, &bytes[kV4At], text.data(), text.size());
  } else {
    inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
  }
  return text.data();
}

std::string_view Name(AddressKind kind) {
  switch (kind) {
    case AddressKind::kPublic:
      return "public";
    case AddressKind::kThisNetwork:
      return "this_network";
    case AddressKind::kLoopback:
      return "loopback";
    case AddressKind::kPrivate:
      return "private";
    case AddressKind::kShared:
      return "shared";
    case AddressKind::kLinkLocal:
      return "link_local";
    case AddressKind::kMulticast:
      return "multicast";
    case AddressKind::kDocumentation:
      return "documentation";
    case AddressKind::kReserved:
      return "reserved";
    case AddressKind::kOwn:
      return "own";
  }
  return "reserved";
}

AddressKind KindOf(const IpAddress& address) {
  static const auto* const v4_registry = new std::vector<Entry>(Read(kV4Registry));
  static const auto* const v6_registry = new std::vector<Entry>(Read(kV6Registry));
  static const IpAddress nat64 = *IpAddress::Parse("64:ff9b::");
  static const IpAddress six_to_four = *IpAddress::Parse("2002::");
  if (address.IsV4()) return Find(*v4_registry, address).value_or(AddressKind::kPublic);
  // RFC 6052: the well-known prefix. That of RFC 8215 is for private use, and so reserved here.
  if (SamePrefix(nat64, address, 96)) return KindOf(V4(&address.bytes[kV4At]));
  // RFC 3056: the IPv4 address stands behind the prefix.
  if (SamePrefix(six_to_four, address, 16)) return KindOf(V4(&address.bytes[2]));
  return Find(*v6_registry, address).value_or(AddressKind::kReserved);
}

Result<AddressRange, std::string> AddressRange::Parse(std::string_view text) {
  constexpr std::string_view kForms =
      "write 10.0.0.0/8, 127.0.0.1:8080, fd00::/8 or [fd00::]/8:443";
  const auto wrong = [&](std::string_view what) {
    return Err(fmt::format("'{}' {}; {}", text, what, kForms));
  };
  AddressRange range;
  std::string_view host = text;
  std::string_view rest;  // "/8", ":8080", "/8:8080"
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return wrong("has no ]");
    host = text.substr(1, close - 1);
    rest = text.substr(close + 1);
  } else {
    const bool v6 = std::count(text.begin(), text.end(), ':') > 1;
    const size_t end = std::min(text.find_first_of(v6 ? "/" : "/:"), text.size());
    host = text.substr(0, end);
    rest = text.substr(end);
  }
  const auto network = IpAddress::Parse(host);
  if (!network) return wrong("is no address");
  range.network = *network;
  const int before = network->IsV4() && host.find(':') == std::string_view::npos ? kV4Bits : 0;
  if (rest.starts_with('/')) {
    const size_t end = std::min(rest.find(':'), rest.size());
    const auto bits = ReadNumber(rest.substr(1, end - 1), static_cast<unsigned>(128 - before));
    if (!bits) return wrong(fmt::format("has a prefix that is not 0 to {}", 128 - before));
    range.bits = static_cast<int>(*bits) + before;
    rest = rest.substr(end);
  }
  if (rest.starts_with(':')) {
    rest.remove_prefix(1);
    const size_t dash = rest.find('-');
    const auto first = ReadNumber(rest.substr(0, dash), 65535);
    const auto last =
        dash == std::string_view::npos ? first : ReadNumber(rest.substr(dash + 1), 65535);
    if (!first || !last || *first > *last) return wrong("has a port that is not 0 to 65535");
    range.first_port = static_cast<uint16_t>(*first);
    range.last_port = static_cast<uint16_t>(*last);
  } else if (!rest.empty()) {
    return wrong("has something behind the address");
  }
  // 10.1.2.3/8 is most likely a mistake for 10.1.2.3 or for 10.0.0.0/8.
  IpAddress masked = range.network;
  for (int bit = range.bits; bit < 128; ++bit) {
    masked.bytes[static_cast<size_t>(bit / 8)] &=
        static_cast<uint8_t>(~(0x80U >> static_cast<unsigned>(bit % 8)));
  }
  if (masked != range.network) return wrong("has bits behind its prefix");
  return range;
}

bool AddressRange::Contains(const IpAddress& address, uint16_t port) const {
  return network.IsV4() == address.IsV4() && SamePrefix(network, address, bits) &&
         port >= first_port && port <= last_port;
}

std::vector<AddressRange> AllAddresses() {
  return {*AddressRange::Parse("0.0.0.0/0"), *AddressRange::Parse("::/0")};
}

std::optional<AddressKind> AddressGuard::Refusal(const IpAddress& address, uint16_t port) const {
  const auto is_in = [&](const std::vector<AddressRange>& ranges) {
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](const AddressRange& range) { return range.Contains(address, port); });
  };
  if (is_in(own_)) return AddressKind::kOwn;
  const AddressKind kind = KindOf(address);
  if (kind == AddressKind::kPublic || is_in(allowed_)) return std::nullopt;
  return kind;
}

std::optional<AddressKind> AddressGuard::Refusal(const sockaddr& address) const {
  const auto ip = IpAddress::From(address);
  if (!ip) return AddressKind::kReserved;
  uint16_t port = 0;
  // Both families have it at one place.
  sockaddr_in in{};
  std::memcpy(&in, &address, offsetof(sockaddr_in, sin_port) + sizeof in.sin_port);
  port = ntohs(in.sin_port);
  return Refusal(*ip, port);
}

}  // namespace crawld::fetcher
