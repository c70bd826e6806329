// Fetcher: URL in, response out. A pool of threads, each one Asio io_context driving libcurl's
// multi handles by curl_multi_socket_action, so that one thread carries thousands of transfers.
//
// Requests with the same pin (their host) go to the same thread, so that connections are reused.
// Redirects are not followed, content is not decoded, bytes are kept as received: what to make of
// an answer is the caller's business. Every transfer ends within its total time, whatever the peer
// does, and every Submit()'s future completes exactly once.
//
// Thread safety: all members may be called from any thread. A future's done-callback runs on the
// event loop of its transfer and must not block: it is the loop's other transfers that would wait.
// Cost: about one allocation per header, buffer growth for the body, no copy of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "concurrency/byte_budget.h"
#include "concurrency/future.h"
#include "fetcher/address_guard.h"
#include "fetcher/fetch.h"
#include "fetcher/host_rules.h"
#include "fetcher/proxy.h"
#include "fetcher/resolver.h"
#include "fetcher/stats.h"

namespace crawld::fetcher {

// What a thread of the fetcher holds, fetches and kept connections aside.
inline constexpr uint32_t kDescriptorsPerThread = 80;

struct FetcherOptions {
  int threads = 1;
  // Kept open by a thread when their fetch is over. When there are so many, those that are kept
  // stay, and new ones are closed after use: of hosts that are asked in turns, that reuses the
  // most.
  uint32_t max_kept_connections = 256;
  Millis connect_timeout{10000};  // name, connection, TLS
  Millis first_byte_timeout{30000};
  Millis idle_timeout{20000};  // between two pieces of the answer
  Millis total_timeout{120000};
  uint64_t max_body_bytes = 16ULL << 20;
  // Bytes of bodies in flight, and of what others add to budget(). When they are spent, reading
  // pauses, and goes on where there is room again, the oldest answer first. So that something
  // always goes on, each loop's oldest answer is read while nobody but transfers holds bytes; they
  // exceed the budget by threads * max_body_bytes at most. (Of HTTP/2, those that share its
  // connection go on with it: libcurl cannot read one stream past another.)
  uint64_t memory_budget_bytes = concurrency::ByteBudget::kNoLimit;
  // Of a head, those of interim responses and the trailer included.
  uint64_t max_header_bytes = 256ULL << 10;
  uint64_t max_header_fields = 500;
  // Bytes a second that an answer must bring in each such window, from its first byte; 0: any.
  uint64_t min_speed_bytes = 64;
  Millis min_speed_window{30000};
  bool http2 = true;                          // offered by ALPN
  uint32_t max_streams = 100;                 // of one HTTP/2 connection, at the same time
  uint32_t max_tls_sessions = 1024;           // hosts a thread whose sessions are kept
  std::vector<AddressRange> own_addresses;    // refused, whatever is allowed: the admin API's
  std::vector<AddressRange> allow_addresses;  // beside the public ones
  ResolverOptions resolver;                   // a cache for each thread
  std::string ca_file;                        // PEM; empty: the system's
  std::string user_agent;
  bool cookies = false;     // are taken and sent, in one jar for all
  std::string cookie_file;  // where they are kept; empty: nowhere
  ProxyChoice proxy;
  ProxyBypass no_proxy;
  HeaderList headers;              // further request headers
  std::vector<HostOptions> hosts;  // what single hosts have of their own; the first match counts
};

class CookieJar;

class Fetcher {
 public:
  // Starts the threads. Throws FatalError when libcurl or the system refuses.
  explicit Fetcher(const FetcherOptions& options);
  // Cancels what is in flight and joins.
  ~Fetcher();
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  concurrency::Future<FetchResult> Submit(FetchRequest request);

  // Where a URL's host is: its preferred address ("192.0.2.1"), or "" if none can be found. On the
  // thread of `pin`, whose cache then has it. Fails with BrokenPromiseError if the fetcher is
  // stopped meanwhile.
  concurrency::Future<std::string> LookUp(std::string host, uint64_t pin);

  // Ends every transfer in flight with kCancelled, soon. New ones may be submitted afterwards.
  void CancelAll();

  // Likewise, and closes all connections; what is submitted later ends with kCancelled at once.
  // Returns before that is done; the destructor waits for it.
  void Stop();

  // Writes the cookies to their file, if there are any and news of them.
  void SaveCookies();

  size_t in_flight() const;
  FetcherStats stats() const;
  uint64_t body_bytes() const { return body_bytes_.used(); }  // of responses in flight
  // Bodies in flight are in it. A result's bytes are the taker's to add, and to take out.
  concurrency::ByteBudget& budget() { return budget_; }

 private:
  class Loop;
  // Shared by the loops; each has its own synchronisation.
  concurrency::ByteBudget budget_;
  concurrency::ByteBudget body_bytes_;
  std::shared_ptr<CookieJar> cookies_;  // nullptr: none are taken
  std::vector<std::unique_ptr<Loop>> loops_;
};

}  // namespace crawld::fetcher
