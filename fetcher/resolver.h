// Resolver: host names to addresses, on an event loop, with a cache.
//
// c-ares asks the name servers; /etc/hosts is read by us, once, and again when it has changed.
// Nothing blocks: c-ares' sockets and timers are Asio's. A name that is being looked up is not
// looked up again; all who ask get the one answer. What was found is good for its TTL, within
// bounds; that a name does not exist, or that nobody answered, is kept for a while too.
//
// Belongs to one thread, that of its io_context. Bounded: the cache has max_entries, lookups end
// within their time-outs. Cost of a hit: a hash look-up.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "fetcher/address_guard.h"

namespace crawld::fetcher {

struct ResolverOptions {
  std::vector<std::string> servers;  // "192.0.2.53", "[2001:db8::53]:5353"; empty: the system's
  std::string hosts_file = "/etc/hosts";
  Millis timeout{2000};  // of the first try; later ones wait longer
  int tries = 3;
  Millis min_ttl{1000};  // bounds of what a name server says
  Millis max_ttl{3600 * 1000};
  Millis hosts_ttl{5000};      // of what the hosts file says
  Millis negative_ttl{60000};  // the name does not exist, or has no address
  Millis failure_ttl{5000};    // nobody answered, or with an error
  size_t max_entries = 65536;
};

// What a name has. `addresses` in the order of preference (RFC 6724).
struct Resolution {
  std::vector<IpAddress> addresses;
  std::string error;  // none: there are addresses
  bool cached = false;
};

struct ResolverStats {
  uint64_t hits = 0;
  uint64_t joined = 0;
  uint64_t lookups = 0;
  uint64_t failures = 0;
};

// Whether it is an address, with or without a port.
bool IsNameServer(std::string_view text);

class Resolver {
 public:
  using Done = std::function<void(const Resolution&)>;

  // Throws FatalError when c-ares refuses, or a server is none.
  Resolver(boost::asio::io_context& io, const ResolverOptions& options);
  // Ends what is under way, without an answer.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Calls `done` once: from within, when the answer is known, or later from the loop. `host` is a
  // URL's, and no IP address.
  void Resolve(std::string_view host, Done done);

  const ResolverStats& stats() const;
  size_t entries() const;  // of the cache

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace crawld::fetcher
