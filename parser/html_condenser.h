// HtmlCondenser: takes from a page what a tree builder would only carry around.
//
// gumbo's cost is per character. Where nobody wants a page's visible text, most characters mean
// nothing to us: text between tags, comments, scripts and style sheets, and the attributes of
// elements that carry neither links nor metadata. Condense() leaves them out and keeps everything
// that the HTML Standard's tree construction looks at, so that the tree has the same elements in
// the same places:
//
//   a run of text with a character that is no blank   -> x
//   a run of blanks                                   -> its first
//   a comment                                         -> nothing
//   the content of script, style, textarea, ...       -> nothing
//   span, em, code and their like                    -> nothing; br, img and their like -> x
//   attributes that neither tree construction nor the extractor reads -> nothing
//
// The text of <title> and of headings stays. Where the tokenizer's state could be in doubt (CDATA,
// MathML, <plaintext>, raw text inside <select> or <svg>, unclosed comments or tags) the rest of
// the page is kept as it is. tests/fuzz/condense_fuzzer.cc holds links and metadata of the
// condensed page against those of the page itself.
//
// Pure; one pass, O(input); measured to halve the cost of a page (bench/parser_bench.cc).
#pragma once

#include <string>
#include <string_view>

namespace crawld::parser {

// `html` is valid UTF-8. The result replaces what `out` held; it is never longer than `html`.
void Condense(std::string_view html, std::string& out);

}  // namespace crawld::parser
