// What one finished fetch leaves in the archive: values in (HttpExchange, FetchNote), bytes out
// (Bundle). The parser workers turn one into the other, compression included, so that the committer
// has nothing left to do but append.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace crawld::archive {

enum class Digest : uint8_t { kSha1, kSha256 };

// ISO 28500 section 5.13, WARC-Truncated.
enum class Truncation : uint8_t { kNone, kLength, kTime, kDisconnect };
std::string_view Name(Truncation truncation);

// One HTTP exchange as it was on the wire. Views: all bytes must live until Build() returns.
struct HttpExchange {
  std::string_view url;            // target URI, without fragment
  std::string_view request_head;   // request line and fields, with the empty line
  std::string_view response_head;  // status line and fields as received, with the empty line
  std::string_view body;           // as received: transfer and content codings are still on
  std::string_view surt;           // the URL's SURT form, key of the index
  std::string_view media_type;     // essence of Content-Type, "" if there is none
  std::string_view ip;             // peer address, "" if unknown
  std::string_view protocol;       // "http/1.1", "h2"
  uint16_t status = 0;
  Truncation truncated = Truncation::kNone;
  WallTime begun{};  // when the request was sent: WARC-Date
};

// Bytes ready to be appended. Owned by whoever holds it; moved down the line.
struct Bundle {
  std::string warc;             // gzip members: the response, then its request
  uint64_t response_bytes = 0;  // length of the first member
  std::string index;            // CDXJ line up to its length field; Archive completes it
  std::string page;             // page record, a JSON object less its closing brace; may be empty
  std::string log;              // line of crawl.log, a JSON object
  size_t size() const { return warc.size() + index.size() + page.size() + log.size(); }
};

struct BundleOptions {
  int compression = 1;  // level of GzipMember, 0..12
  Digest digest = Digest::kSha1;
};

// Builds WARC records. One per worker thread; not thread safe. Reuses its buffers.
class BundleBuilder {
 public:
  explicit BundleBuilder(const BundleOptions& options);
  ~BundleBuilder();
  BundleBuilder(const BundleBuilder&) = delete;
  BundleBuilder& operator=(const BundleBuilder&) = delete;

  // A response and its request, each a WARC/1.1 record in its own gzip member (ISO 28500 annex D),
  // joined by WARC-Concurrent-To, with block digests and the response's payload digest; and the
  // index line. Cost: two digests and one compression of the body.
  void AddExchange(const HttpExchange& exchange, Bundle& bundle);

  // The first record of a file (section 6.2), as one gzip member.
  std::string Warcinfo(std::string_view file_name, std::string_view user_agent, WallTime now);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "2026-11-22T05:15:34.123Z" and "20261122051534" (UTC).
std::string FormatDate(WallTime when);
std::string FormatTimestamp(WallTime when);

}  // namespace crawld::archive
