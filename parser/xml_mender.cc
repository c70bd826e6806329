#include "parser/xml_mender.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "web/ascii.h"

namespace crawld::parser {
namespace {

// Enough for "<![CDATA[" and "&#x10FFFF;".
constexpr size_t kLookahead = 16;

// The length of the reference that `text` begins with; 0: it is none.
size_t ReferenceAt(std::string_view text) {
  for (const std::string_view known : {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"}) {
    if (text.starts_with(known)) return known.size();
  }
  if (!text.starts_with("&#")) return 0;
  const size_t end = text.substr(0, kLookahead).find(';');
  if (end == std::string_view::npos) return 0;
  const bool hex = text.size() > 2 && text[2] == 'x';
  const std::string_view digits = text.substr(hex ? 3 : 2, end - (hex ? 3 : 2));
  if (digits.empty() || digits.size() > 8) return 0;
  for (const char c : digits) {
    if (hex ? web::HexValue(c) < 0 : !web::IsDigit(c)) return 0;
  }
  return end + 1;
}

// XML 1.0 production 2, for a reference that ReferenceAt() has approved.
bool IsXmlCharacter(std::string_view reference) {
  uint32_t point = 0;
  const bool hex = reference[2] == 'x';
  for (const char c : reference.substr(hex ? 3 : 2)) {
    if (c == ';') break;
    point = point * (hex ? 16 : 10) + static_cast<uint32_t>(web::HexValue(c));
    if (point > 0x10FFFF) return false;
  }
  return point == '\t' || point == '\n' || point == '\r' || (point >= 0x20 && point < 0xD800) ||
         (point >= 0xE000 && point < 0xFFFE) || point >= 0x10000;
}

}  // namespace

void XmlMender::Write(std::string_view utf8, bool last, std::string& out) {
  pending_ += utf8;
  const std::string_view text = pending_;
  size_t i = 0;
  size_t plain = 0;
  const auto instead = [&](size_t bytes, std::string_view replacement) {
    out.append(text.substr(plain, i - plain)).append(replacement);
    i += bytes;
    plain = i;
  };
  while (i < text.size() && (last || text.size() - i >= kLookahead)) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '&' && c != '<' && c != ']' && c != '-' && c != 0xEF) {
      ++i;
      continue;
    }
    if (c == '\f' || (c < 0x20 && !web::IsAsciiSpace(text[i]))) {
      instead(1, kNoXmlCharacter);
    } else if (c == 0xEF &&
               (text.substr(i, 3) == "\xEF\xBF\xBE" || text.substr(i, 3) == "\xEF\xBF\xBF")) {
      instead(3, kNoXmlCharacter);
    } else if (section_end_.empty() && c == '<' && text.substr(i).starts_with("<![CDATA[")) {
      section_end_ = "]]>";
      i += 9;
    } else if (section_end_.empty() && c == '<' && text.substr(i).starts_with("<!--")) {
      section_end_ = "-->";
      i += 4;
    } else if (!section_end_.empty() && text.substr(i).starts_with(section_end_)) {
      i += section_end_.size();
      section_end_ = {};
    } else if (section_end_ == "-->" && text.substr(i, 2) == "--") {
      instead(1, "- ");  // two dashes are not allowed in a comment
    } else if (c == '&' && section_end_.empty()) {
      const size_t size = ReferenceAt(text.substr(i));
      if (size == 0) {
        instead(1, "&amp;");
      } else if (text[i + 1] == '#' && !IsXmlCharacter(text.substr(i, size))) {
        instead(size, kNoXmlCharacter);
      } else {
        i += size;
      }
    } else {
      ++i;
    }
  }
  i = std::min(i, text.size());
  out.append(text.substr(plain, i - plain));
  pending_.erase(0, i);
}

}  // namespace crawld::parser
