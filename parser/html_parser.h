// HtmlParser: HTML bytes to a ParsedPage, as HTML5 has it with scripting off.
//
// Most pages are read by html_scanner.h, which needs no tree; where their markup leaves a doubt,
// gumbo builds the tree that the standard asks for, and that is read. html_scanner.h says where the
// two differ.
//
// One per worker thread: what it holds is reused from page to page. Not thread safe; Parse() is
// otherwise pure: the same input and options give the same page.
//
// Bounded in memory: the tree may take arena_base_bytes + arena_bytes_per_input * input
// (tree_builder.h). When that is used up what stands of the tree is read; `truncated_tree` says so.
//
// Bounded in time, although gumbo is quadratic in places: each start tag walks the open elements
// ("has an element in scope"), each attribute looks for its like among those before it, each
// <body> or <html> beyond the first merges its attributes, each formatting element is compared with
// its like. A cheap scan before the parse (parser/html_guard.h) adds that work up; where a page
// exceeds max_guard_work, the rest of it loses the tags that carry neither links nor metadata.
// Links, title and text survive; `truncated_input` says so.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "parser/parse_options.h"
#include "parser/parsed_page.h"
#include "web/url.h"

namespace crawld::parser {

class HtmlParser {
 public:
  HtmlParser();
  ~HtmlParser();
  HtmlParser(const HtmlParser&) = delete;
  HtmlParser& operator=(const HtmlParser&) = delete;

  // `bytes` as they came, after content codings; `header_charset` is the charset parameter of
  // Content-Type, or empty. `url` is the page's own, after redirects.
  Result<ParsedPage, ParseError> Parse(std::string_view bytes, std::string_view header_charset,
                                       const web::Url& url, const ParseOptions& options = {});

  // The same for text that is valid UTF-8 already, on a page that was UTF-8; skips all charset
  // work.
  Result<ParsedPage, ParseError> ParseUtf8(std::string_view html, const web::Url& url,
                                           const ParseOptions& options = {});

  // What the tree's arena holds now, in bytes (tree_builder.h).
  size_t arena_bytes() const;

 private:
  struct Impl;

  Result<ParsedPage, ParseError> ParseDecoded(std::string_view html, std::string_view encoding,
                                              std::string_view encoding_from, const web::Url& url,
                                              const ParseOptions& options);
  // False: the page wants a tree.
  bool Scan(std::string_view html, std::string_view encoding, const ParseOptions& options);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace crawld::parser
