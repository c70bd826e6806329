// Advice about what a crawl does to others, and what others can do to it.
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <string>

#include "config/advice_rules.h"
#include "config/own_hosts.h"
#include "config/suggest.h"
#include "config/units.h"

namespace crawld::config {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr milliseconds kLeastDelay{250};
constexpr uint64_t kManyAtOnce = 6;  // what browsers keep to
constexpr milliseconds kLeastCrawlDelay = seconds(10);
constexpr milliseconds kRobotsMaxAge = hours(24);  // RFC 9309 section 2.4

bool OwnEntry(const HostRule& rule) {
  return std::ranges::all_of(rule.match,
                             [](const SourceText& host) { return IsOwnHost(host.text); });
}

std::string PaceOf(milliseconds delay) {
  if (delay == milliseconds(0)) return "is 0: a host is asked again as soon as it has answered";
  const auto rate = seconds(1) / delay;
  return "is " + FormatDuration(delay) + ": a host is asked up to " + std::to_string(rate) +
         " times a second";
}

constexpr const char* kMayBlock = ", and may slow down, or take it for an attack and block you";

// --- identity

bool IsExamplesName(const std::string& agent) {
  constexpr std::array<std::string_view, 4> kNames = {"example.org", "example.com", "example.net",
                                                      ".example"};
  return std::ranges::any_of(kNames, [&](std::string_view name) {
    const size_t at = agent.find(name);
    if (at == std::string::npos) return false;
    const size_t end = at + name.size();
    return end == agent.size() ||
           std::string_view("/);,:>? ").find(agent[end]) != std::string::npos;
  });
}

void LookAtContact(Adviser& adviser) {
  if (adviser.own || !IsExamplesName(adviser.config.identity.user_agent)) return;
  adviser.Say(
      "identity.user_agent",
      "its contact is a name that is kept for examples: who has a complaint reaches nobody, "
      "and blocks you; give a page or an address of your own");
}

void LookAtAnonymity(Adviser& adviser) {
  const Identity& identity = adviser.config.identity;
  const bool contact = identity.user_agent.find("+http") != std::string::npos ||
                       identity.user_agent.find('@') != std::string::npos;
  if (adviser.own || !identity.allow_anonymous || contact) return;
  adviser.Say("identity.allow_anonymous",
              "site owners cannot reach you, and block you instead; put a URL (+https://...) or an "
              "e-mail address into identity.user_agent");
}

// --- politeness

void LookAtDelay(Adviser& adviser) {
  const milliseconds delay = adviser.config.politeness.delay;
  if (adviser.own || delay >= kLeastDelay) return;
  adviser.Say("politeness.delay",
              PaceOf(delay) + kMayBlock +
                  "; give 1s or more here, and less to your own hosts alone (hosts[].delay)");
}

void LookAtHostDelays(Adviser& adviser) {
  const auto& hosts = adviser.config.hosts;
  for (size_t i = 0; i < hosts.size(); ++i) {
    if (!hosts[i].delay || *hosts[i].delay >= kLeastDelay || OwnEntry(hosts[i])) continue;
    adviser.SayOfHost(i, "delay",
                      PaceOf(*hosts[i].delay) + kMayBlock +
                          "; give 1s or more, unless its owner has agreed to less");
  }
}

std::string AtOnce(uint64_t count) {
  return "is " + std::to_string(count) + ": a host has as many requests of yours at the same time" +
         kMayBlock;
}

void LookAtConcurrency(Adviser& adviser) {
  const uint64_t count = adviser.config.politeness.concurrency_per_host;
  if (adviser.own || count <= kManyAtOnce) return;
  adviser.Say("politeness.concurrency_per_host",
              AtOnce(count) + "; give " + std::to_string(kManyAtOnce) +
                  " or less here, and more to your own hosts alone (hosts[].concurrency)");
}

void LookAtHostConcurrency(Adviser& adviser) {
  const auto& hosts = adviser.config.hosts;
  for (size_t i = 0; i < hosts.size(); ++i) {
    if (hosts[i].concurrency.value_or(1) <= kManyAtOnce || OwnEntry(hosts[i])) continue;
    adviser.SayOfHost(i, "concurrency",
                      AtOnce(*hosts[i].concurrency) + "; give " + std::to_string(kManyAtOnce) +
                          " or less, unless its owner has agreed to more");
  }
}

void LookAtRobots(Adviser& adviser) {
  if (adviser.own || adviser.config.politeness.robots) return;
  adviser.Say("politeness.robots",
              "is false: you fetch what site owners have asked crawlers to leave alone, endless "
              "pages among it; set it to true, or crawl hosts of your own alone");
}

void LookAtCrawlDelay(Adviser& adviser) {
  const Politeness& politeness = adviser.config.politeness;
  const milliseconds most = politeness.robots_max_crawl_delay;
  if (adviser.own || !politeness.robots || most >= kLeastCrawlDelay) return;
  adviser.Say(
      "politeness.robots_max_crawl_delay",
      "is " + FormatDuration(most) +
          ": hosts whose robots.txt asks for a longer Crawl-delay are asked more often than "
          "they allow; give 10s or more");
}

void LookAtRobotsAge(Adviser& adviser) {
  const Politeness& politeness = adviser.config.politeness;
  if (adviser.own || !politeness.robots || politeness.robots_max_age <= kRobotsMaxAge) return;
  adviser.Say("politeness.robots_max_age", "is " + FormatDuration(politeness.robots_max_age) +
                                               ": what a site forbids today is fetched until then; "
                                               "give 24h or less (RFC 9309 section 2.4)");
}

// --- safety

struct Range {
  bool v6 = false;
  std::array<uint8_t, 16> network{};
  int bits = 0;
  bool ports = false;  // of some ports alone

  [[nodiscard]] bool Holds(const char* address) const {
    std::array<uint8_t, 16> other{};
    if (inet_pton(v6 ? AF_INET6 : AF_INET, address, other.data()) != 1) return false;
    for (int bit = 0; bit < bits; ++bit) {
      const auto mask = static_cast<uint8_t>(0x80U >> (static_cast<unsigned>(bit) % 8U));
      const size_t byte = static_cast<size_t>(bit) / 8;
      if ((network[byte] & mask) != (other[byte] & mask)) return false;
    }
    return true;
  }
};

// As fetcher.allow_addresses has it; nullopt: that is for others to judge.
std::optional<Range> ParseRange(std::string_view text) {
  size_t end = text.find('/');
  if (text.starts_with('[')) {
    end = text.find(']');
  } else if (end == std::string_view::npos && std::ranges::count(text, ':') == 1) {
    end = text.find(':');
  }
  const bool brackets = text.starts_with('[');
  const std::string address(text.substr(brackets ? 1 : 0, end - (brackets ? 1 : 0)));
  std::string_view rest = end < text.size() ? text.substr(end + (brackets ? 1 : 0)) : "";

  Range range;
  range.v6 = inet_pton(AF_INET6, address.c_str(), range.network.data()) == 1;
  if (!range.v6 && inet_pton(AF_INET, address.c_str(), range.network.data()) != 1) {
    return std::nullopt;
  }
  const int most = range.v6 ? 128 : 32;
  range.bits = most;
  if (rest.starts_with('/')) {
    const char* const last = rest.data() + rest.size();
    const auto [at, error] = std::from_chars(rest.data() + 1, last, range.bits);
    if (error != std::errc() || range.bits < 0 || range.bits > most) return std::nullopt;
    rest = std::string_view(at, static_cast<size_t>(last - at));
  }
  range.ports = rest.starts_with(':');
  return range;
}

void LookAtAddresses(Adviser& adviser) {
  constexpr int kEverything = 7;  // bits of a prefix that leaves this much open
  for (const SourceText& text : adviser.config.fetcher.allow_addresses) {
    const auto range = ParseRange(text.text);
    if (!range) continue;
    const Place place{text.line, text.column};
    if (range->bits <= kEverything) {
      adviser.Say("fetcher.allow_addresses", place,
                  Quote(text.text) +
                      " opens nearly everything: a page, a redirect or a name server can lead the "
                      "crawl to this machine, its network and a cloud's metadata; give the ranges "
                      "that you mean to crawl, with ports");
    } else if (range->Holds("169.254.169.254") || range->Holds("fd00:ec2::254")) {
      adviser.Say(
          "fetcher.allow_addresses", place,
          Quote(text.text) +
              " holds a cloud's metadata service, which gives this machine's credentials to "
              "whoever asks from here; give smaller ranges");
    } else if (!adviser.own && !range->ports &&
               (range->Holds("127.0.0.1") || range->Holds("::1"))) {
      adviser.Say("fetcher.allow_addresses", place,
                  Quote(text.text) +
                      " opens every service of this machine to a crawl of others' hosts: their "
                      "names may point here; add the port that you mean, such as 127.0.0.1:8080");
    }
  }
}

void LookAtTls(Adviser& adviser) {
  const auto& hosts = adviser.config.hosts;
  for (size_t i = 0; i < hosts.size(); ++i) {
    if (hosts[i].verify_tls) continue;
    const bool secrets = hosts[i].username || hosts[i].bearer_token || hosts[i].bearer_token_file;
    adviser.SayOfHost(
        i, "verify_tls",
        std::string("is false: whoever stands between is believed") +
            (secrets ? ", and gets the credentials" : "") +
            "; give the certificate that it has, or its authority's, as hosts[].ca_file");
  }
}

constexpr const char* kOthersRead = "others on this machine can read ";

void LookAtSecrets(Adviser& adviser) {
  const auto& can_read = adviser.machine.others_can_read;
  if (!can_read) return;
  const Config& config = adviser.config;
  const bool config_open = can_read(config.origin);
  const auto say_file = [&](const auto& say, const std::optional<std::filesystem::path>& file) {
    if (file && can_read(*file)) {
      say(kOthersRead + Quote(file->string()) + "; chmod o-r it");
    }
  };
  const std::string in_config =
      std::string(kOthersRead) + "this file, which has it; chmod o-r it, or put it into a file";
  for (size_t i = 0; i < config.hosts.size(); ++i) {
    const HostRule& rule = config.hosts[i];
    const auto of = [&](const char* name) {
      return
          [&adviser, i, name](const std::string& message) { adviser.SayOfHost(i, name, message); };
    };
    say_file(of("password_file"), rule.password_file);
    say_file(of("bearer_token_file"), rule.bearer_token_file);
    if (config_open && rule.password) of("password")(in_config + " (password_file)");
    if (config_open && rule.bearer_token) of("bearer_token")(in_config + " (bearer_token_file)");
  }
  say_file([&](const std::string& message) { adviser.Say("admin.token_file", message); },
           config.admin.token_file);
  if (config_open && config.fetcher.proxy && config.fetcher.proxy->find('@') != std::string::npos) {
    adviser.Say("fetcher.proxy", std::string(kOthersRead) +
                                     "this file, which has the proxy's password; chmod o-r it, or "
                                     "take it from the environment (${NAME})");
  }
}

void LookAtListen(Adviser& adviser) {
  const auto& listen = adviser.config.admin.listen;
  if (!listen || listen->starts_with("127.") || listen->starts_with("[::1]") ||
      listen->starts_with("localhost:")) {
    return;
  }
  adviser.Say("admin.listen",
              Quote(*listen) +
                  " is reached by others, in plain HTTP: who listens on the way has the token; "
                  "listen at 127.0.0.1, behind a proxy that speaks TLS, or use admin.socket");
}

void LookAtSeedCredentials(Adviser& adviser) {
  const auto look = [&](const std::vector<SourceText>& urls, const char* key) {
    for (const SourceText& url : urls) {
      const size_t begin = url.text.find("://");
      const size_t at = url.text.find('@');
      if (begin == std::string::npos || at == std::string::npos) continue;
      if (url.text.find_first_of("/?#", begin + 3) < at) continue;
      adviser.Say(
          key, {url.line, url.column},
          "has a user name or password, which is not sent and not kept; give it to the host "
          "(hosts[].username, hosts[].password_file)");
    }
  };
  look(adviser.config.seeds.urls, "seeds.urls");
  look(adviser.config.seeds.sitemaps, "seeds.sitemaps");
}

constexpr AdviceRule kRules[] = {
    {"identity.user_agent", "a contact at example.org or another name kept for examples",
     LookAtContact},
    {"identity.allow_anonymous", "true, and no contact in the user agent", LookAtAnonymity},
    {"politeness.delay", "less than 250ms", LookAtDelay},
    {"politeness.concurrency_per_host", "more than 6", LookAtConcurrency},
    {"politeness.robots", "false", LookAtRobots},
    {"politeness.robots_max_crawl_delay", "less than 10s", LookAtCrawlDelay},
    {"politeness.robots_max_age", "more than 24h", LookAtRobotsAge},
    {"hosts[].delay", "less than 250ms", LookAtHostDelays},
    {"hosts[].concurrency", "more than 6", LookAtHostConcurrency},
    {"hosts[].verify_tls", "false", LookAtTls},
    {"hosts[].password, hosts[].bearer_token, hosts[].password_file, hosts[].bearer_token_file, "
     "admin.token_file, fetcher.proxy",
     "a secret in a file that others on this machine can read", LookAtSecrets},
    {"fetcher.allow_addresses",
     "nearly everything; a cloud's metadata service; all ports of this machine, in a crawl of "
     "others' "
     "hosts",
     LookAtAddresses},
    {"admin.listen", "an address that others reach", LookAtListen},
    {"seeds.urls, seeds.sitemaps", "a user name or password in a URL", LookAtSeedCredentials},
};

}  // namespace

std::span<const AdviceRule> ConductRules() { return kRules; }

}  // namespace crawld::config
