// HtmlScanner: reads a page from its tags alone, without the tree around them.
//
// A tree builder's cost is per character and per element, and most of a page is neither link nor
// metadata. On a page whose markup leaves no doubt, the tree adds nothing to what stands in the
// source: the links are the <a> and their like in the order of the source, headings and title are
// what stands between their tags. ScanHtml() reads the tags of a page once and tells the collector
// of those alone: <html lang>, <title>, <base>, <meta>, <link>, <a>, <area>, <iframe>, <h1> to
// <h6>.
//
// Where the tree may differ from the source, it gives up, and a tree is built:
//   - a table with content outside its cells that counts (foster parenting)
//   - SVG or MathML that HTML, or a stray end tag, stands in
//   - a heading with tables, raw text, unbalanced blocks or another heading in it
//   - a link in a template that may go on behind it; <frameset>, <isindex>
//   - a second <base>, <title>, named <meta> or canonical link behind a formatting element
//   - NULs in what counts; character references with rare names; more than 64 things open
// docs/architecture.md says how few pages are such.
//
// One difference is left in the order: where formatting elements overlap (<b><p></b>), a tree
// builder may move a link or a heading behind a later one; then the limits may cut others. And one
// in texts: control characters stay, as the standard has it, where gumbo puts U+FFFD.
//
// tests/fuzz/scanner_fuzzer.cc holds what the scanner finds against what the tree has. One pass,
// O(input).
#pragma once

#include <string>
#include <string_view>

#include "parser/page_collector.h"

namespace crawld::parser {

// `html` is valid UTF-8. `references` gets the values that do not stand in the source as they are,
// at most as many bytes as it has; it and `html` must live until collector.Finish(). False: in
// doubt, and what the collector was told is void.
bool ScanHtml(std::string_view html, std::string& references, PageCollector& collector);

}  // namespace crawld::parser
