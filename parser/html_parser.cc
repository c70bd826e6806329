#include "parser/html_parser.h"

#include <gumbo.h>
#include <algorithm>

#include <string>
#include <utility>
#include <vector>

#include "parser/charset.h"
#include "parser/html_guard.h"
#include "parser/html_scanner.h"
#include "parser/microsyntaxes.h"
#include "parser/page_collector.h"
#include "parser/tree_builder.h"
#include "web/ascii.h"

namespace crawld::parser {
namespace {

constexpr size_t kKeptText = size_t{1} << 20;  // of each buffer, between pages

std::string_view View(const char* text) { return text == nullptr ? std::string_view() : text; }

const char* ValueOf(const GumboElement& element, const char* name) {
  const GumboAttribute* const found = gumbo_get_attribute(&element.attributes, name);
  return found == nullptr ? nullptr : found->value;
}

AttributeValues ValuesOf(const GumboElement& element) {
  AttributeValues values;
  for (unsigned i = 0; i < element.attributes.length; ++i) {
    const auto* const attribute = static_cast<const GumboAttribute*>(element.attributes.data[i]);
    if (attribute->attr_namespace != GUMBO_ATTR_NAMESPACE_NONE) continue;
    const std::string_view name = attribute->name;
    for (size_t known = 0; known < kAttributeNames.size(); ++known) {
      if (name == kAttributeNames[known]) {
        values.Set(static_cast<Attribute>(known), attribute->value);
      }
    }
  }
  return values;
}

// Elements whose text stands on lines of its own.
bool IsBlock(GumboTag tag) {
  switch (static_cast<int>(tag)) {
    case GUMBO_TAG_A:
    case GUMBO_TAG_ABBR:
    case GUMBO_TAG_B:
    case GUMBO_TAG_BDI:
    case GUMBO_TAG_BDO:
    case GUMBO_TAG_BIG:
    case GUMBO_TAG_CITE:
    case GUMBO_TAG_CODE:
    case GUMBO_TAG_DATA:
    case GUMBO_TAG_DEL:
    case GUMBO_TAG_DFN:
    case GUMBO_TAG_EM:
    case GUMBO_TAG_FONT:
    case GUMBO_TAG_I:
    case GUMBO_TAG_INS:
    case GUMBO_TAG_KBD:
    case GUMBO_TAG_LABEL:
    case GUMBO_TAG_MARK:
    case GUMBO_TAG_NOBR:
    case GUMBO_TAG_Q:
    case GUMBO_TAG_S:
    case GUMBO_TAG_SAMP:
    case GUMBO_TAG_SMALL:
    case GUMBO_TAG_SPAN:
    case GUMBO_TAG_STRIKE:
    case GUMBO_TAG_STRONG:
    case GUMBO_TAG_SUB:
    case GUMBO_TAG_SUP:
    case GUMBO_TAG_TIME:
    case GUMBO_TAG_TT:
    case GUMBO_TAG_U:
    case GUMBO_TAG_VAR:
    case GUMBO_TAG_WBR:
    case GUMBO_TAG_IMG:
    case GUMBO_TAG_UNKNOWN:
      return false;
    default:
      return true;
  }
}

// Elements whose text nobody reads.
bool IsSilent(GumboTag tag) {
  switch (static_cast<int>(tag)) {
    case GUMBO_TAG_SCRIPT:
    case GUMBO_TAG_STYLE:
    case GUMBO_TAG_TITLE:
    case GUMBO_TAG_NOFRAMES:
    case GUMBO_TAG_NOEMBED:
    case GUMBO_TAG_IFRAME:
    case GUMBO_TAG_TEXTAREA:
    case GUMBO_TAG_OPTION:
    case GUMBO_TAG_OPTGROUP:
      return true;
    default:
      return false;
  }
}

// Walks a tree once, in document order and without recursion, and tells the collector of it.
class TreeReader {
 public:
  explicit TreeReader(const ParseOptions& options, PageCollector& collector)
      : options_(options), collector_(collector) {}

  void Read(const GumboNode* document);

 private:
  // A place in the walk: a node's children, and which of them is next.
  struct Frame {
    const GumboNode* node;
    const GumboVector* children;
    unsigned next;
  };

  void Enter(const GumboNode* node);
  void Leave(const GumboNode* node);
  void Resources(const GumboElement& element);

  const ParseOptions& options_;
  PageCollector& collector_;
  std::vector<Frame> stack_;
  const GumboNode* title_ = nullptr;    // the one whose text is the page's title
  const GumboNode* heading_ = nullptr;  // the one whose text is read
  int silent_ = 0;
};

void TreeReader::Read(const GumboNode* document) {
  stack_.push_back({document, &document->v.document.children, 0});
  while (!stack_.empty()) {
    Frame& frame = stack_.back();
    if (frame.next == frame.children->length) {
      Leave(frame.node);
      stack_.pop_back();
      continue;
    }
    const auto* const node = static_cast<const GumboNode*>(frame.children->data[frame.next++]);
    switch (node->type) {
      case GUMBO_NODE_ELEMENT:
        Enter(node);
        if (node->v.element.children.length > 0) {
          stack_.push_back({node, &node->v.element.children, 0});
        } else {
          Leave(node);
        }
        break;
      case GUMBO_NODE_TEXT:
      case GUMBO_NODE_WHITESPACE:
      case GUMBO_NODE_CDATA:
        if (collector_.wants_text()) collector_.Text(node->v.text.text, silent_ == 0);
        break;
      case GUMBO_NODE_TEMPLATE:  // its content is no part of the document
      case GUMBO_NODE_COMMENT:
      case GUMBO_NODE_DOCUMENT:
        break;
    }
  }
}

void TreeReader::Enter(const GumboNode* node) {
  const GumboElement& element = node->v.element;
  if (element.tag_namespace != GUMBO_NAMESPACE_HTML) return;
  const GumboTag tag = element.tag;
  if (options_.want_text) {
    if (IsSilent(tag)) ++silent_;
    if (IsBlock(tag)) collector_.BreakText();
  }
  switch (static_cast<int>(tag)) {
    case GUMBO_TAG_A:
      collector_.Anchor(ValuesOf(element), LinkKind::kA);
      break;
    case GUMBO_TAG_AREA:
      collector_.Anchor(ValuesOf(element), LinkKind::kArea);
      break;
    case GUMBO_TAG_LINK:
      collector_.LinkElement(ValuesOf(element));
      break;
    case GUMBO_TAG_IFRAME:
      collector_.Frame(ValuesOf(element), LinkKind::kIframe);
      break;
    case GUMBO_TAG_FRAME:
      collector_.Frame(ValuesOf(element), LinkKind::kFrame);
      break;
    case GUMBO_TAG_BASE:
      collector_.Base(ValuesOf(element));
      break;
    case GUMBO_TAG_META:
      collector_.Meta(ValuesOf(element));
      break;
    case GUMBO_TAG_HTML:
      collector_.Html(ValuesOf(element));
      break;
    case GUMBO_TAG_TITLE:
      if (collector_.BeginTitle()) title_ = node;
      break;
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
      if (collector_.BeginHeading(tag - GUMBO_TAG_H1 + 1)) heading_ = node;
      break;
    default:
      if (options_.want_resources) Resources(element);
      break;
  }
}

void TreeReader::Resources(const GumboElement& element) {
  const auto add = [&](const char* text, LinkKind kind) { collector_.Resource(View(text), kind); };
  const auto add_set = [&](const char* srcset) {
    EachInSrcset(View(srcset),
                 [&](std::string_view url) { collector_.Resource(url, LinkKind::kImage); });
  };
  const auto value = [&](const char* name) { return ValueOf(element, name); };
  switch (static_cast<int>(element.tag)) {
    case GUMBO_TAG_IMG:
      add(value("src"), LinkKind::kImage);
      add_set(value("srcset"));
      for (const char* const name : {"data-src", "data-original", "data-lazy", "data-lazy-src"}) {
        add(value(name), LinkKind::kImage);
      }
      for (const char* const name : {"data-srcset", "data-lazy-srcset"}) add_set(value(name));
      break;
    case GUMBO_TAG_INPUT:
      if (web::EqualIgnoringCase(View(value("type")), "image")) add(value("src"), LinkKind::kImage);
      break;
    case GUMBO_TAG_SCRIPT:
      add(value("src"), LinkKind::kScript);
      break;
    case GUMBO_TAG_VIDEO:
      add(value("src"), LinkKind::kMedia);
      add(value("poster"), LinkKind::kImage);
      break;
    case GUMBO_TAG_SOURCE:  // of a <picture> by srcset, of <audio> and <video> by src
      add(value("src"), LinkKind::kMedia);
      add_set(value("srcset"));
      add_set(value("data-srcset"));
      break;
    case GUMBO_TAG_AUDIO:
    case GUMBO_TAG_EMBED:
    case GUMBO_TAG_TRACK:
      add(value("src"), LinkKind::kMedia);
      break;
    case GUMBO_TAG_OBJECT:
      add(value("data"), LinkKind::kMedia);
      break;
    default:
      break;
  }
}

void TreeReader::Leave(const GumboNode* node) {
  if (node == title_) collector_.EndTitle();
  if (node == heading_) collector_.EndHeading();
  if (!options_.want_text || node->type != GUMBO_NODE_ELEMENT ||
      node->v.element.tag_namespace != GUMBO_NAMESPACE_HTML) {
    return;
  }
  if (IsSilent(node->v.element.tag)) --silent_;
  if (IsBlock(node->v.element.tag)) collector_.BreakText();
}

}  // namespace

// What is reused from page to page.
struct HtmlParser::Impl {
  TreeBuilder builder;
  PageCollector collector;
  std::string decoded;
  std::string guarded;
  std::string references;  // those of the scanner
};

HtmlParser::HtmlParser() : impl_(std::make_unique<Impl>()) {}
HtmlParser::~HtmlParser() = default;

size_t HtmlParser::arena_bytes() const { return impl_->builder.held(); }

Result<ParsedPage, ParseError> HtmlParser::Parse(std::string_view bytes,
                                                 std::string_view header_charset,
                                                 const web::Url& url, const ParseOptions& options) {
  if (bytes.size() > options.max_input_bytes) return Err(ParseError::kTooLarge);
  if (impl_->decoded.capacity() > kKeptText) std::string().swap(impl_->decoded);
  const Charset charset = DetermineCharset(bytes, header_charset);
  const std::string_view html =
      DecodeToUtf8(bytes.substr(charset.bom_bytes), charset.name, impl_->decoded);
  return ParseDecoded(html, charset.name, Name(charset.source), url, options);
}

Result<ParsedPage, ParseError> HtmlParser::ParseUtf8(std::string_view html, const web::Url& url,
                                                     const ParseOptions& options) {
  return ParseDecoded(html, "utf-8", "utf8", url, options);
}

Result<ParsedPage, ParseError> HtmlParser::ParseDecoded(std::string_view html,
                                                        std::string_view encoding,
                                                        std::string_view encoding_from,
                                                        const web::Url& url,
                                                        const ParseOptions& options) {
  if (html.size() > options.max_input_bytes) return Err(ParseError::kTooLarge);
  Impl& impl = *impl_;
  ParsedPage page;
  const bool scanned = options.scan && !options.want_text && !options.want_resources &&
                       Scan(html, encoding, options);
  if (scanned) {
    impl.collector.Finish(url, page);
  } else {
    if (impl.guarded.capacity() > kKeptText) std::string().swap(impl.guarded);
    const GuardResult guarded = GuardHtml(
        html, options.max_guard_work + options.guard_work_per_byte * html.size(), impl.guarded);
    const Tree tree = impl.builder.Build(
        guarded.html,
        std::min(options.arena_base_bytes + options.arena_bytes_per_input * html.size(),
                 options.max_arena_bytes));
    impl.collector.Begin(options, encoding);
    if (tree.document != nullptr) TreeReader(options, impl.collector).Read(tree.document);
    impl.collector.Finish(url, page);
    page.truncated_input = guarded.changed;
    page.truncated_tree = !tree.complete;
  }
  page.encoding = encoding;
  page.encoding_from = encoding_from;
  return page;
}

bool HtmlParser::Scan(std::string_view html, std::string_view encoding,
                      const ParseOptions& options) {
  if (impl_->references.capacity() > kKeptText) std::string().swap(impl_->references);
  impl_->collector.Begin(options, encoding);
  return ScanHtml(html, impl_->references, impl_->collector);
}

}  // namespace crawld::parser
