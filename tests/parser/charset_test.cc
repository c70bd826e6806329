#include "parser/charset.h"

#include <gtest/gtest.h>

#include <string>

namespace crawld::parser {
namespace {

std::string Decode(std::string_view bytes, std::string_view encoding) {
  std::string storage;
  return std::string(DecodeToUtf8(bytes, encoding, storage));
}

TEST(CharsetTest, Encoding_4_2_LabelsAndNames) {
  EXPECT_EQ(EncodingForLabel(" \tLATIN1\n"), "windows-1252");
  EXPECT_EQ(EncodingForLabel("utf8"), "utf-8");
  EXPECT_EQ(EncodingForLabel("x-sjis"), "shift_jis");
  EXPECT_EQ(EncodingForLabel("gb2312"), "gbk");
  EXPECT_EQ(EncodingForLabel("iso-8859-9"), "windows-1254");
  EXPECT_EQ(EncodingForLabel("ks_c_5601-1987"), "euc-kr");
  EXPECT_EQ(EncodingForLabel("utf-16"), "utf-16le");
  EXPECT_EQ(EncodingForLabel("hz-gb-2312"), "replacement");
  EXPECT_EQ(EncodingForLabel("utf-7"), "");
  EXPECT_EQ(EncodingForLabel("cp1252 x"), "");
  EXPECT_EQ(EncodingForLabel(""), "");
}

TEST(CharsetTest, ATextThatHasToBeUtf8MayBeUtf16) {
  using namespace std::string_view_literals;
  const auto made = [](std::string_view bytes) {
    std::string text(bytes);
    Utf16ToUtf8(text);
    return text;
  };
  EXPECT_EQ(made("\xFF\xFE"sv), "");
  EXPECT_EQ(made("\xFF\xFE\xE9\0"sv), "\xC3\xA9");
  EXPECT_EQ(made("\xFE\xFF\0\xE9"sv), "\xC3\xA9");
  EXPECT_EQ(made("U\0s\0e\0"sv), "Use");
  EXPECT_EQ(made("\0U\0s\0e"sv), "Use");
  for (const auto text : {""sv, "U"sv, "User"sv, "\xEF\xBB\xBFUser"sv, "\0\0\0\0"sv, "U\0se"sv,
                          "/\xE9 is Latin-1"sv}) {
    EXPECT_EQ(made(text), text);
  }
}

TEST(CharsetTest, Html_PrescanReadsMetaAsABrowserDoes) {
  EXPECT_EQ(PrescanMeta("<meta charset=koi8-r>"), "koi8-r");
  EXPECT_EQ(PrescanMeta("<META/CHARSET = \"Latin1\">"), "windows-1252");
  EXPECT_EQ(PrescanMeta("<meta http-equiv=Content-Type content='text/html; charset = big5'>"),
            "big5");
  EXPECT_EQ(PrescanMeta("<meta content='text/html; charset=big5'>"), "");
  EXPECT_EQ(PrescanMeta("<meta content='text/html; charset=big5' http-equiv=content-type>"),
            "big5");
  EXPECT_EQ(PrescanMeta("<meta charset=nonsense><meta charset=gbk>"), "gbk");
  EXPECT_EQ(PrescanMeta("<!-- <meta charset=gbk> --><meta charset=big5>"), "big5");
  EXPECT_EQ(PrescanMeta("<!--><meta charset=gbk>"), "gbk");
  EXPECT_EQ(PrescanMeta("<p title='<meta charset=gbk>'><meta charset=big5>"), "big5");
  EXPECT_EQ(PrescanMeta("<metax charset=gbk>"), "");
  EXPECT_EQ(PrescanMeta("<meta charset=utf-16>"), "utf-8");
  EXPECT_EQ(PrescanMeta("<meta charset=x-user-defined>"), "windows-1252");
  EXPECT_EQ(PrescanMeta("<?xml version='1.0' encoding='koi8-u'?><p>"), "koi8-u");
  EXPECT_EQ(PrescanMeta(std::string_view("<\0?\0x\0", 6)), "utf-16le");
  EXPECT_EQ(PrescanMeta(""), "");
  EXPECT_EQ(PrescanMeta("<"), "");
}

TEST(CharsetTest, PrescanLooksAt1024BytesAndNotOneMore) {
  const std::string meta = "<meta charset=gbk>";
  EXPECT_EQ(PrescanMeta(std::string(1024 - meta.size(), ' ') + meta), "gbk");
  EXPECT_EQ(PrescanMeta(std::string(1024, ' ') + meta), "");
}

TEST(CharsetTest, OrderOfSources) {
  const std::string meta = "<meta charset=koi8-r>\xE9";
  Charset charset = DetermineCharset("\xEF\xBB\xBF" + meta, "big5");
  EXPECT_EQ(charset.name, "utf-8");
  EXPECT_EQ(charset.source, CharsetSource::kBom);
  EXPECT_EQ(charset.bom_bytes, 3U);
  EXPECT_EQ(DetermineCharset("\xFE\xFFxx", "").name, "utf-16be");
  EXPECT_EQ(DetermineCharset("\xFF\xFExx", "").name, "utf-16le");
  charset = DetermineCharset(meta, " Big5 ");
  EXPECT_EQ(charset.name, "big5");
  EXPECT_EQ(charset.source, CharsetSource::kHeader);
  charset = DetermineCharset(meta, "nonsense");
  EXPECT_EQ(charset.name, "koi8-r");
  EXPECT_EQ(charset.source, CharsetSource::kMeta);
  charset = DetermineCharset("caf\xC3\xA9", "");
  EXPECT_EQ(charset.name, "utf-8");
  EXPECT_EQ(charset.source, CharsetSource::kUtf8);
  EXPECT_EQ(DetermineCharset("", "").name, "utf-8");
}

TEST(CharsetTest, DetectionTakesOver) {
  // "Russian text in windows-1251", long enough for statistics.
  std::string text;
  for (int i = 0; i < 20; ++i) {
    text +=
        "\xCF\xF0\xE8\xE2\xE5\xF2, \xFD\xF2\xEE \xF0\xF3\xF1\xF1\xEA\xE8\xE9 \xF2\xE5\xEA\xF1\xF2 "
        "\xE4\xEB\xFF \xEF\xF0\xEE\xE2\xE5\xF0\xEA\xE8. ";
  }
  const Charset charset = DetermineCharset(text, "");
  EXPECT_EQ(charset.name, "windows-1251");
  EXPECT_EQ(charset.source, CharsetSource::kDetected);
}

TEST(CharsetTest, DecodersGiveUtf8AndNeverFail) {
  EXPECT_EQ(Decode("caf\xE9 \x80", "windows-1252"), "caf\xC3\xA9 \xE2\x82\xAC");
  EXPECT_EQ(Decode("\x81\x8D", "windows-1252"), "\xC2\x81\xC2\x8D");
  EXPECT_EQ(Decode("\xC1", "koi8-r"), "\xD0\xB0");
  EXPECT_EQ(Decode("\xCF\xF0", "windows-1251"), "\xD0\x9F\xD1\x80");
  EXPECT_EQ(Decode("\x93\xFA\x96{", "shift_jis"), "\xE6\x97\xA5\xE6\x9C\xAC");
  EXPECT_EQ(Decode("\xC6\xFC\xCB\xDC", "euc-jp"), "\xE6\x97\xA5\xE6\x9C\xAC");
  EXPECT_EQ(Decode("\x1B$BF|K\\\x1B(B", "iso-2022-jp"), "\xE6\x97\xA5\xE6\x9C\xAC");
  EXPECT_EQ(Decode("\xD6\xD0\xCE\xC4", "gbk"), "\xE4\xB8\xAD\xE6\x96\x87");
  EXPECT_EQ(Decode("\xA4\xA4\xA4\xE5", "big5"), "\xE4\xB8\xAD\xE6\x96\x87");
  EXPECT_EQ(Decode("\xC7\xD1", "euc-kr"), "\xED\x95\x9C");
  EXPECT_EQ(Decode(std::string_view("a\0\xAC\x20", 4), "utf-16le"), "a\xE2\x82\xAC");
  EXPECT_EQ(Decode("abc", "replacement"), "\xEF\xBF\xBD");
  EXPECT_EQ(Decode("", "replacement"), "");
  EXPECT_EQ(Decode("a\x80\xFF", "x-user-defined"), "a\xEF\x9E\x80\xEF\x9F\xBF");
  EXPECT_EQ(Decode("a\xFFz", "utf-8"), "a\xEF\xBF\xBDz");
  EXPECT_EQ(Decode("\x93", "shift_jis"), "\xEF\xBF\xBD");
  EXPECT_EQ(Decode("a\x80"
                   "b",
                   "no-such-encoding"),
            "a\xEF\xBF\xBD"
            "b");
}

TEST(CharsetTest, ValidUtf8IsNotCopied) {
  const std::string text = "caf\xC3\xA9";
  std::string storage;
  EXPECT_EQ(DecodeToUtf8(text, "utf-8", storage).data(), text.data());
}

}  // namespace
}  // namespace crawld::parser
