// ParsedPage: what the pipeline wants from a page, whichever engine read it.
//
// Plain values, no foreign types; may be moved between threads. Every string is valid UTF-8 and
// bounded by ParseOptions (parser/html_parser.h). The same bytes give the same page, always.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "web/robots_directives.h"
#include "web/url.h"

namespace crawld::parser {

// Why a body has no meaning to us. The enumerator's name in snake case is the metric label. None is
// worth a retry: the same bytes fail again.
enum class ParseError : uint8_t {
  kTooLarge,         // the body exceeds ParseOptions::max_input_bytes
  kUnknownCoding,    // Content-Encoding names a coding that we do not know
  kTooManyCodings,   // Content-Encoding names more codings than DecodeLimits::max_codings
  kNotASitemap,      // neither urlset, sitemapindex, RSS, Atom nor a list of URLs
  kForbiddenMarkup,  // XML that declares entities or attributes: never legitimate in a sitemap
};

std::string_view Name(ParseError error);

// Where a link came from: an element, or a <link> with that rel, or <meta http-equiv=refresh>. The
// last four are what a page is made of (ParseOptions::want_resources):
//   kImage   img, input type=image: src, srcset, and data-src and its like, which scripts load from
//            later; picture > source srcset; video poster; link rel=icon
//   kScript  script src, link rel=modulepreload
//   kStyle   link rel=stylesheet
//   kMedia   audio, video, source, track and embed src; object data
enum class LinkKind : uint8_t {
  kA,
  kArea,
  kIframe,
  kFrame,
  kCanonical,
  kAlternate,
  kNext,
  kPrev,
  kAmphtml,
  kShortlink,
  kRefresh,
  kImage,
  kScript,
  kStyle,
  kMedia,
};

// "a", "canonical", ...
std::string_view Name(LinkKind kind);

constexpr uint16_t KindBit(LinkKind kind) {
  return static_cast<uint16_t>(1U << static_cast<unsigned>(kind));
}

inline constexpr uint16_t kResourceKinds = KindBit(LinkKind::kImage) | KindBit(LinkKind::kScript) |
                                           KindBit(LinkKind::kStyle) | KindBit(LinkKind::kMedia);

// What a rel says about the link that has it; a set of bits.
inline constexpr uint8_t kRelNofollow = 1;
inline constexpr uint8_t kRelUgc = 2;
inline constexpr uint8_t kRelSponsored = 4;
inline constexpr uint8_t kRelAll = kRelNofollow | kRelUgc | kRelSponsored;

// One URL a page links to, however often and from whatever elements.
struct Link {
  web::Url url;                  // http or https, without fragment
  LinkKind kind = LinkKind::kA;  // where it stood first
  uint16_t kinds = 0;            // KindBit() of every kind it occurred as
  uint8_t rels = 0;              // bit n: it occurred with the set n of kRel* bits

  // Whether each occurrence has a rel that is in `honoured`, a set of kRel* bits.
  bool IsWithheld(uint8_t honoured) const;
};

struct Heading {
  int level = 0;  // 1..6
  std::string text;

  friend bool operator==(const Heading&, const Heading&) = default;
};

struct ParsedPage {
  std::string title;             // blanks collapsed, as the other texts
  std::string description;       // <meta name=description>
  std::string language;          // <html lang>, as written
  web::RobotsDirectives robots;  // every <meta> that is named robots, or as ParseOptions says
  std::string canonical;  // href of the first usable rel=canonical, absolute; empty when absent
  std::vector<Heading> headings;  // one that stands in another is part of that
  std::string text;  // only with ParseOptions::want_text: what a reader sees, blocks on own lines

  // In document order; a URL occurs once, where it was first seen. (Where formatting elements
  // overlap, <b><p></b>, that is the order of the source or of the tree; see html_scanner.h.)
  std::vector<Link> links;
  size_t links_bad = 0;         // references that are no URLs; each time they occur
  size_t links_dropped = 0;     // distinct links beyond ParseOptions::max_links
  size_t headings_dropped = 0;  // beyond ParseOptions::max_headings

  web::Url base_url;               // what references were resolved against
  std::string encoding;            // WHATWG name, lower case: "utf-8", "windows-1252"
  std::string_view encoding_from;  // how it was found: "bom", "header", "meta", "detected", ...

  bool truncated_input = false;   // HtmlGuard left tags out: nesting or attributes beyond reason
  bool truncated_tree = false;    // the memory limit ended the parse: the page has what came before
  bool truncated_text = false;    // max_text_bytes cut `text`
  bool truncated_titles = false;  // max_title_bytes cut title, description or a heading
};

}  // namespace crawld::parser
