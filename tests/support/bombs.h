// Bombs: few bytes that unpack to many, as a first piece, one that repeats, and a last one, so that
// neither the packed nor the unpacked bytes are ever in memory. All are valid to their last byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace crawld::test {

struct Bomb {
  std::string first;
  std::string piece;
  uint64_t times = 0;
  std::string last;

  uint64_t size() const { return first.size() + piece.size() * times + last.size(); }
  std::string Bytes() const;  // for one that is small
};

// About this many zeros, rounded up to whole pieces.
Bomb GzipBomb(uint64_t unpacked_bytes);    // a thousandth of it
Bomb BrotliBomb(uint64_t unpacked_bytes);  // a millionth
Bomb ZstdBomb(uint64_t unpacked_bytes);    // a thirty-thousandth, in a window of 1 MiB

// 31 gzip, 15 zlib, -15 raw deflate.
std::string Deflate(std::string_view bytes, int window_bits);

}  // namespace crawld::test
