#include "web/host_patterns.h"

#include <algorithm>

#include "web/url.h"

namespace crawld::web {
namespace {

void Lower(std::optional<uint32_t>& entry, uint32_t other) {
  entry = entry ? std::min(*entry, other) : other;
}

}  // namespace

bool HostPatterns::Add(std::string_view pattern, uint32_t entry) {
  if (pattern == "*") {
    Lower(all_, entry);
    return true;
  }
  const bool below = pattern.starts_with("*.");
  if (below) pattern.remove_prefix(2);
  if (pattern.empty() || pattern.find_first_of("/?#@\\ \t\r\n*") != std::string_view::npos) {
    return false;
  }
  // An IPv6 address may stand without its brackets.
  const bool v6 = !pattern.starts_with('[') && std::ranges::count(pattern, ':') > 1;
  const std::string host = v6 ? "[" + std::string(pattern) + "]" : std::string(pattern);
  const auto url = Url::Parse("http://" + host + "/");
  if (!url || url->port() || url->host().empty()) return false;
  if (host.find(':') != std::string::npos && !url->host().starts_with('[')) return false;  // ":80"
  const auto [it, inserted] =
      (below ? below_ : exact_).try_emplace(std::string(url->host()), entry);
  it->second = std::min(it->second, entry);
  return true;
}

std::optional<uint32_t> HostPatterns::Find(std::string_view host) const {
  std::optional<uint32_t> found = all_;
  if (!exact_.empty()) {
    if (const auto it = exact_.find(host); it != exact_.end()) Lower(found, it->second);
  }
  if (below_.empty()) return found;
  for (size_t dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.', dot + 1)) {
    if (const auto it = below_.find(host.substr(dot + 1)); it != below_.end()) {
      Lower(found, it->second);
    }
  }
  return found;
}

}  // namespace crawld::web
