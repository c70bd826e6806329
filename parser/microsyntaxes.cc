#include "parser/microsyntaxes.h"

#include <array>
#include <utility>

namespace crawld::parser {
namespace {

using web::EqualIgnoringCase;
using web::IsAsciiSpace;

// Calls `visit` with each blank-separated word, until it returns true.
template <typename Visit>
bool AnyWord(std::string_view text, Visit visit) {
  for (size_t i = 0; i < text.size();) {
    if (IsAsciiSpace(text[i])) {
      ++i;
      continue;
    }
    size_t end = i;
    while (end < text.size() && !IsAsciiSpace(text[end])) ++end;
    if (visit(text.substr(i, end - i))) return true;
    i = end;
  }
  return false;
}

}  // namespace

std::optional<LinkKind> KindOfRel(std::string_view rel) {
  static constexpr std::array<std::pair<std::string_view, LinkKind>, 6> kRels = {{
      {"canonical", LinkKind::kCanonical},
      {"alternate", LinkKind::kAlternate},
      {"next", LinkKind::kNext},
      {"prev", LinkKind::kPrev},
      {"amphtml", LinkKind::kAmphtml},
      {"shortlink", LinkKind::kShortlink},
  }};
  // HTML Standard 4.6.7.1: with "stylesheet" it only says that the sheet is another one.
  const bool sheet =
      AnyWord(rel, [](std::string_view word) { return EqualIgnoringCase(word, "stylesheet"); });
  std::optional<LinkKind> kind;
  AnyWord(rel, [&](std::string_view word) {
    for (const auto& [name, value] : kRels) {
      if (value == LinkKind::kAlternate && sheet) continue;
      if (EqualIgnoringCase(word, name)) kind = value;
    }
    return kind.has_value();
  });
  return kind;
}

std::optional<LinkKind> ResourceOfRel(std::string_view rel) {
  static constexpr std::array<std::pair<std::string_view, LinkKind>, 4> kRels = {{
      {"stylesheet", LinkKind::kStyle},
      {"icon", LinkKind::kImage},
      {"apple-touch-icon", LinkKind::kImage},
      {"modulepreload", LinkKind::kScript},
  }};
  std::optional<LinkKind> kind;
  AnyWord(rel, [&](std::string_view word) {
    for (const auto& [name, value] : kRels) {
      if (EqualIgnoringCase(word, name)) kind = value;
    }
    return kind.has_value();
  });
  return kind;
}

uint8_t RelBits(std::string_view rel) {
  uint8_t bits = 0;
  AnyWord(rel, [&](std::string_view word) {
    if (EqualIgnoringCase(word, "nofollow")) bits |= kRelNofollow;
    if (EqualIgnoringCase(word, "ugc")) bits |= kRelUgc;
    if (EqualIgnoringCase(word, "sponsored")) bits |= kRelSponsored;
    return false;
  });
  return bits;
}

std::string_view RefreshUrl(std::string_view content) {
  size_t i = 0;
  const auto skip_space = [&] {
    while (i < content.size() && IsAsciiSpace(content[i])) ++i;
  };
  skip_space();
  const size_t time = i;
  while (i < content.size() && web::IsDigit(content[i])) ++i;
  if (i == time && (i == content.size() || content[i] != '.')) return {};
  while (i < content.size() && (web::IsDigit(content[i]) || content[i] == '.')) ++i;
  if (i == content.size()) return {};
  if (content[i] != ';' && content[i] != ',' && !IsAsciiSpace(content[i])) return {};
  skip_space();
  if (i < content.size() && (content[i] == ';' || content[i] == ',')) ++i;
  skip_space();
  std::string_view url = content.substr(i);
  if (web::StartsWithIgnoringCase(url, "url")) {
    size_t p = 3;
    while (p < url.size() && IsAsciiSpace(url[p])) ++p;
    if (p < url.size() && url[p] == '=') {
      ++p;
      while (p < url.size() && IsAsciiSpace(url[p])) ++p;
      url.remove_prefix(p);
    }
  }
  if (!url.empty() && (url[0] == '"' || url[0] == '\'')) {
    const char quote = url[0];
    url.remove_prefix(1);
    url = url.substr(0, url.find(quote));
  }
  return url;
}

}  // namespace crawld::parser
