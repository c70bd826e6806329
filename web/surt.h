// SURT: "Sort-friendly URI Reordering Transform", the key by which CDXJ indexes are sorted and
// replay tools (pywb, OpenWayback) look URLs up: http://www.Example.com:80/a?b=1 ->
// com,example)/a?b=1
//
// The same canonicalisation as the field's common `surt` tool with its defaults: host lower case
// without "www\d*.", labels reversed (of IPv4 addresses too), default port and credentials and
// fragment gone; path unescaped and escaped again once, empty segments removed, lower case, without
// trailing slash; query lower case with sorted parameters; session ids removed from both.
//
// Pure, safe from any thread. Cost is O(url); a URL that is escaped d times over takes d passes, at
// most kMaxUnescapes.
#pragma once

#include <string>

#include "web/url.h"

namespace crawld::web {

inline constexpr int kMaxUnescapes = 16;

// For a URL without a host (mailto:, data:) the href without its fragment.
std::string Surt(const Url& url);

}  // namespace crawld::web
