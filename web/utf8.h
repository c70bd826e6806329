// UTF-8 as the WHATWG Encoding Standard sees it: what is valid, and what decoding makes of the
// rest.
//
// Pure functions, safe from any thread. Both cost O(bytes); ASCII goes eight bytes at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace crawld::web {

// Length of the longest valid prefix (RFC 3629: no surrogates, no overlong forms, <= U+10FFFF).
size_t ValidUtf8Prefix(std::string_view bytes);

inline bool IsValidUtf8(std::string_view bytes) { return ValidUtf8Prefix(bytes) == bytes.size(); }

// Encoding Standard, "UTF-8 decoder": each maximal ill-formed part becomes one U+FFFD. At most
// three times as long as the input. A byte order mark is kept.
std::string ReplaceInvalidUtf8(std::string_view bytes);

// `point` is a Unicode scalar value.
void AppendUtf8(uint32_t point, std::string& out);

}  // namespace crawld::web
