// The small languages inside HTML's attributes: rel, srcset, refresh.
//
// Pure, O(input), safe from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "parser/parsed_page.h"
#include "web/ascii.h"

namespace crawld::parser {

// The kind of link that a <link> with this rel is; the first word that makes it one counts.
std::optional<LinkKind> KindOfRel(std::string_view rel);

// The resource that a <link> with this rel brings.
std::optional<LinkKind> ResourceOfRel(std::string_view rel);

// The kRel* bits of a rel.
uint8_t RelBits(std::string_view rel);

// HTML Standard 4.2.5.3, "shared declarative refresh steps": the URL of "5; url='x'", a part of
// `content`. Empty when there is none.
std::string_view RefreshUrl(std::string_view content);

// HTML Standard 4.8.4.2.2, "parsing a srcset attribute": calls `visit` with each URL.
template <typename Visit>
void EachInSrcset(std::string_view srcset, Visit visit) {
  size_t i = 0;
  while (true) {
    while (i < srcset.size() && (web::IsAsciiSpace(srcset[i]) || srcset[i] == ',')) ++i;
    if (i == srcset.size()) return;
    size_t end = i;
    while (end < srcset.size() && !web::IsAsciiSpace(srcset[end])) ++end;
    std::string_view url = srcset.substr(i, end - i);
    i = end;
    const bool bare = url.ends_with(',');
    while (url.ends_with(',')) url.remove_suffix(1);
    visit(url);
    if (bare) continue;
    // Descriptors, up to a comma that is in no parentheses.
    bool in_parens = false;
    while (i < srcset.size() && (in_parens || srcset[i] != ',')) {
      if (srcset[i] == '(') in_parens = true;
      if (srcset[i] == ')') in_parens = false;
      ++i;
    }
  }
}

}  // namespace crawld::parser
