#include "parser/html_skeleton.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "web/url_key.h"

namespace crawld::parser {
namespace {

constexpr bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}
constexpr bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool EqualsLower(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(),
                                                   [](char a, char b) { return Lower(a) == b; });
}

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

// What a tag name means to the skeleton.
enum class Name {
  kOther,    // nothing
  kPhrase,   // nothing, and may stand in a heading
  kAnchor,   // a link, if it has an href
  kEmpty,    // area, link, base, meta: stays, has no end tag
  kFrame,    // iframe: stays, its content is raw text
  kTitle,    // stays with its content, which is raw text
  kRaw,      // its content is raw text
  kHeading,  // stays with the text and the links in it
  kHtml,     // stays
  kTable,
  kRow,   // content between these and the cells is thrown out of the table
  kCell,  // content stands where it is
  kSvg,
  kDoubt,
};

// Attributes that the extractor reads.
enum Attribute : uint8_t {
  kHref = 1,
  kRel = 2,
  kSrc = 4,
  kName = 8,
  kContent = 16,
  kHttpEquiv = 32,
  kLang = 64,
};
constexpr std::array<std::string_view, 7> kAttributes = {"href",    "rel",        "src", "name",
                                                         "content", "http-equiv", "lang"};

struct Entry {
  std::string_view name;
  Name meaning;
  uint8_t attributes = 0;  // those that stay
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
    {"area", Name::kEmpty, kHref | kRel},
    {"base", Name::kEmpty, kHref},
    {"cite", Name::kPhrase},
    {"code", Name::kPhrase},
    {"font", Name::kPhrase},
    {"html", Name::kHtml, kLang},
    {"link", Name::kEmpty, kHref | kRel},
    {"mark", Name::kPhrase},
    {"math", Name::kDoubt},
    {"meta", Name::kEmpty, kName | kContent | kHttpEquiv},
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
  const auto letter = static_cast<size_t>(Lower(name[0]) - 'a');
  const auto& first = kFirst[name.size()];
  for (size_t i = first[letter]; i < first[letter + 1]; ++i) {
    if (EqualsLower(name, kEntries[i].name)) return kEntries[i];
  }
  return kUnlisted;
}

// The one among `wanted` that has this name, or 0.
uint8_t Find(std::string_view attribute, uint8_t wanted) {
  for (size_t i = 0; i < kAttributes.size(); ++i) {
    if ((wanted >> i & 1) != 0 && EqualsLower(attribute, kAttributes[i])) {
      return static_cast<uint8_t>(1U << i);
    }
  }
  return 0;
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
                     [&](std::string_view entry) { return EqualsLower(name, entry); });
}

// A page must not know which links fall on one place.
const uint64_t process_seed = web::RandomSeed();

class Skeleton {
 public:
  Skeleton(std::string_view html, SkeletonStorage& storage)
      : html_(html), out_(storage.html), seen_(storage.seen) {}

  // False: in doubt.
  bool Write() {
    while (true) {
      const size_t next = html_.find('<', at_);
      const size_t end = std::min(next, html_.size());
      if (!heading_.empty()) Text(html_.substr(at_, end - at_));
      if (out_.size() > html_.size()) return false;  // no gain
      at_ = end;
      if (next == std::string_view::npos) return heading_.empty() && svg_.empty();
      if (!Markup()) return false;
    }
  }

 private:
  char Peek(size_t ahead) const { return at_ + ahead < html_.size() ? html_[at_ + ahead] : '\0'; }

  void Text(std::string_view run) {
    out_.append(run);
    // With what comes next it might be another reference than alone.
    if (run.find('&') != std::string_view::npos) out_.append("<!---->");
  }

  // At '<'. False: in doubt.
  bool Markup() {
    const char next = Peek(1);
    if (IsLetter(next)) return Tag(false);
    if (next == '?') return BogusComment();
    if (next == '/') {
      return IsLetter(Peek(2)) ? Tag(true) : at_ + 2 < html_.size() && BogusComment();
    }
    if (next != '!') {
      // A '<' that is text.
      ++at_;
      if (at_ == html_.size()) return false;
      if (!heading_.empty()) out_.append("&lt;");
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
  // `wanted`, as they stand, in kept_.
  struct Scan {
    size_t end = 0;  // past '>'
    bool self_closing = false;
    bool whole = false;
    bool odd = false;  // a name that depends on the tokenizer
  };
  Scan ScanAttributes(size_t i, uint8_t wanted) {
    Scan scan;
    kept_.clear();
    kept_count_ = 0;
    const auto at = [&](size_t k) { return k < html_.size() ? html_[k] : '\0'; };
    while (i < html_.size()) {
      // Before an attribute's name.
      while (IsBlank(at(i))) ++i;
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
      while (i < html_.size() && !IsBlank(html_[i]) && html_[i] != '/' && html_[i] != '>' &&
             html_[i] != '=') {
        ++i;
      }
      const size_t name_end = i;
      size_t equals = i;
      while (IsBlank(at(equals))) ++equals;
      if (at(equals) == '=') {
        i = equals + 1;
        while (IsBlank(at(i))) ++i;
        if (at(i) == '"' || at(i) == '\'') {
          i = html_.find(html_[i], i + 1);
          if (i == std::string_view::npos) return scan;
          ++i;
        } else {
          while (i < html_.size() && !IsBlank(html_[i]) && html_[i] != '>') ++i;
        }
      }
      if (wanted == 0) continue;
      const std::string_view name = html_.substr(begin, name_end - begin);
      if (name.find('\0') != std::string_view::npos) scan.odd = true;
      // 13.2.5.33: of attributes with one name the first counts.
      if (const uint8_t attribute = Find(name, wanted)) {
        wanted &= static_cast<uint8_t>(~attribute);
        kept_.append(" ").append(html_.substr(begin, i - begin));
        ++kept_count_;
      }
    }
    return scan;
  }

  bool Tag(bool end_tag) {
    const size_t name_at = at_ + (end_tag ? 2 : 1);
    size_t name_end = name_at;
    while (name_end < html_.size() && !IsBlank(html_[name_end]) && html_[name_end] != '/' &&
           html_[name_end] != '>') {
      ++name_end;
    }
    const std::string_view name = html_.substr(name_at, name_end - name_at);
    const Entry& entry = EntryOf(name);
    const Scan scan = ScanAttributes(name_end, end_tag ? 0 : entry.attributes);
    if (!scan.whole || scan.odd || entry.meaning == Name::kDoubt) return false;
    at_ = scan.end;
    if (!svg_.empty()) return SvgTag(name, end_tag, scan.self_closing);
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
        Put(name);
        return true;
      case Name::kRow:
        if (!tables_.empty()) tables_.back().in_cell = false;
        return true;
      case Name::kCell:
        if (!tables_.empty()) tables_.back().in_cell = true;
        return true;
      case Name::kAnchor:
        PutAnchor();
        return !IsThrownOut();
      case Name::kEmpty:
        Put(name);
        return !IsThrownOut();
      case Name::kFrame:
        Put(name);
        out_.append("</iframe>");
        return !IsThrownOut() && SkipRawText(name);
      case Name::kTitle: {
        Put(name);
        const size_t begin = at_;
        if (IsThrownOut() || !SkipRawText(name)) return false;
        out_.append(html_.substr(begin, at_ - begin)).append("</title>");
        return true;
      }
      case Name::kHeading:
        Put(name);
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
      if (!end_tag) PutAnchor();
      return true;
    }
    if (!end_tag || !EqualsIgnoringCase(name, heading_)) return false;
    out_.append("</").append(heading_).append(">");
    heading_ = {};
    return true;
  }

  bool SvgTag(std::string_view name, bool end_tag, bool self_closing) {
    if (end_tag) {
      if (!EqualsIgnoringCase(name, svg_.back())) return false;
      svg_.pop_back();
      return true;
    }
    // HTML would stand in these.
    if (EqualsLower(svg_.back(), "title") || EqualsLower(svg_.back(), "desc")) return false;
    if (!StaysInSvg(name) && !EqualsLower(name, "svg")) return false;
    if (!self_closing) svg_.push_back(name);
    return svg_.size() < kMaxOpen;
  }

  // The tag at hand, with the attributes that count.
  void Put(std::string_view name) { out_.append("<").append(name).append(kept_).append(">"); }

  void PutAnchor() {
    if (!kept_.empty() && !SeenBefore()) out_.append("<a").append(kept_).append("></a>");
  }

  // The same attributes make the same link, and a fragment makes no other one.
  bool SeenBefore() {
    std::string_view link = kept_;
    const size_t hash = link.find('#');
    const bool cut = kept_count_ == 1 && link.size() <= kMaxCut && hash != std::string_view::npos &&
                     link[hash - 1] > ' ' && link.find('&') == std::string_view::npos;
    if (cut) link = link.substr(0, hash);
    // 0 is a free place. A false "seen" has a chance of one in 2^64.
    const uint64_t key = web::HostHash(link, process_seed) | 1;
    if ((used_ + 1) * 2 > seen_.size()) Grow();
    size_t place = (key >> 1) & (seen_.size() - 1);
    while (seen_[place] != 0 && seen_[place] != key) place = (place + 1) & (seen_.size() - 1);
    if (seen_[place] == key) return true;
    seen_[place] = key;
    ++used_;
    return false;
  }

  void Grow() {
    std::vector<uint64_t> old(std::max(kSeenPlaces, seen_.size() * 2));
    old.swap(seen_);
    for (const uint64_t key : old) {
      if (key == 0) continue;
      size_t place = (key >> 1) & (seen_.size() - 1);
      while (seen_[place] != 0) place = (place + 1) & (seen_.size() - 1);
      seen_[place] = key;
    }
  }

  // From behind a start tag to before its end tag.
  bool SkipRawText(std::string_view name) {
    const size_t begin = at_;
    for (size_t i = begin;; ++i) {
      i = html_.find("</", i);
      if (i == std::string_view::npos) return false;
      const size_t after = i + 2 + name.size();
      if (after >= html_.size()) return false;
      if (EqualsIgnoringCase(html_.substr(i + 2, name.size()), name) &&
          (IsBlank(html_[after]) || html_[after] == '/' || html_[after] == '>')) {
        at_ = i;
        break;
      }
    }
    // 13.2.5.18 and on: in a script, a comment that holds a script hides an end tag.
    const std::string_view content = html_.substr(begin, at_ - begin);
    return !EqualsLower(name, "script") || content.find("<!--") == std::string_view::npos ||
           !HasScriptTag(content);
  }

  static bool HasScriptTag(std::string_view content) {
    for (size_t i = content.find('<'); i != std::string_view::npos; i = content.find('<', i + 1)) {
      if (EqualsLower(content.substr(i + 1, 6), "script")) return true;
    }
    return false;
  }

  // More open than this is in doubt.
  static constexpr size_t kMaxOpen = 64;
  static constexpr size_t kSeenPlaces = 512;
  // A longer reference may be too long for the extractor, while the same without fragment is not.
  static constexpr size_t kMaxCut = 2048;
  struct Table {
    bool in_cell = false;
  };

  const std::string_view html_;
  std::string& out_;
  size_t at_ = 0;
  std::string kept_;  // attributes of the tag at hand
  size_t kept_count_ = 0;
  std::vector<uint64_t>& seen_;
  size_t used_ = 0;                    // places of seen_
  std::string_view heading_;           // the one that is open
  std::vector<Table> tables_;          // open
  std::vector<std::string_view> svg_;  // open elements from <svg> on
};

}  // namespace

std::string_view SkeletonOf(std::string_view html, SkeletonStorage& storage) {
  constexpr size_t kKeptPlaces = 8192;
  constexpr size_t kKeptBytes = size_t{1} << 20;
  if (storage.html.capacity() > kKeptBytes) std::string().swap(storage.html);
  storage.html.clear();
  if (storage.seen.size() > kKeptPlaces) std::vector<uint64_t>().swap(storage.seen);
  std::fill(storage.seen.begin(), storage.seen.end(), 0);
  return Skeleton(html, storage).Write() ? std::string_view(storage.html) : html;
}

}  // namespace crawld::parser
