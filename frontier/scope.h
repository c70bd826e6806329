// Scope: which of the URLs that are found belong to the crawl.
//
// Judged relative to the page a link stands on, so it needs no memory of the seeds: a page in scope
// `host` may lead to its own host, in scope `domain` to its registrable domain, in scope `prefix`
// to URLs that begin with the seed's prefix, which pages inherit (UrlInfo::prefix_length). By
// induction from the seeds, which are in scope themselves. The target of a seed's redirect counts
// as a seed.
//
// User names and passwords in URLs are taken away here, so that none is sent or reaches a file.
//
// Any number of threads may judge at once, also while Use() puts new rules in place. Cost: a few
// comparisons, a public-suffix look-up for scope `domain`, one pass of RE2 (linear time) for
// patterns.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "frontier/task.h"
#include "web/url.h"

namespace crawld::frontier {

enum class ScopeMode : uint8_t { kHost, kDomain, kPrefix, kAny };
enum class Order : uint8_t { kBreadthFirst, kDepthFirst, kPriority };

struct ScopeOptions {
  ScopeMode mode = ScopeMode::kHost;
  std::vector<std::string> include;  // RE2, unanchored, on the URL without fragment; empty: all
  std::vector<std::string> exclude;  // wins over include
  std::optional<uint16_t> max_depth;
  uint8_t max_redirects = 10;
  uint32_t max_url_length = 4096;
  uint32_t max_host_labels = 32;
  web::CrawlKeyOptions key;
  uint64_t hash_seed = 0;  // of this crawl; Store::hash_seed()
};

// An error in one pattern: which list, which entry, what RE2 says.
struct PatternError {
  bool in_exclude = false;
  size_t index = 0;
  std::string message;
};

class Scope {
 public:
  static Result<std::unique_ptr<Scope>, PatternError> Create(const ScopeOptions& options);
  ~Scope();

  // Rules that are ready to be used.
  struct Rules;
  static Result<std::shared_ptr<const Rules>, PatternError> Compile(const ScopeOptions& options);
  // From now on; what was judged stays so. `key` and `hash_seed`, by which URLs are known, stay as
  // they were. One thread at a time. Rules that were used before stay in memory, since somebody may
  // be reading them: this is for an operator's few changes.
  void Use(std::shared_ptr<const Rules> rules);

  // Whether these are the rules in use.
  bool HasRules(const ScopeOptions& options) const;

  // Of a URL that waits in the queue: whether the rules still admit it, as far as they look at
  // nothing but the URL and its depth. The mode, which looks at where a link stands, is for new
  // links.
  Verdict JudgeAgain(const web::Url& url, const UrlInfo& info) const;

  // A seed: always in scope but for its length and the patterns. kind: page or sitemap.
  Discovery JudgeSeed(web::Url url, TaskKind kind = TaskKind::kPage) const;

  // A link (or sitemap entry, with what the sitemap says) on `page`, whose task was `info`.
  Discovery JudgeLink(web::Url url, const web::Url& page, const UrlInfo& info,
                      const SitemapHints& hints = {}) const;

  // The target of a redirect from `page`.
  Discovery JudgeRedirect(web::Url url, const web::Url& page, const UrlInfo& info) const;

  HostId HostOf(const web::Url& url) const;
  // Hash of the crawl key of a URL: its identity in the seen set.
  web::UrlHash Hash(const web::Url& url) const;

  // A sitemap named by a robots.txt or by a sitemap index on `page`.
  Discovery JudgeSitemap(web::Url url, const web::Url& page, const UrlInfo& info) const;

 private:
  Scope(const ScopeOptions& options, std::shared_ptr<const Rules> rules);
  const Rules& rules() const { return *rules_.load(std::memory_order_acquire); }
  Verdict Judge(const web::Url& url, const web::Url& page, const UrlInfo& parent,
                const UrlInfo& info) const;
  Discovery Finish(web::Url url, UrlInfo info, Verdict verdict) const;
  bool SeedLike(const UrlInfo& info) const { return info.depth == 0; }

  const web::CrawlKeyOptions key_;
  const uint64_t hash_seed_;
  std::vector<std::shared_ptr<const Rules>> all_rules_;  // owned by who calls Use()
  std::atomic<const Rules*> rules_;                      // release/acquire: the last of them
};

}  // namespace crawld::frontier
