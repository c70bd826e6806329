#include "parser/character_references.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "web/ascii.h"
#include "web/utf8.h"

namespace crawld::parser {
namespace {

struct Name {
  std::string_view name;
  uint16_t point = 0;
  bool bare = false;  // may stand without a semicolon
};

// U+00A0 to U+00FF, in their order; each may stand without a semicolon.
constexpr std::array kLatin = std::to_array<std::string_view>(
    {"nbsp",   "iexcl",  "cent",   "pound",  "curren", "yen",    "brvbar", "sect",   "uml",
     "copy",   "ordf",   "laquo",  "not",    "shy",    "reg",    "macr",   "deg",    "plusmn",
     "sup2",   "sup3",   "acute",  "micro",  "para",   "middot", "cedil",  "sup1",   "ordm",
     "raquo",  "frac14", "frac12", "frac34", "iquest", "Agrave", "Aacute", "Acirc",  "Atilde",
     "Auml",   "Aring",  "AElig",  "Ccedil", "Egrave", "Eacute", "Ecirc",  "Euml",   "Igrave",
     "Iacute", "Icirc",  "Iuml",   "ETH",    "Ntilde", "Ograve", "Oacute", "Ocirc",  "Otilde",
     "Ouml",   "times",  "Oslash", "Ugrave", "Uacute", "Ucirc",  "Uuml",   "Yacute", "THORN",
     "szlig",  "agrave", "aacute", "acirc",  "atilde", "auml",   "aring",  "aelig",  "ccedil",
     "egrave", "eacute", "ecirc",  "euml",   "igrave", "iacute", "icirc",  "iuml",   "eth",
     "ntilde", "ograve", "oacute", "ocirc",  "otilde", "ouml",   "divide", "oslash", "ugrave",
     "uacute", "ucirc",  "uuml",   "yacute", "thorn",  "yuml"});
static_assert(kLatin.size() == 0x100 - 0xA0);

constexpr std::array kOthers = std::to_array<Name>({
    {"amp", '&', true},
    {"AMP", '&', true},
    {"lt", '<', true},
    {"LT", '<', true},
    {"gt", '>', true},
    {"GT", '>', true},
    {"quot", '"', true},
    {"QUOT", '"', true},
    {"REG", 0xAE, true},
    {"COPY", 0xA9, true},
    {"apos", '\''},
    {"OElig", 0x152},
    {"oelig", 0x153},
    {"Scaron", 0x160},
    {"scaron", 0x161},
    {"ensp", 0x2002},
    {"emsp", 0x2003},
    {"thinsp", 0x2009},
    {"zwnj", 0x200C},
    {"zwj", 0x200D},
    {"ndash", 0x2013},
    {"mdash", 0x2014},
    {"lsquo", 0x2018},
    {"rsquo", 0x2019},
    {"sbquo", 0x201A},
    {"ldquo", 0x201C},
    {"rdquo", 0x201D},
    {"bdquo", 0x201E},
    {"dagger", 0x2020},
    {"bull", 0x2022},
    {"hellip", 0x2026},
    {"prime", 0x2032},
    {"lsaquo", 0x2039},
    {"rsaquo", 0x203A},
    {"euro", 0x20AC},
    {"trade", 0x2122},
    {"larr", 0x2190},
    {"uarr", 0x2191},
    {"rarr", 0x2192},
    {"darr", 0x2193},
    {"minus", 0x2212},
    {"le", 0x2264},
    {"ge", 0x2265},
    {"colon", ':'},
    {"comma", ','},
    {"sol", '/'},
    {"lpar", '('},
    {"rpar", ')'},
    {"num", '#'},
    {"equals", '='},
    {"quest", '?'},
    {"period", '.'},
    {"Tab", '\t'},
    {"NewLine", '\n'},
    {"lowbar", '_'},
    {"excl", '!'},
    {"percnt", '%'},
    {"commat", '@'},
    {"NonBreakingSpace", 0xA0},
});

constexpr auto kNames = [] {
  std::array<Name, kLatin.size() + kOthers.size()> names{};
  for (size_t i = 0; i < kLatin.size(); ++i) {
    names[i] = {kLatin[i], static_cast<uint16_t>(0xA0 + i), true};
  }
  std::copy(kOthers.begin(), kOthers.end(), names.begin() + kLatin.size());
  std::sort(names.begin(), names.end(),
            [](const Name& a, const Name& b) { return a.name < b.name; });
  return names;
}();

constexpr size_t kLongestBare = 6;

const Name* Find(std::string_view name) {
  const auto* const found =
      std::lower_bound(kNames.begin(), kNames.end(), name,
                       [](const Name& entry, std::string_view key) { return entry.name < key; });
  return found != kNames.end() && found->name == name ? found : nullptr;
}

// The longest name that may stand bare and begins `run`.
const Name* FindBare(std::string_view run) {
  for (size_t length = std::min(run.size(), kLongestBare); length >= 2; --length) {
    const Name* const name = Find(run.substr(0, length));
    if (name != nullptr && name->bare) return name;
  }
  return nullptr;
}

// 13.2.5.80, "numeric character reference end state". The table is windows-1252's.
uint32_t Mended(uint32_t point) {
  constexpr std::array<uint16_t, 32> kWindows1252 = {
      0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6,  0x2030, 0x160,
      0x2039, 0x152,  0x8D,   0x17D,  0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
      0x2013, 0x2014, 0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};
  if (point == 0 || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return 0xFFFD;
  return point >= 0x80 && point <= 0x9F ? kWindows1252[point - 0x80] : point;
}

class Decoder {
 public:
  Decoder(std::string_view text, ReferenceIn where, std::string& out)
      : text_(text), where_(where), out_(out) {}

  bool Run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '&') {
        if (!Reference()) return false;
        continue;
      }
      if (c == '\r') {
        out_ += '\n';
        at_ += text_.substr(at_, 2) == "\r\n" ? 2 : 1;
        continue;
      }
      const size_t begin = at_;
      while (at_ < text_.size() && text_[at_] != '&' && text_[at_] != '\r') ++at_;
      out_.append(text_.substr(begin, at_ - begin));
    }
    return true;
  }

 private:
  char Peek(size_t i) const { return i < text_.size() ? text_[i] : '\0'; }

  // At '&'.
  bool Reference() {
    if (Peek(at_ + 1) == '#') {
      Numeric();
      return true;
    }
    size_t end = at_ + 1;
    while (web::IsAlphanumeric(Peek(end))) ++end;
    const std::string_view run = text_.substr(at_ + 1, end - at_ - 1);
    if (run.empty()) {
      Literal(end);
      return true;
    }
    if (Peek(end) == ';') {
      const Name* const name = Find(run);
      if (name == nullptr) return false;
      Put(name->point, end + 1);
      return true;
    }
    const Name* const name = FindBare(run);
    if (name == nullptr) {
      Literal(end);
      return true;
    }
    const size_t after = at_ + 1 + name->name.size();
    // 13.2.5.73: "for historical reasons", so that "?a=1&copy=2" stays as it is.
    if (where_ == ReferenceIn::kAttribute &&
        (Peek(after) == '=' || web::IsAlphanumeric(Peek(after)))) {
      Literal(end);
    } else {
      Put(name->point, after);
    }
    return true;
  }

  // 13.2.5.75 to 13.2.5.80
  void Numeric() {
    const bool hexadecimal = web::AsciiLower(Peek(at_ + 2)) == 'x';
    const size_t begin = at_ + (hexadecimal ? 3 : 2);
    size_t end = begin;
    uint32_t point = 0;
    for (; end < text_.size(); ++end) {
      const char c = text_[end];
      if (hexadecimal ? web::HexValue(c) < 0 : !web::IsDigit(c)) break;
      point = std::min<uint32_t>(
          point * (hexadecimal ? 16 : 10) + static_cast<uint32_t>(web::HexValue(c)), 0x110000);
    }
    if (end == begin) return Literal(end);
    Put(Mended(point), end + (Peek(end) == ';' ? 1 : 0));
  }

  void Literal(size_t end) {
    out_.append(text_.substr(at_, end - at_));
    at_ = end;
  }

  void Put(uint32_t point, size_t end) {
    web::AppendUtf8(point, out_);
    at_ = end;
  }

  const std::string_view text_;
  const ReferenceIn where_;
  std::string& out_;
  size_t at_ = 0;
};

}  // namespace

bool AppendWithReferences(std::string_view text, ReferenceIn where, std::string& out) {
  return Decoder(text, where, out).Run();
}

}  // namespace crawld::parser
