// Any bytes as a page. The first byte chooses the options, so that the limits are met too.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "parser/html_guard.h"
#include "parser/html_parser.h"
#include "web/utf8.h"

namespace {

using namespace crawld::parser;  // NOLINT(google-build-using-namespace)
using crawld::web::Url;

void CheckText(std::string_view text) {
  CRAWLD_CHECK(crawld::web::IsValidUtf8(text), "every string of a page is valid UTF-8");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static HtmlParser parser;
  static const Url kPage = *Url::Parse("http://h.example/dir/page.html?q=1");
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  ParseOptions options;
  options.want_text = (data[0] & 1) != 0;
  if ((data[0] & 2) != 0) {
    options.max_guard_work = 200;
    options.guard_work_per_byte = 0;
  }
  if ((data[0] & 4) != 0) options.max_links = 3;
  if ((data[0] & 8) != 0) {
    options.arena_base_bytes = size_t{1} << 20;
    options.arena_bytes_per_input = 0;
  }
  if ((data[0] & 16) != 0) options.max_text_bytes = 16;
  options.want_resources = (data[0] & 64) != 0;
  // The guard's and the arena's limits are the tree's.
  options.scan = (data[0] & (2 | 8)) == 0;
  const auto page = parser.Parse(input,
                                 (data[0] & 32) != 0    ? "utf-8"
                                 : (data[0] & 128) != 0 ? "shift_jis"
                                                        : "",
                                 kPage, options);
  CRAWLD_CHECK(page.has_value(), "a page within the size limit always has a value");
  CheckText(page->title);
  CheckText(page->description);
  CheckText(page->text);
  CheckText(page->language);
  for (const Heading& heading : page->headings) CheckText(heading.text);
  CRAWLD_CHECK(page->links.size() <= options.max_links, "the link limit holds");
  CRAWLD_CHECK(page->text.size() <= options.max_text_bytes + 1, "the text limit holds");
  for (const Link& link : page->links) {
    CRAWLD_CHECK(link.url.IsHttp() && !link.url.has_fragment(), "links are http without fragment");
  }
  return 0;
}
