#include "web/host_patterns.h"

#include <algorithm>

#include "web/url.h"

namespace crawld::web {

Result<HostPattern, std::string> HostPattern::Parse(std::string_view text) {
  HostPattern pattern;
  std::string_view name = text;
  if (name.starts_with("*.")) {
    pattern.below = true;
    name.remove_prefix(2);
  }
  const bool is_name = !name.empty() && name.find_first_of("/?#@\\*% \t\r\n") == name.npos &&
                       (name.starts_with('[') ? name.ends_with(']') : name.find(':') == name.npos);
  const auto url =
      is_name ? Url::Parse("http://" + std::string(name) + "/") : Url::Parse("not a host");
  // A dot at the end makes no difference.
  std::string_view host = url ? url->host() : std::string_view();
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host.ends_with('.')) {
    // With an '@' it may be a proxy's URL in the wrong place, with a password.
    const bool secret = text.find('@') != text.npos;
    return tl::unexpected((secret ? "this" : "'" + std::string(text) + "'") +
                          " is no host; write example.org, 192.0.2.1, [2001:db8::1], or "
                          "*.example.org");
  }
  pattern.name = host;
  return pattern;
}

void HostIndex::Add(const HostPattern& pattern, size_t number) {
  const auto [it, added] = (pattern.below ? below_ : exact_).emplace(pattern.name, number);
  if (!added) it->second = std::min(it->second, number);
}

std::optional<size_t> HostIndex::Find(std::string_view host) const {
  std::optional<size_t> best;
  if (empty()) return best;
  if (host.ends_with('.')) host.remove_suffix(1);
  if (const auto it = exact_.find(host); it != exact_.end()) best = it->second;
  if (below_.empty()) return best;
  for (size_t dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.', dot + 1)) {
    const auto it = below_.find(host.substr(dot + 1));
    if (it != below_.end() && (!best || it->second < *best)) best = it->second;
  }
  return best;
}

}  // namespace crawld::web
