// Any bytes as robots.txt. The input is "path\nrobots.txt". The matcher is compared with a plain
// one that keeps a table.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "web/robots.h"

namespace {

using crawld::web::RobotsRules;

// Section 2.2.3, one character of the pattern at a time: `ends` says at which places of the path
// what was read of the pattern may end.
bool Glob(std::string_view pattern, std::string_view path) {
  std::vector<bool> ends(path.size() + 1);
  ends[0] = true;
  for (size_t p = 0; p < pattern.size(); ++p) {
    if (pattern[p] == '$' && p + 1 == pattern.size()) return ends[path.size()];
    std::vector<bool> next(path.size() + 1);
    for (size_t i = 0; i <= path.size(); ++i) {
      if (pattern[p] == '*') {
        next[i] = ends[i] || (i > 0 && next[i - 1]);
      } else {
        next[i] = i > 0 && ends[i - 1] && path[i - 1] == pattern[p];
      }
    }
    ends.swap(next);
  }
  return std::find(ends.begin(), ends.end(), true) != ends.end();
}

// Bytes that no normalisation touches, and few, so that patterns do match.
std::string Narrow(std::string_view text, size_t limit, std::string_view alphabet) {
  std::string out = "/";
  for (const char c : text.substr(0, limit)) {
    out += alphabet[static_cast<unsigned char>(c) % alphabet.size()];
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t newline = input.find('\n');
  const std::string_view path = input.substr(0, newline);
  const std::string_view body =
      newline == std::string_view::npos ? std::string_view() : input.substr(newline + 1);
  const RobotsRules rules = RobotsRules::Parse(body, "crawld");
  (void)rules.Allows(path);
  CRAWLD_CHECK(rules.Allows("/robots.txt"), "robots.txt itself is always allowed");
  if (rules.crawl_delay()) {
    CRAWLD_CHECK(
        rules.crawl_delay()->count() >= 0 && *rules.crawl_delay() <= crawld::web::kMaxCrawlDelay,
        "a crawl delay is within its bounds");
  }
  CRAWLD_CHECK(rules.sitemaps().size() <= crawld::web::kMaxRobotsSitemaps, "sitemaps are bounded");

  std::string pattern = Narrow(body, 12, "ab*");
  if (body.size() % 2 == 1) pattern += '$';
  const std::string target = Narrow(path, 24, "ab");
  const RobotsRules one = RobotsRules::Parse("User-agent: *\nDisallow: " + pattern + "\n", "x");
  CRAWLD_CHECK(one.Allows(target) != Glob(pattern, target),
               "the matcher agrees with the naive one");
  return 0;
}
