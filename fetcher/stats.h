// FetcherStats: what the fetcher does now, and has done since it began.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace crawld::fetcher {

struct FetcherStats {
  // Now.
  size_t in_flight = 0;
  size_t resolving = 0;  // of them, those whose name is being looked up
  size_t paused = 0;     // of them, those that wait for the memory budget
  // How long ago the oldest of them began; 0: there is none. Each loop tells it every 50 ms: one
  // that hangs tells nothing, and its age grows beyond the total time that a transfer may take.
  std::chrono::milliseconds oldest{0};

  // Since the beginning.
  uint64_t dns_lookups = 0;   // asked of name servers
  uint64_t dns_hits = 0;      // known, from the cache or the hosts file
  uint64_t dns_joined = 0;    // asked already by another transfer
  uint64_t dns_failures = 0;  // of the lookups
  uint64_t connections = 0;   // opened
  uint64_t reused = 0;        // fetches over a connection that was there
  uint64_t tls_handshakes = 0;
  uint64_t tls_resumed = 0;  // of them, with a session of an earlier connection
};

}  // namespace crawld::fetcher
