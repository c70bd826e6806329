// parser/ on real pages: files named *.html below $CRAWLD_BENCH_PAGES, or a synthetic page.
//
//   CRAWLD_BENCH_PAGES=/usr/share/doc build/release/bench/parser_bench --benchmark_min_time=2
//
// BM_Gumbo is gumbo alone, with an arena: the floor. BM_HtmlParser is the whole way from bytes to a
// ParsedPage. Items are pages.
#include <benchmark/benchmark.h>
#include <gumbo.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "parser/charset.h"
#include "parser/html_guard.h"
#include "parser/html_parser.h"
#include "web/url.h"

namespace {

using crawld::parser::HtmlParser;
using crawld::parser::ParseOptions;
using crawld::web::Url;

constexpr size_t kMaxPages = 400;

std::string SyntheticPage() {
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

const std::vector<std::string>& Pages() {
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

void Finish(benchmark::State& state) {
  size_t bytes = 0;
  for (const std::string& page : Pages()) bytes += page.size();
  const auto rounds = static_cast<int64_t>(state.iterations());
  state.SetItemsProcessed(rounds * static_cast<int64_t>(Pages().size()));
  state.SetBytesProcessed(rounds * static_cast<int64_t>(bytes));
}

// The plainest arena.
struct Bump {
  std::vector<std::unique_ptr<char[]>> blocks;
  size_t block = 0;
  size_t used = 0;
  static constexpr size_t kBlock = size_t{1} << 20;

  void* Get(size_t size) {
    size = (size + 15) & ~size_t{15};
    if (size > kBlock) {
      large.push_back(std::make_unique_for_overwrite<char[]>(size));
      return large.back().get();
    }
    if (used + size > kBlock || blocks.empty()) {
      if (!blocks.empty()) ++block;
      if (block == blocks.size()) blocks.push_back(std::make_unique_for_overwrite<char[]>(kBlock));
      used = 0;
    }
    void* memory = blocks[block].get() + used;
    used += size;
    return memory;
  }
  void Reset() {
    block = 0;
    used = 0;
    large.clear();
  }
  std::vector<std::unique_ptr<char[]>> large;
};

void BM_Gumbo(benchmark::State& state) {
  Bump bump;
  GumboOptions options = kGumboDefaultOptions;
  options.allocator = [](void* arena, size_t size) { return static_cast<Bump*>(arena)->Get(size); };
  options.deallocator = [](void*, void*) {};
  options.userdata = &bump;
  options.max_errors = 0;
  for (auto _ : state) {
    for (const std::string& page : Pages()) {
      bump.Reset();
      benchmark::DoNotOptimize(gumbo_parse_with_options(&options, page.data(), page.size()));
    }
  }
  Finish(state);
}
BENCHMARK(BM_Gumbo)->Unit(benchmark::kMillisecond);

void BM_HtmlGuard(benchmark::State& state) {
  std::string storage;
  for (auto _ : state) {
    for (const std::string& page : Pages()) {
      benchmark::DoNotOptimize(crawld::parser::GuardHtml(page, uint64_t{1} << 25, storage));
    }
  }
  Finish(state);
}
BENCHMARK(BM_HtmlGuard)->Unit(benchmark::kMillisecond);

void BM_Charset(benchmark::State& state) {
  std::string storage;
  for (auto _ : state) {
    for (const std::string& page : Pages()) {
      const auto charset = crawld::parser::DetermineCharset(page, "");
      benchmark::DoNotOptimize(crawld::parser::DecodeToUtf8(page, charset.name, storage));
    }
  }
  Finish(state);
}
BENCHMARK(BM_Charset)->Unit(benchmark::kMillisecond);

// The argument: with text, or without.
void BM_HtmlParser(benchmark::State& state) {
  HtmlParser parser;
  const Url url = *Url::Parse("http://docs.example.org/usr/share/doc/package/html/index.html");
  ParseOptions options;
  options.want_text = state.range(0) != 0;
  size_t links = 0;
  size_t guarded = 0;
  size_t cut = 0;
  for (auto _ : state) {
    links = guarded = cut = 0;
    for (const std::string& page : Pages()) {
      const auto parsed = parser.Parse(page, "utf-8", url, options);
      if (!parsed) continue;
      links += parsed->links.size();
      guarded += parsed->truncated_input ? 1 : 0;
      cut += parsed->truncated_tree ? 1 : 0;
    }
  }
  Finish(state);
  state.counters["links/page"] = static_cast<double>(links) / static_cast<double>(Pages().size());
  state.counters["guarded"] = static_cast<double>(guarded);
  state.counters["cut"] = static_cast<double>(cut);
}
BENCHMARK(BM_HtmlParser)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
