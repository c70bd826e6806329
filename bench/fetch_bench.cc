// fetch_bench URLS [--at-once N] [--ca FILE] [--fresh] [--h1] : what a page costs the fetcher, and
// nothing else. Fetches each URL of the file once, N at a time (64), and prints one JSON line; CPU
// is user and system time of this process while it fetches.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "concurrency/event.h"
#include "fetcher/fetcher.h"
#include "web/url.h"

namespace crawld {
namespace {

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Keeps so many fetches in flight; each one's end begins the next, on the event loop.
class Run {
 public:
  Run(fetcher::Fetcher& fetcher, std::vector<web::Url> urls, bool fresh)
      : fetcher_(fetcher), urls_(std::move(urls)), fresh_(fresh) {}

  void Wait(size_t at_once) {
    for (size_t i = 0; i < at_once; ++i) Next();
    done_.Wait();
  }

  std::atomic<uint64_t> pages = 0;
  std::atomic<uint64_t> bytes = 0;
  std::atomic<uint64_t> errors = 0;

 private:
  void Next() {
    const size_t at = next_.fetch_add(1);
    if (at >= urls_.size()) return;
    fetcher::FetchRequest request;
    request.url = urls_[at];
    request.fresh_connection = fresh_;
    fetcher_.Submit(std::move(request))
        .AddDoneCallback([this](concurrency::Future<fetcher::FetchResult>& future) {
          const fetcher::FetchResult result = future.Take();
          ++(result.error ? errors : pages);
          bytes += result.bytes();
          Next();
          if (ended_.fetch_add(1) + 1 == urls_.size()) done_.Set();
        });
  }

  fetcher::Fetcher& fetcher_;
  const std::vector<web::Url> urls_;
  const bool fresh_;
  std::atomic<size_t> next_ = 0;
  std::atomic<size_t> ended_ = 0;
  concurrency::Event done_;
};

int Main(int argc, char** argv) {
  std::string file;
  size_t at_once = 64;
  bool fresh = false;
  bool h1 = false;
  fetcher::FetcherOptions options;
  CLI::App app("what a page costs the fetcher");
  app.add_option("urls", file, "a file of URLs")->required()->check(CLI::ExistingFile);
  app.add_option("--at-once", at_once, "in flight");
  app.add_option("--ca", options.ca_file, "certificates to trust, as PEM");
  app.add_flag("--fresh", fresh, "a new connection for each");
  app.add_flag("--h1", h1, "no HTTP/2");
  CLI11_PARSE(app, argc, argv);
  options.user_agent = "fetch_bench";
  options.http2 = !h1;
  options.max_kept_connections = static_cast<uint32_t>(at_once + 64);
  options.allow_addresses = {*fetcher::AddressRange::Parse("127.0.0.0/8"),
                             *fetcher::AddressRange::Parse("::1/128")};
  std::vector<web::Url> urls;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (auto url = web::Url::Parse(line)) urls.push_back(*std::move(url));
  }
  if (urls.empty()) {
    fmt::print(stderr, "{}: has no URL\n", file);
    return 1;
  }
  const size_t count = urls.size();
  fetcher::Fetcher fetcher(options);
  Run run(fetcher, std::move(urls), fresh);
  const double cpu = CpuSeconds();
  const auto began = std::chrono::steady_clock::now();
  run.Wait(std::min(at_once, count));
  const double wall =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const double spent = CpuSeconds() - cpu;
  const fetcher::FetcherStats stats = fetcher.stats();
  fmt::print(
      "{{\"pages\":{},\"errors\":{},\"MB\":{:.1f},\"cpu_us_per_page\":{:.1f},\"pages_per_s\":{:.0f}"
      ","
      "\"connections\":{},\"tls_handshakes\":{},\"tls_resumed\":{}}}\n",
      run.pages.load(), run.errors.load(), static_cast<double>(run.bytes.load()) / 1e6,
      spent * 1e6 / static_cast<double>(count), static_cast<double>(count) / wall,
      stats.connections, stats.tls_handshakes, stats.tls_resumed);
  return run.errors.load() == 0 ? 0 : 1;
}

}  // namespace
}  // namespace crawld

int main(int argc, char** argv) { return crawld::Main(argc, argv); }
