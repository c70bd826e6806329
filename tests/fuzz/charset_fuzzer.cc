// Any bytes through charset detection, every decoder (whole and in pieces) and the encoders of
// queries. The first byte chooses the encoding and the pieces.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "parser/charset.h"
#include "parser/content_coding.h"
#include "web/url_bytes.h"
#include "web/utf8.h"

namespace {

using namespace crawld::parser;  // NOLINT(google-build-using-namespace)

void CheckDecoding(std::string_view bytes, std::string_view encoding, size_t piece) {
  std::string storage;
  const std::string_view whole = DecodeToUtf8(bytes, encoding, storage);
  CRAWLD_CHECK(crawld::web::IsValidUtf8(whole), "decoding gives UTF-8");
  StreamDecoder decoder(encoding);
  std::string pieces;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    decoder.Write(bytes.substr(at, piece), false, pieces);
  }
  decoder.Write({}, true, pieces);
  CRAWLD_CHECK(pieces == whole, "pieces decode to what the whole decodes to");
  std::string query;
  AppendEncodedQuery(whole, OutputEncoding(encoding), query);
  CRAWLD_CHECK(OutputEncoding(encoding) == "utf-8" ||
                   (crawld::web::ClassOf(query) & crawld::web::kNonAscii) == 0,
               "an encoded query is ASCII");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr std::array<std::string_view, 16> kEncodings = {
      "utf-8",  "utf-16le",    "utf-16be",       "gb18030",     "gbk",          "big5",
      "euc-jp", "shift_jis",   "euc-kr",         "iso-2022-jp", "windows-1252", "koi8-u",
      "ibm866", "replacement", "x-user-defined", "macintosh"};
  constexpr std::array<std::string_view, 4> kCodings = {"gzip", "deflate", "br", "zstd"};
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Charset charset = DetermineCharset(bytes, "");
  CRAWLD_CHECK(!EncodingForLabel(charset.name).empty(), "a found encoding has a name");
  CRAWLD_CHECK(!EncodingForLabel(DetermineXmlCharset(bytes).name).empty(),
               "a found encoding has a name");
  CheckDecoding(bytes, charset.name, size_t{1} + data[0] / 16);
  CheckDecoding(bytes, kEncodings[data[0] % 16], size_t{1} + data[0] / 16);
  const DecodeLimits limits{.max_output_bytes = size_t{1} << 20};
  const auto body = DecodeBody(bytes, data[0] % 2 == 1, kCodings[data[0] / 16 % 4], limits);
  CRAWLD_CHECK(body && body->bytes.size() <= limits.max_output_bytes, "the output limit holds");
  return 0;
}
