// Content codings: from what was sent to what was meant. RFC 9110 section 8.4 (gzip, x-gzip,
// deflate, br, zstd, identity; several in a row) and RFC 9112 section 7.1 (chunked).
//
// Pure; safe from any thread. Broken data is normal on the web: what was whole before the break is
// kept and `complete` says so. A bomb costs no more than its limit: output stops at max_output, and
// at max_ratio times the input, for each coding in turn.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "parser/parsed_page.h"

namespace crawld::parser {

struct DecodeLimits {
  size_t max_output_bytes = size_t{64} << 20;
  // Output per input byte; deflate cannot exceed 1032, brotli and zstd can. Small bodies may always
  // have kMinRatioBytes.
  size_t max_ratio = 2000;
  size_t max_codings = 4;
};

inline constexpr size_t kMinRatioBytes = size_t{1} << 20;

struct DecodedBody {
  std::string bytes;
  bool complete = true;    // false: the data broke off or is corrupt
  bool truncated = false;  // true: a limit cut the output
};

// What became of a body that was handed on piece by piece.
struct DecodeEnd {
  bool complete = true;  // as in DecodedBody
  bool truncated = false;
};

// `raw` is the message body; `chunked` says that it still has its chunked transfer coding.
// `content_encoding` is the header's value, several joined by commas; empty means identity.
// A body that is not in the coding that its header names is kept as it is and is not `complete`:
// servers lie, and an uncompressed page marked gzip is common. Errors: kUnknownCoding,
// kTooManyCodings.
Result<DecodedBody, ParseError> DecodeBody(std::string_view raw, bool chunked,
                                           std::string_view content_encoding,
                                           const DecodeLimits& limits = {});

// The same in pieces of 64 KiB at most, so that a body that unpacks to much takes little memory:
// only what lies under a second coding, and a chunked body, are held whole. `take` returns false
// when it has enough.
Result<DecodeEnd, ParseError> DecodeBodyTo(std::string_view raw, bool chunked,
                                           std::string_view content_encoding,
                                           const DecodeLimits& limits,
                                           const std::function<bool(std::string_view)>& take);

// RFC 9112 section 7.1 alone. Extensions and trailers are dropped; bare LF is accepted.
DecodedBody Dechunk(std::string_view raw);

// A gzip file (RFC 1952, several members too) as it comes, for what is packed on top of any content
// coding. Not thread safe.
class GunzipStream {
 public:
  explicit GunzipStream(std::function<bool(std::string_view)> take);
  ~GunzipStream();
  GunzipStream(const GunzipStream&) = delete;
  GunzipStream& operator=(const GunzipStream&) = delete;

  // False when no more is wanted: `take` has said so, the file is over, or it is broken.
  bool Write(std::string_view piece);
  // Whether all members written so far are whole.
  bool complete() const;

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace crawld::parser
