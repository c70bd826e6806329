// Charset: from bytes to UTF-8. WHATWG Encoding Standard (labels, names, decoders) and HTML
// Standard section 13.2.3.2 "determining the character encoding".
//
// Pure functions, safe from any thread. Nothing here fails: undecodable bytes become U+FFFD and an
// unknown label is as good as none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
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

// For a text that has to be UTF-8 and may come from an editor that saves UTF-16 (a robots.txt, RFC
// 9309 section 2.2): makes it UTF-8 if it is UTF-16 by its byte order mark, or because its first
// two characters are ASCII in that; else the bytes stay as they are.
void Utf16ToUtf8(std::string& text);

// Decodes to valid UTF-8. When `bytes` are that already, returns a view of them and does not touch
// `storage`; else the text is built in `storage`, which the view then points into. At most
// three times as long as the input. "replacement" gives a single U+FFFD for any non-empty input.
std::string_view DecodeToUtf8(std::string_view bytes, std::string_view encoding,
                              std::string& storage);

// The same for text that comes in pieces, however characters are cut by them. Not thread safe.
class StreamDecoder {
 public:
  // `encoding` is a name, as Charset has it.
  explicit StreamDecoder(std::string_view encoding);
  ~StreamDecoder();
  StreamDecoder(const StreamDecoder&) = delete;
  StreamDecoder& operator=(const StreamDecoder&) = delete;

  // Appends valid UTF-8. With `last` nothing is held back, and nothing may follow.
  void Write(std::string_view bytes, bool last, std::string& out);

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

// The encoding of an XML document by its first bytes (XML 1.0, appendix F): byte order mark,
// declaration, zero bytes; else UTF-8.
Charset DetermineXmlCharset(std::string_view begin);

// Encoding Standard, "get an output encoding": UTF-8 for those that nothing is written in.
std::string_view OutputEncoding(std::string_view encoding);

// URL Standard, "percent-encode after encoding" with the special-query set: how the query of a link
// on a page in `encoding` (an output encoding, not UTF-8) is written. `query` is valid UTF-8; what
// the encoding does not have becomes "%26%23NNNN%3B". ASCII is left to the URL parser.
void AppendEncodedQuery(std::string_view query, std::string_view encoding, std::string& out);

}  // namespace crawld::parser
