// Config: everything an operator can set, typed, with its default.
//
// One rule for names: a field is named as its key is, `cfg.fetcher.threads` is `fetcher: threads:`;
// only sizes add their unit (`fetcher.max_body` is `max_body_bytes`), durations have it in their
// type. What each key means, and its range, is in the schema (schema.h, example.yaml), and only
// there.
//
// Values are within their ranges, and agree with each other, if the Config came from Load or
// LoadString. A Config is a plain value: copy it, compare it, change it in a test.
//
// Strings that somebody else judges (patterns, seeds) keep their place, so that a later mistake can
// be reported with line and column.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/error.h"
#include "config/values.h"

namespace crawld::config {

using std::chrono::milliseconds;

struct Seeds {
  std::vector<SourceText> urls;
  std::vector<SourceText> sitemaps;
  std::vector<SourceText> files;  // patterns as written
  // What `files` stood for when the config was loaded from a file, in order, each once.
  std::vector<std::filesystem::path> paths;
  std::vector<SourceText> idle_files;  // those of `files` that stood for nothing yet

  friend bool operator==(const Seeds&, const Seeds&) = default;
};

struct Identity {
  std::string user_agent;
  std::string robots_token;  // never empty: the user agent's product token if not given
  bool allow_anonymous = false;

  friend bool operator==(const Identity&, const Identity&) = default;
};

struct Scope {
  ScopeMode mode = ScopeMode::kHost;
  std::vector<SourceText> include;
  std::vector<SourceText> exclude;
  std::optional<uint64_t> max_depth;
  uint64_t max_pages = 0;
  uint64_t max_pages_per_host = 0;
  uint64_t max_url_length = 4096;
  uint64_t max_host_labels = 32;
  std::vector<LinkKind> follow = {LinkKind::kA, LinkKind::kArea, LinkKind::kIframe,
                                  LinkKind::kFrame};
  Nofollow nofollow = Nofollow::kPage;
  std::vector<Rel> nofollow_rel = {Rel::kNofollow, Rel::kUgc, Rel::kSponsored};
  bool sitemaps = true;

  friend bool operator==(const Scope&, const Scope&) = default;
};

// What else makes two URLs one page (web/url_key.h).
struct UrlKey {
  bool drop_session_ids = false;
  bool drop_tracking = false;
  bool sort_query = false;

  friend bool operator==(const UrlKey&, const UrlKey&) = default;
};

struct Frontier {
  FrontierOrder order = FrontierOrder::kBreadthFirst;
  uint64_t cache_bytes = 32ULL << 20;
  uint64_t write_buffer_bytes = 16ULL << 20;
  uint64_t seen_cache_bytes = 16ULL << 20;
  uint64_t hosts_in_memory = 4096;

  friend bool operator==(const Frontier&, const Frontier&) = default;
};

struct Politeness {
  milliseconds delay = std::chrono::seconds(1);
  uint64_t delay_factor = 0;
  milliseconds max_delay = std::chrono::minutes(1);
  uint64_t concurrency_per_host = 1;
  milliseconds address_delay{0};
  uint64_t concurrency_per_address = 0;
  bool robots = true;
  milliseconds robots_max_age = std::chrono::hours(24);
  milliseconds robots_max_crawl_delay = std::chrono::seconds(30);

  friend bool operator==(const Politeness&, const Politeness&) = default;
};

struct Retry {
  uint64_t max_tries = 4;
  milliseconds backoff = std::chrono::seconds(5);
  milliseconds max_backoff = std::chrono::hours(1);

  friend bool operator==(const Retry&, const Retry&) = default;
};

// When a host that does not answer is left alone.
struct Health {
  uint64_t failures = 3;
  uint64_t probes = 3;
  milliseconds backoff = std::chrono::seconds(2);
  milliseconds park = std::chrono::hours(1);

  friend bool operator==(const Health&, const Health&) = default;
};

struct Fetcher {
  uint64_t threads = 1;
  uint64_t concurrency = 64;
  uint64_t max_slow = 4096;
  milliseconds connect_timeout = std::chrono::seconds(10);
  milliseconds first_byte_timeout = std::chrono::seconds(30);
  milliseconds idle_timeout = std::chrono::seconds(20);
  milliseconds total_timeout = std::chrono::minutes(2);
  uint64_t max_body_bytes = 16ULL << 20;
  uint64_t max_header_bytes = 256ULL << 10;
  uint64_t max_header_fields = 500;
  uint64_t min_speed_bytes = 64;
  milliseconds min_speed_window = std::chrono::seconds(30);
  uint64_t max_redirects = 10;
  uint64_t memory_budget_bytes = 128ULL << 20;
  bool http2 = true;
  uint64_t max_streams = 100;
  std::vector<SourceText> allow_addresses;  // as written
  std::vector<SourceText> dns_servers;      // likewise
  bool cookies = false;
  std::optional<std::string> proxy;  // may hold a password
  std::vector<SourceText> no_proxy;  // as written
  std::optional<std::filesystem::path> ca_file;
  std::vector<std::pair<std::string, std::string>> headers;  // in the order of the file

  friend bool operator==(const Fetcher&, const Fetcher&) = default;
};

struct Parser {
  uint64_t threads = 0;
  uint64_t max_body_bytes = 10ULL << 20;
  uint64_t max_links = 100'000;
  bool text = false;

  friend bool operator==(const Parser&, const Parser&) = default;
};

struct Archive {
  bool warc = true;
  uint64_t compression = 1;
  uint64_t max_file_bytes = 1ULL << 30;
  bool pages = true;
  bool crawl_log = true;
  Digest digest = Digest::kSha1;
  Noindex noindex = Noindex::kKeep;

  friend bool operator==(const Archive&, const Archive&) = default;
};

struct Commit {
  uint64_t max_pages = 512;
  milliseconds interval{200};

  friend bool operator==(const Commit&, const Commit&) = default;
};

struct Shutdown {
  milliseconds grace = std::chrono::seconds(10);

  friend bool operator==(const Shutdown&, const Shutdown&) = default;
};

// When the crawl holds its breath.
struct Resources {
  uint64_t min_free_disk_bytes = 256ULL << 20;
  std::optional<uint64_t> max_memory_bytes;

  friend bool operator==(const Resources&, const Resources&) = default;
};

// Where a running daemon can be asked.
struct Admin {
  std::optional<std::filesystem::path> socket = "crawld.sock";  // relative to data_dir
  std::optional<std::string> listen;                            // "127.0.0.1:8080"
  std::optional<std::filesystem::path> token_file;              // a secret in it

  friend bool operator==(const Admin&, const Admin&) = default;
};

struct Log {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
  std::optional<std::filesystem::path> file;

  friend bool operator==(const Log&, const Log&) = default;
};

// What one or several hosts have of their own; the first entry that matches a host counts. What is
// not set is as for all hosts.
struct HostRule {
  std::vector<SourceText> match;  // hosts, and *.example.net for all below example.net
  std::optional<milliseconds> delay;
  std::optional<uint64_t> concurrency;
  bool verify_tls = true;
  std::optional<std::filesystem::path> ca_file;
  std::optional<bool> http2;
  std::optional<std::string> proxy;  // a URL that may hold a password, or "none"
  // Secrets: never in a message, a log or the archive.
  std::optional<std::string> username;
  std::optional<std::string> password;
  std::optional<std::filesystem::path> password_file;
  std::optional<std::string> bearer_token;
  std::optional<std::filesystem::path> bearer_token_file;
  std::vector<std::pair<std::string, std::string>> headers;
  // Where the entry stands.
  uint32_t line = 0;
  uint32_t column = 0;

  friend bool operator==(const HostRule&, const HostRule&) = default;
};

struct Config {
  std::string name;
  std::filesystem::path data_dir;
  Seeds seeds;
  Identity identity;
  Scope scope;
  UrlKey url_key;
  Frontier frontier;
  Politeness politeness;
  Retry retry;
  Health health;
  Fetcher fetcher;
  std::vector<HostRule> hosts;
  Parser parser;
  Archive archive;
  Commit commit;
  Shutdown shutdown;
  Resources resources;
  Admin admin;
  Log log;

  // Empty but from Load and LoadString. For messages.
  Places places;
  // Where it came from: the file's path, or what LoadString was told. For messages.
  std::string origin;
  // The folder that relative seed files are relative to; empty from LoadString.
  std::filesystem::path base_dir;

  // Of a key, else of its section, else the beginning.
  [[nodiscard]] Place PlaceOf(const std::string& key) const;
  // The file has it, whatever its value.
  [[nodiscard]] bool Has(const std::string& key) const { return places.of.contains(key); }

  friend bool operator==(const Config&, const Config&) = default;
};

// Limits on the file itself: what a person writes stays far below them.
inline constexpr size_t kMaxConfigBytes = 1 << 20;
inline constexpr size_t kMaxConfigDepth = 16;
inline constexpr size_t kMaxHostRules = 1000;

// The value of an environment variable, or nullopt if it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
[[nodiscard]] Environment ProcessEnvironment();

// Reads and checks a config file. Relative paths in it are relative to its folder, and come back
// joined to it; seed files must be there. Throws ConfigError with all that is wrong.
[[nodiscard]] Config Load(const std::filesystem::path& path,
                          const Environment& environment = ProcessEnvironment());

// For who has to do with what runs, whatever has become of its file since: all that is right in
// it, with defaults for the rest, and what is wrong in `problems`. Relative paths stay as they are.
// Throws ConfigError if the file cannot be read.
[[nodiscard]] Config LoadWhatIsRight(const std::filesystem::path& path,
                                     std::vector<Problem>& problems,
                                     const Environment& environment = ProcessEnvironment());

// The same without a look at the file system: paths stay as they are, seeds.paths stays empty.
// `origin` stands for the file's name in messages.
[[nodiscard]] Config LoadString(std::string_view text, std::string origin,
                                const Environment& environment = ProcessEnvironment());

}  // namespace crawld::config
