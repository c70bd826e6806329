// The byte classes of the WHATWG URL Standard as one table: percent-encode sets (section 1.3),
// forbidden code points (3.1), and what the parser looks for first.
//
// Pure constants and functions. OR-ing the classes of a whole input once tells which of the later
// passes have nothing to do; most URLs need none of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "web/ascii.h"

namespace crawld::web {

// A byte's class is a set of these bits.
inline constexpr uint32_t kEncodeC0 = 1U << 0;
inline constexpr uint32_t kEncodeFragment = 1U << 1;
inline constexpr uint32_t kEncodeQuery = 1U << 2;
inline constexpr uint32_t kEncodeSpecialQuery = 1U << 3;
inline constexpr uint32_t kEncodePath = 1U << 4;  // without '?', which cannot occur in a path
inline constexpr uint32_t kEncodeUserinfo = 1U << 5;
inline constexpr uint32_t kForbiddenInHost = 1U << 6;
inline constexpr uint32_t kForbiddenInDomain = 1U << 7;
inline constexpr uint32_t kTabOrNewline = 1U << 8;
inline constexpr uint32_t kNonAscii = 1U << 9;
inline constexpr uint32_t kUpper = 1U << 10;
inline constexpr uint32_t kBackslash = 1U << 11;
inline constexpr uint32_t kDotOrPercent = 1U << 12;  // may begin "." or "%2e"
inline constexpr uint32_t kQuestion = 1U << 13;
inline constexpr uint32_t kHash = 1U << 14;
inline constexpr uint32_t kColon = 1U << 15;
inline constexpr uint32_t kSchemeByte = 1U << 16;  // alphanumeric, '+', '-', '.'

inline constexpr std::array<uint32_t, 256> kByteClass = [] {
  std::array<uint32_t, 256> table{};
  const auto add = [&](std::string_view bytes, uint32_t bits) {
    for (const char c : bytes) table[static_cast<unsigned char>(c)] |= bits;
  };
  for (unsigned c = 0; c < 256; ++c) {
    if (c < 0x20 || c > 0x7E) {
      table[c] |= kEncodeC0 | kEncodeFragment | kEncodeQuery | kEncodeSpecialQuery | kEncodePath |
                  kEncodeUserinfo;
    }
    if (c < 0x20 || c == 0x7F) table[c] |= kForbiddenInDomain;
    if (c >= 0x80) table[c] |= kNonAscii;
    if (c >= 'A' && c <= 'Z') table[c] |= kUpper | kSchemeByte;
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) table[c] |= kSchemeByte;
  }
  add(" \"<>`", kEncodeFragment);
  add(" \"#<>", kEncodeQuery | kEncodeSpecialQuery | kEncodePath | kEncodeUserinfo);
  add("'", kEncodeSpecialQuery);
  add("^`{}", kEncodePath | kEncodeUserinfo);
  add("?/:;=@[\\]|", kEncodeUserinfo);
  add(std::string_view("\0\t\n\r #/:<>?@[\\]^|", 17), kForbiddenInHost | kForbiddenInDomain);
  add("%", kForbiddenInDomain);
  add("\t\n\r", kTabOrNewline);
  add("\\", kBackslash);
  add(".%", kDotOrPercent);
  add("?", kQuestion);
  add("#", kHash);
  add(":", kColon);
  add("+-.", kSchemeByte);
  return table;
}();

inline uint32_t ClassOf(char c) { return kByteClass[static_cast<unsigned char>(c)]; }

// The union of the classes of all bytes.
inline uint32_t ClassOf(std::string_view bytes) {
  uint32_t bits = 0;
  for (const char c : bytes) bits |= ClassOf(c);
  return bits;
}

// Appends `text`, with each byte of a class in `set` written as %XX.
inline void AppendPercentEncoded(std::string_view text, uint32_t set, std::string& out) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  size_t plain = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((ClassOf(text[i]) & set) == 0) continue;
    out.append(text.substr(plain, i - plain));
    const auto byte = static_cast<unsigned char>(text[i]);
    const char encoded[3] = {'%', kHex[byte >> 4], kHex[byte & 15]};
    out.append(encoded, 3);
    plain = i + 1;
  }
  out.append(text.substr(plain));
}

}  // namespace crawld::web
