#include "fetcher/host_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "fetcher/tls.h"
#include "web/url.h"

namespace crawld::fetcher {

Result<HostPattern, std::string> HostPattern::Parse(std::string_view text) {
  HostPattern pattern;
  std::string_view name = text;
  if (name.starts_with("*.")) {
    pattern.below = true;
    name.remove_prefix(2);
  }
  // As a URL would have it: in lower case, in Punycode, with addresses in their usual form.
  const bool is_name = !name.empty() && name.find_first_of("/?#@\\*% \t") == name.npos &&
                       (name.starts_with('[') ? name.ends_with(']') : name.find(':') == name.npos);
  const auto url =
      is_name ? web::Url::Parse(fmt::format("http://{}/", name)) : web::Url::Parse("not a host");
  if (!url || url->host().empty()) {
    return tl::unexpected(fmt::format(
        "'{}' is no host; write example.org, 192.0.2.1, [2001:db8::1], or *.example.org", text));
  }
  pattern.name = url->host();
  return pattern;
}

void HostIndex::Add(const HostPattern& pattern, size_t number) {
  const auto [it, added] = (pattern.below ? below_ : exact_).emplace(pattern.name, number);
  if (!added) it->second = std::min(it->second, number);
}

std::optional<size_t> HostIndex::Find(std::string_view host) const {
  std::optional<size_t> best;
  if (host.ends_with('.')) host.remove_suffix(1);
  if (const auto it = exact_.find(host); it != exact_.end()) best = it->second;
  if (below_.empty()) return best;
  for (size_t dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.', dot + 1)) {
    const auto it = below_.find(host.substr(dot + 1));
    if (it != below_.end() && (!best || it->second < *best)) best = it->second;
  }
  return best;
}

HostRules::HostRules(const std::vector<HostOptions>& hosts, const HeaderList& headers) {
  for (const HostOptions& options : hosts) {
    for (const HostPattern& pattern : options.match) index_.Add(pattern, rules_.size());
    Rule& rule = rules_.emplace_back();
    rule.options = options;
    if (!options.ca_file.empty()) rule.trust = Trust::FromFile(options.ca_file);
    HeaderList own = options.headers;
    if (!options.username.empty()) {
      own.emplace_back("Authorization", BasicCredentials(options.username, options.password));
    } else if (!options.bearer_token.empty()) {
      own.emplace_back("Authorization", "Bearer " + options.bearer_token);
    }
    rule.fields = std::make_unique<RequestFields>(headers, own);
  }
}

HostRules::~HostRules() = default;

const HostRules::Rule* HostRules::Find(std::string_view host) const {
  if (index_.empty()) return nullptr;
  const auto number = index_.Find(host);
  return number ? &rules_[*number] : nullptr;
}

}  // namespace crawld::fetcher
