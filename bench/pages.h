// The pages that benchmarks read: up to 400 files named *.html below $CRAWLD_BENCH_PAGES, spread
// evenly over all that are there, or a synthetic page.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace crawld::bench {

inline constexpr size_t kMaxPages = 400;

inline std::string SyntheticPage() {
  std::string html = "<!DOCTYPE html><html lang=en><head><title>Synthetic</title></head><body>";
  for (int i = 0; i < 120; ++i) {
    const std::string n = std::to_string(i);
    html += "<div class=\"section\" id=\"s" + n + "\"><h2>Section " + n +
            "</h2><p>Some text that " + "goes on for a while, with <a href=\"../other/page" + n +
            ".html#part\">a link</a> and " +
            "<code>code</code>.</p><ul><li><a class=\"x\" href=\"#s" + n +
            "\">here</a></li></ul></div>\n";
  }
  return html + "</body></html>";
}

inline const std::vector<std::string>& Pages() {
  static const auto* const kPages = [] {
    auto* pages = new std::vector<std::string>;
    const char* root = std::getenv("CRAWLD_BENCH_PAGES");  // NOLINT(concurrency-mt-unsafe)
    if (root != nullptr) {
      std::vector<std::filesystem::path> paths;
      const auto options = std::filesystem::directory_options::skip_permission_denied;
      for (const auto& entry : std::filesystem::recursive_directory_iterator(root, options)) {
        if (entry.is_regular_file() && entry.path().extension() == ".html") {
          paths.push_back(entry.path());
        }
      }
      std::sort(paths.begin(), paths.end());
      const size_t step = std::max<size_t>(1, paths.size() / kMaxPages);
      for (size_t i = 0; i < paths.size(); i += step) {
        std::ifstream file(paths[i], std::ios::binary);
        pages->emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
      }
    }
    if (pages->empty()) pages->push_back(SyntheticPage());
    return pages;
  }();
  return *kPages;
}

// Items are pages.
inline void Finish(benchmark::State& state) {
  size_t bytes = 0;
  for (const std::string& page : Pages()) bytes += page.size();
  const auto rounds = static_cast<int64_t>(state.iterations());
  state.SetItemsProcessed(rounds * static_cast<int64_t>(Pages().size()));
  state.SetBytesProcessed(rounds * static_cast<int64_t>(bytes));
}

}  // namespace crawld::bench
