// Character references, for text that no tree builder reads (html_scanner.h).
#pragma once

#include <string>
#include <string_view>

namespace crawld::parser {

enum class ReferenceIn { kText, kAttribute };

// HTML Standard 13.2.5.72 to 13.2.5.80: appends `text`, with its character references replaced and
// its newlines normalised (13.2.3.5). The result is no longer than `text`.
//
// Knows the names that may stand without a semicolon, all 106 of them, and the common ones of those
// that may not. False at any other "&name;": somebody with the whole list of 2,231 has to look, and
// what was appended is void. O(text), pure.
bool AppendWithReferences(std::string_view text, ReferenceIn where, std::string& out);

}  // namespace crawld::parser
