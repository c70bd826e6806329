// Site: a generated web site of which it is known exactly what a crawl must find.
//
// Pages link to one another deterministically: a tree that reaches all of them, and on top of it
// links that occur twice, with fragments, in relative forms, dead ends, redirects and chains of
// them, pages that only a redirect or the sitemap leads to, paths that robots.txt forbids, links
// marked nofollow, links to other sites, answers that are chunked, compressed, binary, large or end
// with the connection, and URLs whose first try fails.
//
// Thread safety: Handle() belongs to one thread (it counts tries); the rest is constant.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "tests/support/http_server.h"

namespace crawld::test {

struct SiteOptions {
  int pages = 200;
  uint64_t seed = 1;
  bool flaky = true;  // some URLs answer 500 at their first try: needs retry.max_tries > 1
  std::chrono::milliseconds latency{0};
};

// What the archive must hold of a path when the crawl is over.
enum class Kept { kPage, kNotAPage /* robots.txt, sitemap: WARC and index alone */ };

struct Truth {
  Kept kept = Kept::kPage;
  int status = 200;
};

class Site {
 public:
  explicit Site(const SiteOptions& options);

  Reply Handle(const Request& request);

  // Every path (with query) that a crawl from "/" must fetch and archive, exactly once each.
  const std::map<std::string, Truth>& truth() const { return truth_; }
  // What must never be asked for: forbidden by robots.txt, nofollow.
  const std::set<std::string>& forbidden() const { return forbidden_; }
  // Decoded body of a path of the truth.
  std::string BodyOf(const std::string& path) const;

 private:
  struct Resource {
    int status = 200;
    Headers headers;
    std::string body;
    Framing framing = Framing::kLength;
    bool gzip = false;
    bool flaky = false;
  };
  void Add(const std::string& path, Resource resource, Kept kept = Kept::kPage);
  Resource Page(int number) const;

  const SiteOptions options_;
  std::map<std::string, Resource> resources_;
  std::map<std::string, Truth> truth_;
  std::set<std::string> forbidden_;
  std::map<std::string, int> tries_;
};

// `bytes` as one gzip member.
std::string Gzip(std::string_view bytes);

}  // namespace crawld::test
