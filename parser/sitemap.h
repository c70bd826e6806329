// Sitemaps: urlset and sitemapindex (sitemaps.org protocol 0.9), RSS 2.0, Atom 1.0, plain text;
// gzip by content.
//
// Streaming: XML goes through expat piece by piece and only the entries are kept, so memory is the
// entries' and the limits'. Element names are matched without their namespace, which is wrong or
// absent often enough. A broken document keeps what was whole. No external entity is ever loaded
// and no declared one expanded: a document type that declares entities ends the parse.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "parser/parsed_page.h"

namespace crawld::parser {

struct SitemapLimits {
  size_t max_bytes = size_t{50} << 20;  // unpacked, as the protocol has it; the rest is ignored
  size_t max_entries = 50000;           // of an urlset, as the protocol has it
  size_t max_depth = 64;                // of elements; deeper XML ends the parse
  size_t max_loc_bytes = 2048;          // a longer location is dropped
};

enum class SitemapKind : uint8_t { kUrl, kSitemap };

// "url" or "sitemap".
std::string_view Name(SitemapKind kind);

struct SitemapEntry {
  SitemapKind kind = SitemapKind::kUrl;
  std::string loc;                 // as written, without surrounding blanks; not yet a checked URL
  std::string lastmod;             // as written: a W3C datetime, or an RFC 822 date in RSS
  std::string changefreq;          // lower case; empty when absent
  std::optional<double> priority;  // 0..1

  friend bool operator==(const SitemapEntry&, const SitemapEntry&) = default;
};

struct Sitemap {
  std::vector<SitemapEntry> entries;  // in document order
  bool complete = true;               // false: the document broke off
  bool truncated = false;             // a limit cut it
};

// `body` after content codings. Errors: kNotASitemap, kForbiddenMarkup (entities are declared
// before anything useful was read).
Result<Sitemap, ParseError> ParseSitemap(std::string_view body, const SitemapLimits& limits = {});

}  // namespace crawld::parser
