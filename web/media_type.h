// Media types (WHATWG MIME Sniffing Standard, section 4.4 "parsing a MIME type"), as far as a
// crawler asks: what is it, and in which charset.
//
// Pure functions, safe from any thread. Cost is O(header).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace crawld::web {

struct MediaType {
  std::string essence;  // "type/subtype", lower case
  std::string charset;  // as sent (quotes and escapes undone); empty when absent

  friend bool operator==(const MediaType&, const MediaType&) = default;
};

// Parses the value of a Content-Type header; empty when it is no media type. The first charset
// parameter counts. A value beyond 8 KiB is cut there.
std::optional<MediaType> ParseMediaType(std::string_view header);

// Whether the value of X-Content-Type-Options forbids sniffing (Fetch Standard, "determine
// nosniff"): its first item is "nosniff".
bool IsNosniff(std::string_view header);

// text/html and application/xhtml+xml.
bool IsHtml(std::string_view essence);
// text/xml, application/xml, and whatever ends in "+xml".
bool IsXml(std::string_view essence);

}  // namespace crawld::web
