#include "config/text_checks.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <string_view>
#include <system_error>

namespace crawld::config {
namespace {

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// RFC 9110 section 5.6.2, tchar.
bool IsTokenChar(char c) {
  return IsLower(c) || IsUpper(c) || IsDigit(c) ||
         (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

bool HasControls(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f';
  });
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (IsUpper(c)) c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

constexpr std::array<std::string_view, 8> kOwnHeaders = {
    "accept-encoding",   "connection", "content-length", "host", "te",
    "transfer-encoding", "upgrade",    "user-agent"};

std::optional<std::string> CheckHeader(const std::string& name, const std::string& content,
                                       std::set<std::string>& seen) {
  if (name.empty() || !std::ranges::all_of(name, IsTokenChar)) {
    return "a header's name is empty or has a character that is none of RFC 9110's tokens";
  }
  const std::string lower = Lower(name);
  if (lower == "user-agent") return "User-Agent is set by identity.user_agent";
  if (std::ranges::find(kOwnHeaders, lower) != kOwnHeaders.end()) {
    return name + " is set by the fetcher itself; remove it";
  }
  if (!seen.insert(lower).second) return name + " stands here twice (case does not matter)";
  if (HasControls(content)) return name + " has a control character in its value";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> CheckName(const Value& value) {
  const auto& name = std::get<std::string>(value);
  const auto allowed = [](char c) { return IsLower(c) || IsDigit(c) || c == '-'; };
  if (std::ranges::all_of(name, allowed)) return std::nullopt;
  return "has a character that cannot be in it; allowed: a-z, 0-9 and -";
}

std::optional<std::string> CheckHeaderText(const Value& value) {
  if (!HasControls(std::get<std::string>(value))) return std::nullopt;
  return "has a control character; allowed: one line of printable text";
}

std::optional<std::string> CheckCredential(const Value& value) {
  if (std::holds_alternative<std::monostate>(value)) return std::nullopt;
  return CheckHeaderText(value);
}

std::optional<std::string> CheckProxy(const Value& value) {
  if (std::holds_alternative<std::monostate>(value)) return std::nullopt;
  std::string_view text = std::get<std::string>(value);
  constexpr std::array<std::string_view, 4> kSchemes = {"http://", "https://", "socks5://",
                                                        "socks5h://"};
  const bool scheme = std::ranges::any_of(
      kSchemes, [&](std::string_view prefix) { return text.starts_with(prefix); });
  if (text.ends_with('/')) text.remove_suffix(1);
  const std::string_view digits = text.substr(text.rfind(':') + 1);
  unsigned port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool sound = scheme && error == std::errc() && end == digits.data() + digits.size() &&
                     port >= 1 && port <= 65535 && !HasControls(text);
  if (sound) return std::nullopt;
  return "is no proxy; allowed: http://, https://, socks5:// or socks5h://, perhaps "
         "user:password@, then host and port, such as http://192.0.2.1:3128";
}

std::optional<std::string> CheckProxyOrNone(const Value& value) {
  const auto* const text = std::get_if<std::string>(&value);
  return text != nullptr && *text == "none" ? std::nullopt : CheckProxy(value);
}

std::string_view ProductTokenOf(std::string_view text) {
  const auto* const end = std::ranges::find_if_not(
      text, [](char c) { return IsLower(c) || IsUpper(c) || c == '_' || c == '-'; });
  return text.substr(0, static_cast<size_t>(end - text.begin()));
}

std::optional<std::string> CheckRobotsToken(const Value& value) {
  if (std::holds_alternative<std::monostate>(value)) return std::nullopt;
  const auto& token = std::get<std::string>(value);
  if (ProductTokenOf(token).size() == token.size()) return std::nullopt;
  return "is no product token; allowed: a-z, A-Z, _ and - (RFC 9309 section 2.2.1)";
}

std::optional<std::string> CheckHeaders(const Value& value) {
  std::set<std::string> seen;
  for (const auto& [name, content] : std::get<StringMap>(value)) {
    if (auto wrong = CheckHeader(name, content, seen)) return wrong;
  }
  return std::nullopt;
}

}  // namespace crawld::config
