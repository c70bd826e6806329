// Proxies: by which one a fetch goes, if by any.
//
// Values, safe from any thread. User name and password are in no text that comes from here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "fetcher/address_guard.h"
#include "fetcher/host_rules.h"

namespace crawld::fetcher {

// Whom not to go to by a proxy: hosts, and URLs whose host is an address in a range. A name's
// addresses are not looked at.
class ProxyBypass {
 public:
  // "example.org", "*.example.org", "192.0.2.1", "10.0.0.0/8", "fd00::/8". The error says what is
  // wrong; nothing: it is taken.
  std::optional<std::string> Add(std::string_view text);
  bool Contains(std::string_view host, uint16_t port) const;
  bool empty() const { return hosts_.empty() && ranges_.empty(); }

 private:
  web::HostIndex hosts_;
  std::vector<AddressRange> ranges_;
};

// The address of a URL whose host is one: "192.0.2.1", "[2001:db8::1]".
std::optional<IpAddress> AddressOf(std::string_view host);

}  // namespace crawld::fetcher
