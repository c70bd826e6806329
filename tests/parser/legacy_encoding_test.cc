#include "parser/legacy_encoding.h"

#include <gtest/gtest.h>

#include <string>

#include "parser/charset.h"

namespace crawld::parser {
namespace {

std::string Decode(std::string_view bytes, std::string_view encoding) {
  std::string storage;
  return std::string(DecodeToUtf8(bytes, encoding, storage));
}

std::string Query(std::string_view utf8, std::string_view encoding) {
  std::string out;
  AppendEncodedQuery(utf8, encoding, out);
  return out;
}

constexpr const char* kBad = "\xEF\xBF\xBD";

// Encoding Standard, section 10.2: GB 18030-2022, the euro of GBK, and what an error swallows.
TEST(LegacyEncodingTest, Section_10_Gb18030) {
  for (const char* name : {"gbk", "gb18030"}) {
    EXPECT_EQ(Decode("\xC4\xE3\x80", name), "\xE4\xBD\xA0\xE2\x82\xAC");
    EXPECT_EQ(Decode("\xA6\xD9\xFE\x59\xA3\xA0", name), "\xEF\xB8\x90\xE9\xBE\xB4\xE3\x80\x80");
    EXPECT_EQ(Decode("\x81\x30\x81\x30\x94\x39\xDA\x33", name), "\xC2\x80\xF0\x9F\x92\xA9");
    EXPECT_EQ(Decode("\x81\x30\x81\x7F", name), std::string(kBad) + "0" + kBad + "\x7F");
    EXPECT_EQ(Decode("\x81\x20", name), std::string(kBad) + " ");
    EXPECT_EQ(Decode("\xFF", name), kBad);
    EXPECT_EQ(Decode("\x81", name), kBad);
  }
  EXPECT_EQ(Query("\xE2\x82\xAC\xEE\xA0\x9E", "gbk"), "%80%FEY");
  EXPECT_EQ(Query("\xE2\x82\xAC\xF0\x9F\x92\xA9\xEE\x97\xA5", "gb18030"),
            "%A2%E3%949%DA3%26%2358853%3B");
}

TEST(LegacyEncodingTest, Section_11_Big5) {
  EXPECT_EQ(Decode("\xA4\xA4\x87\x40", "big5"), "\xE4\xB8\xAD\xE4\x8F\xB0");
  EXPECT_EQ(Decode("\x88\x62\x88\xA5", "big5"), "\xC3\x8A\xCC\x84\xC3\xAA\xCC\x8C") << "two each";
  EXPECT_EQ(Decode("\x81\x40\xA1\xFF", "big5"), std::string(kBad) + "@" + kBad);
  EXPECT_EQ(Query("\xE5\x8D\x81", "big5"), "%A4Q") << "the later of two places";
}

TEST(LegacyEncodingTest, Section_12_Japanese) {
  EXPECT_EQ(Decode("\xA4\xA2\x8E\xB1\x8F\xB0\xA1", "euc-jp"),
            "\xE3\x81\x82\xEF\xBD\xB1\xE4\xB8\x82");
  EXPECT_EQ(Decode("\xA4x\x8E\xE0", "euc-jp"), std::string(kBad) + "x" + kBad);
  EXPECT_EQ(Decode("\x82\xA0\xB1\x80\\", "shift_jis"), "\xE3\x81\x82\xEF\xBD\xB1\xC2\x80\\");
  EXPECT_EQ(Decode("\x82@\xA0\xF0\x40", "shift_jis"),
            std::string(kBad) + "@" + kBad + "\xEE\x80\x80");
  EXPECT_EQ(Decode("a\x1B$B$\"\x1B(J\\~\x1B(I1\x1B(Bb", "iso-2022-jp"),
            "a\xE3\x81\x82\xC2\xA5\xE2\x80\xBE\xEF\xBD\xB1"
            "b");
  EXPECT_EQ(Decode("\x1B$(Dx\x0E\x1B", "iso-2022-jp"), std::string(kBad) + "$(Dx" + kBad + kBad);
  EXPECT_EQ(Decode("\x1B(B\x1B(Bx", "iso-2022-jp"), std::string(kBad) + "x")
      << "a shift for nothing";
  EXPECT_EQ(Query("\xEF\xBD\xB1\xE2\x88\x92\xC2\xA5", "shift_jis"), "%B1%81|\\");
  EXPECT_EQ(Query("\xEF\xBD\xB1", "iso-2022-jp"), "%1B$B%%22%1B(B") << "written in full width";
  EXPECT_EQ(Query("\x1B\xC2\xA5", "iso-2022-jp"), "%26%2365533%3B%1B(J\\%1B(B");
}

TEST(LegacyEncodingTest, Section_13_EucKr) {
  EXPECT_EQ(Decode("\xB0\xA1\x81\x41", "euc-kr"), "\xEA\xB0\x80\xEA\xB0\x82");
  EXPECT_EQ(Decode("\x81[\xC9\xA1\xFF", "euc-kr"), std::string(kBad) + "[" + kBad + kBad);
  EXPECT_EQ(Query("\xEA\xB0\x80\xEE\x80\x80", "euc-kr"), "%B0%A1%26%2357344%3B");
}

TEST(LegacyEncodingTest, Section_14_Utf16) {
  EXPECT_EQ(Decode(std::string_view("a\0\x3D\xD8\xA9\xDC\0", 7), "utf-16le"),
            std::string("a\xF0\x9F\x92\xA9") + kBad);
  EXPECT_EQ(Decode(std::string_view("\xD8\x3D\0a\xDC\xA9\xD8\x3D", 8), "utf-16be"),
            std::string(kBad) + "a" + kBad + kBad);
}

TEST(LegacyEncodingTest, Section_9_SingleBytesThatIcuHasOtherwise) {
  EXPECT_EQ(Decode("\xA1\xFE", "iso-8859-16"), "\xC4\x84\xC8\x9B");
  EXPECT_EQ(Decode("\xAE\xBE", "koi8-u"), "\xD1\x9E\xD0\x8E");
  EXPECT_EQ(Decode("\xCA", "windows-1255"), "\xD6\xBA");
  EXPECT_EQ(Decode("\xDB", "windows-874"), kBad);
  EXPECT_EQ(Decode("\xAA", "windows-1253"), kBad);
  EXPECT_EQ(Query("\xC4\x84\xC3\xB1", "iso-8859-16"), "%A1%26%23241%3B");
}

TEST(LegacyEncodingTest, PiecesMeanWhatTheWholeMeans) {
  const std::string_view bytes = "a\x1B$B$\"\x81\x30\x81\x30\x8F\xB0\xA1\x82\xA0\x1B(";
  for (const char* name : {"gb18030", "big5", "euc-jp", "shift_jis", "euc-kr", "iso-2022-jp",
                           "utf-16le", "utf-8", "windows-1252", "x-user-defined", "replacement"}) {
    StreamDecoder decoder(name);
    std::string pieces;
    for (const char& c : bytes) decoder.Write(std::string_view(&c, 1), false, pieces);
    decoder.Write({}, true, pieces);
    EXPECT_EQ(pieces, Decode(bytes, name)) << name;
  }
}

}  // namespace
}  // namespace crawld::parser
