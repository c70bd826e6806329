#include "parser/html_parser.h"

#include <gumbo.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "parser/charset.h"
#include "parser/html_guard.h"
#include "parser/html_skeleton.h"
#include "parser/tree_builder.h"
#include "web/url_bytes.h"
#include "web/url_key.h"
#include "web/utf8.h"

namespace crawld::parser {
namespace {

constexpr size_t kKeptText = size_t{1} << 20;  // of each buffer, between pages

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f'; }

bool EqualIgnoringCase(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(),
                    [](char a, char b) { return web::AsciiLower(a) == b; });
}

// gumbo lets a numeric character reference overflow ("&#99999999999;") into bytes that are no
// UTF-8.
std::string_view Valid(std::string_view text, std::string& storage) {
  if (web::IsValidUtf8(text)) return text;
  storage = web::ReplaceInvalidUtf8(text);
  return storage;
}

// Cuts at a character's boundary.
std::string_view Cut(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

// Appends with runs of blanks made one space, none at the beginning. False when `limit` cut it.
bool AppendCollapsed(std::string_view text, size_t limit, std::string& out) {
  bool blank = out.empty() || out.back() == '\n';
  for (size_t i = 0; i < text.size();) {
    if (IsSpace(text[i])) {
      ++i;
      if (!blank && !out.ends_with(' ')) out += ' ';
      continue;
    }
    size_t end = i;
    while (end < text.size() && !IsSpace(text[end])) ++end;
    if (out.size() + (end - i) > limit) {
      out += Cut(text.substr(i, end - i), limit - std::min(limit, out.size()));
      return false;
    }
    out += text.substr(i, end - i);
    blank = false;
    i = end;
  }
  return true;
}

void TrimEnd(std::string& text) {
  while (!text.empty() && IsSpace(text.back())) text.pop_back();
}

std::string Collapsed(std::string_view text, size_t limit) {
  std::string out;
  AppendCollapsed(text, limit, out);
  TrimEnd(out);
  return out;
}

bool SameName(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return web::AsciiLower(x) == web::AsciiLower(y); });
}

// Calls `visit` with each blank-separated word, until it returns true.
template <typename Visit>
bool AnyWord(std::string_view text, Visit visit) {
  for (size_t i = 0; i < text.size();) {
    if (IsSpace(text[i])) {
      ++i;
      continue;
    }
    size_t end = i;
    while (end < text.size() && !IsSpace(text[end])) ++end;
    if (visit(text.substr(i, end - i))) return true;
    i = end;
  }
  return false;
}

std::optional<LinkKind> KindOfRel(std::string_view rel) {
  constexpr std::array<std::pair<std::string_view, LinkKind>, 6> kRels = {{
      {"canonical", LinkKind::kCanonical},
      {"alternate", LinkKind::kAlternate},
      {"next", LinkKind::kNext},
      {"prev", LinkKind::kPrev},
      {"amphtml", LinkKind::kAmphtml},
      {"shortlink", LinkKind::kShortlink},
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

// The kRel* bits of a rel.
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

// The resource a <link> with this rel brings.
std::optional<LinkKind> ResourceOfRel(std::string_view rel) {
  std::optional<LinkKind> kind;
  AnyWord(rel, [&](std::string_view word) {
    if (EqualIgnoringCase(word, "stylesheet")) kind = LinkKind::kStyle;
    if (EqualIgnoringCase(word, "icon") || EqualIgnoringCase(word, "apple-touch-icon")) {
      kind = LinkKind::kImage;
    }
    if (EqualIgnoringCase(word, "modulepreload")) kind = LinkKind::kScript;
    return kind.has_value();
  });
  return kind;
}

// HTML Standard 4.8.4.2.2 "parsing a srcset attribute": calls `visit` with each URL.
template <typename Visit>
void EachInSrcset(std::string_view srcset, Visit visit) {
  size_t i = 0;
  while (true) {
    while (i < srcset.size() && (IsSpace(srcset[i]) || srcset[i] == ',')) ++i;
    if (i == srcset.size()) return;
    size_t end = i;
    while (end < srcset.size() && !IsSpace(srcset[end])) ++end;
    std::string_view url = srcset.substr(i, end - i);
    i = end;
    const bool bare = url.ends_with(',');
    while (url.ends_with(',')) url.remove_suffix(1);
    visit(url);
    if (bare) continue;
    // Descriptors, up to a comma that is in no parentheses.
    bool in_parens = false;
    while (i < srcset.size() && (in_parens || srcset[i] != ',')) {
      if (srcset[i] == '(') in_parens = true;
      if (srcset[i] == ')') in_parens = false;
      ++i;
    }
  }
}

// HTML Standard, "shared declarative refresh steps": "5; url='x'". Empty when there is no URL.
std::string_view RefreshUrl(std::string_view content) {
  size_t i = 0;
  const auto skip_space = [&] {
    while (i < content.size() && IsSpace(content[i])) ++i;
  };
  skip_space();
  const size_t time = i;
  while (i < content.size() && web::IsDigit(content[i])) ++i;
  if (i == time && (i == content.size() || content[i] != '.')) return {};
  while (i < content.size() && (web::IsDigit(content[i]) || content[i] == '.')) ++i;
  if (i == content.size()) return {};
  if (content[i] != ';' && content[i] != ',' && !IsSpace(content[i])) return {};
  skip_space();
  if (i < content.size() && (content[i] == ';' || content[i] == ',')) ++i;
  skip_space();
  std::string_view url = content.substr(i);
  if (url.size() >= 3 && EqualIgnoringCase(url.substr(0, 3), "url")) {
    size_t p = 3;
    while (p < url.size() && IsSpace(url[p])) ++p;
    if (p < url.size() && url[p] == '=') {
      ++p;
      while (p < url.size() && IsSpace(url[p])) ++p;
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

// The attributes that any of our elements asks for, found in one pass.
struct Attributes {
  const char* href = nullptr;
  const char* src = nullptr;
  const char* rel = nullptr;
  const char* name = nullptr;
  const char* content = nullptr;
  const char* http_equiv = nullptr;
  const char* lang = nullptr;

  explicit Attributes(const GumboElement& element) {
    for (unsigned i = 0; i < element.attributes.length; ++i) {
      const auto* const attribute = static_cast<const GumboAttribute*>(element.attributes.data[i]);
      if (attribute->attr_namespace != GUMBO_ATTR_NAMESPACE_NONE) continue;
      const std::string_view key = attribute->name;
      if (key == "href") {
        href = attribute->value;
      } else if (key == "src") {
        src = attribute->value;
      } else if (key == "rel") {
        rel = attribute->value;
      } else if (key == "name") {
        name = attribute->value;
      } else if (key == "content") {
        content = attribute->value;
      } else if (key == "http-equiv") {
        http_equiv = attribute->value;
      } else if (key == "lang") {
        lang = attribute->value;
      }
    }
  }
};

std::string_view View(const char* text) { return text == nullptr ? std::string_view() : text; }

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

// A map from 64-bit hashes to indexes that is emptied in O(used) and keeps its memory.
class HashIndex {
 public:
  static constexpr uint32_t kNone = 0xffffffff;

  void Clear() {
    if (used_ > 0) std::fill(slots_.begin(), slots_.end(), Slot{});
    if (slots_.size() > kKeptSlots) {
      slots_.resize(kKeptSlots);
      slots_.shrink_to_fit();
    }
    used_ = 0;
  }

  // The index stored for the hash; stores `index` and returns kNone if there was none.
  uint32_t FindOrInsert(uint64_t hash, uint32_t index) {
    if (hash == 0) hash = 1;
    if ((used_ + 1) * 2 > slots_.size()) Grow();
    size_t slot = hash & (slots_.size() - 1);
    while (slots_[slot].hash != 0) {
      if (slots_[slot].hash == hash) return slots_[slot].index;
      slot = (slot + 1) & (slots_.size() - 1);
    }
    slots_[slot] = {hash, index};
    ++used_;
    return kNone;
  }

  uint32_t Find(uint64_t hash) const {
    if (used_ == 0) return kNone;
    if (hash == 0) hash = 1;
    size_t slot = hash & (slots_.size() - 1);
    while (slots_[slot].hash != 0 && slots_[slot].hash != hash) {
      slot = (slot + 1) & (slots_.size() - 1);
    }
    return slots_[slot].hash == hash ? slots_[slot].index : kNone;
  }

 private:
  struct Slot {
    uint64_t hash = 0;  // 0: free
    uint32_t index = 0;
  };
  static constexpr size_t kKeptSlots = 4096;

  void Grow() {
    std::vector<Slot> old(std::max<size_t>(1024, slots_.size() * 2));
    old.swap(slots_);
    used_ = 0;
    for (const Slot& slot : old) {
      if (slot.hash != 0) FindOrInsert(slot.hash, slot.index);
    }
  }

  std::vector<Slot> slots_;
  size_t used_ = 0;
};

// A page must not know which links fall on one place of a HashIndex.
const uint64_t process_seed = web::RandomSeed();

// A link beyond max_links.
constexpr uint32_t kDropped = 0xfffffffe;

// A reference as it stands in the tree.
struct Reference {
  std::string_view text;
  LinkKind kind;
  uint8_t rel;  // kRel* bits
};

// A place in the walk: a node's children, and which of them is next.
struct Frame {
  const GumboNode* node;
  const GumboVector* children;
  unsigned next;
};

// What is reused from page to page.
struct Memory {
  TreeBuilder builder;
  std::string decoded;
  SkeletonStorage skeleton;
  std::string guarded;
  std::vector<Frame> stack;
  std::vector<Reference> references;
  std::string encoded_reference;
  HashIndex seen_texts;  // of a reference's text: its link
  HashIndex seen_urls;   // of a URL: its link
};

// Walks the tree once, in document order and without recursion, and fills the page. References are
// resolved afterwards, because <base> may come late.
class Extractor {
 public:
  // `encoding`: what queries are written in, empty for UTF-8.
  Extractor(Memory& memory, const ParseOptions& options, std::string_view encoding,
            ParsedPage& page)
      : memory_(memory), options_(options), encoding_(encoding), page_(page) {}

  void Run(const GumboNode* document, const web::Url& url);

 private:
  void Walk(const GumboNode* document);
  void Enter(const GumboNode* node);
  void Leave(const GumboNode& node);
  void Text(const GumboNode* node);
  void Meta(const Attributes& attributes);
  void Resources(const GumboElement& element);
  void Break();
  void Resolve(const Reference& reference);
  std::string_view EncodedQuery(std::string_view reference);
  // The link at `index` once more: it is of this kind as well.
  void Merge(const Reference& reference, uint32_t index);

  Memory& memory_;
  const ParseOptions& options_;
  const std::string_view encoding_;
  ParsedPage& page_;
  const char* base_ = nullptr;
  const GumboNode* in_title_ = nullptr;
  bool have_title_ = false;
  bool have_description_ = false;
  const GumboNode* in_heading_ = nullptr;
  int silent_ = 0;
  bool text_full_ = false;
  size_t link_bytes_ = 0;
};

void Extractor::Run(const GumboNode* document, const web::Url& url) {
  page_.base_url = url;
  page_.base_url.DropFragment();
  if (document != nullptr) Walk(document);
  if (base_ != nullptr) {
    // HTML Standard, "frozen base URL": the first base element with an href counts, if it is
    // usable.
    auto base = web::Url::Parse(base_, url);
    if (base && base->scheme() != "data" && base->scheme() != "javascript") {
      page_.base_url = std::move(*base);
      page_.base_url.DropFragment();
    }
  }
  TrimEnd(page_.title);
  for (Heading& heading : page_.headings) TrimEnd(heading.text);
  TrimEnd(page_.text);
  memory_.seen_texts.Clear();
  memory_.seen_urls.Clear();
  page_.links.reserve(std::min<size_t>(memory_.references.size(), 256));
  for (const Reference& reference : memory_.references) Resolve(reference);
}

void Extractor::Walk(const GumboNode* document) {
  auto& stack = memory_.stack;
  stack.clear();
  stack.push_back({document, &document->v.document.children, 0});
  while (!stack.empty()) {
    Frame& frame = stack.back();
    if (frame.next == frame.children->length) {
      Leave(*frame.node);
      stack.pop_back();
      continue;
    }
    const auto* const node = static_cast<const GumboNode*>(frame.children->data[frame.next++]);
    switch (node->type) {
      case GUMBO_NODE_ELEMENT:
        Enter(node);
        if (node->v.element.children.length > 0) {
          stack.push_back({node, &node->v.element.children, 0});
        } else {
          Leave(*node);
        }
        break;
      case GUMBO_NODE_TEXT:
      case GUMBO_NODE_WHITESPACE:
      case GUMBO_NODE_CDATA:
        Text(node);
        break;
      case GUMBO_NODE_TEMPLATE:  // its content is no part of the document
      case GUMBO_NODE_COMMENT:
      case GUMBO_NODE_DOCUMENT:
        break;
    }
  }
}

void Extractor::Enter(const GumboNode* node) {
  const GumboElement& element = node->v.element;
  if (element.tag_namespace != GUMBO_NAMESPACE_HTML) return;
  const GumboTag tag = element.tag;
  if (options_.want_text) {
    if (IsSilent(tag)) ++silent_;
    if (IsBlock(tag)) Break();
  }
  switch (static_cast<int>(tag)) {
    case GUMBO_TAG_A:
    case GUMBO_TAG_AREA: {
      const Attributes attributes(element);
      if (attributes.href == nullptr) break;
      memory_.references.push_back({attributes.href,
                                    tag == GUMBO_TAG_A ? LinkKind::kA : LinkKind::kArea,
                                    RelBits(View(attributes.rel))});
      break;
    }
    case GUMBO_TAG_LINK: {
      const Attributes attributes(element);
      if (View(attributes.href).empty()) break;
      const std::string_view rel = View(attributes.rel);
      if (const auto kind = KindOfRel(rel)) {
        memory_.references.push_back({attributes.href, *kind, RelBits(rel)});
      }
      if (!options_.want_resources) break;
      if (const auto kind = ResourceOfRel(rel)) {
        memory_.references.push_back({attributes.href, *kind, 0});
      }
      break;
    }
    case GUMBO_TAG_IFRAME:
    case GUMBO_TAG_FRAME: {
      const Attributes attributes(element);
      if (View(attributes.src).empty()) break;
      memory_.references.push_back(
          {attributes.src, tag == GUMBO_TAG_FRAME ? LinkKind::kFrame : LinkKind::kIframe, 0});
      break;
    }
    case GUMBO_TAG_BASE: {
      const Attributes attributes(element);
      if (base_ == nullptr) base_ = attributes.href;
      break;
    }
    case GUMBO_TAG_META:
      Meta(Attributes(element));
      break;
    case GUMBO_TAG_HTML: {
      std::string storage;
      page_.language = Cut(Valid(View(Attributes(element).lang), storage), 64);
      break;
    }
    case GUMBO_TAG_TITLE:
      if (!have_title_) in_title_ = node;
      break;
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
      if (options_.want_headings && in_heading_ == nullptr &&
          page_.headings.size() < options_.max_headings) {
        in_heading_ = node;
        page_.headings.push_back({tag - GUMBO_TAG_H1 + 1, {}});
      }
      break;
    default:
      if (options_.want_resources) Resources(element);
      break;
  }
}

void Extractor::Resources(const GumboElement& element) {
  const auto add = [&](const char* text, LinkKind kind) {
    if (!View(text).empty()) memory_.references.push_back({text, kind, 0});
  };
  const auto add_set = [&](const char* srcset) {
    EachInSrcset(View(srcset), [&](std::string_view url) {
      if (!url.empty()) memory_.references.push_back({url, LinkKind::kImage, 0});
    });
  };
  const auto value = [&](const char* name) -> const char* {
    const GumboAttribute* const found = gumbo_get_attribute(&element.attributes, name);
    return found == nullptr ? nullptr : found->value;
  };
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
      if (EqualIgnoringCase(View(value("type")), "image")) add(value("src"), LinkKind::kImage);
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

void Extractor::Leave(const GumboNode& node) {
  if (&node == in_title_) {
    in_title_ = nullptr;
    have_title_ = true;
  }
  if (&node == in_heading_) in_heading_ = nullptr;
  if (!options_.want_text || node.type != GUMBO_NODE_ELEMENT ||
      node.v.element.tag_namespace != GUMBO_NAMESPACE_HTML) {
    return;
  }
  if (IsSilent(node.v.element.tag)) --silent_;
  if (IsBlock(node.v.element.tag)) Break();
}

void Extractor::Text(const GumboNode* node) {
  if (in_title_ == nullptr && in_heading_ == nullptr && !options_.want_text) return;
  std::string storage;
  const std::string_view text = Valid(node->v.text.text, storage);
  if (in_title_ != nullptr) AppendCollapsed(text, options_.max_title_bytes, page_.title);
  if (in_heading_ != nullptr) {
    AppendCollapsed(text, options_.max_title_bytes, page_.headings.back().text);
  }
  if (options_.want_text && silent_ == 0 && !text_full_) {
    text_full_ = !AppendCollapsed(text, options_.max_text_bytes, page_.text);
    page_.truncated_text = text_full_;
  }
}

void Extractor::Break() {
  if (text_full_ || page_.text.empty() || page_.text.back() == '\n') return;
  TrimEnd(page_.text);
  if (!page_.text.empty()) page_.text += '\n';
}

void Extractor::Meta(const Attributes& attributes) {
  std::string storage;
  const std::string_view content = Valid(View(attributes.content), storage);
  const std::string_view name = View(attributes.name);
  if (EqualIgnoringCase(name, "description")) {
    if (!have_description_) page_.description = Collapsed(content, options_.max_title_bytes);
    have_description_ = true;
  } else if (EqualIgnoringCase(name, "robots") ||
             (!options_.robots_name.empty() && SameName(name, options_.robots_name))) {
    web::ReadRobotsMeta(content, page_.robots);
  } else if (EqualIgnoringCase(View(attributes.http_equiv), "refresh")) {
    // Not `content`: the reference must live as long as the tree.
    const std::string_view url = RefreshUrl(View(attributes.content));
    if (!url.empty() && options_.want_refresh) {
      memory_.references.push_back({url, LinkKind::kRefresh, 0});
    }
  }
}

void Extractor::Resolve(const Reference& reference) {
  std::string_view text = reference.text;
  // The URL parser would; here it keeps blanks from making a reference too long.
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= 0x20) text.remove_prefix(1);
  if (text.size() > options_.max_href_bytes) {
    ++page_.links_bad;
    return;
  }
  // The fragment is cut before parsing: "a.html#b" and "a.html#c" are one link and one parse. A
  // blank before '#' would be trimmed then, and is not.
  const size_t hash = text.find('#');
  const bool cut = hash != std::string_view::npos &&
                   (hash == 0 || static_cast<unsigned char>(text[hash - 1]) > 0x20);
  if (cut) text = text.substr(0, hash);
  // The same reference again is the same link again; most of a page's repeated links end here.
  // Canonical is asked for by name below, so it goes the long way.
  const bool wants_canonical = reference.kind == LinkKind::kCanonical && page_.canonical.empty();
  const uint64_t text_hash = web::HostHash(text, process_seed);
  if (const uint32_t known = memory_.seen_texts.Find(text_hash);
      known != HashIndex::kNone && !wants_canonical) {
    Merge(reference, known);
    return;
  }
  if (!encoding_.empty()) text = EncodedQuery(text);
  auto url = web::Url::Parse(text, page_.base_url);
  if (!url) {
    ++page_.links_bad;
    return;
  }
  if (!url->IsHttp()) return;
  url->DropFragment();
  url->DropCredentials();
  if (wants_canonical) page_.canonical = url->href();
  const bool full = page_.links.size() == options_.max_links ||
                    link_bytes_ + url->href().size() > options_.max_link_bytes;
  const uint32_t next = full ? kDropped : static_cast<uint32_t>(page_.links.size());
  const uint32_t known =
      memory_.seen_urls.FindOrInsert(web::HashKey(url->href(), process_seed).lo, next);
  memory_.seen_texts.FindOrInsert(text_hash, known == HashIndex::kNone ? next : known);
  if (known != HashIndex::kNone) return Merge(reference, known);
  if (full) {
    ++page_.links_dropped;
    return;
  }
  link_bytes_ += url->href().size();
  Link& link = page_.links.emplace_back();
  link.url = *std::move(url);
  link.kind = reference.kind;
  link.kinds = KindBit(reference.kind);
  link.rels = static_cast<uint8_t>(1U << reference.rel);
}

// URL Standard, "query state": the query of a link is written in the page's encoding. The first '?'
// before the first '#' begins it.
std::string_view Extractor::EncodedQuery(std::string_view reference) {
  const size_t question = reference.substr(0, reference.find('#')).find('?');
  if (question == std::string_view::npos) return reference;
  const std::string_view tail = reference.substr(question + 1);
  const std::string_view query = tail.substr(0, tail.find('#'));
  const bool shifts =
      encoding_ == "iso-2022-jp" && query.find_first_of("\x0E\x0F\x1B") != std::string_view::npos;
  if ((web::ClassOf(query) & web::kNonAscii) == 0 && !shifts) return reference;
  std::string& encoded = memory_.encoded_reference;
  encoded.assign(reference.substr(0, question + 1));
  AppendEncodedQuery(query, encoding_, encoded);
  encoded += tail.substr(query.size());
  return encoded;
}

void Extractor::Merge(const Reference& reference, uint32_t index) {
  if (index == kDropped) return;
  Link& link = page_.links[index];
  link.kinds |= KindBit(reference.kind);
  link.rels |= static_cast<uint8_t>(1U << reference.rel);
}

}  // namespace

struct HtmlParser::Impl : Memory {};

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
  auto page = ParseDecoded(html, charset.name, url, options);
  if (page) page->encoding_from = Name(charset.source).data();
  return page;
}

Result<ParsedPage, ParseError> HtmlParser::ParseUtf8(std::string_view html, const web::Url& url,
                                                     const ParseOptions& options) {
  return ParseDecoded(html, "utf-8", url, options);
}

Result<ParsedPage, ParseError> HtmlParser::ParseDecoded(std::string_view html,
                                                        std::string_view encoding,
                                                        const web::Url& url,
                                                        const ParseOptions& options) {
  if (html.size() > options.max_input_bytes) return Err(ParseError::kTooLarge);
  ParsedPage page;
  page.encoding = encoding;
  page.encoding_from = "utf8";
  if (options.skeleton && !options.want_text && !options.want_resources)
    html = SkeletonOf(html, impl_->skeleton);
  if (impl_->guarded.capacity() > kKeptText) std::string().swap(impl_->guarded);
  const GuardResult guarded = GuardHtml(
      html, options.max_guard_work + options.guard_work_per_byte * html.size(), impl_->guarded);
  page.truncated_input = guarded.changed;

  const Tree tree = impl_->builder.Build(
      guarded.html, options.arena_base_bytes + options.arena_bytes_per_input * html.size());
  page.truncated_tree = !tree.complete;

  impl_->references.clear();
  const std::string_view queries = OutputEncoding(encoding);
  Extractor(*impl_, options, queries == "utf-8" ? std::string_view() : queries, page)
      .Run(tree.document, url);
  return page;
}

}  // namespace crawld::parser
