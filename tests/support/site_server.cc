// site_server --pages N [--seed S] [--latency MS] [--port P] [--truth]
//
// Serves a generated site (site.h) on loopback: prints its URL when ready, ends on SIGTERM, SIGINT
// or when stdin closes. With --truth it prints what a crawl must archive instead, a line a URL:
// "page<TAB>STATUS<TAB>PATH", "other<TAB>STATUS<TAB>PATH" (robots.txt, sitemap), and what it must
// never ask for: "never<TAB>0<TAB>PATH".
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/support/await_end.h"
#include "tests/support/http_server.h"
#include "tests/support/site.h"

int main(int argc, char** argv) {
  using namespace crawld::test;  // NOLINT(google-build-using-namespace)
  SiteOptions options;
  HttpServerOptions server_options;
  bool truth = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--truth") {
      truth = true;
      continue;
    }
    if (i + 1 == argc) {
      std::fprintf(stderr, "%s: needs a value\n", word.c_str());
      return 2;
    }
    const int value = std::atoi(argv[++i]);
    if (word == "--pages") {
      options.pages = value;
    } else if (word == "--seed") {
      options.seed = static_cast<uint64_t>(value);
    } else if (word == "--latency") {
      options.latency = std::chrono::milliseconds(value);
    } else if (word == "--port") {
      server_options.port = value;
    } else {
      std::fprintf(stderr, "%s: unknown\n", word.c_str());
      return 2;
    }
  }
  const EndSignals signals;
  Site site(options);
  if (truth) {
    for (const auto& [path, what] : site.truth()) {
      std::printf("%s\t%d\t%s\n", what.kept == Kept::kPage ? "page" : "other", what.status,
                  path.c_str());
    }
    for (const std::string& path : site.forbidden()) std::printf("never\t0\t%s\n", path.c_str());
    return 0;
  }
  HttpServer server([&](const Request& request) { return site.Handle(request); }, server_options);
  std::printf("%s\n", server.Url("/").c_str());
  std::fflush(stdout);
  signals.Await();
  return 0;
}
