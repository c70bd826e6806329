#include "config/own_hosts.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <string>

namespace crawld::config {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool IsOwnV4(const std::array<uint8_t, 4>& a) {
  return a[0] == 127 || a[0] == 10 || (a[0] == 172 && a[1] >= 16 && a[1] < 32) ||
         (a[0] == 192 && a[1] == 168) || (a[0] == 169 && a[1] == 254);
}

bool IsOwnV6(const std::array<uint8_t, 16>& a) {
  const bool loopback = std::all_of(a.begin(), a.end() - 1, [](uint8_t b) { return b == 0; });
  return (loopback && a[15] == 1) || (a[0] & 0xfeU) == 0xfc ||
         (a[0] == 0xfe && (a[1] & 0xc0U) == 0x80);
}

}  // namespace

std::string_view HostOf(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  std::string_view host = url.substr(scheme + 3);
  host = host.substr(0, host.find_first_of("/?#\\"));
  host = host.substr(host.rfind('@') + 1);  // npos + 1 is 0
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

bool IsOwnHost(std::string_view host) {
  if (host.starts_with("*.")) host.remove_prefix(2);
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return false;
  const std::string name = Lower(host);
  std::array<uint8_t, 4> v4{};
  if (inet_pton(AF_INET, name.c_str(), v4.data()) == 1) return IsOwnV4(v4);
  std::array<uint8_t, 16> v6{};
  if (inet_pton(AF_INET6, name.c_str(), v6.data()) == 1) return IsOwnV6(v6);
  constexpr std::array<std::string_view, 5> kOwn = {".localhost", ".test", ".local", ".home.arpa",
                                                    ".internal"};
  return name.find('.') == std::string::npos ||
         std::ranges::any_of(kOwn, [&](std::string_view end) { return name.ends_with(end); });
}

bool CrawlsOwnHostsAlone(const Config& config) {
  const Seeds& seeds = config.seeds;
  if (config.scope.mode == ScopeMode::kAny || !seeds.files.empty()) return false;
  if (seeds.urls.empty() && seeds.sitemaps.empty()) return false;
  const auto own = [](const SourceText& url) { return IsOwnHost(HostOf(url.text)); };
  return std::ranges::all_of(seeds.urls, own) && std::ranges::all_of(seeds.sitemaps, own);
}

}  // namespace crawld::config
