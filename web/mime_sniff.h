// What a body is, whatever its Content-Type says: WHATWG MIME Sniffing Standard, section 7.
//
// A crawler asks one thing: is this HTML? Content-Type lies both ways, so the standard's signatures
// decide where the label is none, generic, or disproved by the bytes:
//
//   no label, an unreadable one, */*, unknown/unknown, application/unknown
//       HTML if a signature of section 7.1 matches.
//   text/plain, application/octet-stream and the like, without nosniff
//       HTML if it begins with <!doctype html>, <html>, <head>, <body> or <title>. A browser would
//       not; but nothing else begins so.
//   text/html, application/xhtml+xml
//       HTML, unless the signature of an image, a font, an archive, a PDF, audio or video matches
//       (6.1 to 6.4), or it is a feed (7.3).
//   anything else
//       what it says.
//
// Pure; safe from any thread; O(1): the first kMaxSniffBytes are looked at.
#pragma once

#include <cstddef>
#include <string_view>

namespace crawld::web {

// Section 5, "resource header".
inline constexpr size_t kMaxSniffBytes = 1445;

// The computed media type's essence: `essence` itself, or a constant. `essence` is that of
// Content-Type as ParseMediaType() gives it, empty if there is none; `nosniff` is whether
// X-Content-Type-Options said so; `body` after content codings. Empty when nothing is known.
std::string_view SniffMediaType(std::string_view essence, bool nosniff, std::string_view body);

}  // namespace crawld::web
