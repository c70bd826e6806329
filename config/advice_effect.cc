// Advice about what does nothing, or something else than it seems to.
#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "config/advice_rules.h"
#include "config/suggest.h"

namespace crawld::config {
namespace {

// --- a crawl of nothing, or for nothing

void LookAtSeeds(Adviser& adviser) {
  const Seeds& seeds = adviser.config.seeds;
  if (!seeds.urls.empty() || !seeds.sitemaps.empty() || !seeds.files.empty()) return;
  adviser.Say(
      "seeds.urls",
      "there are none, and no seeds.sitemaps or seeds.files: nothing is fetched but what an "
      "earlier run of this data_dir has found; give one");
}

void LookAtIdleFiles(Adviser& adviser) {
  for (const SourceText& pattern : adviser.config.seeds.idle_files) {
    adviser.Say("seeds.files", {.line = pattern.line, .column = pattern.column},
                "'" + pattern.text +
                    "' stands for no file yet: a daemon waits for one, run --once refuses; put one "
                    "there, or correct the pattern");
  }
}

void LookAtOutput(Adviser& adviser) {
  const Archive& archive = adviser.config.archive;
  if (archive.warc || archive.pages) return;
  adviser.Say(
      "archive.warc",
      "is false, and archive.pages as well: what is fetched is thrown away; set one to true");
}

void LookAtMaxLinks(Adviser& adviser) {
  if (adviser.config.parser.max_links != 0 || adviser.config.scope.follow.empty()) return;
  adviser.Say(
      "parser.max_links",
      "is 0, which is none, not without limit: no link is followed; give a number, or say so "
      "with scope.follow: []");
}

void LookAtRedirects(Adviser& adviser) {
  if (adviser.config.fetcher.max_redirects != 0) return;
  adviser.Say(
      "fetcher.max_redirects",
      "is 0: no redirect is followed, not even from http to https or to www; give 5 or more");
}

void LookAtLogLevel(Adviser& adviser) {
  if (adviser.config.log.level != LogLevel::kOff) return;
  adviser.Say("log.level",
              "is off: nobody is told why a host is left out or why the crawl stops; give warn");
}

void LookAtHealth(Adviser& adviser) {
  if (adviser.config.health.failures != 0) return;
  adviser.Say("health.failures",
              "is 0: a host that does not answer is asked for each of its URLs, and each waits for "
              "fetcher.connect_timeout and retry.max_tries; give 3");
}

// --- two that use one file

void LookAtLogFile(Adviser& adviser) {
  const Config& config = adviser.config;
  if (!config.log.file) return;
  const auto log = config.log.file->lexically_normal();
  const auto inside = log.lexically_relative(config.data_dir.lexically_normal());
  constexpr std::array<std::string_view, 3> kFiles = {"crawl.log", "index.cdxj", "cookies.txt"};
  constexpr std::array<std::string_view, 3> kFolders = {"frontier", "warc", "pages"};
  const auto first = inside.empty() ? std::string() : inside.begin()->string();
  if (std::ranges::find(kFiles, inside.string()) != kFiles.end()) {
    adviser.Say(
        "log.file",
        "is a file of the crawl itself (" + inside.string() +
            "): both write to it, and a start cuts off what was not committed; give another");
  } else if (std::ranges::find(kFolders, first) != kFolders.end()) {
    adviser.Say("log.file", "is in data_dir's folder " + first +
                                ", which the crawl keeps for itself, and cleans up; give another");
  } else if (config.admin.socket && log == config.admin.socket->lexically_normal()) {
    adviser.Say("log.file", "is the path of admin.socket as well; give another");
  } else if (!config.base_dir.empty() &&
             log == std::filesystem::absolute(config.origin).lexically_normal()) {
    adviser.Say("log.file",
                "is this file: the log would be written behind the config; give another");
  }
}

void LookAtSocket(Adviser& adviser) {
  constexpr size_t kMostBytes = 107;  // sockaddr_un
  const auto& socket = adviser.config.admin.socket;
  if (!socket || socket->string().size() <= kMostBytes) return;
  adviser.Say("admin.socket",
              Quote(socket->string()) + " has " + std::to_string(socket->string().size()) +
                  " bytes, and a Unix socket's path 107 at most: the daemon will not start; give a "
                  "shorter one, such as /run/crawld/NAME.sock, or null");
}

// --- keys without effect

// `key` was chosen, and counts only with something that the config does not say.
struct Condition {
  const char* key;
  bool (*met)(const Config& config);
  const char* otherwise;
};

bool AnyHost(const Config& config, bool (*has)(const HostRule&)) {
  return std::ranges::any_of(config.hosts, has);
}

constexpr Condition kConditions[] = {
    {"scope.nofollow_rel", [](const Config& c) { return c.scope.nofollow == Nofollow::kAll; },
     "counts only with scope.nofollow: all; set that, or remove this"},
    {"politeness.max_delay", [](const Config& c) { return c.politeness.delay_factor != 0; },
     "counts only with politeness.delay_factor; set that, or remove this"},
    {"politeness.robots_max_age", [](const Config& c) { return c.politeness.robots; },
     "does not count without politeness.robots; remove one of them"},
    {"politeness.robots_max_crawl_delay", [](const Config& c) { return c.politeness.robots; },
     "does not count without politeness.robots; remove one of them"},
    {"health.probes", [](const Config& c) { return c.health.failures != 0; },
     "does not count with health.failures: 0; remove one of them"},
    {"health.backoff", [](const Config& c) { return c.health.failures != 0; },
     "does not count with health.failures: 0; remove one of them"},
    {"health.park", [](const Config& c) { return c.health.failures != 0; },
     "does not count with health.failures: 0; remove one of them"},
    {"fetcher.min_speed_window", [](const Config& c) { return c.fetcher.min_speed_bytes != 0; },
     "does not count with fetcher.min_speed: 0; remove one of them"},
    {"fetcher.max_streams",
     [](const Config& c) {
       return c.fetcher.http2 ||
              AnyHost(c, [](const HostRule& rule) { return rule.http2.value_or(false); });
     },
     "does not count without fetcher.http2; remove one of them"},
    {"fetcher.no_proxy", [](const Config& c) { return c.fetcher.proxy.has_value(); },
     "counts only with fetcher.proxy; set that, or remove this"},
    {"archive.compression", [](const Config& c) { return c.archive.warc; },
     "counts only for WARC files, and archive.warc is false; remove one of them"},
    {"archive.digest", [](const Config& c) { return c.archive.warc; },
     "counts only for WARC files, and archive.warc is false; remove one of them"},
    {"admin.token_file", [](const Config& c) { return c.admin.listen.has_value(); },
     "counts only with admin.listen; set that, or remove this"},
};

void LookAtConditions(Adviser& adviser) {
  for (const Condition& condition : kConditions) {
    if (!adviser.Chosen(condition.key) || condition.met(adviser.config)) continue;
    adviser.Say(condition.key, condition.otherwise);
  }
}

std::string Lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// `pattern` names all that `other` names; both in lower case.
bool Covers(std::string_view pattern, std::string_view other) {
  if (pattern == other) return true;
  return pattern.starts_with("*.") && other.size() >= pattern.size() &&
         other.ends_with(pattern.substr(1));
}

void LookAtShadows(Adviser& adviser) {
  // Each pattern is compared with those of earlier entries: a limit keeps that from taking seconds.
  constexpr size_t kMost = 2000;
  std::vector<std::pair<std::string, uint32_t>> earlier;  // a pattern, and its entry's line
  for (const HostRule& rule : adviser.config.hosts) {
    std::vector<std::pair<std::string, uint32_t>> here;
    for (const SourceText& host : rule.match) {
      here.emplace_back(Lower(host.text), rule.line);
      const auto first = std::ranges::find_if(
          earlier, [&](const auto& other) { return Covers(other.first, here.back().first); });
      if (first == earlier.end()) continue;
      adviser.Say("hosts[].match", {host.line, host.column},
                  Quote(host.text) + " does not count here: the entry of line " +
                      std::to_string(first->second) +
                      " comes first, and the first that matches counts; put this one before it");
    }
    if (earlier.size() < kMost) earlier.insert(earlier.end(), here.begin(), here.end());
  }
}

constexpr AdviceRule kRules[] = {
    {"seeds.urls", "no seeds at all", LookAtSeeds},
    {"seeds.files", "stands for no file yet", LookAtIdleFiles},
    {"archive.warc", "false, and `archive.pages` as well", LookAtOutput},
    {"parser.max_links", "0", LookAtMaxLinks},
    {"fetcher.max_redirects", "0", LookAtRedirects},
    {"health.failures", "0", LookAtHealth},
    {"log.level", "off", LookAtLogLevel},
    {"log.file", "a file that the crawl has another use for", LookAtLogFile},
    {"admin.socket", "a path of more than 107 bytes", LookAtSocket},
    {"hosts[].match", "a host that an earlier entry names", LookAtShadows},
};

// "scope.nofollow_rel, politeness.max_delay, ..."
std::string ConditionedKeys() {
  std::string keys;
  for (const Condition& condition : kConditions) {
    keys += (keys.empty() ? "" : ", ") + std::string(condition.key);
  }
  return keys;
}

}  // namespace

std::span<const AdviceRule> EffectRules() {
  static const std::string conditioned = ConditionedKeys();
  static const auto rules = [] {
    std::vector<AdviceRule> all(std::begin(kRules), std::end(kRules));
    all.push_back(
        {conditioned, "given, and without effect beside what other keys say", LookAtConditions});
    return all;
  }();
  return rules;
}

}  // namespace crawld::config
