// HtmlGuard: keeps an HTML parser's worst case away from it.
//
// A tree builder's cost is not linear in its input: each tag may walk the stack of open elements,
// each attribute the attributes before it. GuardHtml() reads the tags of a page once, follows that
// stack roughly (it may think it deeper than it is, never much shallower), and adds up the steps a
// tree builder would take. While the sum stays below `max_work` nothing happens. From the tag on
// which exceeds it, only tags that carry links or metadata remain; all other tags become a blank.
// A tag with more than kMaxAttributes loses the attributes behind them; a value longer than
// kMaxAttributeBytes loses its end.
//
// It also writes what gumbo gets wrong, or has from an older standard, as something that means the
// same: <a b c> as <a b="" c>, </svg > as </svg>, </> as a comment, </br> and, in SVG and MathML,
// </p> as start tags, <select> as <applet>, <search> as <dir>, <menuitem> and <isindex> as unknown
// elements, control characters in attributes as references, references beyond U+10FFFF as
// &#xFFFD;.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace crawld::parser {

inline constexpr size_t kMaxAttributes = 512;
// What lies behind in an attribute's value is left out. Longer than any URL that counts, however
// its character references are written.
inline constexpr size_t kMaxAttributeBytes = size_t{1} << 20;

struct GuardResult {
  std::string_view html;  // the input itself, or `storage`
  uint64_t work = 0;      // steps, as estimated
  bool changed = false;   // tags, or attributes of one, were left out
};

// Linear in the input; a few microseconds for a page of 32 KB. The result points into `html` or
// into `storage` and dies with it.
GuardResult GuardHtml(std::string_view html, uint64_t max_work, std::string& storage);

}  // namespace crawld::parser
