// Any bytes as a sitemap.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "parser/sitemap.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace crawld::parser;  // NOLINT(google-build-using-namespace)
  const SitemapLimits limits{.max_bytes = size_t{1} << 20, .max_entries = 20, .max_depth = 12};
  const auto sitemap =
      ParseSitemap(std::string_view(reinterpret_cast<const char*>(data), size), limits);
  if (!sitemap) return 0;
  CRAWLD_CHECK(sitemap->entries.size() <= limits.max_entries, "the entry limit holds");
  for (const SitemapEntry& entry : sitemap->entries) {
    CRAWLD_CHECK(!entry.loc.empty() && entry.loc.size() <= limits.max_loc_bytes,
                 "a location is there and bounded");
    CRAWLD_CHECK(!entry.priority || (*entry.priority >= 0 && *entry.priority <= 1),
                 "a priority is between 0 and 1");
  }
  return 0;
}
