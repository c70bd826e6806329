#include "service/wiring.h"

#include <fmt/format.h>
#include <ifaddrs.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <thread>

#include "base/check.h"
#include "base/error.h"
#include "base/result.h"
#include "config/error.h"
#include "config/seed_list.h"
#include "fetcher/tls.h"
#include "web/ascii.h"
#include "web/url.h"

namespace crawld::service {
namespace {

parser::LinkKind ToParser(config::LinkKind kind) {
  switch (kind) {
    case config::LinkKind::kA:
      return parser::LinkKind::kA;
    case config::LinkKind::kArea:
      return parser::LinkKind::kArea;
    case config::LinkKind::kIframe:
      return parser::LinkKind::kIframe;
    case config::LinkKind::kFrame:
      return parser::LinkKind::kFrame;
    case config::LinkKind::kCanonical:
      return parser::LinkKind::kCanonical;
    case config::LinkKind::kAlternate:
      return parser::LinkKind::kAlternate;
    case config::LinkKind::kNext:
      return parser::LinkKind::kNext;
    case config::LinkKind::kPrev:
      return parser::LinkKind::kPrev;
    case config::LinkKind::kAmphtml:
      return parser::LinkKind::kAmphtml;
    case config::LinkKind::kShortlink:
      return parser::LinkKind::kShortlink;
    case config::LinkKind::kRefresh:
      return parser::LinkKind::kRefresh;
    case config::LinkKind::kImage:
      return parser::LinkKind::kImage;
    case config::LinkKind::kScript:
      return parser::LinkKind::kScript;
    case config::LinkKind::kStyle:
      return parser::LinkKind::kStyle;
    case config::LinkKind::kMedia:
      return parser::LinkKind::kMedia;
  }
  return parser::LinkKind::kA;
}

uint8_t ToParser(config::Rel rel) {
  switch (rel) {
    case config::Rel::kNofollow:
      return parser::kRelNofollow;
    case config::Rel::kUgc:
      return parser::kRelUgc;
    case config::Rel::kSponsored:
      return parser::kRelSponsored;
  }
  return 0;
}

frontier::ScopeMode ToFrontier(config::ScopeMode mode) {
  switch (mode) {
    case config::ScopeMode::kHost:
      return frontier::ScopeMode::kHost;
    case config::ScopeMode::kDomain:
      return frontier::ScopeMode::kDomain;
    case config::ScopeMode::kPrefix:
      return frontier::ScopeMode::kPrefix;
    case config::ScopeMode::kAny:
      return frontier::ScopeMode::kAny;
  }
  return frontier::ScopeMode::kHost;
}

frontier::Order ToFrontier(config::FrontierOrder order) {
  switch (order) {
    case config::FrontierOrder::kBreadthFirst:
      return frontier::Order::kBreadthFirst;
    case config::FrontierOrder::kDepthFirst:
      return frontier::Order::kDepthFirst;
    case config::FrontierOrder::kPriority:
      return frontier::Order::kPriority;
  }
  return frontier::Order::kBreadthFirst;
}

archive::BundleOptions BundleOptionsOf(const config::Config& config) {
  archive::BundleOptions options;
  options.compression = static_cast<int>(config.archive.compression);
  options.digest = config.archive.digest == config::Digest::kSha1 ? archive::Digest::kSha1
                                                                  : archive::Digest::kSha256;
  return options;
}

// What a file has, but for one newline at its end. Throws ConfigError; says nothing of the secret.
std::string ReadSecret(const std::filesystem::path& path, const char* key,
                       const config::Config& config, const config::HostRule& rule = {}) {
  constexpr size_t kMaxBytes = 64 << 10;
  const auto refuse = [&](const std::string& why) {
    throw config::ConfigError(
        {{config.origin, rule.line, rule.column, key, fmt::format("'{}' {}", path.string(), why)}});
  };
  std::string secret(kMaxBytes + 1, '\0');
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (file) file.read(secret.data(), static_cast<std::streamsize>(secret.size()));
  if (!file.is_open() || file.bad()) {
    refuse("cannot be read: " + std::generic_category().message(errno));
  }
  secret.resize(static_cast<size_t>(file.gcount()));
  if (secret.size() > kMaxBytes) refuse("has more than 64 KiB; allowed: one secret");
  if (secret.ends_with('\n')) secret.pop_back();
  if (secret.ends_with('\r')) secret.pop_back();
  if (secret.empty()) refuse("is empty");
  const bool printable = std::all_of(secret.begin(), secret.end(), [](unsigned char c) {
    return (c >= 0x20 && c != 0x7f) || c == '\t';
  });
  if (!printable) refuse("has a control character; allowed: one line");
  return secret;
}

// `text`: a URL, or "none". Says nothing of the text, which may have a password.
Result<fetcher::ProxyChoice, std::string> ProxyOf(const std::string& text) {
  if (text == "none") return fetcher::ProxyChoice();
  auto proxy = fetcher::ProxyUrl::Parse(text);
  if (!proxy) return Err(std::move(proxy.error()));
  return fetcher::ProxyChoice(*std::move(proxy));
}

// What a socket that listens at `listen` is reached by.
std::vector<fetcher::AddressRange> OwnAddresses(const std::string& listen) {
  std::vector<fetcher::AddressRange> own;
  const auto range = fetcher::AddressRange::Parse(listen);
  if (!range) return own;
  own.push_back(*range);
  if (fetcher::KindOf(range->network) != fetcher::AddressKind::kThisNetwork) return own;
  // 0.0.0.0 or [::]: all that this machine has.
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return own;
  for (const ifaddrs* at = all; at != nullptr; at = at->ifa_next) {
    const auto address =
        at->ifa_addr != nullptr ? fetcher::IpAddress::From(*at->ifa_addr) : std::nullopt;
    if (address) own.push_back({*address, 128, range->first_port, range->last_port});
  }
  freeifaddrs(all);
  // Of loopback not 127.0.0.1 alone.
  auto loopback = *fetcher::AddressRange::Parse("127.0.0.0/8");
  loopback.first_port = range->first_port;
  loopback.last_port = range->last_port;
  own.push_back(loopback);
  return own;
}

fetcher::HostOptions HostOptionsOf(const config::Config& config, const config::HostRule& from) {
  fetcher::HostOptions options;
  for (const config::SourceText& host : from.match) {
    options.match.push_back(*web::HostPattern::Parse(host.text));
  }
  options.verify_tls = from.verify_tls;
  if (from.ca_file) options.ca_file = from.ca_file->string();
  options.http2 = from.http2;
  if (from.proxy) options.proxy = *ProxyOf(*from.proxy);
  options.username = from.username.value_or("");
  options.password = from.password.value_or("");
  if (from.password_file) {
    options.password = ReadSecret(*from.password_file, "hosts[].password_file", config, from);
  }
  options.bearer_token = from.bearer_token.value_or("");
  if (from.bearer_token_file) {
    options.bearer_token =
        ReadSecret(*from.bearer_token_file, "hosts[].bearer_token_file", config, from);
  }
  options.headers = from.headers;
  return options;
}

}  // namespace

fetcher::FetcherOptions FetcherOptionsOf(const config::Config& config) {
  const config::Fetcher& from = config.fetcher;
  fetcher::FetcherOptions options;
  options.threads = static_cast<int>(from.threads);
  options.max_kept_connections = static_cast<uint32_t>(kKeptConnections / from.threads);
  options.connect_timeout = from.connect_timeout;
  options.first_byte_timeout = from.first_byte_timeout;
  options.idle_timeout = from.idle_timeout;
  options.total_timeout = from.total_timeout;
  options.max_body_bytes = from.max_body_bytes;
  options.max_header_bytes = from.max_header_bytes;
  options.memory_budget_bytes = from.memory_budget_bytes;
  options.max_header_fields = from.max_header_fields;
  options.min_speed_bytes = from.min_speed_bytes;
  options.min_speed_window = from.min_speed_window;
  options.http2 = from.http2;
  options.max_streams = static_cast<uint32_t>(from.max_streams);
  for (const config::SourceText& range : from.allow_addresses) {
    options.allow_addresses.push_back(*fetcher::AddressRange::Parse(range.text));
  }
  for (const config::SourceText& server : from.dns_servers) {
    options.resolver.servers.push_back(server.text);
  }
  options.cookies = from.cookies;
  options.cookie_file = (config.data_dir / "cookies.txt").string();
  if (from.proxy) options.proxy = *ProxyOf(*from.proxy);
  for (const config::SourceText& bypass : from.no_proxy) {
    CRAWLD_CHECK(!options.no_proxy.Add(bypass.text), "CheckAgainstRooms has seen it");
  }
  if (from.ca_file) options.ca_file = from.ca_file->string();
  if (config.admin.listen) options.own_addresses = OwnAddresses(*config.admin.listen);
  options.user_agent = config.identity.user_agent;
  options.headers = from.headers;
  for (const config::HostRule& host : config.hosts) {
    options.hosts.push_back(HostOptionsOf(config, host));
  }
  return options;
}

frontier::FrontierOptions FrontierOptionsOf(const config::Config& config) {
  frontier::FrontierOptions options;
  options.store.block_cache_bytes = config.frontier.cache_bytes;
  options.store.write_buffer_bytes = config.frontier.write_buffer_bytes;
  options.seen_cache_bytes = config.frontier.seen_cache_bytes;
  options.order = ToFrontier(config.frontier.order);
  frontier::ScopeOptions& scope = options.scope;
  scope.mode = ToFrontier(config.scope.mode);
  for (const auto& pattern : config.scope.include) scope.include.push_back(pattern.text);
  for (const auto& pattern : config.scope.exclude) scope.exclude.push_back(pattern.text);
  if (config.scope.max_depth) scope.max_depth = static_cast<uint16_t>(*config.scope.max_depth);
  scope.max_redirects = static_cast<uint8_t>(config.fetcher.max_redirects);
  scope.max_url_length = static_cast<uint32_t>(config.scope.max_url_length);
  scope.max_host_labels = static_cast<uint32_t>(config.scope.max_host_labels);
  scope.key.drop_session_ids = config.url_key.drop_session_ids;
  scope.key.drop_tracking = config.url_key.drop_tracking;
  scope.key.sort_query = config.url_key.sort_query;
  options.max_pages = config.scope.max_pages;
  options.max_pages_per_host = config.scope.max_pages_per_host;
  options.retry_backoff = config.retry.backoff;
  options.retry_max_backoff = config.retry.max_backoff;
  frontier::SchedulerOptions& scheduler = options.scheduler;
  scheduler.max_hosts = config.frontier.hosts_in_memory;
  scheduler.robots_max_tries = static_cast<uint16_t>(config.retry.max_tries);
  frontier::PolitenessOptions& politeness = scheduler.politeness;
  politeness.delay = config.politeness.delay;
  politeness.delay_factor = static_cast<uint32_t>(config.politeness.delay_factor);
  politeness.max_delay = config.politeness.max_delay;
  politeness.concurrency_per_host = static_cast<uint32_t>(config.politeness.concurrency_per_host);
  politeness.address.delay = config.politeness.address_delay;
  politeness.address.concurrency = static_cast<uint32_t>(config.politeness.concurrency_per_address);
  scheduler.health.failures = static_cast<uint32_t>(config.health.failures);
  for (const config::HostRule& rule : config.hosts) {
    for (const config::SourceText& host : rule.match) {
      politeness.hosts.Add(*web::HostPattern::Parse(host.text), politeness.paces.size());
    }
    frontier::HostPace& pace = politeness.paces.emplace_back();
    if (rule.delay) pace.delay = *rule.delay;
    if (rule.concurrency) pace.concurrency = static_cast<uint32_t>(*rule.concurrency);
  }
  politeness.robots = config.politeness.robots;
  politeness.robots_token = config.identity.robots_token;
  politeness.max_crawl_delay = config.politeness.robots_max_crawl_delay;
  politeness.robots_max_age = config.politeness.robots_max_age;
  return options;
}

pipeline::HostHealthOptions HostHealthOptionsOf(const config::Config& config) {
  pipeline::HostHealthOptions options;
  options.probes = static_cast<uint32_t>(config.health.probes);
  options.backoff = config.health.backoff;
  options.max_backoff = config.retry.max_backoff;
  options.park = config.health.park;
  return options;
}

std::vector<std::string> SecretsOf(const config::Config& config) {
  std::vector<std::string> secrets;
  const auto add_headers = [&](const std::vector<std::pair<std::string, std::string>>& headers,
                               bool all) {
    for (const auto& [name, value] : headers) {
      if (all || web::EqualIgnoringCase(name, "Authorization") ||
          web::EqualIgnoringCase(name, "Proxy-Authorization") ||
          web::EqualIgnoringCase(name, "Cookie")) {
        secrets.push_back(value);
      }
    }
  };
  const auto add_proxy = [&](const std::optional<std::string>& text) {
    const auto url = text ? web::Url::Parse(*text) : web::Url::Parse("");
    if (url && !url->password().empty()) secrets.emplace_back(url->password());
  };
  add_headers(config.fetcher.headers, /*all=*/false);
  add_proxy(config.fetcher.proxy);
  for (const config::HostRule& rule : config.hosts) {
    const fetcher::HostOptions options = HostOptionsOf(config, rule);
    secrets.push_back(options.password);
    secrets.push_back(options.bearer_token);
    add_headers(rule.headers, /*all=*/true);
    add_proxy(rule.proxy);
  }
  if (const auto admin = AdminOptionsOf(config)) secrets.push_back(admin->token);
  return secrets;
}

std::optional<admin::HttpServerOptions> AdminOptionsOf(const config::Config& config) {
  const config::Admin& from = config.admin;
  if (!from.socket && !from.listen) return std::nullopt;
  admin::HttpServerOptions options;
  options.socket = from.socket;
  options.listen = from.listen;
  if (from.token_file) options.token = ReadSecret(*from.token_file, "admin.token_file", config);
  return options;
}

archive::ArchiveOptions ArchiveOptionsOf(const config::Config& config) {
  archive::ArchiveOptions options;
  options.name = config.name;
  options.user_agent = config.identity.user_agent;
  options.warc = config.archive.warc;
  options.pages = config.archive.pages;
  options.crawl_log = config.archive.crawl_log;
  options.max_file_bytes = config.archive.max_file_bytes;
  options.bundle = BundleOptionsOf(config);
  return options;
}

pipeline::PipelineOptions PipelineOptionsOf(const config::Config& config, bool once) {
  pipeline::PipelineOptions options;
  options.once = once;
  options.concurrency = static_cast<uint32_t>(config.fetcher.concurrency);
  options.max_slow = static_cast<uint32_t>(config.fetcher.max_slow);
  options.parser_threads =
      config.parser.threads != 0
          ? static_cast<int>(config.parser.threads)
          : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  options.commit_pages = static_cast<uint32_t>(config.commit.max_pages);
  options.commit_interval = config.commit.interval;
  options.grace = config.shutdown.grace;
  pipeline::PageWorkerOptions& worker = options.worker;
  for (const config::LinkKind kind : config.scope.follow) {
    worker.follow |= parser::KindBit(ToParser(kind));
  }
  worker.honour_page_nofollow = config.scope.nofollow != config::Nofollow::kNone;
  if (config.scope.nofollow == config::Nofollow::kAll) {
    for (const config::Rel rel : config.scope.nofollow_rel) worker.honour_rel |= ToParser(rel);
  }
  worker.drop_noindex = config.archive.noindex == config::Noindex::kDrop;
  worker.follow_sitemaps = config.scope.sitemaps;
  worker.want_text = config.parser.text;
  worker.write_warc = config.archive.warc;
  worker.write_pages = config.archive.pages;
  worker.max_parse_bytes = config.parser.max_body_bytes;
  worker.max_links = config.parser.max_links;
  worker.robots_token = config.identity.robots_token;
  worker.max_tries = static_cast<uint16_t>(config.retry.max_tries);
  worker.backoff = config.retry.backoff;
  worker.max_backoff = config.retry.max_backoff;
  worker.bundle = BundleOptionsOf(config);
  return options;
}

void CheckAgainstRooms(const config::Config& config) {
  std::vector<config::Problem> problems;
  const auto add = [&](const config::SourceText& where, std::string key, std::string message) {
    // What has no place of its own is its key's.
    const auto place = where.line == 0 ? config.PlaceOf(key)
                                       : config::Place{.line = where.line, .column = where.column};
    problems.push_back(
        {config.origin, place.line, place.column, std::move(key), std::move(message)});
  };
  const auto check_proxy = [&](const std::string& text, const config::SourceText& where,
                               const char* key) {
    if (const auto proxy = ProxyOf(text); !proxy) add(where, key, proxy.error());
  };
  const auto check_ca_file = [&](const std::filesystem::path& path, const config::SourceText& where,
                                 const char* key) {
    try {
      (void)fetcher::Trust::FromFile(path.string());
    } catch (const FatalError& e) {
      add(where, key, e.what());
    }
  };
  if (config.fetcher.proxy) check_proxy(*config.fetcher.proxy, {}, "fetcher.proxy");
  if (config.fetcher.ca_file) check_ca_file(*config.fetcher.ca_file, {}, "fetcher.ca_file");
  for (const bool exclude : {false, true}) {
    const auto& patterns = exclude ? config.scope.exclude : config.scope.include;
    for (const config::SourceText& pattern : patterns) {
      frontier::ScopeOptions options;
      (exclude ? options.exclude : options.include) = {pattern.text};
      if (const auto scope = frontier::Scope::Create(options); !scope) {
        add(pattern, exclude ? "scope.exclude" : "scope.include",
            fmt::format("'{}' is no RE2 pattern: {}", pattern.text, scope.error().message));
      }
    }
  }
  for (const config::SourceText& range : config.fetcher.allow_addresses) {
    if (const auto parsed = fetcher::AddressRange::Parse(range.text); !parsed) {
      add(range, "fetcher.allow_addresses", parsed.error());
    }
  }
  for (const config::SourceText& server : config.fetcher.dns_servers) {
    if (!fetcher::IsNameServer(server.text)) {
      add(server, "fetcher.dns_servers",
          fmt::format("'{}' is no name server; write 192.0.2.53 or [2001:db8::53]:5353",
                      server.text));
    }
  }
  for (const config::SourceText& bypass : config.fetcher.no_proxy) {
    if (const auto wrong = fetcher::ProxyBypass().Add(bypass.text)) {
      add(bypass, "fetcher.no_proxy", *wrong);
    }
  }
  for (const config::HostRule& rule : config.hosts) {
    const config::SourceText place{{}, rule.line, rule.column};
    if (rule.proxy) check_proxy(*rule.proxy, place, "hosts[].proxy");
    if (rule.ca_file) check_ca_file(*rule.ca_file, place, "hosts[].ca_file");
    for (const config::SourceText& host : rule.match) {
      if (const auto pattern = web::HostPattern::Parse(host.text); !pattern) {
        add(host, "hosts[].match", pattern.error());
      }
    }
  }
  if (const auto& listen = config.admin.listen) {
    const auto loopback = admin::IsLoopbackEndpoint(*listen);
    if (!loopback) {
      add({}, "admin.listen",
          fmt::format("'{}' is no address and port; write 127.0.0.1:8080 or "
                      "[::1]:8080",
                      *listen));
    } else if (!*loopback && !config.admin.token_file) {
      add({}, "admin.listen",
          fmt::format("'{}' can be reached by others; give a token_file, or an address of this "
                      "machine alone",
                      *listen));
    }
  }
  const auto check_urls = [&](const std::vector<config::SourceText>& urls, const char* key) {
    for (const config::SourceText& seed : urls) {
      const auto url = web::Url::Parse(seed.text);
      if (!url) {
        add(seed, key,
            fmt::format("'{}' is no URL: {}", web::WithoutCredentials(seed.text),
                        web::Explain(url.error())));
      } else if (!url->IsHttp()) {
        add(seed, key,
            fmt::format("'{}' has scheme {}; allowed: http, https",
                        web::WithoutCredentials(seed.text), url->scheme()));
      }
    }
  };
  check_urls(config.seeds.urls, "seeds.urls");
  check_urls(config.seeds.sitemaps, "seeds.sitemaps");
  std::stable_sort(problems.begin(), problems.end(), [](const auto& a, const auto& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  if (!problems.empty()) throw config::ConfigError(std::move(problems));
}

void CheckLogs(const config::Config& config) {
  std::vector<config::Problem> problems;
  const auto add = [&](const std::string& key, config::Place place, std::string message) {
    problems.push_back({config.origin, place.line, place.column, key, std::move(message)});
  };
  // One of those would feed itself: each of its lines is a bad one, and says so in the log.
  std::vector<std::pair<std::filesystem::path, std::string>> written = {
      {config.data_dir / "crawl.log", "the crawl's own log"}};
  if (config.log.file) written.emplace_back(*config.log.file, "log.file");
  for (const config::SourceText& lists : config.seeds.files) {
    for (const auto& [file, what] : written) {
      if (!config::SeedPatternTakes(lists.text, config.base_dir, file)) continue;
      add("seeds.files", {.line = lists.line, .column = lists.column},
          fmt::format(
              "'{}' takes '{}', {}, for a list of URLs; keep lists in a folder of their own",
              lists.text, file.string(), what));
    }
  }
  if (config.log.file) {
    std::error_code error;
    const auto folder = config.log.file->parent_path();
    if (!folder.empty() && !std::filesystem::is_directory(folder, error)) {
      add("log.file", config.PlaceOf("log.file"),
          fmt::format("'{}': {}; make it, or give a file elsewhere", folder.string(),
                      error ? error.message() : "is no folder"));
    } else if (std::filesystem::is_directory(*config.log.file, error)) {
      add("log.file", config.PlaceOf("log.file"),
          fmt::format("'{}' is a folder; give a file in it", config.log.file->string()));
    }
  }
  if (!problems.empty()) throw config::ConfigError(std::move(problems));
}

}  // namespace crawld::service
