// The subcommands of crawld. Each reads stdin or a file, prints results to stdout and errors to
// stderr, and returns its exit code: 0 done, 1 ran but the answer is no or something failed, 2 bad
// usage or bad config. Exceptions are main's business (service/main.cc).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/config.h"

namespace crawld::service {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

// The command line cannot be carried out as it is: exit code 2.
class UsageError : public FatalError {
 public:
  using FatalError::FatalError;
};

enum class Format { kText, kJson };

// The daemon; with `once` it ends when nothing is left to fetch.
int RunCrawl(const std::filesystem::path& config, bool once);
// Validates a config: mistakes as an exception, what is unwise as warnings on stderr.
struct CheckOptions {
  bool strict = false;                // a warning makes it fail
  std::vector<std::string> accepted;  // keys about which there are none
};
int CheckConfig(const std::filesystem::path& config, const CheckOptions& options);
// All keys of a config, in one of the forms that are made from the one table of them; or what
// CheckConfig warns of.
enum class SchemaForm { kJsonSchema, kExample, kTable, kWarnings, kManPage };
int PrintSchema(SchemaForm form);
// One URL through the real fetcher and parser, as JSON.
int FetchOne(const std::string& url, const std::optional<std::filesystem::path>& config);

// What is done about a mistake that does not matter here.
enum class Mistakes { kWarn, kIgnore };
// Of the config of a crawl that may run: what is right in it. A mistake is a warning on stderr, but
// one in the keys that begin with one of `needed` is thrown as a ConfigError. data_dir is where it
// is.
config::Config LoadOfRunning(const std::filesystem::path& path,
                             std::initializer_list<std::string_view> needed,
                             Mistakes others = Mistakes::kWarn);

// What the frontier of a config's data_dir holds; also while a daemon uses it.
int FrontierStats(const std::filesystem::path& config, Format format);
int FrontierList(const std::filesystem::path& config, uint64_t limit);
int FrontierExport(const std::filesystem::path& config);
// What has become of one URL, and what holds it back.
int FrontierExplain(const std::filesystem::path& config, const std::string& url, Format format);

// Where a running daemon is: by its config, its socket, or its address. Exactly one.
struct AdminChoice {
  std::optional<std::filesystem::path> config;
  std::optional<std::filesystem::path> socket;
  std::optional<std::string> address;               // "127.0.0.1:8080"
  std::optional<std::filesystem::path> token_file;  // for an address
};
enum class StatusCheck { kNone, kAlive, kReady };
struct StatusOptions {
  Format format = Format::kText;
  bool watch = false;                      // again every second, until the process is stopped
  StatusCheck check = StatusCheck::kNone;  // that alone, and its answer as the exit code
};
int ShowStatus(const AdminChoice& choice, const StatusOptions& options);
struct SubmitOptions {
  std::vector<std::string> files;  // URL lists; "-" or none: stdin
  bool sitemaps = false;           // they are sitemaps' URLs
  Format format = Format::kText;
};
int SubmitUrls(const AdminChoice& choice, const SubmitOptions& options);
struct SteerOptions {
  std::string host;  // neither: the whole crawl
  std::string domain;
  std::string why;
  Format format = Format::kText;
};
// `order`: pause, resume, block or unblock.
int SteerCrawl(const AdminChoice& choice, const std::string& order, const SteerOptions& options);
int ReloadConfig(const AdminChoice& choice, Format format);
// `level` empty: tells it.
int SetLogLevel(const AdminChoice& choice, const std::string& level);

// Plumbing: one piece of the web's grammar each, from stdin to stdout.
int UrlTool(const std::optional<std::string>& base);
int LinksTool(const std::string& base, const std::string& charset, bool resources);
struct RobotsToolOptions {
  std::string agent;
  std::optional<std::string> url;
  std::optional<std::filesystem::path> urls_from;
  bool list = false;
};
int RobotsTool(const RobotsToolOptions& options);
int SitemapTool(const std::optional<std::string>& url);
int CharsetTool(const std::string& content_type);

// The four stages of a crawler, timed side by side.
struct EvolutionOptions {
  std::filesystem::path urls;
  uint32_t workers = 4;
  Format format = Format::kText;
  std::chrono::milliseconds fetch_delay{0};
  std::chrono::milliseconds parse_delay{0};
  bool parse_busy = false;
  std::string ca_file;
};
int Evolution(const EvolutionOptions& options);

}  // namespace crawld::service
