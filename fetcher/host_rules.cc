#include "fetcher/host_rules.h"

#include <utility>

#include "fetcher/tls.h"

namespace crawld::fetcher {

HostRules::HostRules(const std::vector<HostOptions>& hosts, const HeaderList& headers) {
  for (const HostOptions& options : hosts) {
    for (const web::HostPattern& pattern : options.match) index_.Add(pattern, rules_.size());
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
