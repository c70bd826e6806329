#include "parser/page_collector.h"

#include <algorithm>
#include <utility>

#include "parser/charset.h"
#include "parser/microsyntaxes.h"
#include "web/ascii.h"
#include "web/url_bytes.h"
#include "web/url_key.h"
#include "web/utf8.h"

namespace crawld::parser {
namespace {

using web::EqualIgnoringCase;
using web::IsAsciiSpace;

constexpr size_t kKeptSlots = 4096;
constexpr size_t kKeptReferences = 16384;
constexpr size_t kMaxLanguageBytes = 64;

// A page must not know which links fall on one place of a HashIndex.
const uint64_t process_seed = web::RandomSeed();

// A link beyond max_links.
constexpr uint32_t kDropped = 0xfffffffe;

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
    if (IsAsciiSpace(text[i])) {
      ++i;
      if (!blank && !out.ends_with(' ')) out += ' ';
      continue;
    }
    size_t end = i;
    while (end < text.size() && !IsAsciiSpace(text[end])) ++end;
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
  while (!text.empty() && IsAsciiSpace(text.back())) text.pop_back();
}

}  // namespace

void HashIndex::Clear() {
  if (slots_.size() > kKeptSlots) {
    std::vector<Slot>(kKeptSlots).swap(slots_);
  } else if (used_ > 0) {
    std::fill(slots_.begin(), slots_.end(), Slot{});
  }
  used_ = 0;
}

uint32_t HashIndex::FindOrInsert(uint64_t hash, uint32_t index) {
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

uint32_t HashIndex::Find(uint64_t hash) const {
  if (used_ == 0) return kNone;
  if (hash == 0) hash = 1;
  size_t slot = hash & (slots_.size() - 1);
  while (slots_[slot].hash != 0 && slots_[slot].hash != hash) {
    slot = (slot + 1) & (slots_.size() - 1);
  }
  return slots_[slot].hash == hash ? slots_[slot].index : kNone;
}

void HashIndex::Grow() {
  std::vector<Slot> old(std::max<size_t>(1024, slots_.size() * 2));
  old.swap(slots_);
  used_ = 0;
  for (const Slot& slot : old) {
    if (slot.hash != 0) FindOrInsert(slot.hash, slot.index);
  }
}

void PageCollector::Begin(const ParseOptions& options, std::string_view encoding) {
  options_ = &options;
  query_encoding_ = OutputEncoding(encoding);
  if (query_encoding_ == "utf-8") query_encoding_ = {};
  page_ = ParsedPage();
  if (references_.capacity() > kKeptReferences) std::vector<Reference>().swap(references_);
  references_.clear();
  base_ = {};
  in_title_ = have_title_ = title_full_ = false;
  have_description_ = description_full_ = false;
  in_heading_ = heading_full_ = text_full_ = false;
  link_bytes_ = 0;
  seen_texts_.Clear();
  seen_urls_.Clear();
}

void PageCollector::Html(const AttributeValues& values) {
  std::string storage;
  page_.language = Cut(Valid(values[Attribute::kLang], storage), kMaxLanguageBytes);
}

void PageCollector::Base(const AttributeValues& values) {
  if (base_.data() == nullptr) base_ = values[Attribute::kHref];
}

void PageCollector::Meta(const AttributeValues& values) {
  std::string storage;
  const std::string_view content = Valid(values[Attribute::kContent], storage);
  const std::string_view name = values[Attribute::kName];
  if (EqualIgnoringCase(name, "description")) {
    if (!have_description_) {
      description_full_ = !AppendCollapsed(content, options_->max_title_bytes, page_.description);
      TrimEnd(page_.description);
    }
    have_description_ = true;
  } else if (EqualIgnoringCase(name, "robots") ||
             (!options_->robots_name.empty() && EqualIgnoringCase(name, options_->robots_name))) {
    web::ReadRobotsMeta(content, page_.robots);
  }
  if (EqualIgnoringCase(values[Attribute::kHttpEquiv], "refresh")) {
    // Not `content`: the reference must live as long as the page.
    const std::string_view url = RefreshUrl(values[Attribute::kContent]);
    if (!url.empty() && options_->want_refresh) {
      references_.push_back({url, LinkKind::kRefresh, 0});
    }
  }
}

void PageCollector::LinkElement(const AttributeValues& values) {
  const std::string_view href = values[Attribute::kHref];
  const std::string_view rel = values[Attribute::kRel];
  if (href.empty()) return;
  if (const auto kind = KindOfRel(rel)) references_.push_back({href, *kind, RelBits(rel)});
  if (!options_->want_resources) return;
  if (const auto kind = ResourceOfRel(rel)) references_.push_back({href, *kind, 0});
}

void PageCollector::Anchor(const AttributeValues& values, LinkKind kind) {
  if (!values.Has(Attribute::kHref)) return;
  references_.push_back({values[Attribute::kHref], kind, RelBits(values[Attribute::kRel])});
}

void PageCollector::Frame(const AttributeValues& values, LinkKind kind) {
  if (!values[Attribute::kSrc].empty()) references_.push_back({values[Attribute::kSrc], kind, 0});
}

void PageCollector::Resource(std::string_view reference, LinkKind kind) {
  if (!reference.empty()) references_.push_back({reference, kind, 0});
}

bool PageCollector::BeginTitle() {
  if (have_title_) return false;
  have_title_ = in_title_ = true;
  return true;
}

bool PageCollector::BeginHeading(int level) {
  if (in_heading_) return false;
  if (page_.headings.size() >= options_->max_headings) {
    ++page_.headings_dropped;
    return false;
  }
  page_.headings.push_back({level, {}});
  in_heading_ = true;
  heading_full_ = false;
  return true;
}

void PageCollector::Text(std::string_view text, bool visible) {
  if (!wants_text()) return;
  std::string storage;
  text = Valid(text, storage);
  if (in_title_ && !title_full_) {
    title_full_ = !AppendCollapsed(text, options_->max_title_bytes, page_.title);
  }
  if (in_heading_ && !heading_full_) {
    heading_full_ = !AppendCollapsed(text, options_->max_title_bytes, page_.headings.back().text);
    page_.truncated_titles = page_.truncated_titles || heading_full_;
  }
  if (options_->want_text && visible && !text_full_) {
    text_full_ = !AppendCollapsed(text, options_->max_text_bytes, page_.text);
    page_.truncated_text = text_full_;
  }
}

void PageCollector::BreakText() {
  if (text_full_ || page_.text.empty() || page_.text.back() == '\n') return;
  TrimEnd(page_.text);
  if (!page_.text.empty()) page_.text += '\n';
}

void PageCollector::Finish(const web::Url& url, ParsedPage& page) {
  page_.base_url = url;
  page_.base_url.DropFragment();
  if (base_.data() != nullptr) {
    // HTML Standard, "frozen base URL": the first base element with an href counts, if it is
    // usable.
    auto base = web::Url::Parse(base_, url);
    if (base && base->scheme() != "data" && base->scheme() != "javascript") {
      page_.base_url = std::move(*base);
      page_.base_url.DropFragment();
    }
  }
  page_.truncated_titles = page_.truncated_titles || title_full_ || description_full_;
  TrimEnd(page_.title);
  for (Heading& heading : page_.headings) TrimEnd(heading.text);
  TrimEnd(page_.text);
  page_.links.reserve(std::min<size_t>(references_.size(), 256));
  for (const Reference& reference : references_) Resolve(reference);
  page = std::move(page_);
}

void PageCollector::Resolve(const Reference& reference) {
  std::string_view text = reference.text;
  // The URL parser would; here it keeps blanks from making a reference too long.
  const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= 0x20; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  // The fragment is cut before parsing: "a.html#b" and "a.html#c" are one link and one parse. A
  // blank before '#' would be trimmed then, and is not.
  const size_t hash = text.find('#');
  if (hash != std::string_view::npos) {
    text = text.substr(0, hash == 0 || !is_blank(text[hash - 1]) ? hash : hash + 1);
  }
  if (text.size() > options_->max_href_bytes) {
    ++page_.links_bad;
    return;
  }
  // The same reference again is the same link again; most of a page's repeated links end here.
  // Canonical is asked for by name below, so it goes the long way.
  const bool wants_canonical = reference.kind == LinkKind::kCanonical && page_.canonical.empty();
  const uint64_t text_hash = web::HostHash(text, process_seed);
  if (const uint32_t known = seen_texts_.Find(text_hash);
      known != HashIndex::kNone && !wants_canonical) {
    Merge(reference, known);
    return;
  }
  if (!query_encoding_.empty()) text = EncodedQuery(text);
  auto url = web::Url::Parse(text, page_.base_url);
  if (!url) {
    ++page_.links_bad;
    return;
  }
  if (!url->IsHttp()) return;
  url->DropFragment();
  url->DropCredentials();
  if (wants_canonical) page_.canonical = url->href();
  const bool full = page_.links.size() == options_->max_links ||
                    link_bytes_ + url->href().size() > options_->max_link_bytes;
  const uint32_t next = full ? kDropped : static_cast<uint32_t>(page_.links.size());
  const uint32_t known = seen_urls_.FindOrInsert(web::HashKey(url->href(), process_seed).lo, next);
  seen_texts_.FindOrInsert(text_hash, known == HashIndex::kNone ? next : known);
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
std::string_view PageCollector::EncodedQuery(std::string_view reference) {
  const size_t question = reference.substr(0, reference.find('#')).find('?');
  if (question == std::string_view::npos) return reference;
  const std::string_view tail = reference.substr(question + 1);
  const std::string_view query = tail.substr(0, tail.find('#'));
  const bool shifts = query_encoding_ == "iso-2022-jp" &&
                      query.find_first_of("\x0E\x0F\x1B") != std::string_view::npos;
  if ((web::ClassOf(query) & web::kNonAscii) == 0 && !shifts) return reference;
  std::string& encoded = encoded_reference_;
  encoded.assign(reference.substr(0, question + 1));
  AppendEncodedQuery(query, query_encoding_, encoded);
  encoded += tail.substr(query.size());
  return encoded;
}

void PageCollector::Merge(const Reference& reference, uint32_t index) {
  if (index == kDropped) return;
  Link& link = page_.links[index];
  link.kinds |= KindBit(reference.kind);
  link.rels |= static_cast<uint8_t>(1U << reference.rel);
}

}  // namespace crawld::parser
