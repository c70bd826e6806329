#include "parser/html_scanner.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "parser/character_references.h"
#include "parser/microsyntaxes.h"
#include "parser/raw_text.h"
#include "web/ascii.h"

namespace crawld::parser {
namespace {

using web::EqualIgnoringCase;
using web::IsAsciiSpace;

// What a tag name means to the scanner.
enum class Name {
  kOther,   // nothing
  kScope,   // nothing, but no end tag looks beyond it
  kPhrase,  // nothing, and may stand in a heading
  kBlock,   // likewise, if it ends there
  kButton,  // likewise; ends an earlier one
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
  kMath,
  kTemplate,   // its content counts for nothing
  kPlaintext,  // all that follows is text
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
    {"div", Name::kBlock},
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
    {"math", Name::kMath},
    {"meta", Name::kMeta, kName | kContent | kHttpEquiv},
    {"nobr", Name::kPhrase},
    {"samp", Name::kPhrase},
    {"span", Name::kPhrase},
    {"time", Name::kPhrase},
    {"image", Name::kPhrase},
    {"label", Name::kBlock},
    {"small", Name::kPhrase},
    {"style", Name::kRaw},
    {"table", Name::kTable},
    {"tbody", Name::kRow},
    {"tfoot", Name::kRow},
    {"thead", Name::kRow},
    {"title", Name::kTitle},
    {"applet", Name::kScope},
    {"button", Name::kButton},
    {"header", Name::kBlock},
    {"iframe", Name::kFrame, kSrc},
    {"object", Name::kScope},
    {"script", Name::kRaw},
    {"select", Name::kScope},
    {"strike", Name::kPhrase},
    {"strong", Name::kPhrase},
    {"acronym", Name::kPhrase},
    {"caption", Name::kCell},
    {"isindex", Name::kDoubt},
    {"marquee", Name::kScope},
    {"noembed", Name::kRaw},
    {"section", Name::kBlock},
    {"colgroup", Name::kRow},
    {"frameset", Name::kDoubt},
    {"noframes", Name::kRaw},
    {"template", Name::kTemplate},
    {"textarea", Name::kRaw},
    {"plaintext", Name::kPlaintext},
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

// What ends what in a tag, as sets of these bits.
constexpr uint8_t kBlank = 1;
constexpr uint8_t kEndsTagName = 2;
constexpr uint8_t kEndsName = 4;   // of an attribute
constexpr uint8_t kEndsValue = 8;  // without quotes
constexpr auto kEnds = [] {
  std::array<uint8_t, 256> table{};
  for (unsigned c = 0; c < 128; ++c) {
    if (IsAsciiSpace(static_cast<char>(c))) {
      table[c] = kBlank | kEndsTagName | kEndsName | kEndsValue;
    }
  }
  table['/'] = kEndsTagName | kEndsName;
  table['>'] = kEndsTagName | kEndsName | kEndsValue;
  table['='] = kEndsName;
  return table;
}();

// Elements of SVG and MathML, in lower case, that do not end it.
constexpr std::string_view kSvgNames =
    " a g use svg defs desc line mask path rect stop text style title tspan circle filter marker "
    "switch symbol ellipse feblend feflood femerge pattern polygon clippath feoffset metadata "
    "polyline textpath fecomposite femergenode fecolormatrix fegaussianblur lineargradient "
    "radialgradient ";
constexpr std::string_view kMathNames =
    " mi mn mo ms mtd mtr math msub msup none mfrac mover mroot mrow msqrt mtext mtable munder "
    "mstyle merror mspace mfenced menclose mpadded mphantom msubsup munderover semantics "
    "annotation mprescripts mmultiscripts ";
// Those of them that HTML may stand in.
constexpr std::string_view kHtmlInSvg = " desc title ";
constexpr std::string_view kHtmlInMath = " mi mn mo ms mtext ";

bool IsOneOf(std::string_view name, std::string_view names) {
  constexpr size_t kLongest = 16;
  if (name.size() > kLongest) return false;
  std::array<char, kLongest + 2> key{};
  key[0] = ' ';
  for (size_t i = 0; i < name.size(); ++i) key[i + 1] = web::AsciiLower(name[i]);
  key[name.size() + 1] = ' ';
  return names.find(std::string_view(key.data(), name.size() + 2)) != std::string_view::npos;
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
      if (heading_ && !Text(html_.substr(at_, end - at_))) return false;
      at_ = end;
      if (next == std::string_view::npos) return true;
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
    if (next == '/' && web::IsAlpha(Peek(2))) return Tag(true);
    if (html_.substr(at_, 4) == "<!--") {
      SkipComment();
    } else if (!foreign_.empty() && html_.substr(at_, 9) == "<![CDATA[") {
      if (heading_) return false;
      SkipBehind("]]>", at_ + 9);
    } else if (next == '!' || next == '?' || (next == '/' && at_ + 2 < html_.size())) {
      // 13.2.5.41: a bogus comment; a doctype ends there too.
      SkipBehind(">", at_ + 2);
    } else {
      // 13.2.5.6, 13.2.5.7: what begins no markup is text, "</" at the end of the page too.
      const size_t size = next == '/' ? 2 : 1;
      if (heading_) collector_.Text(html_.substr(at_, size), true);
      at_ += size;
    }
    return true;
  }

  // To behind the first `end` from `from` on; without one it is open up to the end of the page.
  void SkipBehind(std::string_view end, size_t from) {
    const size_t found = html_.find(end, from);
    at_ = found == std::string_view::npos ? html_.size() : found + end.size();
  }

  // 13.2.5.43 to 13.2.5.51
  void SkipComment() {
    size_t end = at_ + 4;
    if (html_.substr(end, 1) == ">" || html_.substr(end, 2) == "->") return SkipBehind(">", end);
    for (; (end = html_.find("--", end)) != std::string_view::npos; ++end) {
      if (html_.substr(end + 2, 1) == ">" || html_.substr(end + 2, 2) == "!>") {
        return SkipBehind(">", end);
      }
    }
    at_ = html_.size();
  }

  // The next place, from `i` on, of a byte that is in the class, or that is not; size() if there is
  // none.
  size_t To(size_t i, uint8_t bits, bool in = true) const {
    while (i < html_.size() && ((kEnds[static_cast<unsigned char>(html_[i])] & bits) != 0) != in) {
      ++i;
    }
    return i;
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
    while (true) {
      i = To(i, kBlank, false);
      if (i == html_.size()) return scan;
      if (html_[i] == '/') {
        ++i;
        scan.self_closing = at(i) == '>';
        continue;
      }
      if (html_[i] == '>') {
        scan.end = i + 1;
        scan.whole = true;
        return scan;
      }
      // The name; a '=' as its first character belongs to it.
      const size_t begin = i;
      i = To(i + 1, kEndsName);
      const size_t name_end = i;
      std::string_view value = html_.substr(i, 0);
      const size_t equals = To(i, kBlank, false);
      if (at(equals) == '=') {
        i = To(equals + 1, kBlank, false);
        if (at(i) == '"' || at(i) == '\'') {
          const size_t quote = i;
          i = html_.find(html_[quote], quote + 1);
          if (i == std::string_view::npos) return scan;
          value = html_.substr(quote + 1, i - quote - 1);
          ++i;
        } else {
          const size_t first = i;
          i = To(i, kEndsValue);
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
  }

  bool Tag(bool end_tag) {
    const size_t name_at = at_ + (end_tag ? 2 : 1);
    const size_t name_end = To(name_at, kEndsTagName);
    const std::string_view name = html_.substr(name_at, name_end - name_at);
    const Entry& entry = EntryOf(name);
    const Scan scan = ScanAttributes(name_end, end_tag ? 0 : entry.attributes);
    if (!scan.whole) {
      at_ = html_.size();  // it never was a tag
      return true;
    }
    if (scan.odd || entry.meaning == Name::kDoubt) return false;
    at_ = scan.end;
    if (!foreign_.empty()) return ForeignTag(name, end_tag, scan.self_closing);
    if (templates_ > 0) return TemplateTag(name, entry.meaning, end_tag, scan.self_closing);
    if (found_ != 0 && !Decode()) return false;
    if (heading_) return HeadingTag(name, entry.meaning, end_tag, scan.self_closing);
    return end_tag ? EndTag(entry.meaning) : StartTag(name, entry, scan.self_closing);
  }

  // 13.2.6.4.9: what stands in a table, but in no cell of it, is moved before the table.
  bool IsThrownOut() const { return !tables_.empty() && !tables_.back().in_cell; }

  // Of these the first in the tree counts. 13.2.6.4.7, the "adoption agency algorithm": behind
  // formatting elements the first in the tree may be a later one in the source.
  bool IsFirst(uint8_t what, bool counts) {
    if (!counts) return true;
    const bool again = (seen_ & what) != 0;
    seen_ |= what;
    return !again || !formatted_;
  }

  bool StartTag(std::string_view name, const Entry& entry, bool self_closing) {
    switch (entry.meaning) {
      case Name::kPhrase:
        formatted_ = true;
        return true;
      case Name::kOther:
      case Name::kBlock:
        return true;
      case Name::kButton:
        button_open_ = true;
        return true;
      case Name::kScope:
        button_lost_ = button_lost_ || button_open_;
        return true;
      case Name::kRaw:
        SkipRawText(name);
        return true;
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
        formatted_ = true;
        collector_.Anchor(values_, LinkKind::kA);
        return !IsThrownOut();
      case Name::kArea:
        collector_.Anchor(values_, LinkKind::kArea);
        return !IsThrownOut();
      case Name::kBase:
        collector_.Base(values_);
        return IsFirst(kBaseSeen, values_.Has(Attribute::kHref)) && !IsThrownOut();
      case Name::kLink:
        collector_.LinkElement(values_);
        return IsFirst(kCanonicalSeen,
                       KindOfRel(values_[Attribute::kRel]) == LinkKind::kCanonical) &&
               !IsThrownOut();
      case Name::kMeta:
        collector_.Meta(values_);
        return IsFirst(kMetaSeen, values_.Has(Attribute::kName)) && !IsThrownOut();
      case Name::kFrame:
        collector_.Frame(values_, LinkKind::kIframe);
        SkipRawText(name);
        return !IsThrownOut();
      case Name::kTitle: {
        const size_t begin = at_;
        SkipRawText(name);
        if (IsThrownOut() || !IsFirst(kTitleSeen, true)) return false;
        if (!collector_.BeginTitle()) return true;
        const bool known = Text(html_.substr(begin, at_ - begin));
        collector_.EndTitle();
        return known;
      }
      case Name::kHeading:
        collector_.BeginHeading(name[1] - '0');
        heading_ = true;
        return !IsThrownOut();
      case Name::kTable:
        if (IsThrownOut()) return false;
        button_lost_ = button_lost_ || button_open_;
        tables_.push_back({});
        return tables_.size() < kMaxOpen;
      case Name::kSvg:
      case Name::kMath:
        if (!self_closing) foreign_.push_back({name, entry.meaning == Name::kMath});
        return !IsThrownOut();
      case Name::kTemplate:
        ++templates_;
        open_in_template_ = false;
        return true;
      case Name::kPlaintext:
        at_ = html_.size();
        return true;
      case Name::kDoubt:
        break;
    }
    return false;
  }

  bool EndTag(Name meaning) {
    if (meaning == Name::kButton) button_open_ = false;
    if (tables_.empty()) return true;
    if (meaning == Name::kTable) {
      tables_.pop_back();
    } else if (meaning == Name::kRow || meaning == Name::kCell) {
      tables_.back().in_cell = false;
    }
    return true;
  }

  // In a heading: phrases and links, up to its own end; what else is opened must be closed in it.
  bool HeadingTag(std::string_view name, Name meaning, bool end_tag, bool self_closing) {
    if (meaning == Name::kPhrase) return true;
    if (meaning == Name::kAnchor) {
      if (!end_tag) collector_.Anchor(values_, LinkKind::kA);
      return true;
    }
    if (meaning == Name::kSvg || meaning == Name::kMath) {
      if (!end_tag && !self_closing) foreign_.push_back({name, meaning == Name::kMath});
      return !end_tag;
    }
    if (meaning == Name::kHeading) {
      // 13.2.6.4.7: it ends at any heading's end tag.
      if (!end_tag) return false;
      collector_.EndHeading();
      heading_ = false;
      in_heading_.clear();
      return true;
    }
    if (meaning == Name::kButton) {
      // An open one would end here, and the heading in it.
      if (!end_tag && (button_open_ || button_lost_ || InHeading(name))) return false;
    } else if (meaning != Name::kBlock) {
      // Custom elements are all alike.
      if (meaning != Name::kOther || name.find('-') == std::string_view::npos) return false;
    }
    if (end_tag) {
      if (in_heading_.empty() || !EqualIgnoringCase(name, in_heading_.back())) return false;
      in_heading_.pop_back();
      return true;
    }
    in_heading_.push_back(name);
    return in_heading_.size() < kMaxOpen;
  }

  bool InHeading(std::string_view name) const {
    return std::any_of(in_heading_.begin(), in_heading_.end(),
                       [&](std::string_view open) { return EqualIgnoringCase(open, name); });
  }

  bool ForeignTag(std::string_view name, bool end_tag, bool self_closing) {
    const Foreign& parent = foreign_.back();
    if (end_tag) {
      if (!EqualIgnoringCase(name, parent.name)) return false;
      foreign_.pop_back();
      return true;
    }
    // 13.2.6: HTML would stand in these.
    if (IsOneOf(parent.name, parent.math ? kHtmlInMath : kHtmlInSvg)) return false;
    if (!IsOneOf(name, parent.math ? kMathNames : kSvgNames)) return false;
    if (!self_closing) foreign_.push_back({name, parent.math});
    return foreign_.size() < kMaxOpen;
  }

  // 13.2.6.4.22: nothing in a template reaches beyond it, but for one thing: a link that is open
  // when something is that ends scopes may be opened again behind the template (13.2.4.3).
  bool TemplateTag(std::string_view name, Name meaning, bool end_tag, bool self_closing) {
    switch (meaning) {
      case Name::kAnchor:
        // </a> may leave it open (13.2.6.4.7, the limits of the adoption agency).
        if (!end_tag) open_in_template_ = true;
        return true;
      case Name::kTemplate:
        templates_ += end_tag ? -1 : 1;
        return end_tag || !open_in_template_;
      case Name::kRaw:
      case Name::kTitle:
      case Name::kFrame:
        if (!end_tag) SkipRawText(name);
        return true;
      case Name::kPlaintext:
        if (!end_tag) at_ = html_.size();
        return true;
      case Name::kScope:
      case Name::kTable:
      case Name::kCell:
        return end_tag || !open_in_template_;
      case Name::kRow:
        // 13.2.6.4.12: in a column group tags are ignored, and what would be raw text is none.
        return end_tag || (!open_in_template_ && !EqualIgnoringCase(name, "col"));
      case Name::kSvg:
      case Name::kMath:
        if (!end_tag && !self_closing) foreign_.push_back({name, meaning == Name::kMath});
        return true;
      case Name::kDoubt:
        return false;
      case Name::kOther:
      case Name::kPhrase:
      case Name::kBlock:
      case Name::kButton:
      case Name::kArea:
      case Name::kBase:
      case Name::kLink:
      case Name::kMeta:
      case Name::kHeading:
      case Name::kHtml:
        break;
    }
    return true;
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

  // From behind a start tag to before its end tag, or to the end of the page.
  void SkipRawText(std::string_view name) {
    at_ = std::min(FindRawTextEnd(html_, at_, name), html_.size());
  }

  // More open than this is in doubt.
  static constexpr size_t kMaxOpen = 64;
  struct Table {
    bool in_cell = false;
  };

  static constexpr uint8_t kBaseSeen = 1;
  static constexpr uint8_t kCanonicalSeen = 2;
  static constexpr uint8_t kMetaSeen = 4;
  static constexpr uint8_t kTitleSeen = 8;
  struct Foreign {
    std::string_view name;
    bool math = false;
  };

  const std::string_view html_;
  std::string& references_;
  PageCollector& collector_;
  size_t at_ = 0;
  AttributeValues values_;  // of the tag at hand
  uint8_t found_ = 0;       // which it has
  std::string text_;
  bool have_language_ = false;
  uint8_t seen_ = 0;                          // k*Seen
  bool formatted_ = false;                    // a formatting element was seen
  bool heading_ = false;                      // the one that is open
  std::vector<std::string_view> in_heading_;  // open in it
  bool button_open_ = false;
  bool button_lost_ = false;       // a scope began in a button: its end tag may not have been one
  std::vector<Table> tables_;      // open
  std::vector<Foreign> foreign_;   // open elements from <svg> or <math> on
  int64_t templates_ = 0;          // open
  bool open_in_template_ = false;  // an <a>
};

}  // namespace

bool ScanHtml(std::string_view html, std::string& references, PageCollector& collector) {
  references.clear();
  return Scanner(html, references, collector).Run();
}

}  // namespace crawld::parser
