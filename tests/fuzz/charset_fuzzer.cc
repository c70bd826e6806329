// Any bytes through charset detection and every decoder. The first byte chooses the encoding.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "parser/charset.h"
#include "parser/content_coding.h"
#include "web/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace crawld::parser;  // NOLINT(google-build-using-namespace)
  constexpr std::array<std::string_view, 16> kEncodings = {
      "utf-8",  "utf-16le",    "utf-16be",       "gb18030",     "gbk",          "big5",
      "euc-jp", "shift_jis",   "euc-kr",         "iso-2022-jp", "windows-1252", "koi8-u",
      "ibm866", "replacement", "x-user-defined", "macintosh"};
  constexpr std::array<std::string_view, 4> kCodings = {"gzip", "deflate", "br", "zstd"};
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string storage;
  const Charset charset = DetermineCharset(bytes, "");
  CRAWLD_CHECK(!EncodingForLabel(charset.name).empty(), "a found encoding has a name");
  CRAWLD_CHECK(crawld::web::IsValidUtf8(DecodeToUtf8(bytes, charset.name, storage)),
               "decoding gives UTF-8");
  CRAWLD_CHECK(crawld::web::IsValidUtf8(DecodeToUtf8(bytes, kEncodings[data[0] % 16], storage)),
               "decoding gives UTF-8");
  const DecodeLimits limits{.max_output_bytes = size_t{1} << 20};
  const auto body = DecodeBody(bytes, data[0] % 2 == 1, kCodings[data[0] / 16 % 4], limits);
  CRAWLD_CHECK(body && body->bytes.size() <= limits.max_output_bytes, "the output limit holds");
  return 0;
}
