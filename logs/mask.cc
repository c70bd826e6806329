#include "logs/mask.h"

#include <algorithm>
#include <array>

#include "web/ascii.h"

namespace crawld::logs {
namespace {

constexpr std::string_view kMask = "***";

// Names of query parameters, in lower case, whose values let somebody in.
constexpr std::array<std::string_view, 17> kCredentials = {
    "access_token", "api_key",   "apikey",    "auth",          "client_secret", "credential",
    "key",          "pass",      "passwd",    "password",      "pwd",           "secret",
    "session",      "sessionid", "signature", "refresh_token", "token"};

bool EndsUrl(char c) {
  return static_cast<unsigned char>(c) <= 0x20 || c == '"' || c == '\'' || c == '<' || c == '>' ||
         c == '`';
}

bool IsCredential(std::string_view name) {
  return std::any_of(kCredentials.begin(), kCredentials.end(),
                     [&](std::string_view known) { return web::EqualIgnoringCase(name, known); });
}

// `url` begins after "://"; what is left of it is appended.
void AppendUrl(std::string_view url, std::string& out) {
  const size_t authority_end = std::min(url.find_first_of("/?#"), url.size());
  const size_t at = url.substr(0, authority_end).rfind('@');
  if (at != url.npos) {
    out += kMask;
    url.remove_prefix(at);
  }
  const size_t question = url.find('?');
  if (question == url.npos) {
    out += url;
    return;
  }
  out += url.substr(0, question + 1);
  url.remove_prefix(question + 1);
  while (!url.empty()) {
    const size_t end = std::min(url.find_first_of("&;#"), url.size());
    const std::string_view pair = url.substr(0, end);
    const size_t equals = pair.find('=');
    if (equals != pair.npos && equals + 1 < pair.size() && IsCredential(pair.substr(0, equals))) {
      out += pair.substr(0, equals + 1);
      out += kMask;
    } else {
      out += pair;
    }
    if (end < url.size()) out += url[end];
    url.remove_prefix(std::min(end + 1, url.size()));
  }
}

}  // namespace

Masker::Masker(std::vector<std::string> secrets) : secrets_(std::move(secrets)) {
  std::erase_if(secrets_, [](const std::string& s) { return s.size() < kMinSecretBytes; });
  std::sort(secrets_.begin(), secrets_.end(),
            [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
}

std::string Masker::Mask(std::string_view text) const {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t mark = text.find("://");
    if (mark == text.npos) {
      out += text;
      break;
    }
    out += text.substr(0, mark + 3);
    text.remove_prefix(mark + 3);
    const auto end = std::find_if(text.begin(), text.end(), EndsUrl);
    const std::string_view url = text.substr(0, static_cast<size_t>(end - text.begin()));
    // Of URLs in URLs (`https://a/?u=https://user:password@b/`) the outer one ends where the inner
    // one begins.
    const size_t inner = url.find("://");
    const std::string_view outer = url.substr(0, inner);
    AppendUrl(outer, out);
    if (inner == url.npos) {
      text.remove_prefix(url.size());
    } else {
      text.remove_prefix(outer.size());
    }
  }
  for (const std::string& secret : secrets_) {
    for (size_t at = out.find(secret); at != out.npos; at = out.find(secret, at + kMask.size())) {
      out.replace(at, secret.size(), kMask);
    }
  }
  return out;
}

}  // namespace crawld::logs
