// PageCollector: makes a ParsedPage of a page's elements, whoever reads them.
//
// There are two readers: the walk over gumbo's tree (html_parser.cc) and the scanner that needs no
// tree (html_scanner.h). Either tells the collector, in document order, of the elements that carry
// links, metadata or text; what they mean is decided here, once.
//
// One per worker thread, its memory is reused from page to page. Not thread safe. O(what it is
// told), with a hash look-up for each reference.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "parser/parse_options.h"
#include "parser/parsed_page.h"
#include "web/url.h"

namespace crawld::parser {

// The attributes that any element is asked for.
enum class Attribute : uint8_t { kHref, kRel, kSrc, kName, kContent, kHttpEquiv, kLang };

inline constexpr std::array<std::string_view, 7> kAttributeNames = {
    "href", "rel", "src", "name", "content", "http-equiv", "lang"};

// Those of one element. A value is absent, or text with its character references replaced.
class AttributeValues {
 public:
  bool Has(Attribute attribute) const { return (*this)[attribute].data() != nullptr; }
  std::string_view operator[](Attribute attribute) const {
    return values_[static_cast<size_t>(attribute)];
  }
  // `value` is not absent: it points somewhere, even when it is empty.
  void Set(Attribute attribute, std::string_view value) {
    values_[static_cast<size_t>(attribute)] = value;
  }
  void Clear() { values_ = {}; }

 private:
  std::array<std::string_view, kAttributeNames.size()> values_ = {};
};

// A map from 64-bit hashes to indexes that is emptied in O(used) and keeps its memory.
class HashIndex {
 public:
  static constexpr uint32_t kNone = 0xffffffff;

  void Clear();
  // The index stored for the hash; stores `index` and returns kNone if there was none.
  uint32_t FindOrInsert(uint64_t hash, uint32_t index);
  // kNone if there is none.
  uint32_t Find(uint64_t hash) const;

 private:
  struct Slot {
    uint64_t hash = 0;  // 0: free
    uint32_t index = 0;
  };

  void Grow();

  std::vector<Slot> slots_;
  size_t used_ = 0;
};

class PageCollector {
 public:
  // Forgets everything it was told. `encoding` is what the page came in: a link's query is written
  // in it. Both arguments must outlive Finish().
  void Begin(const ParseOptions& options, std::string_view encoding);

  // Elements. Whatever they are told must live until Finish().
  void Html(const AttributeValues& values);
  void Base(const AttributeValues& values);
  void Meta(const AttributeValues& values);
  void LinkElement(const AttributeValues& values);
  void Anchor(const AttributeValues& values, LinkKind kind);  // kA, kArea
  void Frame(const AttributeValues& values, LinkKind kind);   // kIframe, kFrame
  void Resource(std::string_view reference, LinkKind kind);   // nothing when empty

  // Text between these is the title's, or the heading's, beside whatever else it is. False: it
  // stands in another one, or no more are wanted; there is nothing to end then.
  bool BeginTitle();
  void EndTitle() { in_title_ = false; }
  bool BeginHeading(int level);
  void EndHeading() { in_heading_ = false; }

  // `visible`: a reader sees it. Copied where it is wanted.
  void Text(std::string_view text, bool visible);
  bool wants_text() const { return in_title_ || in_heading_ || options_->want_text; }
  // The text that follows stands on a line of its own.
  void BreakText();

  // The page. Its references are resolved now, because <base> may come late.
  void Finish(const web::Url& url, ParsedPage& page);

 private:
  // A reference as it stands in the page.
  struct Reference {
    std::string_view text;
    LinkKind kind;
    uint8_t rel;  // kRel* bits
  };

  void Resolve(const Reference& reference);
  std::string_view EncodedQuery(std::string_view reference);
  // The link at `index` once more: it is of this kind as well.
  void Merge(const Reference& reference, uint32_t index);

  const ParseOptions* options_ = nullptr;
  std::string_view query_encoding_;  // empty: UTF-8
  ParsedPage page_;
  std::vector<Reference> references_;
  std::string_view base_;  // the first <base href>; absent when there is none
  bool in_title_ = false;
  bool have_title_ = false;
  bool title_full_ = false;
  bool have_description_ = false;
  bool description_full_ = false;
  bool in_heading_ = false;
  bool heading_full_ = false;
  bool text_full_ = false;
  size_t link_bytes_ = 0;
  std::string encoded_reference_;
  HashIndex seen_texts_;  // of a reference's text: its link
  HashIndex seen_urls_;   // of a URL: its link
};

}  // namespace crawld::parser
