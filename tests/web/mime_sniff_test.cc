#include "web/mime_sniff.h"

#include <gtest/gtest.h>

#include <string>

namespace crawld::web {
namespace {

using namespace std::string_view_literals;

// WHATWG MIME Sniffing Standard, section 7.1 "identifying a resource with an unknown MIME type".
TEST(MimeSniffTest, Section_7_1_UnknownTypeWithASignatureIsHtml) {
  for (const std::string_view type : {"", "*/*", "unknown/unknown", "application/unknown"}) {
    for (const std::string_view body :
         {"<!DOCTYPE HTML>", "  \n<hTmL >", "<!-- x", "<!--> ", "<p>", "<script >", "<A >"}) {
      EXPECT_EQ(SniffMediaType(type, false, body) == "text/html",
                !body.starts_with("<!-- x") || body[4] == ' ')
          << body;
    }
    EXPECT_EQ(SniffMediaType(type, false, "<pre>"), type);
    EXPECT_EQ(SniffMediaType(type, false, "text"), type);
    EXPECT_EQ(SniffMediaType(type, false, "%PDF-1.7"), "application/pdf");
  }
}

TEST(MimeSniffTest, GenericLabelsOfWholePagesAreHtmlUnlessNosniff) {
  for (const std::string_view type : {"text/plain", "application/octet-stream"}) {
    EXPECT_EQ(SniffMediaType(type, false, "\xEF\xBB\xBF <!-- c --><!doctype\nhtml><p>"),
              "text/html");
    EXPECT_EQ(SniffMediaType(type, false, "<html lang=en>"), "text/html");
    EXPECT_EQ(SniffMediaType(type, true, "<html lang=en>"), type);
    EXPECT_EQ(SniffMediaType(type, false, "<p>a paragraph"), type);
    EXPECT_EQ(SniffMediaType(type, false, "see <html>"), type);
    EXPECT_EQ(SniffMediaType(type, false, "<!doctype htmlx>"), type);
  }
  EXPECT_EQ(SniffMediaType("application/json", false, "<html>"), "application/json");
  EXPECT_EQ(SniffMediaType("image/png", false, "<html>"), "image/png");
}

TEST(MimeSniffTest, Section_6_HtmlThatIsSomethingElseIsNot) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"\x89PNG\r\n\x1A\n\0\0\0\rIHDR"sv, "image/png"},
      {"\xFF\xD8\xFF\xE0\0\x10JFIF"sv, "image/jpeg"},
      {"GIF89a\x01\0"sv, "image/gif"},
      {"%PDF-1.4\n", "application/pdf"},
      {"PK\x03\x04\x14\0"sv, "application/zip"},
      {"\x1F\x8B\x08\0"sv, "application/x-gzip"},
      {"\0\0\0\x18"
       "ftypmp42"sv,
       "video/mp4"},
      {"RIFF\x24\0\0\0WEBPVP8 "sv, "image/webp"},
      {"wOF2\0\x01"sv, "font/woff2"},
  };
  for (const auto& [body, type] : cases) {
    EXPECT_EQ(SniffMediaType("text/html", false, body), type);
    EXPECT_EQ(SniffMediaType("text/html", true, body), type);
    EXPECT_EQ(SniffMediaType("application/xhtml+xml", false, body), type);
  }
}

TEST(MimeSniffTest, HtmlStaysHtmlWhateverElseIsInIt) {
  for (const std::string_view body :
       {"", "text", "\0\0<p>", "\x01\x02<html>", "wOFF is a font", "ID3 is a tag", "PK",
        "\xFF\xFE<\0", "<?xml version='1.0'?><html>", "OTTO von"}) {
    EXPECT_EQ(SniffMediaType("text/html", false, body), "text/html") << body;
  }
}

TEST(MimeSniffTest, Section_7_3_MislabelledFeeds) {
  EXPECT_EQ(SniffMediaType("text/html", false, "<?xml version='1.0'?><!-- c -->\n<rss version=2>"),
            "application/rss+xml");
  EXPECT_EQ(SniffMediaType("text/html", false, "\xEF\xBB\xBF<feed xmlns='x'>"),
            "application/atom+xml");
  EXPECT_EQ(SniffMediaType("text/html", true, "<rss>"), "text/html");
  EXPECT_EQ(SniffMediaType("text/html", false, "<rdf:RDF>"), "text/html");
}

}  // namespace
}  // namespace crawld::web
