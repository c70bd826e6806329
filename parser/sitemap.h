// Sitemaps: urlset and sitemapindex (sitemaps.org protocol 0.9), RSS 0.9 to 2.0, Atom, plain text;
// gzip by content, twice if need be.
//
// Streaming: bytes come in pieces, entries go out one by one, and what is held in between is a few
// buffers of 64 KiB, one entry, and one tag or comment (max_token_bytes). Element names are matched
// without their namespace, which is wrong or absent often enough. A broken document keeps what was
// whole. What writers of sitemaps get wrong most often breaks nothing: an '&' that is no reference
// counts as "&amp;"; a location with characters that XML does not have is left out alone; bytes
// that are not in the encoding are U+FFFD, and where no encoding is said, those that are not UTF-8
// are windows-1252.
//
// No external entity is ever loaded and no declared one expanded: a document type that declares
// entities or attributes ends the parse.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "parser/parsed_page.h"

namespace crawld::parser {

struct SitemapLimits {
  size_t max_bytes = size_t{50} << 20;  // unpacked, as the protocol has it; the rest is ignored
  size_t max_entries = 50000;           // likewise
  size_t max_depth = 64;                // of elements; deeper XML ends the parse
  size_t max_token_bytes = size_t{1} << 20;  // of a tag or a comment; a longer one ends the parse
  size_t max_loc_bytes = web::kMaxUrlBytes;  // an entry with a longer location is dropped
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

// What became of a sitemap whose entries went out one by one.
struct SitemapEnd {
  size_t count = 0;        // of entries
  bool complete = true;    // false: the document broke off
  bool truncated = false;  // a limit cut it; XML that max_bytes cut has broken off as well
};

// One sitemap. Not thread safe.
class SitemapReader {
 public:
  // `take` gets the entries in document order, from within Write() and Finish(). What it throws
  // comes out of these.
  SitemapReader(const SitemapLimits& limits, std::function<void(SitemapEntry&&)> take);
  ~SitemapReader();
  SitemapReader(const SitemapReader&) = delete;
  SitemapReader& operator=(const SitemapReader&) = delete;

  // The next bytes of the document, after content codings. False when no more are wanted.
  bool Write(std::string_view bytes);

  // The document is over. Errors: kNotASitemap, kForbiddenMarkup (entities or attributes are
  // declared before anything useful was read); then no entry was taken.
  Result<SitemapEnd, ParseError> Finish();

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

struct Sitemap : SitemapEnd {
  std::vector<SitemapEntry> entries;
};

// A whole document at once, for tools and tests.
Result<Sitemap, ParseError> ParseSitemap(std::string_view body, const SitemapLimits& limits = {});

}  // namespace crawld::parser
