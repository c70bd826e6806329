#include "parser/raw_text.h"

#include <cstdint>

#include "web/ascii.h"

namespace crawld::parser {
namespace {

// Whether `name` stands at `at`, and ends there.
bool IsTagName(std::string_view html, size_t at, std::string_view name) {
  const size_t after = at + name.size();
  return after < html.size() && web::EqualIgnoringCase(html.substr(at, name.size()), name) &&
         (web::IsAsciiSpace(html[after]) || html[after] == '/' || html[after] == '>');
}

size_t FindScriptEnd(std::string_view html, size_t from) {
  constexpr std::string_view kScript = "script";
  enum class State : uint8_t { kPlain, kEscaped, kDoubleEscaped } state = State::kPlain;
  for (size_t i = from;; ++i) {
    i = state == State::kPlain ? html.find('<', i) : html.find_first_of("<-", i);
    if (i == std::string_view::npos) return i;
    const std::string_view rest = html.substr(i);
    if (rest[0] == '-') {
      if (rest.starts_with("-->")) state = State::kPlain;
    } else if (rest.starts_with("</") && IsTagName(html, i + 2, kScript)) {
      if (state != State::kDoubleEscaped) return i;
      state = State::kEscaped;
    } else if (state == State::kPlain && rest.starts_with("<!--")) {
      state = State::kEscaped;
      ++i;  // its dashes may end it
    } else if (state == State::kEscaped && IsTagName(html, i + 1, kScript)) {
      state = State::kDoubleEscaped;
    }
  }
}

}  // namespace

size_t FindRawTextEnd(std::string_view html, size_t from, std::string_view name) {
  if (web::EqualIgnoringCase(name, "script")) return FindScriptEnd(html, from);
  size_t end = html.find("</", from);
  while (end != std::string_view::npos && !IsTagName(html, end + 2, name)) {
    end = html.find("</", end + 1);
  }
  return end;
}

}  // namespace crawld::parser
