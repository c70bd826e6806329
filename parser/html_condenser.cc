#include "parser/html_condenser.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

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

// What a tag name means to the condenser.
enum class Name {
  kOther,
  kAnchor,     // a formatting element: left open, it comes back around the text that follows
  kFormat,     // likewise; all attributes stay, "Noah's Ark" compares them
  kPage,       // html, body: their end tags bring the parser out of the body
  kInline,     // an inline element that no other element's place depends on: left out
  kStyle,      // likewise, but a formatting element
  kLineBreak,  // likewise, but tree construction sees content: becomes text
  kRaw,        // raw text follows: script, style, xmp, noembed, noframes, textarea, iframe
  kTitle,
  kHeading,
  kSelect,
  kSvg,
  kScope,  // the end tag of a heading inside it does not close the heading outside
  kDoubt,  // what follows may depend on more than this pass knows
};

// More elements open than this leave a doubt.
constexpr size_t kMaxOpen = 64;

// Attributes that tree construction or the extractor reads.
enum Attribute : uint8_t {
  kHref = 1,
  kRel = 2,
  kSrc = 4,
  kName = 8,
  kContent = 16,
  kHttpEquiv = 32,
  kLang = 64,
  kType = 128,
};
constexpr std::array<std::string_view, 8> kAttributes = {"href",    "rel",        "src",  "name",
                                                         "content", "http-equiv", "lang", "type"};

struct Entry {
  std::string_view name;
  Name meaning;
  uint8_t attributes = 0;  // those that stay
  bool is_void = false;    // has no end tag
};

// In the order of their length, then of the alphabet.
constexpr std::array kEntries = std::to_array<Entry>({
    {"a", Name::kAnchor, kHref | kRel},
    {"b", Name::kStyle},
    {"i", Name::kStyle},
    {"q", Name::kInline},
    {"s", Name::kStyle},
    {"u", Name::kStyle},
    {"br", Name::kLineBreak},
    {"em", Name::kStyle},
    {"h1", Name::kHeading},
    {"h2", Name::kHeading},
    {"h3", Name::kHeading},
    {"h4", Name::kHeading},
    {"h5", Name::kHeading},
    {"h6", Name::kHeading},
    {"hr", Name::kOther, 0, true},
    {"td", Name::kScope},
    {"th", Name::kScope},
    {"tt", Name::kStyle},
    {"bdi", Name::kInline},
    {"bdo", Name::kInline},
    {"big", Name::kStyle},
    {"col", Name::kOther, 0, true},
    {"del", Name::kInline},
    {"dfn", Name::kInline},
    {"img", Name::kLineBreak},
    {"ins", Name::kInline},
    {"kbd", Name::kInline},
    {"sub", Name::kInline},
    {"sup", Name::kInline},
    {"svg", Name::kSvg},
    {"var", Name::kInline},
    {"wbr", Name::kLineBreak},
    {"xmp", Name::kRaw},
    {"abbr", Name::kInline},
    {"area", Name::kOther, kHref | kRel, true},
    {"base", Name::kOther, kHref, true},
    {"body", Name::kPage},
    {"cite", Name::kInline},
    {"code", Name::kStyle},
    {"font", Name::kFormat},
    {"html", Name::kPage, kLang},
    {"link", Name::kOther, kHref | kRel, true},
    {"mark", Name::kInline},
    {"math", Name::kDoubt},
    {"meta", Name::kOther, kName | kContent | kHttpEquiv, true},
    {"nobr", Name::kFormat},
    {"samp", Name::kInline},
    {"span", Name::kInline},
    {"time", Name::kInline},
    {"embed", Name::kOther, 0, true},
    {"frame", Name::kOther, kSrc, true},
    {"image", Name::kLineBreak},
    {"input", Name::kOther, kType, true},
    {"param", Name::kOther, 0, true},
    {"small", Name::kStyle},
    {"style", Name::kRaw},
    {"table", Name::kScope},
    {"title", Name::kTitle},
    {"track", Name::kOther, 0, true},
    {"applet", Name::kScope},
    {"button", Name::kScope},
    {"iframe", Name::kRaw, kSrc},
    {"keygen", Name::kOther, 0, true},
    {"object", Name::kScope},
    {"script", Name::kRaw},
    {"select", Name::kSelect},
    {"source", Name::kOther, 0, true},
    {"strike", Name::kStyle},
    {"strong", Name::kStyle},
    {"caption", Name::kScope},
    {"isindex", Name::kDoubt},
    {"marquee", Name::kScope},
    {"noembed", Name::kRaw},
    {"frameset", Name::kDoubt},
    {"noframes", Name::kRaw},
    {"template", Name::kDoubt},
    {"textarea", Name::kRaw},
    {"plaintext", Name::kDoubt},
    {"foreignobject", Name::kDoubt},
    {"annotation-xml", Name::kDoubt},
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

class Condenser {
 public:
  Condenser(std::string_view html, std::string& out) : html_(html), out_(out) {}

  // False: in doubt.
  bool Run() {
    while (at_ < html_.size()) {
      if (html_[at_] != '<') {
        Text();
      } else if (!Markup()) {
        return false;
      }
    }
    return true;
  }

 private:
  char Peek(size_t ahead) const { return at_ + ahead < html_.size() ? html_[at_ + ahead] : '\0'; }

  bool KeepsText() const { return headings_ > 0 || keep_text_; }

  void Text() {
    const size_t end = std::min(html_.find('<', at_), html_.size());
    const std::string_view run = html_.substr(at_, end - at_);
    at_ = end;
    if (KeepsText()) {
      out_.append(run);
      last_ = Last::kOther;
      return;
    }
    if (TextMeansNothing()) return;
    size_t i = 0;
    while (i < run.size() && IsBlank(run[i])) ++i;
    if (i == run.size()) {
      out_.push_back(run[0]);
      last_ = Last::kOther;
    } else if (run[i] == '&' || run[i] == '\0') {
      out_.append(run);  // a reference may stand for a blank, a NUL for nothing
      last_ = Last::kOther;
    } else {
      SomeText();
    }
  }

  // Text that is no blank, whatever it says.
  void SomeText() {
    if (TextMeansNothing()) return;
    out_.push_back('x');
    last_ = Last::kText;
    if (svg_ == 0) in_body_ = true;
  }

  // Once the parser is in the body, text changes the tree around it in one way only: it brings back
  // formatting elements that were left open. None is missing right after one was opened.
  bool TextMeansNothing() const {
    if (last_ == Last::kText) return true;
    return in_body_ && svg_ == 0 && (open_formats_ == 0 || last_ == Last::kAnchor);
  }

  // At '<'. False: in doubt.
  bool Markup() {
    const char next = Peek(1);
    if (IsLetter(next)) return Tag(false);
    if (next == '?') return BogusComment();
    if (next == '/')
      return IsLetter(Peek(2)) ? Tag(true) : at_ + 2 < html_.size() && BogusComment();
    if (next != '!') {
      // A '<' that is text.
      if (at_ + 1 == html_.size()) return false;
      ++at_;
      if (KeepsText()) {
        out_.append("&lt;");  // '<' might make a tag with what comes next
        last_ = Last::kOther;
      } else {
        SomeText();
      }
      if (html_[at_] != '<') Text();
      return true;
    }
    if (html_.substr(at_ + 2, 2) == "--") return Comment();
    if (EqualsLower(html_.substr(at_ + 2, 7), "doctype")) return Doctype();
    // Inside SVG it may be CDATA.
    return svg_ == 0 && BogusComment();
  }

  // Kept text on both sides must not become one: "&am" and "p;" are no reference.
  void Nothing() {
    if (KeepsText()) out_.append("<!---->");
  }

  // 13.2.5.41: up to the next '>'.
  bool BogusComment() {
    const size_t end = html_.find('>', at_);
    if (end == std::string_view::npos) return false;
    Nothing();
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
        Nothing();
        at_ = end + 3;
        return true;
      }
      if (html_.substr(end + 2, 2) == "!>") {
        Nothing();
        at_ = end + 4;
        return true;
      }
      ++end;
    }
  }

  bool Doctype() {
    const size_t end = html_.find('>', at_);
    if (end == std::string_view::npos) return false;
    out_.append(html_.substr(at_, end + 1 - at_));
    last_ = Last::kOther;
    at_ = end + 1;
    return true;
  }

  // HTML Standard 13.2.5.32 to 13.2.5.40, from behind a tag's name. Leaves the attributes that are
  // `wanted`, as they stand, in kept_.
  struct Scan {
    size_t end = 0;  // past '>'
    bool self_closing = false;
    bool whole = false;
    bool odd = false;  // to be left as it is
  };
  Scan ScanAttributes(size_t i, uint8_t wanted) {
    Scan scan;
    kept_.clear();
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
      // What the name is then depends on the tokenizer.
      if (name.find('\0') != std::string_view::npos) scan.odd = true;
      // 13.2.5.33: of attributes with one name the first counts.
      if (const uint8_t attribute = Find(name, wanted)) {
        wanted &= static_cast<uint8_t>(~attribute);
        kept_.append(" ").append(html_.substr(begin, i - begin));
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
    const Name meaning = entry.meaning;
    if (meaning == Name::kDoubt) return false;
    const Scan scan = ScanAttributes(name_end, end_tag ? 0 : entry.attributes);
    if (!scan.whole) return false;
    // Inside SVG some of these end it; inside a heading they part words.
    const bool in_line = meaning == Name::kInline || meaning == Name::kStyle;
    if (svg_ > 0 || KeepsText()) {
      if (in_line && !NoteStaying(name, end_tag)) return false;
    } else {
      if (in_line && !NoteDropped(name, meaning, end_tag)) return false;
      if (meaning == Name::kLineBreak) SomeText();
      if (meaning == Name::kLineBreak || in_line) {
        at_ = scan.end;
        return true;
      }
      // It would come back inside the heading, which then is no longer the current node.
      if (meaning == Name::kHeading && !end_tag && dropped_styles_ > 0) return false;
    }
    // <a id="here"></a>: a place, no link; it comes and goes.
    if (meaning == Name::kAnchor && !end_tag && kept_.empty() && !scan.odd && in_body_ &&
        svg_ == 0 && !KeepsText() && open_formats_ == 0) {
      const size_t next = html_.find('<', scan.end);
      if (next != std::string_view::npos && EqualsLower(html_.substr(next, 4), "</a>")) {
        at_ = next + 4;
        return true;
      }
    }
    const bool raw = !end_tag && (meaning == Name::kRaw || meaning == Name::kTitle);
    // <title/>, <script/>: whether that is an element of HTML or of SVG decides what follows.
    if (raw && svg_ > 0 && scan.self_closing) return false;
    size_t content_end = scan.end;
    if (raw && !RawText(name, scan.end, content_end)) return false;

    if (scan.odd || (!end_tag && (meaning == Name::kFormat || meaning == Name::kStyle))) {
      out_.append(html_.substr(at_, scan.end - at_));
    } else {
      out_.append(html_.substr(at_, name_end - at_));
      out_.append(kept_);
      // The blank: a '/' would belong to a value without quotes.
      out_.append(!scan.self_closing ? ">" : kept_.empty() ? "/>" : " />");
    }
    // The text of a heading is whatever is inside it, raw text too.
    if (raw && (meaning == Name::kTitle || KeepsText())) {
      out_.append(html_.substr(scan.end, content_end - scan.end));
    }
    at_ = content_end;
    last_ = meaning == Name::kAnchor && !end_tag ? Last::kAnchor : Last::kOther;
    if (end_tag) {
      depth_ -= depth_ > 0 ? 1 : 0;
    } else if (!entry.is_void && !(scan.self_closing && svg_ > 0)) {
      ++depth_;
    }
    Count(meaning, end_tag, scan.self_closing);
    // Left open where they stay, they would be closed where they are left out.
    return staying_.empty() || svg_ > 0 || KeepsText();
  }

  // An inline element is left out. True when its end tag has nothing to close but it: no element
  // that stays was opened between the two and is still open.
  bool NoteDropped(std::string_view name, Name meaning, bool end_tag) {
    if (!end_tag) {
      dropped_.push_back({name, meaning == Name::kStyle, depth_});
      dropped_styles_ += meaning == Name::kStyle ? 1 : 0;
      return dropped_.size() < kMaxOpen;
    }
    for (size_t i = dropped_.size(); i > 0; --i) {
      const Dropped open = dropped_[i - 1];
      if (!EqualsIgnoringCase(open.name, name)) continue;
      dropped_.erase(dropped_.begin() + static_cast<long>(i - 1));
      dropped_styles_ -= open.style ? 1 : 0;
      return open.depth == depth_;
    }
    return true;  // the end of nothing
  }

  // Inline elements that stay must begin and end there: an end tag whose start was left out would
  // find nothing to close.
  bool NoteStaying(std::string_view name, bool end_tag) {
    if (!end_tag) {
      staying_.push_back(name);
      return staying_.size() < kMaxOpen;
    }
    if (staying_.empty()) return dropped_.empty();
    const std::string_view open = staying_.back();
    staying_.pop_back();
    return EqualsIgnoringCase(open, name);
  }

  void Count(Name meaning, bool end_tag, bool self_closing) {
    switch (meaning) {
      case Name::kHeading:
        if (!end_tag) {
          ++headings_;
        } else if (headings_ > 0) {
          --headings_;
          if (select_) keep_text_ = true;  // <select> ignores it
        }
        break;
      case Name::kScope:
        if (headings_ > 0 && !end_tag) keep_text_ = true;
        break;
      case Name::kAnchor:
      case Name::kFormat:
        if (!end_tag) {
          ++open_formats_;
        } else if (open_formats_ > 0) {
          --open_formats_;
        }
        break;
      case Name::kPage:
        in_body_ = false;
        break;
      case Name::kSelect:
        select_ = !end_tag;
        break;
      case Name::kSvg:
        if (end_tag) {
          svg_ -= svg_ > 0 ? 1 : 0;
        } else if (!self_closing) {
          ++svg_;
        }
        break;
      case Name::kOther:
      case Name::kInline:
      case Name::kStyle:
      case Name::kLineBreak:
      case Name::kRaw:
      case Name::kTitle:
      case Name::kDoubt:
        break;
    }
  }

  // The content of an element whose content is raw text in HTML: from `begin` to its end tag.
  bool RawText(std::string_view name, size_t begin, size_t& end) const {
    for (size_t i = begin;; ++i) {
      i = html_.find("</", i);
      if (i == std::string_view::npos) return false;
      const size_t after = i + 2 + name.size();
      if (after >= html_.size()) return false;
      const std::string_view candidate = html_.substr(i + 2, name.size());
      if (EqualsIgnoringCase(candidate, name) &&
          (IsBlank(html_[after]) || html_[after] == '/' || html_[after] == '>')) {
        end = i;
        break;
      }
    }
    const std::string_view content = html_.substr(begin, end - begin);
    const size_t less = content.find('<');
    if (less == std::string_view::npos) return true;
    // Inside <select> and <svg> these may be elements like any other.
    if (select_ || svg_ > 0) return false;
    // 13.2.5.18 and on: in a script, a comment that holds a script hides an end tag.
    return !EqualsLower(name, "script") || content.find("<!--") == std::string_view::npos ||
           !HasScriptTag(content);
  }

  static bool HasScriptTag(std::string_view content) {
    for (size_t i = content.find('<'); i != std::string_view::npos; i = content.find('<', i + 1)) {
      if (EqualsLower(content.substr(i + 1, 6), "script")) return true;
    }
    return false;
  }

  const std::string_view html_;
  std::string& out_;
  size_t at_ = 0;
  std::string kept_;                                                // attributes of the tag at hand
  enum class Last { kOther, kText, kAnchor } last_ = Last::kOther;  // what was put out last
  bool in_body_ = false;  // text was put out: head and frameset are out of question
  size_t open_formats_ = 0;
  struct Dropped {
    std::string_view name;
    bool style = false;
    size_t depth = 0;  // where it began
  };
  std::vector<Dropped> dropped_;           // inline elements that are open and were left out
  size_t dropped_styles_ = 0;              // those of them that are styles
  std::vector<std::string_view> staying_;  // inline elements that are open and were not left out
  size_t depth_ = 0;                       // elements that stay: start tags less end tags
  size_t headings_ = 0;                    // open, as far as this pass can tell
  size_t svg_ = 0;
  bool select_ = false;
  bool keep_text_ = false;  // a heading's end is in doubt
};

}  // namespace

std::string_view Condense(std::string_view html, std::string& storage) {
  storage.clear();
  storage.reserve(html.size());
  return Condenser(html, storage).Run() ? std::string_view(storage) : html;
}

}  // namespace crawld::parser
