// The scanner must find what the tree has: same links, same metadata, same headings.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "parser/html_parser.h"
#include "web/utf8.h"

namespace {

void CheckSame(const crawld::parser::ParsedPage& a, const crawld::parser::ParsedPage& b) {
  CRAWLD_CHECK(a.title == b.title, "title");
  CRAWLD_CHECK(a.description == b.description, "description");
  CRAWLD_CHECK(a.language == b.language, "language");
  CRAWLD_CHECK(a.canonical == b.canonical, "canonical");
  CRAWLD_CHECK(a.robots.raw == b.robots.raw, "robots");
  CRAWLD_CHECK(a.headings == b.headings, "headings");
  CRAWLD_CHECK(a.base_url == b.base_url, "base");
  CRAWLD_CHECK(a.links.size() == b.links.size(), "number of links");
  // Formatting elements that overlap may make the tree builder move links; the order is then its
  // own.
  const auto sorted = [](std::vector<crawld::parser::Link> links) {
    std::sort(links.begin(), links.end(),
              [](const auto& x, const auto& y) { return x.url.href() < y.url.href(); });
    return links;
  };
  const auto left = sorted(a.links);
  const auto right = sorted(b.links);
  for (size_t i = 0; i < left.size(); ++i) {
    CRAWLD_CHECK(left[i].url == right[i].url && left[i].kinds == right[i].kinds &&
                     left[i].rels == right[i].rels,
                 "a link");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const crawld::web::Url url = *crawld::web::Url::Parse("http://h.example/dir/page");
  static crawld::parser::HtmlParser parser;
  const std::string_view html(reinterpret_cast<const char*>(data), size);
  if (!crawld::web::IsValidUtf8(html)) return 0;
  crawld::parser::ParseOptions options;
  options.scan = false;
  const auto tree = parser.ParseUtf8(html, url, options);
  options.scan = true;
  const auto scanned = parser.ParseUtf8(html, url, options);
  CRAWLD_CHECK(tree.has_value() == scanned.has_value(), "both or neither");
  // Where a limit cut the page it may cut the two in different places.
  if (tree && !tree->truncated_input && !tree->truncated_tree) CheckSame(*tree, *scanned);
  return 0;
}
