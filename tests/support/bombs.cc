#include "tests/support/bombs.h"

#include <zlib.h>

#include "base/check.h"

namespace crawld::test {
namespace {

std::string LittleEndian(uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
  return out;
}

// With the ending that `flush` asks for.
std::string DeflateOnce(std::string_view bytes, int window_bits, int level, int flush) {
  z_stream stream{};
  CRAWLD_CHECK(deflateInit2(&stream, level, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK,
               "zlib has memory");
  std::string out(deflateBound(&stream, bytes.size()) + 64, '\0');
  std::string in(bytes);
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = deflate(&stream, flush);
  CRAWLD_CHECK(status == Z_STREAM_END || (flush != Z_FINISH && status == Z_OK),
               "the output has deflate's bound");
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace

std::string Bomb::Bytes() const {
  std::string out = first;
  for (uint64_t i = 0; i < times; ++i) out += piece;
  return out + last;
}

std::string Deflate(std::string_view bytes, int window_bits) {
  return DeflateOnce(bytes, window_bits, 9, Z_FINISH);
}

// A full flush ends at a whole byte and forgets what was before, so the piece may stand anywhere.
Bomb GzipBomb(uint64_t unpacked_bytes) {
  constexpr uint64_t kUnit = 1 << 20;
  const std::string zeros(kUnit, '\0');
  const auto crc_of_unit =
      crc32(0, reinterpret_cast<const Bytef*>(zeros.data()), static_cast<uInt>(zeros.size()));
  Bomb bomb;
  bomb.first = std::string("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", 10);
  bomb.piece = DeflateOnce(zeros, -15, 9, Z_FULL_FLUSH);
  bomb.times = (unpacked_bytes + kUnit - 1) / kUnit;
  uLong crc = 0;
  for (uint64_t i = 0; i < bomb.times; ++i) crc = crc32_combine(crc, crc_of_unit, kUnit);
  bomb.last = std::string("\x03\x00", 2) + LittleEndian(crc, 4) +
              LittleEndian(bomb.times * kUnit & 0xffffffff, 4);
  return bomb;
}

// As libbrotlienc writes it at quality 9 with a flush after every 16 MiB of zeros.
Bomb BrotliBomb(uint64_t unpacked_bytes) {
  constexpr uint64_t kUnit = 16 << 20;
  Bomb bomb;
  bomb.first = std::string("\xcf\xff\xff\x7f\x00\x24\x00\xe2\xb1\x40\x72\xef\xff\x0d", 14);
  bomb.piece = std::string("\xfc\xff\xff\x07\x40\x02\x20\x0e\x0b\x40\xf7\xfe\xdf\x00", 14);
  bomb.times = (unpacked_bytes + kUnit - 1) / kUnit;
  bomb.last = std::string("\xf9\xff\xff\x0f\x40\x02\x20\x0e\x0b\x40\xf7\xfe\x1f", 13);
  return bomb;
}

// RFC 8878: a frame without a size, a window of 1 MiB, and blocks that repeat one byte.
Bomb ZstdBomb(uint64_t unpacked_bytes) {
  constexpr uint64_t kUnit = 128 << 10;
  const auto block = [](bool last) {
    return LittleEndian((last ? 1 : 0) | 1 << 1 | kUnit << 3, 3) + std::string(1, '\0');
  };
  Bomb bomb;
  bomb.first = std::string("\x28\xb5\x2f\xfd\x00\x50", 6);
  bomb.piece = block(false);
  bomb.times = (unpacked_bytes + kUnit - 1) / kUnit;
  bomb.last = block(true);
  return bomb;
}

}  // namespace crawld::test
