// parser/ on real pages: files named *.html below $CRAWLD_BENCH_PAGES, or a synthetic page.
//
//   CRAWLD_BENCH_PAGES=/usr/share/doc build/release/bench/parser_bench --benchmark_min_time=2
//
// BM_Gumbo is gumbo alone, with an arena: the floor. BM_HtmlParser is the whole way from bytes to a
// ParsedPage. Items are pages.
#include <benchmark/benchmark.h>
#include <gumbo.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "bench/pages.h"
#include "parser/charset.h"
#include "parser/html_guard.h"
#include "parser/html_parser.h"
#include "parser/sitemap.h"
#include "web/url.h"

namespace {

using crawld::bench::Finish;
using crawld::bench::Pages;
using crawld::parser::HtmlParser;
using crawld::parser::ParseOptions;
using crawld::web::Url;

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

// A sitemap of 50,000 URLs. Items are URLs.
void BM_Sitemap(benchmark::State& state) {
  std::string xml =
      "<?xml version='1.0'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>";
  for (int i = 0; i < 50000; ++i) {
    xml += "<url><loc>https://www.example.org/path/to/article-" + std::to_string(i) +
           "?a=1&amp;b=2</loc><lastmod>2024-06-01</lastmod><priority>0.8</priority></url>\n";
  }
  xml += "</urlset>";
  size_t entries = 0;
  for (auto _ : state) {
    crawld::parser::SitemapReader reader({}, [&](crawld::parser::SitemapEntry&&) { ++entries; });
    reader.Write(xml);
    benchmark::DoNotOptimize(reader.Finish());
  }
  state.SetItemsProcessed(static_cast<int64_t>(entries));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * xml.size()));
}
BENCHMARK(BM_Sitemap)->Unit(benchmark::kMillisecond);

void BM_Decode(benchmark::State& state, const char* encoding) {
  std::string bytes;
  std::string storage;
  // Every other character is ASCII, as in a page.
  for (int i = 0; i < 100000; ++i) {
    bytes += "<p>ab\xB4\xD1\xB5\xC4\xCE\xC4\xD7\xD6";
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(crawld::parser::DecodeToUtf8(bytes, encoding, storage));
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK_CAPTURE(BM_Decode, windows_1252, "windows-1252");
BENCHMARK_CAPTURE(BM_Decode, gb18030, "gb18030");
BENCHMARK_CAPTURE(BM_Decode, euc_jp, "euc-jp");

}  // namespace

BENCHMARK_MAIN();
