#include "fetcher/proxy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace crawld::fetcher {
namespace {

constexpr std::string_view kForm =
    "is no proxy; write http://, https://, socks5:// or socks5h://, perhaps user:password@, then "
    "host and port: http://192.0.2.1:3128";

std::optional<std::string> Decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    if (i + 2 >= text.size()) return std::nullopt;
    const char* const from = text.data() + i + 1;
    if (std::from_chars(from, from + 2, value, 16).ptr != from + 2) return std::nullopt;
    out += static_cast<char>(value);
    i += 2;
  }
  const bool printable =
      std::all_of(out.begin(), out.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
  return printable ? std::optional(out) : std::nullopt;
}

}  // namespace

// The text may have a password, so no error quotes it.
Result<ProxyUrl, std::string> ProxyUrl::Parse(std::string_view text) {
  const auto refuse = [] { return tl::unexpected(std::string(kForm)); };
  ProxyUrl proxy;
  const size_t colon = text.find("://");
  if (colon == text.npos) return refuse();
  const std::string_view scheme = text.substr(0, colon);
  if (scheme == "http") {
    proxy.kind = Kind::kHttp;
  } else if (scheme == "https") {
    proxy.kind = Kind::kHttps;
  } else if (scheme == "socks5") {
    proxy.kind = Kind::kSocks5;
  } else if (scheme == "socks5h") {
    proxy.kind = Kind::kSocks5h;
  } else {
    return refuse();
  }
  std::string_view rest = text.substr(colon + 3);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (const size_t at = rest.rfind('@'); at != rest.npos) {
    const std::string_view user = rest.substr(0, at);
    rest.remove_prefix(at + 1);
    const size_t split = std::min(user.find(':'), user.size());
    const auto username = Decoded(user.substr(0, split));
    const auto password = Decoded(user.substr(std::min(split + 1, user.size())));
    if (!username || username->empty() || !password) return refuse();
    proxy.username = *username;
    proxy.password = *password;
  }
  const size_t split = rest.rfind(':');
  if (split == rest.npos || rest.ends_with(']')) return refuse();
  const std::string_view digits = rest.substr(split + 1);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), proxy.port);
  if (error != std::errc() || end != digits.data() + digits.size() || proxy.port == 0) {
    return refuse();
  }
  const auto host = web::HostPattern::Parse(rest.substr(0, split));
  if (!host || host->below) return refuse();
  proxy.host = host->name;
  return proxy;
}

std::string ProxyUrl::ToString() const {
  constexpr std::string_view kSchemes[] = {"http", "https", "socks5", "socks5h"};
  return fmt::format("{}://{}:{}", kSchemes[static_cast<size_t>(kind)], host, port);
}

std::optional<std::string> ProxyBypass::Add(std::string_view text) {
  if (text.find('/') != text.npos) {
    const auto range = AddressRange::Parse(text);
    if (!range) return range.error();
    ranges_.push_back(*range);
    return std::nullopt;
  }
  const auto pattern = web::HostPattern::Parse(text);
  if (!pattern) return pattern.error();
  hosts_.Add(*pattern, 0);
  return std::nullopt;
}

bool ProxyBypass::Contains(std::string_view host, uint16_t port) const {
  if (empty()) return false;
  if (hosts_.Find(host)) return true;
  if (ranges_.empty()) return false;
  const auto address = AddressOf(host);
  return address && std::any_of(ranges_.begin(), ranges_.end(), [&](const AddressRange& range) {
           return range.Contains(*address, port);
         });
}

std::optional<IpAddress> AddressOf(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return IpAddress::Parse(host);
}

}  // namespace crawld::fetcher
