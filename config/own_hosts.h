// Which hosts are an operator's own: those of this machine and of private networks. What would be
// rude to others is no harm there, so advice.h is silent about it.
//
// By name and written address alone; nothing is looked up. Pure functions.
#pragma once

#include <string_view>

#include "config/config.h"

namespace crawld::config {

// localhost, names of one label, names in .localhost, .test (RFC 6761), .local (RFC 6762),
// .home.arpa (RFC 8375) and .internal; addresses of loopback, private and link-local networks,
// IPv6 with or without brackets. "*.corp.internal" is what is below it.
[[nodiscard]] bool IsOwnHost(std::string_view host);

// All that the crawl begins with is of such hosts, and no link leads away from them.
[[nodiscard]] bool CrawlsOwnHostsAlone(const Config& config);

// "https://user@Example.org:8443/a" is "Example.org"; empty if there is none.
[[nodiscard]] std::string_view HostOf(std::string_view url);

}  // namespace crawld::config
