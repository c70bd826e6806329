#include "parser/sitemap.h"

#include <expat.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include "parser/charset.h"
#include "parser/content_coding.h"
#include "web/url.h"
#include "web/url_bytes.h"
#include "web/utf8.h"

namespace crawld::parser {
namespace {

constexpr size_t kPieceBytes = 64 << 10;
constexpr size_t kMaxFieldBytes = 64;  // of a date or a frequency

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f'; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view LocalName(const char* qualified) {
  const std::string_view name = qualified;
  const size_t colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

bool EqualIgnoringCase(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(),
                    [](char a, char b) { return web::AsciiLower(a) == b; });
}

class XmlSitemap {
 public:
  explicit XmlSitemap(const SitemapLimits& limits) : limits_(limits) {}

  Result<Sitemap, ParseError> Run(std::string_view xml, const char* encoding) {
    const std::unique_ptr<XML_ParserStruct, void (*)(XML_Parser)> parser(XML_ParserCreate(encoding),
                                                                         XML_ParserFree);
    parser_ = parser.get();
    XML_SetUserData(parser_, this);
    XML_SetElementHandler(parser_, OnStart, OnEnd);
    XML_SetCharacterDataHandler(parser_, OnText);
    XML_SetEntityDeclHandler(parser_, OnEntity);
    // Never followed: parameter entities off, no external handler.
    XML_SetParamEntityParsing(parser_, XML_PARAM_ENTITY_PARSING_NEVER);
    bool ok = true;
    while (ok && !stopped_) {
      const std::string_view piece = xml.substr(0, kPieceBytes);
      xml.remove_prefix(piece.size());
      ok = XML_Parse(parser_, piece.data(), static_cast<int>(piece.size()), xml.empty()) ==
           XML_STATUS_OK;
      if (xml.empty()) break;
    }
    if (forbidden_ && sitemap_.entries.empty()) return Err(ParseError::kForbiddenMarkup);
    if (format_ == Format::kUnknown) return Err(ParseError::kNotASitemap);
    if (!ok && !stopped_) sitemap_.complete = false;
    return std::move(sitemap_);
  }

 private:
  enum class Format : uint8_t { kUnknown, kUrlset, kIndex, kRss, kAtom };
  enum class Field : uint8_t { kNone, kLoc, kLastmod, kChangefreq, kPriority, kGuid };

  static XmlSitemap& Self(void* data) { return *static_cast<XmlSitemap*>(data); }
  static void OnStart(void* data, const char* name, const char** attributes) {
    Self(data).Start(LocalName(name), std::string_view(name).find(':') != std::string_view::npos,
                     attributes);
  }
  static void OnEnd(void* data, const char*) { Self(data).End(); }
  static void OnText(void* data, const char* text, int size) {
    Self(data).Text({text, static_cast<size_t>(size)});
  }
  static void OnEntity(void* data, const char*, int, const char*, int, const char*, const char*,
                       const char*, const char*) {
    Self(data).forbidden_ = true;
    Self(data).Stop();
    Self(data).sitemap_.complete = false;
  }

  void Stop() {
    stopped_ = true;
    XML_StopParser(parser_, XML_FALSE);
  }

  void Start(std::string_view name, bool prefixed, const char** attributes) {
    if (stopped_) return;
    ++depth_;
    if (depth_ > limits_.max_depth) {
      sitemap_.truncated = true;
      Stop();
      return;
    }
    if (depth_ == 1) {
      format_ = FormatOf(name);
      if (format_ == Format::kUnknown) Stop();
      return;
    }
    if (entry_depth_ == 0) {
      if (IsEntry(name)) {
        entry_depth_ = depth_;
        entry_ = {};
        entry_.kind = format_ == Format::kIndex ? SitemapKind::kSitemap : SitemapKind::kUrl;
        loc_quality_ = 0;
      }
      return;
    }
    if (depth_ != entry_depth_ + 1) return;
    field_ = FieldOf(name, prefixed);
    text_.clear();
    too_long_ = false;
    if (format_ == Format::kAtom && name == "link") AtomLink(attributes);
  }

  static Format FormatOf(std::string_view root) {
    if (EqualIgnoringCase(root, "urlset")) return Format::kUrlset;
    if (EqualIgnoringCase(root, "sitemapindex")) return Format::kIndex;
    if (EqualIgnoringCase(root, "rss") || EqualIgnoringCase(root, "rdf")) return Format::kRss;
    if (EqualIgnoringCase(root, "feed")) return Format::kAtom;
    return Format::kUnknown;
  }

  bool IsEntry(std::string_view name) const {
    switch (format_) {
      case Format::kUrlset:
        return EqualIgnoringCase(name, "url");
      case Format::kIndex:
        return EqualIgnoringCase(name, "sitemap");
      case Format::kRss:
        return EqualIgnoringCase(name, "item");
      case Format::kAtom:
        return EqualIgnoringCase(name, "entry");
      case Format::kUnknown:
        break;
    }
    return false;
  }

  // <image:loc> and <atom:link> are somebody else's; a prefix on <loc>'s own kin is not, because
  // image:loc lies one level deeper.
  Field FieldOf(std::string_view name, bool prefixed) const {
    switch (format_) {
      case Format::kUrlset:
      case Format::kIndex:
        if (EqualIgnoringCase(name, "loc")) return Field::kLoc;
        if (EqualIgnoringCase(name, "lastmod")) return Field::kLastmod;
        if (EqualIgnoringCase(name, "changefreq")) return Field::kChangefreq;
        if (EqualIgnoringCase(name, "priority")) return Field::kPriority;
        return Field::kNone;
      case Format::kRss:
        if (name == "link" && !prefixed) return Field::kLoc;
        if (name == "guid") return Field::kGuid;
        if (name == "pubDate" || name == "date") return Field::kLastmod;
        return Field::kNone;
      case Format::kAtom:
        return name == "updated" || name == "modified" ? Field::kLastmod : Field::kNone;
      case Format::kUnknown:
        break;
    }
    return Field::kNone;
  }

  // The entry's page: rel=alternate, or no rel at all.
  void AtomLink(const char** attributes) {
    std::string_view href;
    std::string_view rel = "alternate";
    for (; *attributes != nullptr; attributes += 2) {
      if (std::string_view(attributes[0]) == "href") href = attributes[1];
      if (std::string_view(attributes[0]) == "rel") rel = attributes[1];
    }
    if (rel == "alternate") SetLoc(href, 2);
  }

  void SetLoc(std::string_view loc, int quality) {
    loc = Trim(loc);
    if (loc.empty() || quality <= loc_quality_) return;
    if (loc.size() > limits_.max_loc_bytes) {
      sitemap_.truncated = true;
      return;
    }
    entry_.loc = loc;
    loc_quality_ = quality;
  }

  void Text(std::string_view text) {
    if (field_ == Field::kNone || stopped_) return;
    const bool location = field_ == Field::kLoc || field_ == Field::kGuid;
    if (text_.empty()) {
      while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
    }
    if (text_.size() + text.size() >
        (location ? limits_.max_loc_bytes + kMaxFieldBytes : kMaxFieldBytes)) {
      too_long_ = true;
      return;
    }
    text_ += text;
  }

  void End() {
    if (stopped_) return;
    if (entry_depth_ > 0 && depth_ == entry_depth_ + 1) {
      EndField();
    } else if (entry_depth_ > 0 && depth_ == entry_depth_) {
      entry_depth_ = 0;
      if (!entry_.loc.empty()) {
        if (sitemap_.entries.size() == limits_.max_entries) {
          sitemap_.truncated = true;
          Stop();
        } else {
          sitemap_.entries.push_back(std::move(entry_));
        }
      }
      entry_ = {};
    }
    --depth_;
  }

  void EndField() {
    const std::string_view text = Trim(text_);
    switch (std::exchange(field_, Field::kNone)) {
      case Field::kNone:
        break;
      case Field::kLoc:
        if (too_long_) {
          sitemap_.truncated = true;
        } else {
          SetLoc(text, 2);
        }
        break;
      case Field::kGuid:  // a permalink where there is no link
        if (!too_long_ && (text.starts_with("http://") || text.starts_with("https://"))) {
          SetLoc(text, 1);
        }
        break;
      case Field::kLastmod:
        if (!too_long_) entry_.lastmod = text;
        break;
      case Field::kChangefreq:
        if (!too_long_) {
          entry_.changefreq = text;
          for (char& c : entry_.changefreq) c = web::AsciiLower(c);
        }
        break;
      case Field::kPriority: {
        double value = 0;
        const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
        if (parsed.ec == std::errc() && value >= 0 && value <= 1) entry_.priority = value;
        break;
      }
    }
  }

  const SitemapLimits& limits_;
  XML_Parser parser_ = nullptr;
  Sitemap sitemap_;
  Format format_ = Format::kUnknown;
  size_t depth_ = 0;
  size_t entry_depth_ = 0;  // of the entry we are in; 0 outside
  SitemapEntry entry_;
  int loc_quality_ = 0;
  Field field_ = Field::kNone;
  std::string text_;
  bool too_long_ = false;
  bool stopped_ = false;
  bool forbidden_ = false;
};

// One absolute URL a line; other lines are skipped. None at all: not a sitemap.
Result<Sitemap, ParseError> ParseText(std::string_view text, const SitemapLimits& limits) {
  Sitemap sitemap;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of("\r\n"), text.size());
    const std::string_view line = Trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.size() > limits.max_loc_bytes) continue;
    const auto url = web::Url::Parse(line);
    if (!url || !url->IsHttp()) continue;
    if (sitemap.entries.size() == limits.max_entries) {
      sitemap.truncated = true;
      break;
    }
    sitemap.entries.emplace_back().loc = line;
  }
  if (sitemap.entries.empty()) return Err(ParseError::kNotASitemap);
  return sitemap;
}

}  // namespace

std::string_view Name(SitemapKind kind) {
  switch (kind) {
    case SitemapKind::kUrl:
      return "url";
    case SitemapKind::kSitemap:
      return "sitemap";
  }
  return "unknown";
}

Result<Sitemap, ParseError> ParseSitemap(std::string_view body, const SitemapLimits& limits) {
  DecodedBody unpacked;
  bool complete = true;
  bool truncated = false;
  // A .xml.gz may come with Content-Encoding: gzip on top, and was then packed twice.
  for (int layer = 0; layer < 2 && body.starts_with("\x1F\x8B"); ++layer) {
    DecodeLimits decode;
    decode.max_output_bytes = limits.max_bytes;
    DecodedBody next = Gunzip(body, decode);
    complete = complete && next.complete;
    truncated = truncated || next.truncated;
    unpacked = std::move(next);
    body = unpacked.bytes;
  }
  if (body.size() > limits.max_bytes) {
    body = body.substr(0, limits.max_bytes);
    truncated = true;
  }
  // Expat knows UTF-8, UTF-16, ISO-8859-1 and ASCII; everything else, and broken UTF-8, comes to it
  // as UTF-8.
  std::string decoded;
  const Charset charset = DetermineCharset(body, {});
  const std::string_view text = DecodeToUtf8(body.substr(charset.bom_bytes), charset.name, decoded);
  std::string_view start = Trim(text.substr(0, std::min<size_t>(text.size(), 4096)));
  Result<Sitemap, ParseError> result = Err(ParseError::kNotASitemap);
  if (start.starts_with('<')) {
    // Blanks before the declaration are an error in XML and common in the wild.
    result = XmlSitemap(limits).Run(text.substr(static_cast<size_t>(start.data() - text.data())),
                                    "UTF-8");
  } else {
    result = ParseText(text, limits);
  }
  if (result) {
    result->complete = result->complete && complete;
    result->truncated = result->truncated || truncated;
  }
  return result;
}

}  // namespace crawld::parser
