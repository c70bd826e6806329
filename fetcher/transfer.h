// Transfer: one fetch on its way, from Submit() to its promise. Internal to the room.
//
// Belongs to its loop's thread once it is taken in. libcurl has a pointer to it (CURLOPT_PRIVATE
// and the callbacks' data) from Launch() to Finish().
#pragma once

#include <curl/curl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "concurrency/future.h"
#include "fetcher/address_guard.h"
#include "fetcher/chunk_scanner.h"
#include "fetcher/fetch.h"
#include "fetcher/loop.h"

namespace crawld::fetcher {

struct Fetcher::Loop::Transfer : BodyHook {
  Transfer(Loop* l, FetchRequest r, concurrency::Promise<FetchResult> p)
      : loop(l), request(std::move(r)), promise(std::move(p)) {}
  ~Transfer() { curl_slist_free_all(addresses); }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  void NoteProgress(Clock::time_point now) {
    last_progress = now;
    if (head_bytes == 0) window_begun = now;  // the first byte
  }
  // What was not read for our sake is not the server's delay.
  void RestartClocks(Clock::time_point now) {
    last_progress = window_begun = now;
    window_bytes = received();
    if (sent) sent_at = now;
  }
  // RFC 9112 section 6.3: the lengths that a head announces, in one field or several, must be one
  // number.
  void NoteLength(std::string_view field_value);
  // Of the answer, so far.
  uint64_t received() const { return head_bytes + result.body.size(); }

  Loop* const loop;
  Multi* multi = nullptr;  // by which it goes
  size_t slot = 0;         // in Loop::transfers_
  CURL* easy = nullptr;
  struct Name {
    std::string name;  // "host:port"
    std::vector<IpAddress> addresses;
  };
  std::vector<Name> names;          // of its host, of its proxy; what libcurl has to know of them
  curl_slist* addresses = nullptr;  // that, as CURLOPT_RESOLVE wants it; from Prepare() on
  FetchRequest request;
  concurrency::Promise<FetchResult> promise;
  FetchResult result;
  const HostRules::Rule* rule = nullptr;  // of its host, if that has one
  const ProxyUrl* proxy = nullptr;        // by which it goes
  bool proxy_found = false;               // its addresses are known
  uint64_t max_body = 0;
  Clock::time_point begun;
  Clock::time_point asked;     // for addresses, the last time
  Clock::time_point launched;  // libcurl has it
  Clock::time_point sent_at;   // its request
  Clock::time_point last_progress;
  // What the guard said of the addresses that the name has.
  std::optional<AddressKind> refused;
  std::string refused_ip;
  bool connecting = false;     // to one that it did not refuse
  bool shaking_hands = false;  // TLS has begun, or is done
  bool spoiled = false;        // its connection has bytes that nobody asked for; nothing was sent
  bool sent = false;           // the request is on its way
  bool died = false;           // and the connection broke, so that libcurl would send it once more
  bool answering = false;      // a final response's head is complete
  bool head_open = false;      // inside a head: between a status line and its empty line
  bool coded = false;          // the head has a Transfer-Encoding
  bool chunked = false;        // the body has chunks, and perhaps a trailer
  std::optional<uint64_t> length;     // that the head announces
  bool bad_length = false;            // it announces several, or none that is a number
  bool multiplexed = false;           // HTTP/2: others may share the connection
  bool paused = false;                // waits for the memory budget
  std::shared_ptr<Socket> paused_on;  // multiplexed: its connection's
  uint64_t head_bytes = 0;            // interim responses and trailer included
  uint64_t head_fields = 0;
  uint64_t tunnel_bytes = 0;  // of the proxy's answer to CONNECT
  uint64_t tunnel_fields = 0;
  ChunkScanner chunks;
  // For min_speed: when the window began, and what had come by then.
  Clock::time_point window_begun;
  uint64_t window_bytes = 0;
  std::optional<FetchError> ended_by_us;
};

}  // namespace crawld::fetcher
