// Charset: from bytes to UTF-8. WHATWG Encoding Standard (labels, names, decoders) and HTML
// Standard section 13.2.3.2 "determining the character encoding".
//
// Pure functions, safe from any thread. Nothing here fails: undecodable bytes become U+FFFD and an
// unknown label is as good as none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace crawld::parser {

// How an encoding was found, in the order in which it is looked for.
enum class CharsetSource : uint8_t {
  kBom,       // byte order mark
  kHeader,    // the charset parameter of Content-Type
  kMeta,      // the prescan of the first 1024 bytes: <meta>, or an XML declaration
  kUtf8,      // nothing said, and the bytes are valid UTF-8
  kDetected,  // statistics
  kDefault,   // windows-1252
};

// "bom", "header", ...
std::string_view Name(CharsetSource source);

struct Charset {
  std::string_view name;  // WHATWG name in lower case; points to a constant
  CharsetSource source = CharsetSource::kDefault;
  size_t bom_bytes = 0;  // to be skipped before decoding
};

// "get an encoding": the name for a label, or empty. Blanks around and case do not matter:
// "Latin1" -> "windows-1252", "sjis" -> "shift_jis".
std::string_view EncodingForLabel(std::string_view label);

// "prescan a byte stream to determine its encoding" over the first 1024 bytes; empty when it finds
// none. utf-16 becomes utf-8 and x-user-defined windows-1252, as the algorithm says.
std::string_view PrescanMeta(std::string_view bytes);

// O(bytes) when nothing is declared (UTF-8 validation, statistics over the first 64 KiB), else
// O(1).
Charset DetermineCharset(std::string_view bytes, std::string_view header_charset);

// Decodes to valid UTF-8. When `bytes` are that already, returns a view of them and does not touch
// `storage`; else the text is built in `storage`, which the view then points into. At most
// three times as long as the input. "replacement" gives a single U+FFFD for any non-empty input.
std::string_view DecodeToUtf8(std::string_view bytes, std::string_view encoding,
                              std::string& storage);

}  // namespace crawld::parser
