// What to take from a page, and how much of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "web/url.h"

namespace crawld::parser {

struct ParseOptions {
  bool want_text = false;
  bool want_refresh = true;     // <meta http-equiv=refresh> as a link
  bool want_resources = false;  // images, scripts, styles and media as links too
  // Read the page without a tree where its markup allows (html_scanner.h); not with want_text or
  // want_resources, which ask for more than the scanner reads.
  bool scan = true;
  // <meta> of this name, whatever its case, counts as one named "robots". Empty: none.
  std::string_view robots_name = {};

  size_t max_input_bytes = size_t{64} << 20;  // of decoded text; beyond it kTooLarge
  size_t max_links = 100000;
  size_t max_link_bytes = size_t{8}
                          << 20;  // of all links; more are dropped like those beyond max_links
  size_t max_title_bytes = 1024;  // also for a description and a heading
  size_t max_headings = 200;
  size_t max_text_bytes = size_t{4} << 20;
  size_t max_href_bytes = web::kMaxUrlBytes;  // a longer reference counts as bad

  size_t arena_base_bytes = size_t{64} << 20;
  size_t arena_bytes_per_input = 32;
  size_t max_arena_bytes = std::numeric_limits<size_t>::max();  // of both together
  // A page may cost so many steps (parser/html_guard.h), of some 8 ns each, and so many a byte.
  uint64_t max_guard_work = uint64_t{1} << 22;
  uint64_t guard_work_per_byte = 2;
};

}  // namespace crawld::parser
