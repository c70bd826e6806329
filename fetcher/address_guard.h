// AddressGuard: where a fetch may connect to.
//
// A crawler is told by strangers where to go. So it goes to addresses of the public Internet, and
// to no others: not to its own machine, not to the network it stands in, not to a cloud's metadata
// service. What counts is the address that is really connected to, so that neither a name nor a
// redirect nor a name server that changes its mind leads elsewhere. An operator who crawls such
// addresses on purpose allows them by range and port.
//
// Immutable after construction, safe from any thread. A verdict costs O(ranges allowed).
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace crawld::fetcher {

// An address as its bits: IPv4 as IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2).
struct IpAddress {
  std::array<uint8_t, 16> bytes{};

  // nullopt: of another family than IPv4 and IPv6.
  static std::optional<IpAddress> From(const sockaddr& address);
  // "192.0.2.1", "2001:db8::1"; without brackets and zone.
  static std::optional<IpAddress> Parse(std::string_view text);

  bool IsV4() const;
  // As Parse() reads it, in RFC 5952's form.
  std::string ToString() const;
  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

// What an address is for, by IANA's registries of special-purpose addresses (RFC 6890) and of
// multicast. One that holds another (IPv4-mapped, NAT64 of RFC 6052, 6to4) is what the other is.
enum class AddressKind : uint8_t {
  kPublic,         // globally reachable
  kThisNetwork,    // 0.0.0.0/8, ::
  kLoopback,       // 127.0.0.0/8, ::1
  kPrivate,        // RFC 1918, fc00::/7, fec0::/10
  kShared,         // 100.64.0.0/10: carrier-grade NAT
  kLinkLocal,      // 169.254.0.0/16 (a cloud's metadata service), fe80::/10
  kMulticast,      // 224.0.0.0/4, ff00::/8; and broadcast
  kDocumentation,  // 192.0.2.0/24 and the like, 2001:db8::/32, 3fff::/20
  kReserved,       // protocol assignments, benchmarks, tunnels, all that IANA has not given out
  kOwn,            // our own: what AddressGuard is told to refuse, whatever is allowed
};
// "loopback", "link_local", ...
std::string_view Name(AddressKind kind);

AddressKind KindOf(const IpAddress& address);

struct AddressRange {
  IpAddress network;
  int bits = 128;  // of the prefix, of 128
  uint16_t first_port = 0;
  uint16_t last_port = 65535;

  // "10.0.0.0/8", "127.0.0.1", "10.1.2.0/24:8080", "10.0.0.0/8:8000-8999", "fd00::/8",
  // "[fd00::]/8:443". The error says what is wrong, and what would be right.
  static Result<AddressRange, std::string> Parse(std::string_view text);

  // IPv4 ranges hold IPv4 addresses, IPv6 ranges the others.
  bool Contains(const IpAddress& address, uint16_t port) const;
  friend bool operator==(const AddressRange&, const AddressRange&) = default;
};

// Allows everything.
std::vector<AddressRange> AllAddresses();

class AddressGuard {
 public:
  AddressGuard() = default;
  // `allowed`: beside the public addresses. `own`: never, allowed or not.
  explicit AddressGuard(std::vector<AddressRange> allowed, std::vector<AddressRange> own = {})
      : allowed_(std::move(allowed)), own_(std::move(own)) {}

  // Why this may not be connected to; nullopt: it may.
  std::optional<AddressKind> Refusal(const IpAddress& address, uint16_t port) const;
  // The same for what a socket is about to be connected to. Of families other than IPv4 and IPv6
  // all are refused.
  std::optional<AddressKind> Refusal(const sockaddr& address) const;

 private:
  std::vector<AddressRange> allowed_;
  std::vector<AddressRange> own_;
};

}  // namespace crawld::fetcher
