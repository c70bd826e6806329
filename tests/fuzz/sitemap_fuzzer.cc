// Any bytes as a sitemap, whole and in pieces. The first byte says how large the pieces are.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "parser/sitemap.h"
#include "web/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace crawld::parser;  // NOLINT(google-build-using-namespace)
  if (size == 0) return 0;
  const SitemapLimits limits{.max_bytes = size_t{1} << 20, .max_entries = 20, .max_depth = 12};
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto sitemap = ParseSitemap(body, limits);

  std::vector<SitemapEntry> entries;
  SitemapReader reader(limits, [&](SitemapEntry&& entry) { entries.push_back(std::move(entry)); });
  const size_t piece = size_t{1} + data[0] % 32;
  for (size_t at = 0; at < body.size() && reader.Write(body.substr(at, piece)); at += piece) {
  }
  const auto end = reader.Finish();
  CRAWLD_CHECK(end.has_value() == sitemap.has_value(), "pieces mean what the whole means");
  if (!sitemap) {
    CRAWLD_CHECK(entries.empty(), "what is no sitemap has no entries");
    return 0;
  }
  CRAWLD_CHECK(entries == sitemap->entries, "pieces give the entries of the whole");
  CRAWLD_CHECK(end->complete == sitemap->complete && end->truncated == sitemap->truncated &&
                   end->count == entries.size(),
               "pieces end as the whole");
  CRAWLD_CHECK(entries.size() <= limits.max_entries, "the entry limit holds");
  for (const SitemapEntry& entry : entries) {
    CRAWLD_CHECK(!entry.loc.empty() && entry.loc.size() <= limits.max_loc_bytes,
                 "a location is there and bounded");
    CRAWLD_CHECK(crawld::web::IsValidUtf8(entry.loc), "a location is UTF-8");
    CRAWLD_CHECK(!entry.priority || (*entry.priority >= 0 && *entry.priority <= 1),
                 "a priority is between 0 and 1");
  }
  return 0;
}
