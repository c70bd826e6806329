#include "parser/sitemap.h"

#include <expat.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "parser/charset.h"
#include "parser/content_coding.h"
#include "parser/xml_mender.h"
#include "web/ascii.h"
#include "web/url.h"
#include "web/utf8.h"

namespace crawld::parser {
namespace {

constexpr size_t kPieceBytes = 64 << 10;
constexpr size_t kMaxFieldBytes = 64;  // of a date or a frequency

std::string_view LocalName(const char* qualified) {
  const std::string_view name = qualified;
  const size_t colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

// Where the entries of one document go, and what is told of it at the end.
class Output {
 public:
  Output(const SitemapLimits& limits, std::function<void(SitemapEntry&&)> take)
      : limits_(limits), take_(std::move(take)) {}

  // False: there is no room for it.
  bool Take(SitemapEntry&& entry) {
    if (end_.count == limits_.max_entries) {
      end_.truncated = true;
      return false;
    }
    ++end_.count;
    take_(std::move(entry));
    return true;
  }

  const SitemapLimits& limits() const { return limits_; }
  SitemapEnd& end() { return end_; }

 private:
  const SitemapLimits limits_;
  const std::function<void(SitemapEntry&&)> take_;
  SitemapEnd end_;
};

class XmlSitemap {
 public:
  explicit XmlSitemap(Output& output)
      : output_(output),
        limits_(output.limits()),
        parser_(XML_ParserCreate("UTF-8"), XML_ParserFree) {
    if (!parser_) throw std::bad_alloc();
    XML_SetUserData(parser_.get(), this);
    XML_SetCommentHandler(parser_.get(), OnComment);
    XML_SetProcessingInstructionHandler(parser_.get(), OnInstruction);
    XML_SetElementHandler(parser_.get(), OnStart, OnEnd);
    XML_SetCharacterDataHandler(parser_.get(), OnText);
    XML_SetEntityDeclHandler(parser_.get(), OnEntity);
    XML_SetAttlistDeclHandler(parser_.get(), OnAttribute);
    // Never followed: parameter entities off, no external handler.
    XML_SetParamEntityParsing(parser_.get(), XML_PARAM_ENTITY_PARSING_NEVER);
  }

  // Valid UTF-8. False when no more is wanted.
  bool Write(std::string_view utf8, bool last) {
    while (!over_) {
      const std::string_view piece = utf8.substr(0, kPieceBytes);
      utf8.remove_prefix(piece.size());
      const bool final = last && utf8.empty();
      mended_.clear();
      mender_.Write(piece, final, mended_);
      if (XML_Parse(parser_.get(), mended_.data(), static_cast<int>(mended_.size()),
                    static_cast<int>(final)) != XML_STATUS_OK) {
        if (!stopped_) output_.end().complete = false;
        over_ = true;
      }
      if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
      // expat keeps a tag or a comment until it is whole.
      token_bytes_ = std::exchange(event_seen_, false) ? 0 : token_bytes_ + mended_.size();
      if (token_bytes_ > limits_.max_token_bytes) {
        output_.end().truncated = true;
        stopped_ = over_ = true;
      }
      if (utf8.empty()) break;
    }
    return !over_;
  }

  std::optional<ParseError> error() {
    if (forbidden_ && output_.end().count == 0) return ParseError::kForbiddenMarkup;
    if (format_ == Format::kUnknown) return ParseError::kNotASitemap;
    return std::nullopt;
  }

 private:
  enum class Format : uint8_t { kUnknown, kUrlset, kIndex, kRss, kAtom };
  enum class Field : uint8_t { kNone, kLoc, kLastmod, kChangefreq, kPriority, kGuid };

  // Every call from expat comes through here: no exception may leave through its frames.
  template <typename Handle>
  static void From(void* data, Handle handle) {
    auto& self = *static_cast<XmlSitemap*>(data);
    self.event_seen_ = true;
    try {
      handle(self);
    } catch (...) {
      self.thrown_ = std::current_exception();
      self.Stop();
    }
  }
  static void OnStart(void* data, const char* name, const char** attributes) {
    From(data, [&](XmlSitemap& self) {
      const std::string_view local = LocalName(name);
      self.Start(local, std::string_view(name, static_cast<size_t>(local.data() - name)),
                 attributes);
    });
  }
  static void OnEnd(void* data, const char*) {
    From(data, [](XmlSitemap& self) { self.End(); });
  }
  static void OnText(void* data, const char* text, int size) {
    From(data, [&](XmlSitemap& self) { self.Text({text, static_cast<size_t>(size)}); });
  }
  static void OnComment(void* data, const char*) {
    From(data, [](XmlSitemap&) {});
  }
  static void OnInstruction(void* data, const char*, const char*) {
    From(data, [](XmlSitemap&) {});
  }
  static void OnEntity(void* data, const char*, int, const char*, int, const char*, const char*,
                       const char*, const char*) {
    From(data, [](XmlSitemap& self) { self.Forbid(); });
  }

  // Each declared attribute would be given to each element.
  static void OnAttribute(void* data, const char*, const char*, const char*, const char*, int) {
    From(data, [](XmlSitemap& self) { self.Forbid(); });
  }

  void Forbid() {
    forbidden_ = true;
    output_.end().complete = false;
    Stop();
  }

  void Stop() {
    stopped_ = true;
    XML_StopParser(parser_.get(), XML_FALSE);
  }

  // `prefix` with its colon.
  void Start(std::string_view name, std::string_view prefix, const char** attributes) {
    if (stopped_) return;
    ++depth_;
    if (depth_ > limits_.max_depth) {
      output_.end().truncated = true;
      Stop();
      return;
    }
    if (depth_ == 1) {
      format_ = FormatOf(name);
      if (format_ == Format::kUnknown) Stop();
    }
    if (format_ == Format::kAtom) {
      const std::string_view own = Attribute(attributes, "xml:base");
      if (own.size() > limits_.max_loc_bytes) {
        output_.end().truncated = true;
      } else if (!own.empty()) {
        bases_.push_back({depth_, Joined(base(), own)});
      }
    }
    if (depth_ == 1) return;
    if (entry_depth_ == 0) {
      if (IsEntry(name)) {
        entry_depth_ = depth_;
        entry_prefix_ = prefix;
        entry_ = {};
        entry_.kind = format_ == Format::kIndex ? SitemapKind::kSitemap : SitemapKind::kUrl;
        loc_quality_ = 0;
      }
      return;
    }
    if (depth_ != entry_depth_ + 1) return;
    // An <image:loc> or <atom:link> is somebody else's; <sm:loc> in <sm:url> is not.
    field_ = prefix == entry_prefix_ ? FieldOf(name) : Field::kNone;
    // RSS 1.0 and Dublin Core.
    if (format_ == Format::kRss && name == "date") field_ = Field::kLastmod;
    text_.clear();
    too_long_ = false;
    if (field_ == Field::kGuid && Attribute(attributes, "isPermaLink") == "false") {
      field_ = Field::kNone;
    }
    if (format_ == Format::kAtom && name == "link" && prefix == entry_prefix_) {
      AtomLink(attributes);
    }
  }

  // The attribute of that name, or nothing.
  static std::string_view Attribute(const char** attributes, std::string_view name) {
    for (; *attributes != nullptr; attributes += 2) {
      if (attributes[0] == name) return attributes[1];
    }
    return {};
  }

  static Format FormatOf(std::string_view root) {
    if (web::EqualIgnoringCase(root, "urlset")) return Format::kUrlset;
    if (web::EqualIgnoringCase(root, "sitemapindex")) return Format::kIndex;
    if (web::EqualIgnoringCase(root, "rss") || web::EqualIgnoringCase(root, "rdf"))
      return Format::kRss;
    if (web::EqualIgnoringCase(root, "feed")) return Format::kAtom;
    return Format::kUnknown;
  }

  bool IsEntry(std::string_view name) const {
    switch (format_) {
      case Format::kUrlset:
        return web::EqualIgnoringCase(name, "url");
      case Format::kIndex:
        return web::EqualIgnoringCase(name, "sitemap");
      case Format::kRss:
        return web::EqualIgnoringCase(name, "item");
      case Format::kAtom:
        return web::EqualIgnoringCase(name, "entry");
      case Format::kUnknown:
        break;
    }
    return false;
  }

  Field FieldOf(std::string_view name) const {
    switch (format_) {
      case Format::kUrlset:
      case Format::kIndex:
        if (web::EqualIgnoringCase(name, "loc")) return Field::kLoc;
        if (web::EqualIgnoringCase(name, "lastmod")) return Field::kLastmod;
        if (web::EqualIgnoringCase(name, "changefreq")) return Field::kChangefreq;
        if (web::EqualIgnoringCase(name, "priority")) return Field::kPriority;
        return Field::kNone;
      case Format::kRss:
        if (name == "link") return Field::kLoc;
        if (name == "guid") return Field::kGuid;
        if (name == "pubDate") return Field::kLastmod;
        return Field::kNone;
      case Format::kAtom:
        return name == "updated" || name == "modified" ? Field::kLastmod : Field::kNone;
      case Format::kUnknown:
        break;
    }
    return Field::kNone;
  }

  // RFC 4287 section 4.2.7.2: the entry's page is rel=alternate, or no rel at all. The IRI is the
  // registered name in full.
  void AtomLink(const char** attributes) {
    constexpr std::string_view kRegistry = "http://www.iana.org/assignments/relation/";
    const std::string_view href = Attribute(attributes, "href");
    std::string_view rel = Attribute(attributes, "rel");
    if (rel.data() == nullptr) rel = "alternate";
    if (rel.starts_with(kRegistry)) rel.remove_prefix(kRegistry.size());
    if (!web::EqualIgnoringCase(rel, "alternate")) return;
    if (!href.empty()) SetLoc(Joined(base(), href), 2);
  }

  // What references are resolved against here; empty: the document's own URL.
  std::string_view base() const { return bases_.empty() ? std::string_view() : bases_.back().url; }

  // XML Base: `reference` against `base`, either of which may be missing.
  static std::string Joined(std::string_view base, std::string_view reference) {
    if (reference.empty()) return std::string(base);
    const auto whole = web::Url::Parse(base);
    const auto joined = whole ? web::Url::Parse(reference, *whole) : web::Url::Parse(reference);
    return joined && whole ? std::string(joined->href()) : std::string(reference);
  }

  void SetLoc(std::string_view loc, int quality) {
    loc = web::TrimAsciiSpace(loc);
    if (loc.empty() || quality <= loc_quality_) return;
    if (loc.size() > limits_.max_loc_bytes) {
      output_.end().truncated = true;
      return;
    }
    // What it said is lost; a URL made up of the rest would be another one.
    if (loc.find(kNoXmlCharacter) != std::string_view::npos) {
      output_.end().complete = false;
      return;
    }
    entry_.loc = loc;
    loc_quality_ = quality;
  }

  void Text(std::string_view text) {
    if (field_ == Field::kNone || stopped_) return;
    const bool location = field_ == Field::kLoc || field_ == Field::kGuid;
    if (text_.empty()) {
      while (!text.empty() && web::IsAsciiSpace(text.front())) text.remove_prefix(1);
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
    if (!bases_.empty() && bases_.back().depth == depth_) bases_.pop_back();
    if (entry_depth_ > 0 && depth_ == entry_depth_ + 1) {
      EndField();
    } else if (entry_depth_ > 0 && depth_ == entry_depth_) {
      entry_depth_ = 0;
      if (!entry_.loc.empty() && !output_.Take(std::move(entry_))) Stop();
      entry_ = {};
    }
    --depth_;
  }

  void EndField() {
    const std::string_view text = web::TrimAsciiSpace(text_);
    switch (std::exchange(field_, Field::kNone)) {
      case Field::kNone:
        break;
      case Field::kLoc:
        if (too_long_) {
          output_.end().truncated = true;
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

  Output& output_;
  const SitemapLimits& limits_;
  const std::unique_ptr<XML_ParserStruct, void (*)(XML_Parser)> parser_;
  XmlMender mender_;
  std::string mended_;
  bool over_ = false;
  Format format_ = Format::kUnknown;
  size_t depth_ = 0;
  size_t entry_depth_ = 0;  // of the entry we are in; 0 outside
  SitemapEntry entry_;
  std::string entry_prefix_;
  struct Base {
    size_t depth;  // of the element that has it
    std::string url;
  };
  std::vector<Base> bases_;  // Atom: the xml:base attributes of open elements
  size_t token_bytes_ = 0;   // since expat last called
  bool event_seen_ = false;  // it has called
  std::exception_ptr thrown_;
  int loc_quality_ = 0;
  Field field_ = Field::kNone;
  std::string text_;
  bool too_long_ = false;
  bool stopped_ = false;
  bool forbidden_ = false;
};

// One absolute URL a line; other lines are skipped.
class TextSitemap {
 public:
  explicit TextSitemap(Output& output) : output_(output) {}

  // Valid UTF-8. False when no more is wanted.
  bool Write(std::string_view text, bool last) {
    while (!text.empty()) {
      const size_t end = text.find_first_of("\r\n");
      // What is too long to be taken need not be kept.
      const size_t room = output_.limits().max_loc_bytes + 1 - line_.size();
      line_ += text.substr(0, std::min(end, room));
      if (end == std::string_view::npos) break;
      text.remove_prefix(end + 1);
      if (!EndLine()) return false;
    }
    return !last || EndLine();
  }

  std::optional<ParseError> error() {
    return output_.end().count == 0 ? std::optional(ParseError::kNotASitemap) : std::nullopt;
  }

 private:
  bool EndLine() {
    const std::string line = std::exchange(line_, {});
    if (line.size() > output_.limits().max_loc_bytes) {
      output_.end().truncated = true;
      return true;
    }
    const auto url = web::Url::Parse(line);
    if (!url || !url->IsHttp()) return true;
    SitemapEntry entry;
    entry.loc = web::TrimAsciiSpace(line);
    return output_.Take(std::move(entry));
  }

  Output& output_;
  std::string line_;
};

// Unpacked bytes of unknown encoding, to one of the two above.
class Document {
 public:
  explicit Document(Output& output) : output_(output) {}

  bool Write(std::string_view bytes) {
    const size_t room = output_.limits().max_bytes - bytes_;
    if (bytes.size() > room) output_.end().truncated = true;
    bytes = bytes.substr(0, room);
    bytes_ += bytes.size();
    bool more = true;
    if (!decoder_) {
      head_ += bytes;
      if (head_.size() < kHeadBytes) return true;
      more = Begin(false);
    } else {
      more = Decode(bytes, false);
    }
    return more && !output_.end().truncated;
  }

  std::optional<ParseError> Finish() {
    if (!decoder_) {
      Begin(true);
    } else {
      Decode({}, true);
    }
    if (xml_) return xml_->error();
    return text_ ? text_->error() : ParseError::kNotASitemap;
  }

 private:
  static constexpr size_t kHeadBytes = 1024;
  static constexpr size_t kMaxBlanks = size_t{1} << 20;  // before anything else

  bool Begin(bool last) {
    const Charset charset = DetermineXmlCharset(head_);
    decoder_.emplace(charset.name);
    undeclared_ = charset.source == CharsetSource::kUtf8;
    const std::string head = std::exchange(head_, {});
    return Decode(std::string_view(head).substr(charset.bom_bytes), last);
  }

  bool Decode(std::string_view bytes, bool last) {
    bool more = true;
    do {
      const std::string_view piece = bytes.substr(0, kPieceBytes);
      bytes.remove_prefix(piece.size());
      decoded_.clear();
      const bool at_end = last && bytes.empty();
      if (undeclared_) {
        Guess(piece, at_end);
      } else {
        decoder_->Write(piece, at_end, decoded_);
      }
      more = Read(decoded_, at_end);
    } while (more && !bytes.empty());
    return more;
  }

  // Nothing says what the encoding is: UTF-8, up to bytes that are not; these and what follows are
  // windows-1252.
  void Guess(std::string_view piece, bool last) {
    carried_ += piece;
    const size_t valid = web::ValidUtf8Prefix(carried_);
    decoded_ = carried_.substr(0, valid);
    carried_.erase(0, valid);
    if (carried_.empty() || (!last && carried_.size() < 4 && MayGoOn(carried_))) return;
    undeclared_ = false;
    decoder_.emplace("windows-1252");
    decoder_->Write(carried_, last, decoded_);
    carried_.clear();
  }

  // The beginning of a character in UTF-8.
  static bool MayGoOn(std::string_view bytes) {
    const auto lead = static_cast<unsigned char>(bytes[0]);
    const size_t size = lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1;
    return bytes.size() < size && std::all_of(bytes.begin() + 1, bytes.end(), [](char c) {
             return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
           });
  }

  bool Read(std::string_view utf8, bool last) {
    if (!xml_ && !text_) {
      // Neither XML nor a list begins so; a packed bomb may.
      blanks_ += utf8.size();
      if (blanks_ > kMaxBlanks) return false;
      // Blanks before the declaration are an error in XML and common in the wild.
      while (!utf8.empty() && web::IsAsciiSpace(utf8.front())) utf8.remove_prefix(1);
      if (utf8.starts_with("\xEF\xBB\xBF")) utf8.remove_prefix(3);
      if (utf8.empty()) return true;
      if (static_cast<unsigned char>(utf8.front()) < 0x20) return false;
      if (utf8.front() == '<') {
        xml_.emplace(output_);
      } else {
        text_.emplace(output_);
      }
    }
    return xml_ ? xml_->Write(utf8, last) : text_->Write(utf8, last);
  }

  Output& output_;
  size_t bytes_ = 0;
  size_t blanks_ = 0;
  std::string head_;
  std::optional<StreamDecoder> decoder_;
  bool undeclared_ = false;
  std::string carried_;
  std::string decoded_;
  std::optional<XmlSitemap> xml_;
  std::optional<TextSitemap> text_;
};

// Takes gzip off, if it is there. A .xml.gz may come with Content-Encoding: gzip on top, and was
// then packed twice.
class Unpacker {
 public:
  Unpacker(int layers, Output& output, Document& document)
      : layers_(layers), output_(output), document_(document) {}

  bool Write(std::string_view bytes) {
    if (!decided_) {
      head_ += bytes;
      if (head_.size() < 2) return true;
      const std::string head = std::exchange(head_, {});
      return Decide(head);
    }
    return gunzip_ ? gunzip_->Write(bytes) : document_.Write(bytes);
  }

  void Finish() {
    if (!decided_ && !head_.empty()) Decide(std::exchange(head_, {}));
    if (inner_) inner_->Finish();
    if (gunzip_ && !gunzip_->complete() && !output_.end().truncated) {
      output_.end().complete = false;
    }
  }

 private:
  bool Decide(const std::string& head) {
    decided_ = true;
    if (layers_ == 0 || !head.starts_with("\x1F\x8B")) return document_.Write(head);
    inner_ = std::make_unique<Unpacker>(layers_ - 1, output_, document_);
    gunzip_.emplace([this](std::string_view piece) { return inner_->Write(piece); });
    return gunzip_->Write(head);
  }

  const int layers_;
  Output& output_;
  Document& document_;
  bool decided_ = false;
  std::string head_;
  std::unique_ptr<Unpacker> inner_;
  std::optional<GunzipStream> gunzip_;
};

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

class SitemapReader::Impl {
 public:
  Impl(const SitemapLimits& limits, std::function<void(SitemapEntry&&)> take)
      : output(limits, std::move(take)) {}

  Output output;
  Document document{output};
  Unpacker unpacker{2, output, document};
};

SitemapReader::SitemapReader(const SitemapLimits& limits, std::function<void(SitemapEntry&&)> take)
    : impl_(std::make_unique<Impl>(limits, std::move(take))) {}
SitemapReader::~SitemapReader() = default;

bool SitemapReader::Write(std::string_view bytes) { return impl_->unpacker.Write(bytes); }

Result<SitemapEnd, ParseError> SitemapReader::Finish() {
  impl_->unpacker.Finish();
  if (const auto error = impl_->document.Finish()) return Err(*error);
  return impl_->output.end();
}

Result<Sitemap, ParseError> ParseSitemap(std::string_view body, const SitemapLimits& limits) {
  Sitemap sitemap;
  SitemapReader reader(limits,
                       [&](SitemapEntry&& entry) { sitemap.entries.push_back(std::move(entry)); });
  reader.Write(body);
  auto end = reader.Finish();
  if (!end) return Err(end.error());
  static_cast<SitemapEnd&>(sitemap) = *end;
  return sitemap;
}

}  // namespace crawld::parser
