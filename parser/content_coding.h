// Content codings: from what was sent to what was meant. RFC 9110 section 8.4 (gzip, x-gzip,
// deflate, br, zstd, identity; several in a row) and RFC 9112 section 7.1 (chunked).
//
// Pure; safe from any thread. Broken data is normal on the web: what was whole before the break is
// kept and `complete` says so. A bomb costs no more than its limit: output stops at max_output, and
// at max_ratio times the input, for each coding in turn.
#pragma once

#include <cstddef>
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

// `raw` is the message body; `chunked` says that it still has its chunked transfer coding.
// `content_encoding` is the header's value, several joined by commas; empty means identity.
// A body that is not in the coding that its header names is kept as it is and is not `complete`:
// servers lie, and an uncompressed page marked gzip is common. Errors: kUnknownCoding,
// kTooManyCodings.
Result<DecodedBody, ParseError> DecodeBody(std::string_view raw, bool chunked,
                                           std::string_view content_encoding,
                                           const DecodeLimits& limits = {});

// RFC 9112 section 7.1 alone. Extensions and trailers are dropped; bare LF is accepted.
DecodedBody Dechunk(std::string_view raw);

// Inflates a gzip file by content (several members too).
DecodedBody Gunzip(std::string_view raw, const DecodeLimits& limits = {});

}  // namespace crawld::parser
