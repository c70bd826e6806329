// The scanner must find what the tree has: same links, same metadata, same headings.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "parser/html_parser.h"
#include "web/ascii.h"
#include "web/utf8.h"

namespace {

// gumbo reads control characters and noncharacters as U+FFFD, where the standard has them stay
// (13.2.3.5); in a refresh the URL has that too. Both ways end here.
std::string WithoutControls(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size();) {
    const size_t begin = i++;
    while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) ++i;
    const std::string_view character = text.substr(begin, i - begin);
    uint32_t point = static_cast<unsigned char>(character[0]);
    if (character.size() > 1) point &= 0x7FU >> character.size();
    for (const char c : character.substr(1)) point = point << 6 | (static_cast<unsigned>(c) & 0x3F);
    const std::string_view escaped = text.substr(begin, 6);
    if (text.substr(begin).starts_with("%EF%BF%BD")) {
      i = begin + 9;
      plain += "\xEF\xBF\xBD";
    } else if (escaped.size() == 6 && escaped.starts_with("%C2%") &&
               (escaped[4] == '8' || escaped[4] == '9') && crawld::web::HexValue(escaped[5]) >= 0) {
      i = begin + 6;
      plain += "\xEF\xBF\xBD";
    } else if ((point < 0x20 && !crawld::web::IsAsciiSpace(character[0])) ||
               (point >= 0x7F && point < 0xA0) || (point >= 0xFDD0 && point <= 0xFDEF) ||
               (point & 0xFFFE) == 0xFFFE) {
      plain += "\xEF\xBF\xBD";
    } else {
      plain += character;
    }
  }
  return plain;
}

bool SameText(std::string_view a, std::string_view b) {
  return a == b || WithoutControls(a) == WithoutControls(b);
}

// Formatting elements that overlap may make the tree builder move what follows; the order is then
// its own.
std::vector<std::string> Sorted(const std::vector<crawld::parser::Heading>& headings) {
  std::vector<std::string> lines;
  for (const auto& heading : headings) {
    lines.push_back(std::to_string(heading.level) + ' ' + WithoutControls(heading.text));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::vector<std::string> Sorted(const std::vector<crawld::parser::Link>& links) {
  std::vector<std::string> lines;
  for (const auto& link : links) {
    lines.push_back(WithoutControls(link.url.href()) + ' ' + std::to_string(link.kinds) + ' ' +
                    std::to_string(link.rels));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

void CheckSame(const crawld::parser::ParsedPage& a, const crawld::parser::ParsedPage& b) {
  CRAWLD_CHECK(SameText(a.title, b.title), "title");
  CRAWLD_CHECK(SameText(a.description, b.description), "description");
  CRAWLD_CHECK(SameText(a.language, b.language), "language");
  CRAWLD_CHECK(a.canonical == b.canonical, "canonical");
  CRAWLD_CHECK(a.robots.noindex == b.robots.noindex && a.robots.nofollow == b.robots.nofollow,
               "robots");
  CRAWLD_CHECK(Sorted(a.headings) == Sorted(b.headings), "headings");
  CRAWLD_CHECK(a.base_url == b.base_url, "base");
  CRAWLD_CHECK(a.links.size() == b.links.size(), "number of links");
  CRAWLD_CHECK(Sorted(a.links) == Sorted(b.links), "links");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const crawld::web::Url url = *crawld::web::Url::Parse("http://h.example/dir/page");
  static crawld::parser::HtmlParser parser;
  const std::string_view html(reinterpret_cast<const char*>(data), size);
  if (!crawld::web::IsValidUtf8(html)) return 0;
  crawld::parser::ParseOptions options;
  // gumbo replaces control characters by something longer: cuts would fall in other places.
  options.max_title_bytes = size_t{1} << 20;
  options.scan = false;
  const auto tree = parser.ParseUtf8(html, url, options);
  options.scan = true;
  const auto scanned = parser.ParseUtf8(html, url, options);
  CRAWLD_CHECK(tree.has_value() == scanned.has_value(), "both or neither");
  // Where a limit cut the page it may cut the two in different places.
  if (tree && !tree->truncated_input && !tree->truncated_tree) CheckSame(*tree, *scanned);
  return 0;
}
