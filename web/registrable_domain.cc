#include "web/registrable_domain.h"

#include <libpsl.h>

#include <cstring>
#include <string>

#include "base/check.h"
#include "web/host.h"

namespace crawld::web {

std::string_view RegistrableDomain(std::string_view host) {
  static const psl_ctx_t* const public_suffixes = [] {
    const psl_ctx_t* list = psl_builtin();
    if (list == nullptr) list = psl_latest(nullptr);  // libpsl built without a list of its own
    CRAWLD_CHECK(list != nullptr, "libpsl has a public suffix list, built in or installed");
    return list;
  }();
  if (host.empty() || host.size() > 1024 || IsIpLiteral(host)) return {};
  const size_t dot = host.ends_with('.') ? 1 : 0;
  const std::string name(host.substr(0, host.size() - dot));
  const char* domain = psl_registrable_domain(public_suffixes, name.c_str());
  return domain == nullptr ? std::string_view()
                           : host.substr(host.size() - dot - std::strlen(domain));
}

}  // namespace crawld::web
