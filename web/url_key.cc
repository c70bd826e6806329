#include "web/url_key.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "base/check.h"
#include "web/ascii.h"

namespace crawld::web {
namespace {

constexpr std::array<std::string_view, 13> kSessionNames = {
    "jsessionid", "phpsessid", "sid",     "sessid", "sessionid",         "session_id", "sessid_",
    "php_sessid", "cfid",      "cftoken", "zenid",  "asp.net_sessionid", "oscsid"};
constexpr std::array<std::string_view, 14> kTrackingNames = {
    "gclid",  "dclid",  "gbraid", "wbraid", "fbclid", "msclkid", "yclid",
    "mc_cid", "mc_eid", "igshid", "twclid", "ttclid", "_ga",     "_gl"};

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = AsciiLower(c);
  return lower;
}

template <size_t n>
bool Contains(const std::array<std::string_view, n>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsDropped(std::string_view parameter, const CrawlKeyOptions& options) {
  const std::string name = Lower(parameter.substr(0, parameter.find('=')));
  if (options.drop_session_ids &&
      (Contains(kSessionNames, name) || name.starts_with("aspsessionid"))) {
    return true;
  }
  return options.drop_tracking && (Contains(kTrackingNames, name) || name.starts_with("utm_"));
}

// "/a;jsessionid=1;v=2/b" -> "/a;v=2/b"
std::string WithoutPathSessionIds(std::string_view path) {
  constexpr std::string_view kMark = ";jsessionid=";
  const std::string lower = Lower(path);
  std::string out;
  size_t done = 0;
  for (size_t at = 0; (at = lower.find(kMark, done)) != std::string::npos;) {
    out += path.substr(done, at - done);
    done = std::min(lower.find_first_of(";/", at + 1), path.size());
  }
  out += path.substr(done);
  return out;
}

// The query with its '?', or nothing when all of its parameters were dropped.
std::string NormalQuery(std::string_view query, const CrawlKeyOptions& options) {
  std::vector<std::string_view> parameters;
  bool dropped = false;
  for (size_t begin = 0; begin <= query.size();) {
    const size_t end = std::min(query.find('&', begin), query.size());
    const std::string_view parameter = query.substr(begin, end - begin);
    if (IsDropped(parameter, options)) {
      dropped = true;
    } else {
      parameters.push_back(parameter);
    }
    begin = end + 1;
  }
  if (dropped && parameters.empty()) return {};
  if (options.sort_query) std::stable_sort(parameters.begin(), parameters.end());
  std::string out = "?";
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (i > 0) out += '&';
    out += parameters[i];
  }
  return out;
}

}  // namespace

std::string CrawlKey(const Url& url, const CrawlKeyOptions& options) {
  const std::string_view href = url.HrefWithoutFragment();
  const bool plain = !options.drop_session_ids && !options.drop_tracking && !options.sort_query;
  if (plain || !url.IsHttp()) return std::string(href);

  const std::string_view tail = url.PathAndQuery();
  std::string key(href.substr(0, href.size() - tail.size()));
  const std::string path =
      options.drop_session_ids ? WithoutPathSessionIds(url.path()) : std::string(url.path());
  key += path;
  if (url.has_query()) key += NormalQuery(url.query(), options);
  if (path.size() == url.path().size()) return key;
  // "/a/..;jsessionid=1" has become "/a/..": only the parser knows what that is.
  const auto parsed = Url::Parse(key);
  CRAWLD_CHECK(parsed.has_value(), "a URL with a part of its path removed is still a URL");
  return std::string(parsed->href());
}

UrlHash HashKey(std::string_view crawl_key, uint64_t seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(crawl_key.data(), crawl_key.size(), seed);
  return {hash.high64, hash.low64};
}

uint64_t RandomSeed() {
  std::random_device entropy;
  return uint64_t{entropy()} << 32 | entropy();
}

uint64_t HostHash(std::string_view host, uint64_t seed) {
  return XXH3_64bits_withSeed(host.data(), host.size(), seed);
}

}  // namespace crawld::web
