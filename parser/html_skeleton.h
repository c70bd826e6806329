// HtmlSkeleton: the part of a page that a crawler reads, without the tree around it.
//
// A tree builder's cost is per character and per element, and most of a page is neither link nor
// metadata. On a page whose markup leaves no doubt, the tree adds nothing to what stands in the
// source: the links are the <a> and their like in the order of the source, headings and title are
// what stands between their tags. SkeletonOf() reads the tags of a page once and writes a page that
// has those alone:
//
//   <html lang>, <title>, <base>, <meta>, <link>      as they come, with the attributes that count
//   <a href>, <area>, <iframe>                        likewise, and empty; the same <a> once
//   <h1> to <h6>                                      with their text and links
//
// Then gumbo parses a fifth of the bytes and next to no tree; character references, and everything
// that comes after, stay its business. Where the tree may differ from the source, the result is the
// page itself: content that a table throws out (foster parenting), SVG and MathML with
// anything of HTML in them, <template>, framesets, headings with more than phrases in them,
// unclosed comments and tags, CDATA, NULs in attribute names. Of 66,903 pages of documentation 27
// are such. One difference is left: where formatting elements overlap (<b><p></b>), a tree builder
// may move a link behind a later one.
//
// tests/fuzz/skeleton_fuzzer.cc holds links, metadata and headings of the skeleton against those of
// the page. Pure; one pass, O(input).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace crawld::parser {

// Reused from page to page.
struct SkeletonStorage {
  std::string html;
  std::vector<uint64_t> seen;  // of links, by hash; 0: free
};

// `html` is valid UTF-8. The result is `html` or points into `storage`, and dies with it; it is no
// longer than `html`. Keeps at most 1 MiB between pages.
std::string_view SkeletonOf(std::string_view html, SkeletonStorage& storage);

}  // namespace crawld::parser
