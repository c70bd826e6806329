// The indexes of the Encoding Standard (section 5): which pointer is which code point, and back.
//
// Each is made when it is first asked for, from one of ICU's converters and the places where that
// differs (legacy_tables.h): a few milliseconds, once in a process; it lives as long as that. Safe
// from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace crawld::parser {

inline constexpr uint32_t kNoPoint = 0;  // no index has U+0000

constexpr bool In(uint32_t value, uint32_t first, uint32_t last) {
  return value >= first && value <= last;
}

// Pointer to code point, and back.
struct Index {
  std::vector<uint32_t> points;
  std::unordered_map<uint32_t, uint32_t> pointers;  // the first pointer of each

  uint32_t At(uint32_t pointer) const {
    return pointer < points.size() ? points[pointer] : kNoPoint;
  }
  std::optional<uint32_t> Of(uint32_t point) const {
    const auto found = pointers.find(point);
    return found == pointers.end() ? std::nullopt : std::optional(found->second);
  }
};

// "index gb18030", and "index gb18030 ranges" for what is beyond it.
struct Gb18030 {
  Index two;
  std::array<uint32_t, 39420> four{};  // of the ranges, below the astral planes
  std::unordered_map<uint32_t, uint32_t> four_pointers;

  Gb18030();
  uint32_t Four(uint32_t pointer) const;
  std::optional<uint32_t> FourOf(uint32_t point) const;
};

// The upper half of a single-byte encoding.
struct SingleByte {
  std::array<uint32_t, 128> points{};
  std::array<std::string, 128> utf8;
};

const SingleByte& SingleByteTable(const char* icu);
const Gb18030& Gb18030Table();
const Index& Big5Index();
const Index& Jis0208Index();
const Index& Jis0212Index();
const Index& EucKrIndex();

// "index Shift_JIS pointer", "index Big5 pointer": what an encoder may write.
std::optional<uint32_t> ShiftJisPointer(uint32_t point);
std::optional<uint32_t> Big5Pointer(uint32_t point);

}  // namespace crawld::parser
