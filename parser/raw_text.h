// Raw text: the content of <script>, <style>, <title> and their like, in which tags are text.
#pragma once

#include <cstddef>
#include <string_view>

namespace crawld::parser {

// HTML Standard 13.2.5.2 to 13.2.5.4 and, for "script", 13.2.5.15 to 13.2.5.31, where a comment
// that holds a script hides an end tag: where the end tag of the element `name`, whose content
// begins at `from`, begins; npos if the content goes to the end of the page. O(what is passed).
size_t FindRawTextEnd(std::string_view html, size_t from, std::string_view name);

}  // namespace crawld::parser
