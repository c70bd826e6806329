#include "parser/parsed_page.h"

namespace crawld::parser {

std::string_view Name(ParseError error) {
  switch (error) {
    case ParseError::kTooLarge:
      return "too_large";
    case ParseError::kUnknownCoding:
      return "unknown_coding";
    case ParseError::kTooManyCodings:
      return "too_many_codings";
    case ParseError::kNotASitemap:
      return "not_a_sitemap";
    case ParseError::kForbiddenMarkup:
      return "forbidden_markup";
  }
  return "unknown";
}

std::string_view Name(LinkKind kind) {
  switch (kind) {
    case LinkKind::kA:
      return "a";
    case LinkKind::kArea:
      return "area";
    case LinkKind::kIframe:
      return "iframe";
    case LinkKind::kFrame:
      return "frame";
    case LinkKind::kCanonical:
      return "canonical";
    case LinkKind::kAlternate:
      return "alternate";
    case LinkKind::kNext:
      return "next";
    case LinkKind::kPrev:
      return "prev";
    case LinkKind::kAmphtml:
      return "amphtml";
    case LinkKind::kShortlink:
      return "shortlink";
    case LinkKind::kRefresh:
      return "refresh";
    case LinkKind::kImage:
      return "image";
    case LinkKind::kScript:
      return "script";
    case LinkKind::kStyle:
      return "style";
    case LinkKind::kMedia:
      return "media";
  }
  return "unknown";
}

bool Link::IsWithheld(uint8_t honoured) const {
  for (unsigned set = 0; set <= kRelAll; ++set) {
    if ((rels >> set & 1) != 0 && (set & honoured) == 0) return false;
  }
  return honoured != 0;
}

}  // namespace crawld::parser
