// One fetch, as values: what is asked for, and what came of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "concurrency/unique_function.h"
#include "web/url.h"

namespace crawld::fetcher {

// Why a fetch brought no whole response. Name() of it is the metric label and the word in
// crawl.log.
enum class FetchError : uint8_t {
  kBadUrl,            // not http or https, or nothing curl can ask for
  kDns,               // the name does not resolve
  kAddressForbidden,  // it resolves to addresses that the guard refuses (address_guard.h)
  kConnect,           // refused, unreachable
  kConnectTimeout,    // name, connection and TLS together took too long
  kTls,               // handshake or certificate
  kFirstByteTimeout,  // connected, no answer
  kIdleTimeout,       // the answer stopped flowing
  kTooSlow,           // it flowed at less than min_speed
  kTotalTimeout,      // the whole fetch took too long
  kEmptyReply,        // the server closed without an answer
  kReset,             // the connection broke
  kBodyShort,         // closed before the announced end; what came is kept
  kHeadTooLarge,      // more than max_header_bytes, or max_header_fields
  kProxy,             // the proxy cannot be reached, or refuses
  kProtocol,          // not HTTP, or broken HTTP
  kHttp2,             // HTTP/2 framing or stream error
  kCancelled,         // given up by us: shutdown
  kInternal,          // libcurl failed for a reason of its own (out of memory, descriptors)
};
inline constexpr int kFetchErrors = 19;
std::string_view Name(FetchError error);

// Whether trying again can help; decided here, where the error is born.
enum class RetryAdvice : uint8_t {
  kNever,
  kLater,
  // On a new connection, and soon: a kept one broke before any byte of the answer, so that the
  // fault may be the connection's alone. The server may have read the request.
  kFresh,
};
// What an error says by itself; FetchResult::retry knows more.
RetryAdvice AdviceFor(FetchError error);

// What a fetch's end says of its host: that it is there (also if what it said is broken), that it
// does not answer, or nothing, since it was not asked, or not by us alone.
enum class Contact : uint8_t { kNone, kAnswer, kSilence };
// Of an error before any status.
Contact ContactOf(FetchError error);

// Where the body was cut by us (ISO 28500 section 5.13 has the same words).
enum class Truncation : uint8_t { kNone, kLength, kTime, kDisconnect };
inline constexpr int kTruncations = 4;

// Can only be moved.
struct FetchRequest {
  web::Url url;
  uint64_t pin = 0;       // requests with one pin share a thread, and so its connections
  uint64_t max_body = 0;  // bytes; 0: the fetcher's limit
  // Not on a connection that is there already.
  bool fresh_connection = false;
  // Called on the loop's thread if the fetch is not over so long after it began (looking up the
  // name and connecting count), and every 50 ms from then on until it returns true. It must not
  // block, nor throw. 0: never.
  std::chrono::milliseconds patience{0};
  concurrency::UniqueFunction<bool()> on_slow = {};
};

struct FetchResult {
  std::optional<FetchError> error;
  RetryAdvice retry = RetryAdvice::kLater;  // of an error
  std::string detail;                       // of an error, for a person
  int status = 0;                           // 0: no answer
  // As sent (HTTP/2: as HTTP/1.1 would have it), without what is secret: Authorization, Cookie, and
  // the fields that a host's rule adds (request_fields.h).
  std::string request_head;
  std::string response_head;  // of the final response, as received, with its empty line
  std::string body;           // as received: codings are not undone
  Truncation truncated = Truncation::kNone;
  std::string ip;             // of the peer
  bool by_proxy = false;      // it was asked: a silence may be its own
  std::string_view protocol;  // "http/1.0", "http/1.1", "h2"; static storage
  bool reused = false;        // the connection was there already
  WallTime begun{};
  // How long its name, or the proxy's, was looked up; nullopt: there was nothing to look up.
  std::optional<std::chrono::microseconds> lookup;
  std::chrono::microseconds connect{};     // until connected (and TLS done)
  std::chrono::microseconds first_byte{};  // until the first byte of the answer
  std::chrono::microseconds total{};

  // Sets the error, what it says of trying again, and the detail (its name, if there is none).
  void Fail(FetchError why, std::string_view what = {});
  Contact contact() const;
  uint64_t bytes() const { return response_head.size() + body.size(); }
};

}  // namespace crawld::fetcher
