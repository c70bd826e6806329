// HtmlCondenser: takes from a page what a tree builder would only carry around.
//
// gumbo's cost is per character. Where nobody wants a page's visible text, most characters mean
// nothing to us: text between tags, comments, scripts and style sheets, and the attributes of
// elements that carry neither links nor metadata. Condense() leaves them out and keeps everything
// that the HTML Standard's tree construction looks at, so that the tree has the same elements in
// the same places:
//
//   text before the body's first  -> its first blank, or x
//   text in the body              -> nothing, or x where it may bring back an element left open
//   a comment                     -> nothing
//   script, style, textarea, ...  -> without their content
//   span, em, code and their like -> nothing; br, img and their like are text
//   attributes                    -> those that tree construction or the extractor reads
//
// The text of <title> and of headings stays. A page that leaves a doubt (CDATA, MathML, <template>,
// <plaintext>, raw text inside <select> or <svg>, unclosed comments or tags, inline elements that
// begin inside a heading and end outside) stays as it is. tests/fuzz/condense_fuzzer.cc holds links
// and metadata of the condensed page against those of the page itself.
//
// Pure; one pass, O(input); measured to make a page three to five times
// cheaper (bench/parser_bench.cc).
#pragma once

#include <string>
#include <string_view>

namespace crawld::parser {

// `html` is valid UTF-8. The result is `html` or points into `storage`, and dies with it; it is at
// most four times as long as `html`, and a fifth of it as a rule.
std::string_view Condense(std::string_view html, std::string& storage);

}  // namespace crawld::parser
