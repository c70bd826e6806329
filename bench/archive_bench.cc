// archive/ on real pages: files named *.html below $CRAWLD_BENCH_PAGES, or synthetic ones.
//
//   CRAWLD_BENCH_PAGES=/usr/share/doc build/release/bench/archive_bench
//
// BM_GzipMember/LEVEL packs each page into a member of its own; `ratio` is how much smaller that
// is. BM_Exchange is a page's whole way into its WARC records. Items are pages.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "archive/bundle.h"
#include "archive/gzip_member.h"
#include "bench/pages.h"

namespace {

using crawld::bench::Finish;
using crawld::bench::Pages;

void BM_GzipMember(benchmark::State& state) {
  crawld::archive::GzipMember gzip(static_cast<int>(state.range(0)));
  uint64_t packed = 0;
  std::string out;
  for (auto _ : state) {
    for (const std::string& page : Pages()) {
      out.clear();
      packed += gzip.Append(page, out);
    }
  }
  Finish(state);
  state.counters["ratio"] =
      static_cast<double>(state.bytes_processed()) / static_cast<double>(packed);
}
BENCHMARK(BM_GzipMember)->DenseRange(0, 4)->Arg(6)->Arg(9)->Unit(benchmark::kMillisecond);

void BM_Exchange(benchmark::State& state) {
  crawld::archive::BundleBuilder builder({});
  for (auto _ : state) {
    for (const std::string& page : Pages()) {
      crawld::archive::HttpExchange exchange;
      exchange.url = "http://example.org/path/page.html";
      exchange.surt = "org,example)/path/page.html";
      exchange.status = 200;
      exchange.request_head = "GET /path/page.html HTTP/1.1\r\nHost: example.org\r\n\r\n";
      exchange.response_head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n";
      exchange.body = page;
      crawld::archive::Bundle bundle;
      builder.AddExchange(exchange, bundle);
      benchmark::DoNotOptimize(bundle.warc.data());
    }
  }
  Finish(state);
}
BENCHMARK(BM_Exchange)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
