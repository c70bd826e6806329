#include "parser/content_coding.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstdio>
#include <string>

namespace crawld::parser {
namespace {

// 31 gzip, 15 zlib, -15 raw.
std::string Deflated(std::string_view text, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Gzip(std::string_view text) { return Deflated(text, 31); }

std::string Zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

const std::string kText = [] {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  return text;
}();

void ExpectWhole(const Result<DecodedBody, ParseError>& body, std::string_view text) {
  ASSERT_TRUE(body);
  EXPECT_TRUE(body->bytes == text);
  EXPECT_TRUE(body->complete);
  EXPECT_FALSE(body->truncated);
}

TEST(ContentCodingTest, Rfc9110_8_4_EachCoding) {
  ExpectWhole(DecodeBody(kText, false, ""), kText);
  ExpectWhole(DecodeBody(kText, false, "identity"), kText);
  ExpectWhole(DecodeBody(Gzip(kText), false, "GZIP"), kText);
  ExpectWhole(DecodeBody(Gzip(kText), false, "x-gzip"), kText);
  ExpectWhole(DecodeBody(Gzip("a") + Gzip("b"), false, "gzip"), "ab");
  ExpectWhole(DecodeBody(Gzip("a") + "junk", false, "gzip"), "a");
  ExpectWhole(DecodeBody(Deflated(kText, 15), false, "deflate"), kText);
  ExpectWhole(DecodeBody(Deflated(kText, -15), false, "deflate"), kText);
  ExpectWhole(DecodeBody(Zstd(kText), false, "zstd"), kText);
  ExpectWhole(DecodeBody(Zstd("a") + Zstd("b"), false, "zstd"), "ab");
  // "hello\n" as a brotli stream of one uncompressed metablock.
  ExpectWhole(DecodeBody(std::string_view("\x8B\x02\x80hello\n\x03", 10), false, "br"), "hello\n");
  ExpectWhole(DecodeBody("", false, "gzip"), "");
  ExpectWhole(DecodeBody(Gzip(""), false, "gzip"), "");
}

TEST(ContentCodingTest, SeveralCodingsAreUndoneFromTheLast) {
  ExpectWhole(DecodeBody(Gzip(Zstd(kText)), false, "zstd, gzip"), kText);
  ExpectWhole(DecodeBody(Gzip(Gzip(Gzip(Gzip("x")))), false, "gzip,gzip,gzip , gzip"), "x");
  EXPECT_EQ(DecodeBody("x", false, "gzip,gzip,gzip,gzip,gzip").error(),
            ParseError::kTooManyCodings);
  EXPECT_EQ(DecodeBody("x", false, "compress").error(), ParseError::kUnknownCoding);
}

TEST(ContentCodingTest, BrokenDataKeepsWhatWasWhole) {
  for (const std::string& packed : {Gzip(kText), Zstd(kText)}) {
    const bool gzip = packed.starts_with('\x1F');
    const auto body = DecodeBody(std::string_view(packed).substr(0, packed.size() - 9), false,
                                 gzip ? "gzip" : "zstd");
    ASSERT_TRUE(body);
    EXPECT_FALSE(body->complete);
    EXPECT_TRUE(kText.starts_with(body->bytes));
  }
  std::string corrupt = Gzip(kText);
  corrupt[corrupt.size() / 2] = static_cast<char>(corrupt[corrupt.size() / 2] ^ 0x55);
  const auto body = DecodeBody(corrupt, false, "gzip");
  ASSERT_TRUE(body);
  EXPECT_FALSE(body->complete);
  EXPECT_FALSE(body->bytes.empty());
}

TEST(ContentCodingTest, ABodyThatIsNotInItsCodingIsKept) {
  for (const std::string_view coding : {"gzip", "deflate", "br", "zstd"}) {
    const auto body = DecodeBody("<!DOCTYPE html><p>plain", false, coding);
    ASSERT_TRUE(body);
    EXPECT_EQ(body->bytes, "<!DOCTYPE html><p>plain") << coding;
    EXPECT_FALSE(body->complete) << coding;
  }
}

TEST(ContentCodingTest, ABombCostsItsLimit) {
  const std::string zeros(size_t{32} << 20, '\0');
  const DecodeLimits limits{.max_output_bytes = size_t{1} << 20};
  for (const std::string& packed : {Gzip(zeros), Zstd(zeros)}) {
    const auto body =
        DecodeBody(packed, false, packed.starts_with('\x1F') ? "gzip" : "zstd", limits);
    ASSERT_TRUE(body);
    EXPECT_TRUE(body->truncated);
    EXPECT_EQ(body->bytes.size(), limits.max_output_bytes);
  }
  const std::string packed = Zstd(zeros);
  const auto body = DecodeBody(packed, false, "zstd", {.max_ratio = 100});
  ASSERT_TRUE(body);
  EXPECT_TRUE(body->truncated);
  EXPECT_EQ(body->bytes.size(), std::max(kMinRatioBytes, packed.size() * 100));
}

TEST(ContentCodingTest, OutputLimitIsMetAndOnePastItCut) {
  const std::string text(100, 'x');
  ExpectWhole(DecodeBody(Gzip(text), false, "gzip", {.max_output_bytes = 100}), text);
  ExpectWhole(DecodeBody(text, false, "", {.max_output_bytes = 100}), text);
  for (const std::string_view coding : {"gzip", ""}) {
    const auto body =
        DecodeBody(coding.empty() ? text : Gzip(text), false, coding, {.max_output_bytes = 99});
    EXPECT_TRUE(body->truncated);
    EXPECT_EQ(body->bytes.size(), 99U);
  }
}

TEST(ContentCodingTest, Rfc9112_7_1_Chunked) {
  const auto chunked = [](std::string_view raw) { return Dechunk(raw); };
  EXPECT_EQ(chunked("4\r\nWiki\r\n6;ext=\"x\"\r\npedia \r\n0\r\nTrailer: x\r\n\r\n").bytes,
            "Wikipedia ");
  EXPECT_TRUE(chunked("4\r\nWiki\r\n0\r\n\r\n").complete);
  EXPECT_TRUE(chunked("4\nWiki\n0\n\n").complete);
  EXPECT_TRUE(chunked("4 \t;x\r\nWiki\r\n0 \r\n\r\n").complete);
  for (const std::string_view broken :
       {"4\r\nWiki\r\n", "4\r\nWi", "4\r\nWikix", "x", "", "ffffffffffffffffff\r\nx", "4",
        "0x4\r\nWiki\r\n0\r\n\r\n", "4z\r\nWiki\r\n0\r\n\r\n"}) {
    EXPECT_FALSE(chunked(broken).complete) << broken;
  }
  EXPECT_EQ(chunked("4\r\nWi").bytes, "Wi");
  const std::string packed = Gzip("abc");
  char size[16];
  std::snprintf(size, sizeof size, "%zx\r\n", packed.size());
  ExpectWhole(DecodeBody(size + packed + "\r\n0\r\n\r\n", true, "gzip"), "abc");
}

}  // namespace
}  // namespace crawld::parser
