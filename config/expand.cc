#include "config/expand.h"

#include <algorithm>
#include <optional>

namespace crawld::config {
namespace {

bool IsName(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

// `inside` is what stands between "${" and "}".
Result<std::string> ValueOf(std::string_view inside, const Environment& environment) {
  const size_t colon = inside.find(":-");
  const std::string name(inside.substr(0, colon));
  if (!IsName(name)) {
    return Err(Error{"'${" + std::string(inside.substr(0, 80)) +
                     "}' names no environment variable; write $${ for a plain ${"});
  }
  auto value = environment(name);
  if (colon != std::string_view::npos && (!value || value->empty())) {
    return std::string(inside.substr(colon + 2));
  }
  if (!value) {
    return Err(Error{"the environment variable " + name + " is not set; set it, or write ${" +
                     name + ":-default}"});
  }
  return std::move(*value);
}

}  // namespace

Result<std::string> ExpandEnvironment(std::string_view text, const Environment& environment) {
  std::string out;
  size_t at = 0;
  while (at < text.size()) {
    const size_t dollar = std::min(text.find('$', at), text.size());
    out.append(text.substr(at, dollar - at));
    if (dollar == text.size()) break;
    const char next = dollar + 1 < text.size() ? text[dollar + 1] : '\0';
    if (next == '{') {
      const size_t end = text.find('}', dollar);
      if (end == std::string_view::npos) {
        return Err(Error{"'${' has no closing '}'; write $${ for a plain ${"});
      }
      auto value = ValueOf(text.substr(dollar + 2, end - dollar - 2), environment);
      if (!value) return value;
      out += *value;
      at = end + 1;
    } else {
      out += '$';
      at = dollar + (next == '$' ? 2 : 1);
    }
    if (out.size() > kMaxExpandedBytes) return Err(Error{"is too long once expanded"});
  }
  return out;
}

}  // namespace crawld::config
