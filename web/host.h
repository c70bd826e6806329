// Host parsing (WHATWG URL Standard, section 3.5): what stands between "//" and the port.
//
// Pure functions, safe from any thread. Cost is O(host), except for non-ASCII hosts, whose Punycode
// is quadratic in the label and therefore bounded by kMaxUnicodeHostBytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "web/url.h"

namespace crawld::web {

// Parses `host` (valid UTF-8, not empty) and appends its serialisation to `out`. `special` says
// whether the URL's scheme is special; other schemes have opaque hosts.
// On an error `out` may hold a part of it.
[[nodiscard]] Result<void, UrlError> AppendHost(std::string_view host, bool special,
                                                std::string& out);

// "[::1]" and "127.0.0.1": serialised hosts that are IP literals.
bool IsIpLiteral(std::string_view serialised_host);

// The 16 bytes behind the text between '[' and ']' ("IPv6 parser"); empty when it is malformed.
std::optional<std::array<uint16_t, 8>> ParseIpv6(std::string_view text);

}  // namespace crawld::web
