#include "parser/html_condenser.h"

#include <algorithm>
#include <array>
#include <cstddef>

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

// What a tag name means to the condenser.
enum class Name {
  kOther,      // its attributes mean nothing to tree construction or extractor
  kKeep,       // its attributes are read, or compared by "Noah's Ark" (formatting elements)
  kInline,     // an inline element that no other element's place depends on: left out
  kLineBreak,  // likewise, but tree construction sees content: becomes text
  kRaw,        // raw text follows: script, style, xmp, noembed, noframes, textarea
  kRawKeep,    // raw text follows, and the attributes count: iframe
  kTitle,
  kHeading,
  kSelect,
  kSvg,
  kScope,  // the end tag of a heading inside it does not close the heading outside
  kDoubt,  // the tokenizer's state may depend on more than this pass knows
};

struct Entry {
  std::string_view name;
  Name meaning;
};

// In the order of their length.
constexpr std::array kEntries = std::to_array<Entry>({
    {"a", Name::kKeep},
    {"b", Name::kInline},
    {"i", Name::kInline},
    {"q", Name::kInline},
    {"s", Name::kInline},
    {"u", Name::kInline},
    {"br", Name::kLineBreak},
    {"em", Name::kInline},
    {"h1", Name::kHeading},
    {"h2", Name::kHeading},
    {"h3", Name::kHeading},
    {"h4", Name::kHeading},
    {"h5", Name::kHeading},
    {"h6", Name::kHeading},
    {"td", Name::kScope},
    {"th", Name::kScope},
    {"tt", Name::kInline},
    {"bdi", Name::kInline},
    {"bdo", Name::kInline},
    {"big", Name::kInline},
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
    {"area", Name::kKeep},
    {"base", Name::kKeep},
    {"body", Name::kKeep},
    {"cite", Name::kInline},
    {"code", Name::kInline},
    {"font", Name::kKeep},
    {"html", Name::kKeep},
    {"link", Name::kKeep},
    {"mark", Name::kInline},
    {"math", Name::kDoubt},
    {"meta", Name::kKeep},
    {"nobr", Name::kKeep},
    {"samp", Name::kInline},
    {"span", Name::kInline},
    {"time", Name::kInline},
    {"frame", Name::kKeep},
    {"image", Name::kLineBreak},
    {"input", Name::kKeep},
    {"small", Name::kInline},
    {"style", Name::kRaw},
    {"table", Name::kScope},
    {"title", Name::kTitle},
    {"applet", Name::kScope},
    {"button", Name::kScope},
    {"iframe", Name::kRawKeep},
    {"object", Name::kScope},
    {"script", Name::kRaw},
    {"select", Name::kSelect},
    {"strike", Name::kInline},
    {"strong", Name::kInline},
    {"caption", Name::kScope},
    {"isindex", Name::kKeep},
    {"marquee", Name::kScope},
    {"noembed", Name::kRaw},
    {"frameset", Name::kDoubt},
    {"noframes", Name::kRaw},
    {"template", Name::kScope},
    {"textarea", Name::kRaw},
    {"plaintext", Name::kDoubt},
    {"foreignobject", Name::kDoubt},
    {"annotation-xml", Name::kDoubt},
});

constexpr size_t kLongestName = kEntries.back().name.size();

// kFirst[n]: the first entry whose name has n characters or more.
constexpr auto kFirst = [] {
  std::array<size_t, kLongestName + 2> first{};
  for (size_t length = 0; length < first.size(); ++length) {
    while (first[length] < kEntries.size() && kEntries[first[length]].name.size() < length) {
      ++first[length];
    }
  }
  return first;
}();

Name MeaningOf(std::string_view name) {
  if (name.size() > kLongestName) return Name::kOther;
  for (size_t i = kFirst[name.size()]; i < kFirst[name.size() + 1]; ++i) {
    if (EqualsLower(name, kEntries[i].name)) return kEntries[i].meaning;
  }
  return Name::kOther;
}

class Condenser {
 public:
  Condenser(std::string_view html, std::string& out) : html_(html), out_(out) {}

  void Run() {
    while (at_ < html_.size()) {
      if (html_[at_] != '<') {
        Text();
      } else if (!Markup()) {
        // In doubt: the rest as it is.
        out_.append(html_.substr(at_));
        return;
      }
    }
  }

 private:
  char Peek(size_t ahead) const { return at_ + ahead < html_.size() ? html_[at_ + ahead] : '\0'; }

  void Text() {
    const size_t end = std::min(html_.find('<', at_), html_.size());
    const std::string_view run = html_.substr(at_, end - at_);
    at_ = end;
    if (headings_ > 0 || keep_text_) {
      out_.append(run);
      return;
    }
    size_t i = 0;
    while (i < run.size() && IsBlank(run[i])) ++i;
    if (i == run.size()) {
      out_.push_back(run[0]);
    } else if (run[i] == '&' || run[i] == '\0') {
      out_.append(run);  // a reference may stand for a blank, a NUL for nothing
    } else {
      out_.push_back('x');
    }
  }

  // At '<'. False: leave the rest alone.
  bool Markup() {
    const char next = Peek(1);
    if (IsLetter(next)) return Tag(false);
    if (next == '?') return BogusComment();
    if (next == '/')
      return IsLetter(Peek(2)) ? Tag(true) : at_ + 2 < html_.size() && BogusComment();
    if (next != '!') {
      // A '<' that is text.
      if (at_ + 1 == html_.size()) return false;
      out_.push_back(headings_ > 0 || keep_text_ ? '<' : 'x');
      ++at_;
      if (html_[at_] != '<') Text();
      return true;
    }
    if (html_.substr(at_ + 2, 2) == "--") return Comment();
    if (EqualsLower(html_.substr(at_ + 2, 7), "doctype")) return Doctype();
    // Inside SVG it may be CDATA.
    return svg_ == 0 && BogusComment();
  }

  // 13.2.5.41: up to the next '>'.
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

  bool Doctype() {
    const size_t end = html_.find('>', at_);
    if (end == std::string_view::npos) return false;
    out_.append(html_.substr(at_, end + 1 - at_));
    at_ = end + 1;
    return true;
  }

  // HTML Standard 13.2.5.8 to 13.2.5.40: where does the tag that begins at at_ end?
  struct Scan {
    size_t name_end = 0;
    size_t end = 0;  // past '>'
    bool self_closing = false;
    bool whole = false;
  };
  Scan ScanTag(size_t name) const {
    Scan scan;
    size_t i = name;
    const auto at = [&](size_t k) { return k < html_.size() ? html_[k] : '\0'; };
    while (i < html_.size() && !IsBlank(html_[i]) && html_[i] != '/' && html_[i] != '>') ++i;
    scan.name_end = i;
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
      ++i;
      while (i < html_.size() && !IsBlank(html_[i]) && html_[i] != '/' && html_[i] != '>' &&
             html_[i] != '=') {
        ++i;
      }
      size_t equals = i;
      while (IsBlank(at(equals))) ++equals;
      if (at(equals) != '=') continue;
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
    return scan;
  }

  bool Tag(bool end_tag) {
    const size_t name_at = at_ + (end_tag ? 2 : 1);
    const Scan scan = ScanTag(name_at);
    if (!scan.whole) return false;
    const std::string_view name = html_.substr(name_at, scan.name_end - name_at);
    const Name meaning = MeaningOf(name);
    if (meaning == Name::kDoubt) return false;
    // Inside SVG some of these end it; inside a heading they part words.
    if (svg_ == 0 && headings_ == 0 && !keep_text_) {
      if (meaning == Name::kLineBreak) out_.push_back('x');
      if (meaning == Name::kLineBreak || meaning == Name::kInline) {
        at_ = scan.end;
        return true;
      }
    }
    const bool raw =
        !end_tag && (meaning == Name::kRaw || meaning == Name::kRawKeep || meaning == Name::kTitle);
    // <title/>, <script/>: whether that is an element of HTML or of SVG decides what follows.
    if (raw && svg_ > 0 && scan.self_closing) return false;
    size_t content_end = scan.end;
    if (raw && !RawText(name, scan.end, content_end)) return false;

    const bool keep_attributes = !end_tag && (meaning == Name::kKeep || meaning == Name::kRawKeep ||
                                              meaning == Name::kInline);
    if (keep_attributes) {
      out_.append(html_.substr(at_, scan.end - at_));
    } else {
      out_.append(html_.substr(at_, scan.name_end - at_));
      out_.append(scan.self_closing ? "/>" : ">");
    }
    // The text of a heading is whatever is inside it, raw text too.
    if (raw && (meaning == Name::kTitle || headings_ > 0 || keep_text_)) {
      out_.append(html_.substr(scan.end, content_end - scan.end));
    }
    at_ = content_end;
    Count(meaning, end_tag, scan.self_closing);
    return true;
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
      case Name::kKeep:
      case Name::kInline:
      case Name::kLineBreak:
      case Name::kRaw:
      case Name::kRawKeep:
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
      const bool same = std::equal(candidate.begin(), candidate.end(), name.begin(),
                                   [](char a, char b) { return Lower(a) == Lower(b); });
      if (same && (IsBlank(html_[after]) || html_[after] == '/' || html_[after] == '>')) {
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
  size_t headings_ = 0;  // open, as far as this pass can tell
  size_t svg_ = 0;
  bool select_ = false;
  bool keep_text_ = false;  // a heading's end is in doubt
};

}  // namespace

void Condense(std::string_view html, std::string& out) {
  out.clear();
  out.reserve(html.size());
  Condenser(html, out).Run();
}

}  // namespace crawld::parser
