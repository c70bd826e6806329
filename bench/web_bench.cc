// web/ on its own: resolving links, crawl keys, robots rules.
//
//   CRAWLD_BENCH_PAGES=/usr/share/doc build/release/bench/web_bench --benchmark_min_time=2
//
// BM_ResolvePageLinks resolves the relative references of those pages as they stand in the source;
// items are references.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "bench/pages.h"
#include "web/robots.h"
#include "web/surt.h"
#include "web/url.h"
#include "web/url_key.h"

namespace {

using crawld::web::Url;

// The shapes of links on documentation and news pages, in about their proportions.
constexpr std::string_view kLinks[] = {
    "index.html",
    "../index.html",
    "classQWidget.html#a1b2c3d4e5f60718",
    "../../api/module/function.html#name",
    "/about/contact",
    "/static/css/site.css?v=1694012345",
    "https://www.example.org/path/to/some/article-with-a-long-slug-12345.html",
    "http://example.com/",
    "//cdn.example.net/lib/x.js",
    "?page=2&sort=date",
    "#top",
    "./chapter-2/section-1.html",
    "article.php?id=4711&lang=en&ref=home",
    "https://Example.com/Search?q=a%20b&x=1#results",
    "node/12345",
    "mailto:someone@example.com",
};

void BM_ResolveLinks(benchmark::State& state) {
  const Url base = *Url::Parse("https://docs.example.org/manual/5.15/widgets/qwidget.html");
  size_t i = 0;
  for (auto _ : state) {
    auto url = Url::Parse(kLinks[i++ % std::size(kLinks)], base);
    benchmark::DoNotOptimize(url);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_ResolveLinks);

// The values of href="..." that are relative.
std::vector<std::string> PageLinks() {
  std::vector<std::string> links;
  for (const std::string& page : crawld::bench::Pages()) {
    constexpr std::string_view kHref = "href=\"";
    for (size_t at = 0; (at = page.find(kHref, at)) != std::string::npos;) {
      at += kHref.size();
      const size_t end = page.find('"', at);
      if (end == std::string::npos) break;
      const std::string link = page.substr(at, end - at);
      if (!Url::Parse(link)) links.push_back(link);  // no scheme
      at = end;
    }
  }
  return links;
}

void BM_ResolvePageLinks(benchmark::State& state) {
  const Url base = *Url::Parse("https://docs.example.org/manual/5.15/widgets/qwidget.html");
  const std::vector<std::string> links = PageLinks();
  size_t i = 0;
  for (auto _ : state) {
    auto url = Url::Parse(links[i++ % links.size()], base);
    benchmark::DoNotOptimize(url);
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["links"] = static_cast<double>(links.size());
}
BENCHMARK(BM_ResolvePageLinks);

void BM_ResolvePathRelative(benchmark::State& state) {
  const Url base = *Url::Parse("https://docs.example.org/manual/5.15/widgets/qwidget.html");
  for (auto _ : state) {
    auto url = Url::Parse("../classes/qobject-members.html", base);
    benchmark::DoNotOptimize(url);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_ResolvePathRelative);

void BM_ParseAbsolute(benchmark::State& state) {
  for (auto _ : state) {
    auto url =
        Url::Parse("https://www.example.org/path/to/some/article-with-a-long-slug-12345.html");
    benchmark::DoNotOptimize(url);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_ParseAbsolute);

void BM_CrawlKeyAndHash(benchmark::State& state) {
  const Url url = *Url::Parse("https://docs.example.org/manual/5.15/qwidget.html?b=2&a=1#frag");
  for (auto _ : state) {
    auto hash = crawld::web::HashKey(crawld::web::CrawlKey(url));
    benchmark::DoNotOptimize(hash);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_CrawlKeyAndHash);

void BM_Surt(benchmark::State& state) {
  const Url url = *Url::Parse("https://www.example.org/manual/5.15/Qwidget.html?b=2&a=1#frag");
  for (auto _ : state) {
    auto surt = crawld::web::Surt(url);
    benchmark::DoNotOptimize(surt);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Surt);

// The argument is the number of rules; the path matches none of them.
void BM_RobotsAllows(benchmark::State& state) {
  std::string body = "User-agent: *\n";
  for (int64_t i = 0; i < state.range(0); ++i) {
    body += "Disallow: /" + std::string(i % 4 == 0 ? "*/" : "") + "private-" + std::to_string(i) +
            "/\n";
  }
  const auto rules = crawld::web::RobotsRules::Parse(body, "crawld");
  for (auto _ : state) {
    benchmark::DoNotOptimize(rules.Allows("/articles/2024/05/a-fairly-ordinary-page.html?ref=1"));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_RobotsAllows)->Arg(10)->Arg(100)->Arg(1000);

}  // namespace

BENCHMARK_MAIN();
