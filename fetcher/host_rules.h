// HostRules: what one or several hosts have of their own.
//
// The first rule that matches a host counts, alone. Immutable after construction, safe from any
// thread. Finding one costs a hash look-up for each label of the host; without rules nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "fetcher/request_fields.h"
#include "web/host_patterns.h"

namespace crawld::fetcher {

class Trust;

// http://, https://: CONNECT for https URLs, absolute-form for http; socks5h://: the proxy looks
// names up; socks5://: we do, so that the address guard judges what is found.
struct ProxyUrl {
  enum class Kind : uint8_t { kHttp, kHttps, kSocks5, kSocks5h };
  Kind kind = Kind::kHttp;
  std::string host;  // as a URL has it
  uint16_t port = 0;
  std::string username;
  std::string password;

  // "http://user:password@192.0.2.1:3128". The error says what is wrong and quotes nothing.
  static Result<ProxyUrl, std::string> Parse(std::string_view text);
  // Without user name and password.
  std::string ToString() const;
  friend bool operator==(const ProxyUrl&, const ProxyUrl&) = default;
  bool IsSocks() const { return kind == Kind::kSocks5 || kind == Kind::kSocks5h; }
};

// nullopt: none, straight to the host.
using ProxyChoice = std::optional<ProxyUrl>;

struct HostOptions {
  std::vector<web::HostPattern> match;
  std::optional<ProxyChoice> proxy;  // nullopt: as the fetcher's
  bool verify_tls = true;
  std::string ca_file;        // PEM; empty: as the fetcher's
  std::optional<bool> http2;  // nullopt: as the fetcher's
  // Basic (RFC 7617) if there is a user name, else Bearer (RFC 6750) if there is a token.
  std::string username;
  std::string password;
  std::string bearer_token;
  HeaderList headers;  // they take the place of the fetcher's of the same name
};

class HostRules {
 public:
  struct Rule {
    HostOptions options;
    std::shared_ptr<const Trust> trust;  // nullptr: the fetcher's
    std::unique_ptr<RequestFields> fields;
  };

  // `headers`: the fetcher's. Throws FatalError if a ca_file cannot be read.
  HostRules(const std::vector<HostOptions>& hosts, const HeaderList& headers);
  ~HostRules();
  HostRules(const HostRules&) = delete;
  HostRules& operator=(const HostRules&) = delete;

  // `host` as a URL has it. nullptr: it has nothing of its own.
  const Rule* Find(std::string_view host) const;

 private:
  std::vector<Rule> rules_;
  web::HostIndex index_;
};

}  // namespace crawld::fetcher
