#include "frontier/scope.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <utility>

#include "web/registrable_domain.h"

namespace crawld::frontier {
namespace {

constexpr size_t kMaxPatternMemory = 8 << 20;

RE2::Options PatternOptions() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxPatternMemory);
  return options;
}

uint32_t PrefixLength(const web::Url& url) {
  // Up to and including the last slash of the path: http://h/docs/a.html -> http://h/docs/
  const std::string_view href = url.HrefWithoutFragment();
  const size_t path = href.size() - url.PathAndQuery().size();
  const size_t slash = std::string_view(url.path()).rfind('/');
  return static_cast<uint32_t>(path + (slash == std::string_view::npos ? 0 : slash + 1));
}

// Shallow paths without a query first: what a site's own front pages lead to. A sitemap's priority
// moves a URL by five steps at most; sitemaps.org has 0.5 for those that are given none.
uint32_t PriorityOf(const web::Url& url, const UrlInfo& info) {
  const std::string_view path = url.path();
  const auto segments = static_cast<uint32_t>(std::count(path.begin(), path.end(), '/'));
  const uint8_t priority = info.hints.priority;
  const uint32_t behind = priority == SitemapHints::kNoPriority ? 5 : (100U - priority) / 10;
  return info.depth + segments + (url.query().empty() ? 0 : 4) + behind;
}

// RFC 1035 section 2.3.4: 63 bytes a label, 253 in all as text. A name that ends in a dot has no
// empty label there.
bool IsDnsName(std::string_view host, uint32_t max_labels) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host.size() > 253) return false;
  uint32_t labels = 0;
  while (true) {
    const size_t dot = host.find('.');
    const size_t label = std::min(dot, host.size());
    if (label == 0 || label > 63 || ++labels > max_labels) return false;
    if (dot == std::string_view::npos) return true;
    host.remove_prefix(dot + 1);
  }
}

}  // namespace

struct Scope::Rules {
  ScopeOptions options;
  std::unique_ptr<RE2::Set> include;
  std::unique_ptr<RE2::Set> exclude;

  Verdict OfName(const web::Url& url) const {
    if (url.HrefWithoutFragment().size() > options.max_url_length) return Verdict::kUrlTooLong;
    const bool good = url.host().starts_with('[') || IsDnsName(url.host(), options.max_host_labels);
    return good ? Verdict::kAdmit : Verdict::kBadHost;
  }
  Verdict OfPatterns(const web::Url& url, const UrlInfo& info) const {
    if (options.max_depth && info.depth > *options.max_depth) return Verdict::kTooDeep;
    const std::string_view href = url.HrefWithoutFragment();
    const re2::StringPiece text(href.data(), href.size());
    if (exclude && exclude->Match(text, nullptr)) return Verdict::kExcluded;
    // A sitemap is a way to pages, not one of them.
    if (include && info.kind == TaskKind::kPage && !include->Match(text, nullptr)) {
      return Verdict::kNotIncluded;
    }
    return Verdict::kAdmit;
  }
};

Result<std::shared_ptr<const Scope::Rules>, PatternError> Scope::Compile(
    const ScopeOptions& options) {
  auto rules = std::make_shared<Rules>();
  rules->options = options;
  for (const bool in_exclude : {false, true}) {
    const auto& sources = in_exclude ? options.exclude : options.include;
    if (sources.empty()) continue;
    auto set = std::make_unique<RE2::Set>(PatternOptions(), RE2::UNANCHORED);
    for (size_t i = 0; i < sources.size(); ++i) {
      std::string message;
      if (set->Add(sources[i], &message) < 0) return Err(PatternError{in_exclude, i, message});
    }
    if (!set->Compile()) {
      return Err(PatternError{in_exclude, 0, "the patterns together need too much memory"});
    }
    (in_exclude ? rules->exclude : rules->include) = std::move(set);
  }
  return rules;
}

Scope::Scope(const ScopeOptions& options, std::shared_ptr<const Rules> rules)
    : key_(options.key), hash_seed_(options.hash_seed), rules_(rules.get()) {
  all_rules_.push_back(std::move(rules));
}
Scope::~Scope() = default;

Result<std::unique_ptr<Scope>, PatternError> Scope::Create(const ScopeOptions& options) {
  auto rules = Compile(options);
  if (!rules) return Err(std::move(rules.error()));
  return std::unique_ptr<Scope>(new Scope(options, *std::move(rules)));
}

void Scope::Use(std::shared_ptr<const Rules> rules) {
  all_rules_.push_back(std::move(rules));
  rules_.store(all_rules_.back().get(), std::memory_order_release);
}

bool Scope::HasRules(const ScopeOptions& options) const {
  const ScopeOptions& own = rules().options;
  return own.mode == options.mode && own.include == options.include &&
         own.exclude == options.exclude && own.max_depth == options.max_depth &&
         own.max_redirects == options.max_redirects &&
         own.max_url_length == options.max_url_length &&
         own.max_host_labels == options.max_host_labels;
}

Verdict Scope::JudgeAgain(const web::Url& url, const UrlInfo& info) const {
  const Verdict verdict = rules().OfName(url);
  return verdict != Verdict::kAdmit ? verdict : rules().OfPatterns(url, info);
}

HostId Scope::HostOf(const web::Url& url) const {
  // "example.org." is the same host, spelt out.
  std::string_view name = url.host();
  if (name.size() > 1 && name.ends_with('.')) name.remove_suffix(1);
  return web::HostHash(name, hash_seed_);
}

web::UrlHash Scope::Hash(const web::Url& url) const {
  return web::HashKey(web::CrawlKey(url, key_), hash_seed_);
}

Discovery Scope::Finish(web::Url url, UrlInfo info, Verdict verdict) const {
  Discovery found;
  url.DropFragment();
  url.DropCredentials();  // neither sent nor written anywhere
  found.hash = Hash(url);
  found.host = HostOf(url);
  found.priority = PriorityOf(url, info);
  found.info = info;
  found.verdict = verdict;
  found.url = std::move(url);
  return found;
}

Verdict Scope::Judge(const web::Url& url, const web::Url& page, const UrlInfo& parent,
                     const UrlInfo& info) const {
  const ScopeOptions& options = rules().options;
  const std::string_view href = url.HrefWithoutFragment();
  if (const Verdict verdict = rules().OfName(url); verdict != Verdict::kAdmit) return verdict;
  const bool seed = &url == &page;
  if (!seed) {
    switch (options.mode) {
      case ScopeMode::kAny:
        break;
      case ScopeMode::kHost:
        if (url.host() != page.host()) return Verdict::kOtherHost;
        break;
      case ScopeMode::kDomain:
        if (url.host() != page.host()) {
          const std::string_view domain = web::RegistrableDomain(url.host());
          if (domain.empty() || domain != web::RegistrableDomain(page.host())) {
            return Verdict::kOtherDomain;
          }
        }
        break;
      case ScopeMode::kPrefix: {
        const std::string_view prefix = page.HrefWithoutFragment().substr(0, parent.prefix_length);
        if (!href.starts_with(prefix)) return Verdict::kOutsidePrefix;
        break;
      }
    }
  }
  UrlInfo judged = info;
  if (seed) judged.depth = 0;
  if (const Verdict verdict = rules().OfPatterns(url, judged); verdict != Verdict::kAdmit) {
    return verdict;
  }
  if (url.path() == "/robots.txt" && url.query().empty() && info.kind == TaskKind::kPage) {
    return Verdict::kRobotsFile;
  }
  return Verdict::kAdmit;
}

Discovery Scope::JudgeSeed(web::Url url, TaskKind kind) const {
  UrlInfo info;
  info.kind = kind;
  info.prefix_length = PrefixLength(url);
  const Verdict verdict = Judge(url, url, info, info);
  return Finish(std::move(url), info, verdict);
}

Discovery Scope::JudgeLink(web::Url url, const web::Url& page, const UrlInfo& parent,
                           const SitemapHints& hints) const {
  UrlInfo info;
  info.hints = hints;
  info.depth = static_cast<uint16_t>(std::min<uint32_t>(parent.depth + 1U, UINT16_MAX));
  info.prefix_length = parent.prefix_length;
  const Verdict verdict = Judge(url, page, parent, info);
  return Finish(std::move(url), info, verdict);
}

Discovery Scope::JudgeRedirect(web::Url url, const web::Url& page, const UrlInfo& parent) const {
  UrlInfo info = parent;
  info.tries = 0;
  info.redirects = static_cast<uint8_t>(std::min<uint32_t>(parent.redirects + 1U, UINT8_MAX));
  const bool new_seed = SeedLike(parent);
  if (new_seed) info.prefix_length = PrefixLength(url);
  Verdict verdict = new_seed ? Judge(url, url, info, info) : Judge(url, page, parent, info);
  if (verdict == Verdict::kAdmit && info.redirects > rules().options.max_redirects) {
    verdict = Verdict::kTooManyRedirects;
  }
  return Finish(std::move(url), info, verdict);
}

Discovery Scope::JudgeSitemap(web::Url url, const web::Url& page, const UrlInfo& parent) const {
  UrlInfo info;
  info.kind = TaskKind::kSitemap;
  info.depth = parent.depth;
  info.prefix_length = parent.prefix_length;
  // A sitemap need not lie under the prefix of the pages it names; its host is what counts. One
  // that a robots.txt names has no prefix to hand on, so scope `prefix` has no use for it.
  if (rules().options.mode == ScopeMode::kPrefix && parent.prefix_length == 0) {
    return Finish(std::move(url), info, Verdict::kOutsidePrefix);
  }
  const Verdict verdict =
      url.host() == page.host() ? Judge(url, url, info, info) : Judge(url, page, parent, info);
  return Finish(std::move(url), info, verdict);
}

}  // namespace crawld::frontier
