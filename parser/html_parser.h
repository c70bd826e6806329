// HtmlParser: HTML bytes to a ParsedPage, with gumbo (HTML5 tree construction, scripting off).
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
// Links, title and text survive; `truncated_input` says so. Of 47,794 real pages none took more
// than one step a byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "parser/parsed_page.h"
#include "web/url.h"

namespace crawld::parser {

struct ParseOptions {
  bool want_text = false;
  bool want_headings = true;
  bool want_refresh = true;     // <meta http-equiv=refresh> as a link
  bool want_resources = false;  // images, scripts, styles and media as links too
  // Parse the page's skeleton where it has one (html_skeleton.h); not with want_text or
  // want_resources, for which a skeleton has too little.
  bool skeleton = true;
  // <meta> of this name, whatever its case, counts as one named "robots". Empty: none.
  std::string_view robots_name = {};

  size_t max_input_bytes = size_t{64} << 20;  // of decoded text; beyond it kTooLarge
  size_t max_links = 100000;
  size_t max_link_bytes = size_t{8}
                          << 20;  // of all links; more are dropped like those beyond max_links
  size_t max_title_bytes = 1024;  // also for a description and a heading
  size_t max_headings = 200;
  size_t max_text_bytes = size_t{4} << 20;
  size_t max_href_bytes = web::kMaxUrlBytes;  // a longer reference counts as bad

  size_t arena_base_bytes = size_t{64} << 20;
  size_t arena_bytes_per_input = 32;
  // A page may cost so many steps (parser/html_guard.h), of some 8 ns each, and so many a byte.
  uint64_t max_guard_work = uint64_t{1} << 22;
  uint64_t guard_work_per_byte = 2;
};

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
                                              const web::Url& url, const ParseOptions& options);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace crawld::parser
