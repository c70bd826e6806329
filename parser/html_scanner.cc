#include "parser/html_scanner.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "parser/character_references.h"
#include "web/ascii.h"

namespace crawld::parser {
namespace {

using web::EqualIgnoringCase;
using web::IsAsciiSpace;

// What a tag name means to the scanner.
enum class Name {
  kOther,   // nothing
  kPhrase,  // nothing, and may stand in a heading
  kAnchor,
  kArea,
  kBase,
  kFrame,  // iframe; its content is raw text
  kLink,
  kMeta,
  kTitle,    // its content is raw text, but for character references
  kRaw,      // its content is raw text
  kHeading,  // its text counts
  kHtml,
  kTable,
  kRow,   // content between these and the cells is thrown out of the table
  kCell,  // content stands where it is
  kSvg,
  kDoubt,
};

// A set of attributes.
constexpr uint8_t Bit(Attribute attribute) {
  return static_cast<uint8_t>(1U << static_cast<unsigned>(attribute));
}
constexpr uint8_t kHref = Bit(Attribute::kHref);
constexpr uint8_t kRel = Bit(Attribute::kRel);
constexpr uint8_t kSrc = Bit(Attribute::kSrc);
constexpr uint8_t kName = Bit(Attribute::kName);
constexpr uint8_t kContent = Bit(Attribute::kContent);
constexpr uint8_t kHttpEquiv = Bit(Attribute::kHttpEquiv);
constexpr uint8_t kLang = Bit(Attribute::kLang);

struct Entry {
  std::string_view name;
  Name meaning;
  uint8_t attributes = 0;  // those that count
};

// In the order of their length, then of the alphabet.
constexpr std::array kEntries = std::to_array<Entry>({
    {"a", Name::kAnchor, kHref | kRel},
    {"b", Name::kPhrase},
    {"i", Name::kPhrase},
    {"q", Name::kPhrase},
    {"s", Name::kPhrase},
    {"u", Name::kPhrase},
    {"br", Name::kPhrase},
    {"em", Name::kPhrase},
    {"h1", Name::kHeading},
    {"h2", Name::kHeading},
    {"h3", Name::kHeading},
    {"h4", Name::kHeading},
    {"h5", Name::kHeading},
    {"h6", Name::kHeading},
    {"td", Name::kCell},
    {"th", Name::kCell},
    {"tr", Name::kRow},
    {"tt", Name::kPhrase},
    {"bdi", Name::kPhrase},
    {"bdo", Name::kPhrase},
    {"big", Name::kPhrase},
    {"col", Name::kRow},
    {"del", Name::kPhrase},
    {"dfn", Name::kPhrase},
    {"img", Name::kPhrase},
    {"ins", Name::kPhrase},
    {"kbd", Name::kPhrase},
    {"sub", Name::kPhrase},
    {"sup", Name::kPhrase},
    {"svg", Name::kSvg},
    {"var", Name::kPhrase},
    {"wbr", Name::kPhrase},
    {"xmp", Name::kRaw},
    {"abbr", Name::kPhrase},
    {"area", Name::kArea, kHref | kRel},
    {"base", Name::kBase, kHref},
    {"cite", Name::kPhrase},
    {"code", Name::kPhrase},
    {"font", Name::kPhrase},
    {"html", Name::kHtml, kLang},
    {"link", Name::kLink, kHref | kRel},
    {"mark", Name::kPhrase},
    {"math", Name::kDoubt},
    {"meta", Name::kMeta, kName | kContent | kHttpEquiv},
    {"nobr", Name::kPhrase},
    {"samp", Name::kPhrase},
    {"span", Name::kPhrase},
    {"time", Name::kPhrase},
    {"image", Name::kPhrase},
    {"small", Name::kPhrase},
    {"style", Name::kRaw},
    {"table", Name::kTable},
    {"tbody", Name::kRow},
    {"tfoot", Name::kRow},
    {"thead", Name::kRow},
    {"title", Name::kTitle},
    {"iframe", Name::kFrame, kSrc},
    {"script", Name::kRaw},
    {"strike", Name::kPhrase},
    {"strong", Name::kPhrase},
    {"acronym", Name::kPhrase},
    {"caption", Name::kCell},
    {"isindex", Name::kDoubt},
    {"noembed", Name::kRaw},
    {"colgroup", Name::kRow},
    {"frameset", Name::kDoubt},
    {"noframes", Name::kRaw},
    {"template", Name::kDoubt},
    {"textarea", Name::kRaw},
    {"plaintext", Name::kDoubt},
});

constexpr size_t kLongestName = kEntries.back().name.size();

// kFirst[n][c - 'a']: the first entry whose name is not shorter than n, nor, with n characters,
// before the letter c.
constexpr size_t kLetters = 26;
constexpr auto kFirst = [] {
  std::array<std::array<uint8_t, kLetters + 1>, kLongestName + 1> first{};
  for (size_t length = 0; length <= kLongestName; ++length) {
    for (size_t letter = 0; letter <= kLetters; ++letter) {
      size_t i = 0;
      while (i < kEntries.size() && (kEntries[i].name.size() < length ||
                                     (kEntries[i].name.size() == length &&
                                      static_cast<size_t>(kEntries[i].name[0] - 'a') < letter))) {
        ++i;
      }
      first[length][letter] = static_cast<uint8_t>(i);
    }
  }
  return first;
}();

constexpr Entry kUnlisted = {"", Name::kOther};

// `name` begins with a letter.
const Entry& EntryOf(std::string_view name) {
  if (name.size() > kLongestName) return kUnlisted;
  const auto letter = static_cast<size_t>(web::AsciiLower(name[0]) - 'a');
  const auto& first = kFirst[name.size()];
  for (size_t i = first[letter]; i < first[letter + 1]; ++i) {
    if (EqualIgnoringCase(name, kEntries[i].name)) return kEntries[i];
  }
  return kUnlisted;
}

// Elements of SVG, in lower case, that end no SVG and hold no HTML. <title> and <desc> may hold
// some, and are looked at.
constexpr std::array kSvgNames = std::to_array<std::string_view>({"a",
                                                                  "g",
                                                                  "use",
                                                                  "defs",
                                                                  "desc",
                                                                  "line",
                                                                  "mask",
                                                                  "path",
                                                                  "rect",
                                                                  "stop",
                                                                  "text",
                                                                  "style",
                                                                  "title",
                                                                  "tspan",
                                                                  "circle",
                                                                  "filter",
                                                                  "marker",
                                                                  "switch",
                                                                  "symbol",
                                                                  "ellipse",
                                                                  "feblend",
                                                                  "feflood",
                                                                  "femerge",
                                                                  "pattern",
                                                                  "polygon",
                                                                  "clippath",
                                                                  "feoffset",
                                                                  "metadata",
                                                                  "polyline",
                                                                  "textpath",
                                                                  "fecomposite",
                                                                  "femergenode",
                                                                  "fecolormatrix",
                                                                  "fegaussianblur",
                                                                  "lineargradient",
                                                                  "radialgradient"});

bool StaysInSvg(std::string_view name) {
  return std::any_of(kSvgNames.begin(), kSvgNames.end(),
                     [&](std::string_view entry) { return EqualIgnoringCase(name, entry); });
}

class Scanner {
 public:
  Scanner(std::string_view html, std::string& references, PageCollector& collector)
      : html_(html), references_(references), collector_(collector) {}

  // False: in doubt.
  bool Run() {
    while (true) {
      const size_t next = html_.find('<', at_);
      const size_t end = std::min(next, html_.size());
      if (!heading_.empty() && !Text(html_.substr(at_, end - at_))) return false;
      at_ = end;
      if (next == std::string_view::npos) return heading_.empty() && svg_.empty();
      if (!Markup()) return false;
    }
  }

 private:
  char Peek(size_t ahead) const { return at_ + ahead < html_.size() ? html_[at_ + ahead] : '\0'; }

  // Of a title or a heading.
  bool Text(std::string_view run) {
    if (run.find_first_of(std::string_view("&\0", 2)) == std::string_view::npos) {
      collector_.Text(run, true);
      return true;
    }
    text_.clear();
    if (run.find('\0') != std::string_view::npos ||
        !AppendWithReferences(run, ReferenceIn::kText, text_)) {
      return false;
    }
    collector_.Text(text_, true);
    return true;
  }

  // At '<'. False: in doubt.
  bool Markup() {
    const char next = Peek(1);
    if (web::IsAlpha(next)) return Tag(false);
    if (next == '?') return BogusComment();
    if (next == '/') {
      return web::IsAlpha(Peek(2)) ? Tag(true) : at_ + 2 < html_.size() && BogusComment();
    }
    if (next != '!') {
      // A '<' that is text.
      ++at_;
      if (at_ == html_.size()) return false;
      if (!heading_.empty()) collector_.Text("<", true);
      return true;
    }
    if (html_.substr(at_ + 2, 2) == "--") return Comment();
    // Inside SVG it may be CDATA.
    return svg_.empty() && BogusComment();
  }

  // HTML Standard 13.2.5.41: up to the next '>'; a doctype ends there too.
  bool BogusComment() {
    const size_t end = html_.find('>', at_);
    if (end == std::string_view::npos) return false;
    at_ = end + 1;
    return true;
  }

  bool Comment() {
    size_t end = at_ + 4;
    // <!--> and <!---> are whole comments.
    if (html_.substr(end, 1) == ">" || html_.substr(end, 2) == "->") return false;
    while (true) {
      end = html_.find("--", end);
      if (end == std::string_view::npos) return false;
      if (html_.substr(end + 2, 1) == ">") {
        at_ = end + 3;
        return true;
      }
      if (html_.substr(end + 2, 2) == "!>") {
        at_ = end + 4;
        return true;
      }
      ++end;
    }
  }

  // HTML Standard 13.2.5.32 to 13.2.5.40, from behind a tag's name. Leaves the attributes that are
  // `wanted`, as they stand in the source, in values_, and which they are in found_.
  struct Scan {
    size_t end = 0;  // past '>'
    bool self_closing = false;
    bool whole = false;
    bool odd = false;  // a name that depends on the tokenizer
  };
  Scan ScanAttributes(size_t i, uint8_t wanted) {
    Scan scan;
    values_.Clear();
    found_ = 0;
    const auto at = [&](size_t k) { return k < html_.size() ? html_[k] : '\0'; };
    while (i < html_.size()) {
      // Before an attribute's name.
      while (IsAsciiSpace(at(i))) ++i;
      if (at(i) == '/') {
        ++i;
        if (at(i) == '>' && i < html_.size()) scan.self_closing = true;
        continue;
      }
      if (i >= html_.size()) return scan;
      if (html_[i] == '>') {
        scan.end = i + 1;
        scan.whole = true;
        return scan;
      }
      // The name; a '=' as its first character belongs to it.
      const size_t begin = i++;
      while (i < html_.size() && !IsAsciiSpace(html_[i]) && html_[i] != '/' && html_[i] != '>' &&
             html_[i] != '=') {
        ++i;
      }
      const size_t name_end = i;
      std::string_view value = html_.substr(i, 0);
      size_t equals = i;
      while (IsAsciiSpace(at(equals))) ++equals;
      if (at(equals) == '=') {
        i = equals + 1;
        while (IsAsciiSpace(at(i))) ++i;
        if (at(i) == '"' || at(i) == '\'') {
          const size_t quote = i;
          i = html_.find(html_[quote], quote + 1);
          if (i == std::string_view::npos) return scan;
          value = html_.substr(quote + 1, i - quote - 1);
          ++i;
        } else {
          const size_t first = i;
          while (i < html_.size() && !IsAsciiSpace(html_[i]) && html_[i] != '>') ++i;
          value = html_.substr(first, i - first);
        }
      }
      if (wanted == 0) continue;
      const std::string_view name = html_.substr(begin, name_end - begin);
      if (name.find('\0') != std::string_view::npos) scan.odd = true;
      for (size_t known = 0; known < kAttributeNames.size(); ++known) {
        const auto attribute = static_cast<Attribute>(known);
        if ((wanted & Bit(attribute)) == 0 || !EqualIgnoringCase(name, kAttributeNames[known])) {
          continue;
        }
        // 13.2.5.33: of attributes with one name the first counts.
        wanted &= static_cast<uint8_t>(~Bit(attribute));
        found_ |= Bit(attribute);
        values_.Set(attribute, value);
      }
    }
    return scan;
  }

  bool Tag(bool end_tag) {
    const size_t name_at = at_ + (end_tag ? 2 : 1);
    size_t name_end = name_at;
    while (name_end < html_.size() && !IsAsciiSpace(html_[name_end]) && html_[name_end] != '/' &&
           html_[name_end] != '>') {
      ++name_end;
    }
    const std::string_view name = html_.substr(name_at, name_end - name_at);
    const Entry& entry = EntryOf(name);
    const Scan scan = ScanAttributes(name_end, end_tag ? 0 : entry.attributes);
    if (!scan.whole || scan.odd || entry.meaning == Name::kDoubt) return false;
    at_ = scan.end;
    if (!svg_.empty()) return SvgTag(name, end_tag, scan.self_closing);
    if (found_ != 0 && !Decode()) return false;
    if (!heading_.empty()) return HeadingTag(name, entry, end_tag);
    return end_tag ? EndTag(entry.meaning) : StartTag(name, entry, scan.self_closing);
  }

  // 13.2.6.4.9: what stands in a table, but in no cell of it, is moved before the table.
  bool IsThrownOut() const { return !tables_.empty() && !tables_.back().in_cell; }

  bool StartTag(std::string_view name, const Entry& entry, bool self_closing) {
    switch (entry.meaning) {
      case Name::kOther:
      case Name::kPhrase:
        return true;
      case Name::kRaw:
        return SkipRawText(name);
      case Name::kHtml:
        // 13.2.6.4.7: a later one adds what the first has not.
        if (!values_.Has(Attribute::kLang) || have_language_) return true;
        have_language_ = true;
        collector_.Html(values_);
        return true;
      case Name::kRow:
        if (!tables_.empty()) tables_.back().in_cell = false;
        return true;
      case Name::kCell:
        if (!tables_.empty()) tables_.back().in_cell = true;
        return true;
      case Name::kAnchor:
        collector_.Anchor(values_, LinkKind::kA);
        return !IsThrownOut();
      case Name::kArea:
        collector_.Anchor(values_, LinkKind::kArea);
        return !IsThrownOut();
      case Name::kBase:
        collector_.Base(values_);
        return !IsThrownOut();
      case Name::kLink:
        collector_.LinkElement(values_);
        return !IsThrownOut();
      case Name::kMeta:
        collector_.Meta(values_);
        return !IsThrownOut();
      case Name::kFrame:
        collector_.Frame(values_, LinkKind::kIframe);
        return !IsThrownOut() && SkipRawText(name);
      case Name::kTitle: {
        const size_t begin = at_;
        if (IsThrownOut() || !SkipRawText(name)) return false;
        if (!collector_.BeginTitle()) return true;
        const bool known = Text(html_.substr(begin, at_ - begin));
        collector_.EndTitle();
        return known;
      }
      case Name::kHeading:
        collector_.BeginHeading(name[1] - '0');
        heading_ = name;
        return !IsThrownOut();
      case Name::kTable:
        if (IsThrownOut()) return false;
        tables_.push_back({});
        return tables_.size() < kMaxOpen;
      case Name::kSvg:
        if (!self_closing) svg_.push_back(name);
        return !IsThrownOut();
      case Name::kDoubt:
        break;
    }
    return false;
  }

  bool EndTag(Name meaning) {
    if (tables_.empty()) return true;
    if (meaning == Name::kTable) {
      tables_.pop_back();
    } else if (meaning == Name::kRow || meaning == Name::kCell) {
      tables_.back().in_cell = false;
    }
    return true;
  }

  // In a heading: phrases and links, up to its own end.
  bool HeadingTag(std::string_view name, const Entry& entry, bool end_tag) {
    if (entry.meaning == Name::kPhrase) return true;
    if (entry.meaning == Name::kAnchor) {
      if (!end_tag) collector_.Anchor(values_, LinkKind::kA);
      return true;
    }
    if (!end_tag || !EqualIgnoringCase(name, heading_)) return false;
    collector_.EndHeading();
    heading_ = {};
    return true;
  }

  bool SvgTag(std::string_view name, bool end_tag, bool self_closing) {
    if (end_tag) {
      if (!EqualIgnoringCase(name, svg_.back())) return false;
      svg_.pop_back();
      return true;
    }
    // HTML would stand in these.
    if (EqualIgnoringCase(svg_.back(), "title") || EqualIgnoringCase(svg_.back(), "desc"))
      return false;
    if (!StaysInSvg(name) && !EqualIgnoringCase(name, "svg")) return false;
    if (!self_closing) svg_.push_back(name);
    return svg_.size() < kMaxOpen;
  }

  // The values of the tag at hand, as a tokenizer has them.
  bool Decode() {
    for (size_t i = 0; i < kAttributeNames.size(); ++i) {
      const auto attribute = static_cast<Attribute>(i);
      if ((found_ & Bit(attribute)) == 0) continue;
      const std::string_view raw = values_[attribute];
      bool plain = true;
      for (const char c : raw) {
        if (c == '\0') return false;
        plain = plain && c != '&' && c != '\r';
      }
      if (plain) continue;
      // What was put there before must stay where it is; it never grows beyond the page.
      if (references_.capacity() < html_.size()) references_.reserve(html_.size());
      const size_t begin = references_.size();
      if (!AppendWithReferences(raw, ReferenceIn::kAttribute, references_)) return false;
      values_.Set(attribute, std::string_view(references_).substr(begin));
    }
    return true;
  }

  // From behind a start tag to before its end tag.
  bool SkipRawText(std::string_view name) {
    const size_t begin = at_;
    for (size_t i = begin;; ++i) {
      i = html_.find("</", i);
      if (i == std::string_view::npos) return false;
      const size_t after = i + 2 + name.size();
      if (after >= html_.size()) return false;
      if (EqualIgnoringCase(html_.substr(i + 2, name.size()), name) &&
          (IsAsciiSpace(html_[after]) || html_[after] == '/' || html_[after] == '>')) {
        at_ = i;
        break;
      }
    }
    // 13.2.5.18 and on: in a script, a comment that holds a script hides an end tag.
    const std::string_view content = html_.substr(begin, at_ - begin);
    return !EqualIgnoringCase(name, "script") || content.find("<!--") == std::string_view::npos ||
           !HasScriptTag(content);
  }

  static bool HasScriptTag(std::string_view content) {
    for (size_t i = content.find('<'); i != std::string_view::npos; i = content.find('<', i + 1)) {
      if (EqualIgnoringCase(content.substr(i + 1, 6), "script")) return true;
    }
    return false;
  }

  // More open than this is in doubt.
  static constexpr size_t kMaxOpen = 64;
  struct Table {
    bool in_cell = false;
  };

  const std::string_view html_;
  std::string& references_;
  PageCollector& collector_;
  size_t at_ = 0;
  AttributeValues values_;  // of the tag at hand
  uint8_t found_ = 0;       // which it has
  std::string text_;
  bool have_language_ = false;
  std::string_view heading_;           // the one that is open
  std::vector<Table> tables_;          // open
  std::vector<std::string_view> svg_;  // open elements from <svg> on
};

}  // namespace

bool ScanHtml(std::string_view html, std::string& references, PageCollector& collector) {
  references.clear();
  return Scanner(html, references, collector).Run();
}

}  // namespace crawld::parser
