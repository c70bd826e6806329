#include "parser/sitemap.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace crawld::parser {
namespace {

std::vector<std::string> Entries(std::string_view body) {
  std::vector<std::string> lines;
  const auto sitemap = ParseSitemap(body);
  if (!sitemap) return {"error " + std::string(Name(sitemap.error()))};
  for (const SitemapEntry& entry : sitemap->entries) {
    lines.push_back(std::string(Name(entry.kind)) + " " + entry.loc);
  }
  return lines;
}

using Strings = std::vector<std::string>;

TEST(SitemapTest, Urlset) {
  const auto sitemap = ParseSitemap(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\" "
      "xmlns:image=\"http://www.google.com/schemas/sitemap-image/1.1\">"
      "<url><loc> http://h/a?x=1&amp;y=2\n</loc><lastmod>2024-01-02</lastmod>"
      "<changefreq>Daily</changefreq><priority>0.8</priority>"
      "<image:image><image:loc>http://h/i.png</image:loc></image:image></url>"
      "<url><loc><![CDATA[http://h/b]]></loc><priority>7</priority></url>"
      "<url><lastmod>2024</lastmod></url></urlset>");
  ASSERT_TRUE(sitemap);
  EXPECT_TRUE(sitemap->complete);
  ASSERT_EQ(sitemap->entries.size(), 2U);
  EXPECT_EQ(sitemap->entries[0],
            (SitemapEntry{SitemapKind::kUrl, "http://h/a?x=1&y=2", "2024-01-02", "daily", 0.8}));
  EXPECT_EQ(sitemap->entries[1].loc, "http://h/b");
  EXPECT_EQ(sitemap->entries[1].priority, std::nullopt);
}

TEST(SitemapTest, IndexWithWrongOrAbsentNamespace) {
  EXPECT_EQ(Entries("<sitemapindex><sitemap><loc>http://h/1.xml</loc></sitemap></sitemapindex>"),
            Strings{"sitemap http://h/1.xml"});
  EXPECT_EQ(
      Entries("<s:urlset xmlns:s='x:wrong'><s:url><s:loc>http://h/1</s:loc></s:url></s:urlset>"),
      Strings{"url http://h/1"});
  EXPECT_EQ(Entries("<s:urlset><s:url><s:loc>http://h/1</s:loc></s:url></s:urlset>"),
            Strings{"url http://h/1"});
}

TEST(SitemapTest, RssAndAtom) {
  EXPECT_EQ(Entries("<rss version='2.0'><channel><link>http://h/</link><item><title>t</title>"
                    "<atom:link href='http://h/x' xmlns:atom='a'/><link>http://h/1</link>"
                    "<guid>http://h/g</guid></item><item><guid>http://h/2</guid></item>"
                    "<item><guid>urn:3</guid></item></channel></rss>"),
            (Strings{"url http://h/1", "url http://h/2"}));
  EXPECT_EQ(Entries("<feed xmlns='http://www.w3.org/2005/Atom'><link href='http://h/'/><entry>"
                    "<link rel='edit' href='http://h/e'/><link href='http://h/1'/>"
                    "<updated>2024-01-01T00:00:00Z</updated></entry></feed>"),
            Strings{"url http://h/1"});
}

TEST(SitemapTest, PlainText) {
  EXPECT_EQ(Entries("\xEF\xBB\xBFhttp://h/1\r\n\r\n  https://h/2 \nnot a url\nmailto:a@b\n"),
            (Strings{"url http://h/1", "url https://h/2"}));
  EXPECT_EQ(Entries("hello"), Strings{"error not_a_sitemap"});
  EXPECT_EQ(Entries(""), Strings{"error not_a_sitemap"});
}

TEST(SitemapTest, OtherMarkupIsNone) {
  EXPECT_EQ(Entries("<!DOCTYPE html><html><body>404</body></html>"),
            Strings{"error not_a_sitemap"});
  EXPECT_EQ(Entries("<"), Strings{"error not_a_sitemap"});
}

TEST(SitemapTest, BrokenDocumentsKeepWhatWasWhole) {
  const auto sitemap =
      ParseSitemap("<urlset><url><loc>http://h/1</loc></url><url><loc>http://h/2</loc></oops>");
  ASSERT_TRUE(sitemap);
  EXPECT_FALSE(sitemap->complete);
  ASSERT_EQ(sitemap->entries.size(), 1U);
  EXPECT_EQ(Entries("\n\n <?xml version='1.0'?><urlset><url><loc>http://h/1</loc></url></urlset>"),
            Strings{"url http://h/1"});
}

TEST(SitemapTest, DeclaredEntitiesEndTheParse) {
  EXPECT_EQ(Entries("<!DOCTYPE urlset [<!ENTITY a 'http://h/'>]>"
                    "<urlset><url><loc>&a;</loc></url></urlset>"),
            Strings{"error forbidden_markup"});
  EXPECT_EQ(Entries("<!DOCTYPE urlset [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
                    "<urlset><url><loc>&x;</loc></url></urlset>"),
            Strings{"error forbidden_markup"});
  EXPECT_EQ(Entries("<!DOCTYPE urlset><urlset><url><loc>http://h/</loc></url></urlset>"),
            Strings{"url http://h/"});
}

TEST(SitemapTest, OtherEncodings) {
  EXPECT_EQ(Entries("<?xml version='1.0' encoding='windows-1251'?><urlset><url><loc>http://h/\xCF"
                    "</loc></url></urlset>"),
            Strings{"url http://h/\xD0\x9F"});
  std::string utf16 = "\xFF\xFE";
  for (const char c :
       std::string_view("<?xml version='1.0' encoding='utf-16'?><urlset><url><loc>http://h/"
                        "</loc></url></urlset>")) {
    utf16 += c;
    utf16 += '\0';
  }
  EXPECT_EQ(Entries(utf16), Strings{"url http://h/"});
}

TEST(SitemapTest, GzipIsToldByContent) {
  const std::string xml = "<urlset><url><loc>http://h/1</loc></url></urlset>";
  std::string packed(1024, '\0');
  z_stream stream{};
  ASSERT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(xml.data()));
  stream.avail_in = static_cast<uInt>(xml.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  EXPECT_EQ(Entries(packed), Strings{"url http://h/1"});
}

TEST(SitemapTest, LimitsAreMetAndOnePastThemCut) {
  std::string xml = "<urlset>";
  for (int i = 0; i < 11; ++i) xml += "<url><loc>http://h/" + std::to_string(i) + "</loc></url>";
  xml += "</urlset>";
  auto sitemap = ParseSitemap(xml, {.max_entries = 11});
  EXPECT_EQ(sitemap->entries.size(), 11U);
  EXPECT_FALSE(sitemap->truncated);
  sitemap = ParseSitemap(xml, {.max_entries = 10});
  EXPECT_EQ(sitemap->entries.size(), 10U);
  EXPECT_TRUE(sitemap->truncated);
  sitemap = ParseSitemap(xml, {.max_bytes = xml.size() - 20});
  EXPECT_EQ(sitemap->entries.size(), 10U);
  EXPECT_TRUE(sitemap->truncated);

  std::string deep = "<urlset>";
  for (int i = 0; i < 63; ++i) deep += "<x>";
  EXPECT_FALSE(ParseSitemap(deep)->truncated);
  EXPECT_TRUE(ParseSitemap(deep + "<x>")->truncated);

  const std::string loc = "http://h/" + std::string(web::kMaxUrlBytes - 9, 'a');
  EXPECT_EQ(Entries("<urlset><url><loc>" + loc + "</loc></url></urlset>").size(), 1U);
  EXPECT_EQ(Entries("<urlset><url><loc>" + loc + "b</loc></url></urlset>").size(), 0U);
}

std::string Packed(std::string_view text) {
  std::string packed(text.size() + 100, '\0');
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::vector<SitemapEntry> InPieces(std::string_view body, size_t bytes) {
  std::vector<SitemapEntry> entries;
  SitemapReader reader({}, [&](SitemapEntry&& entry) { entries.push_back(std::move(entry)); });
  for (; !body.empty(); body.remove_prefix(std::min(bytes, body.size()))) {
    if (!reader.Write(body.substr(0, bytes))) break;
  }
  EXPECT_TRUE(reader.Finish());
  return entries;
}

TEST(SitemapTest, PiecesOfAnySizeGiveTheSameEntries) {
  const std::string xml =
      "<?xml version='1.0'?><urlset><url><loc>http://h/\xC3\xA9?a=1&b=2&amp;c&eacute;</loc></url>"
      "<!-- a -- b ---><url><loc><![CDATA[http://h/&2]]></loc><lastmod>2024</lastmod></url>"
      "<url><loc>http://h/\xF0\x9F\x98\x80&#x41;</loc></url></urlset>";
  const auto whole = ParseSitemap(xml);
  ASSERT_TRUE(whole);
  EXPECT_TRUE(whole->complete);
  ASSERT_EQ(whole->entries.size(), 3U);
  EXPECT_EQ(whole->entries[0].loc, "http://h/\xC3\xA9?a=1&b=2&c&eacute;");
  EXPECT_EQ(whole->entries[1].loc, "http://h/&2");
  EXPECT_EQ(whole->entries[2].loc,
            "http://h/\xF0\x9F\x98\x80"
            "A");
  const std::string text = "http://h/1\r\nhttp://h/2\r\rhttp://h/3";
  for (const size_t bytes : {1U, 2U, 3U, 7U, 64U, 1000U}) {
    EXPECT_EQ(InPieces(xml, bytes), whole->entries) << bytes;
    EXPECT_EQ(InPieces(Packed(Packed(xml)), bytes), whole->entries) << bytes;
    EXPECT_EQ(InPieces(text, bytes).size(), 3U) << bytes;
  }
}

TEST(SitemapTest, WhatWritersGetWrongBreaksNothing) {
  EXPECT_EQ(Entries("<?xml version='1.0' encoding='utf-8'?><urlset>"
                    "<url><loc>http://h/?a&b&c=&nbsp;</loc></url>"
                    "<url><loc>http://h/\x01</loc></url><url><loc>http://h/&#0;</loc></url>"
                    "<url><loc>http://h/\xFF</loc></url>"
                    "<!-- -- --><url><loc>http://h/3</loc></url></urlset>"),
            (Strings{"url http://h/?a&b&c=&nbsp;", "url http://h/\xEF\xBF\xBD", "url http://h/3"}))
      << "a location with a character that XML does not have is lost, and no other";
}

TEST(SitemapTest, WhereNoEncodingIsSaidOtherBytesAreWindows1252) {
  EXPECT_EQ(Entries("<urlset><url><loc>http://h/\xC3\xA9\xE9</loc></url></urlset>"),
            Strings{"url http://h/\xC3\xA9\xC3\xA9"});
  EXPECT_EQ(Entries("http://h/\xE9\nhttp://h/\xE2\x82"),
            (Strings{"url http://h/\xC3\xA9", "url http://h/\xC3\xA2\xE2\x80\x9A"}));
}

TEST(SitemapTest, ElementsOfOtherVocabulariesAreNotItsOwn) {
  EXPECT_EQ(Entries("<urlset xmlns:image='i'><url><image:loc>http://h/i</image:loc>"
                    "<loc>http://h/1</loc></url></urlset>"),
            Strings{"url http://h/1"});
  EXPECT_EQ(Entries("<rdf:RDF xmlns:rdf='r' xmlns:rss='s'><rss:item><rss:link>http://h/1</rss:link>"
                    "</rss:item></rdf:RDF>"),
            Strings{"url http://h/1"});
  EXPECT_EQ(Entries("<rss><channel><item><guid isPermaLink='false'>http://h/g</guid></item>"
                    "<item><guid isPermaLink='true'>http://h/1</guid></item></channel></rss>"),
            Strings{"url http://h/1"});
}

TEST(SitemapTest, Rfc4287_AtomLinksByRelAndBase) {
  EXPECT_EQ(Entries("<feed xml:base='http://h/d/'><entry xml:base='e/'><link rel='ALTERNATE' "
                    "href='1'/></entry><entry><link xml:base='/f/' href='2' "
                    "rel='http://www.iana.org/assignments/relation/alternate'/></entry>"
                    "<entry><link rel='self' href='3'/></entry></feed>"),
            (Strings{"url http://h/d/e/1", "url http://h/f/2"}));
}

TEST(SitemapTest, WhatBeginsWithZerosOrBlanksWithoutEndIsNone) {
  EXPECT_EQ(Entries(std::string(2'000'000, '\0')), Strings{"error not_a_sitemap"});
  EXPECT_EQ(Entries(std::string(2'000'000, ' ') + "<urlset>"), Strings{"error not_a_sitemap"});
}

TEST(SitemapTest, EncodingsByBomDeclarationAndZeroBytes) {
  const auto wide = [](std::string_view text, bool little) {
    std::string out;
    for (const char c : text) {
      if (little) out += c;
      out += '\0';
      if (!little) out += c;
    }
    return out;
  };
  const std::string xml = "<urlset><url><loc>http://h/1</loc></url></urlset>";
  const Strings one = {"url http://h/1"};
  EXPECT_EQ(Entries(wide(xml, true)), one);
  EXPECT_EQ(Entries(wide(xml, false)), one);
  EXPECT_EQ(Entries("\xFF\xFE" + wide(xml, true)), one);
  EXPECT_EQ(Entries("\xFE\xFF" + wide(xml, false)), one);
  EXPECT_EQ(Entries("\xEF\xBB\xBF" + xml), one);
  EXPECT_EQ(Entries("<?xml version='1.0' encoding='iso-8859-1'?><urlset><url><loc>http://h/\xE9"
                    "</loc></url></urlset>"),
            Strings{"url http://h/\xC3\xA9"});
}

TEST(SitemapTest, ADocumentTypeThatDeclaresAttributesIsForbidden) {
  // expat would give each of them to each element.
  EXPECT_EQ(Entries("<!DOCTYPE urlset [<!ATTLIST a b CDATA 'x'>]><urlset><url><loc>http://h/</loc>"
                    "</url></urlset>"),
            Strings{"error forbidden_markup"});
}

TEST(SitemapTest, ATagOrACommentMayBeAsLongAsItsLimit) {
  const std::string before = "<urlset><url><loc>http://h/1</loc></url>";
  const std::string after = "<url><loc>http://h/2</loc></url></urlset>";
  for (const std::string_view begin : {"<!--", "<x y='", "<?z "}) {
    const std::string_view end = begin == "<!--" ? "-->" : begin == "<?z " ? "?>" : "'/>";
    const auto read = [&](size_t bytes) {
      return *ParseSitemap(before + std::string(begin) + std::string(bytes, 'x') +
                           std::string(end) + after);
    };
    EXPECT_EQ(read(size_t{900} << 10).entries.size(), 2U) << begin;
    const Sitemap cut = read(size_t{2} << 20);
    EXPECT_EQ(cut.entries.size(), 1U) << begin;
    EXPECT_TRUE(cut.truncated) << begin;
  }
}

TEST(SitemapTest, XmlBaseHoldsForItsElementAlone) {
  EXPECT_EQ(Entries("<feed xml:base='http://h/a/'><entry xml:base='b/'><link href='1'/></entry>"
                    "<entry><x xml:base='c/'/><link href='2'/></entry></feed>"),
            (Strings{"url http://h/a/b/1", "url http://h/a/2"}));
}

TEST(SitemapTest, WhatTheTakerThrowsComesOut) {
  SitemapReader reader({}, [](SitemapEntry&&) { throw std::runtime_error("full"); });
  EXPECT_THROW(
      {
        reader.Write("<urlset><url><loc>http://h/1</loc></url></urlset>");
        (void)reader.Finish();
      },
      std::runtime_error);
}

TEST(SitemapTest, ASitemapThatUnpacksToMuchIsReadEntryByEntry) {
  // 40 MB of XML, of which but one entry is at hand at a time.
  std::string url =
      "<url><loc>http://h/x</loc><lastmod>" + std::string(4000, ' ') + "2024</lastmod></url>";
  std::string xml = "<urlset>";
  while (xml.size() < (size_t{40} << 20)) xml += url;
  xml += "</urlset>";
  const std::string packed = Packed(xml);
  xml = {};
  xml.shrink_to_fit();
  size_t entries = 0;
  SitemapReader reader({}, [&](SitemapEntry&& entry) { entries += entry.lastmod == "2024"; });
  EXPECT_TRUE(reader.Write(packed));
  const auto end = reader.Finish();
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->complete);
  EXPECT_EQ(entries, end->count);
  EXPECT_GT(entries, 10000U);
}

}  // namespace
}  // namespace crawld::parser
