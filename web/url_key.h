// The crawl key: by which a crawler decides that two URLs are one page. A normal form on top of the
// canonical URL; the URL that is fetched stays the page's own.
//
// Default: the canonical URL (WHATWG serialisation: default port and dot segments gone, empty path
// is "/") without its fragment. The options below lose information and are off unless the operator
// knows the site. They apply to http and https only.
//
// The key is itself a URL, and CrawlKey(Parse(CrawlKey(u))) == CrawlKey(u) with the same options.
// Pure functions, safe from any thread. Cost is O(url), with sort_query O(p log p) in parameters.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "web/url.h"

namespace crawld::web {

struct CrawlKeyOptions {
  // Removes ";jsessionid=..." from path segments and the well-known session parameters (jsessionid,
  // phpsessid, sid, sessionid, session_id, aspsessionid*, cfid, cftoken, ...) from the query.
  bool drop_session_ids = false;
  // Removes parameters that only tell where a visitor came from: utm_*, gclid, fbclid, msclkid, ...
  bool drop_tracking = false;
  // Sorts parameters by their bytes; equal ones keep their order.
  bool sort_query = false;
};

std::string CrawlKey(const Url& url, const CrawlKeyOptions& options = {});

// A crawl key's name in the seen set: XXH3, 128 bits. With 10^10 URLs the chance that any two share
// one is below 10^-18. The hash of a key is the same on every machine and in every version.
struct UrlHash {
  uint64_t hi = 0;
  uint64_t lo = 0;

  friend auto operator<=>(const UrlHash&, const UrlHash&) = default;
};

UrlHash HashKey(std::string_view crawl_key, uint64_t seed = 0);

// For hash tables over what comes from outside: another one in each process.
uint64_t RandomSeed();

// For placing hosts: on threads, on shards, on machines. XXH3, 64 bits.
uint64_t HostHash(std::string_view host, uint64_t seed = 0);

}  // namespace crawld::web

template <>
struct std::hash<crawld::web::UrlHash> {
  size_t operator()(const crawld::web::UrlHash& key) const noexcept {
    return static_cast<size_t>(key.lo);  // already uniform
  }
};
