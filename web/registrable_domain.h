// Registrable domain ("eTLD+1"): the part of a host that somebody registered, by the Public Suffix
// List that libpsl was built with. www.example.co.uk -> example.co.uk
#pragma once

#include <string_view>

namespace crawld::web {

// `host` is a serialised host (lower case ASCII), as Url::host() gives it. The result points into
// it. Empty for IP literals, for public suffixes themselves (com, github.io) and for the empty
// host. A top level that the list does not know counts as a public suffix. A trailing dot stays.
// Safe from any thread; O(host), at most a few hundred nanoseconds.
std::string_view RegistrableDomain(std::string_view host);

}  // namespace crawld::web
