// ChunkScanner: finds the trailer of a chunked body (RFC 9112 section 7.1) in its raw bytes.
//
// Bodies are kept as received, framing and all, so a trailer comes as part of the body: the limits
// on header fields would not see it. What is no chunked framing is libcurl's to refuse; the scanner
// then finds no trailer, or too much of one. Cost: framing is looked at, data is skipped.
#pragma once

#include <cstdint>
#include <string_view>

namespace crawld::fetcher {

class ChunkScanner {
 public:
  void Scan(std::string_view bytes);

  uint64_t trailer_bytes() const { return trailer_bytes_; }
  uint64_t trailer_fields() const { return trailer_fields_; }

 private:
  enum class State : uint8_t { kSize, kExtension, kData, kDataEnd, kTrailer, kDone };

  State state_ = State::kSize;
  uint64_t size_ = 0;       // of the chunk; what is left of it in kData
  bool line_empty_ = true;  // in kTrailer
  uint64_t trailer_bytes_ = 0;
  uint64_t trailer_fields_ = 0;
};

}  // namespace crawld::fetcher
