#include "parser/html_guard.h"

#include <algorithm>
#include <array>
#include <vector>

#include "parser/raw_text.h"
#include "web/ascii.h"
#include "web/url_bytes.h"

namespace crawld::parser {
namespace {

// What matters of an element here.
constexpr uint16_t kVoid = 1 << 0;
// Its end tag may be left out, and it never holds another of its kind without one of the others
// between: not worth following.
constexpr uint16_t kUnfollowed = 1 << 1;
constexpr uint16_t kFormatting = 1 << 2;
constexpr uint16_t kRawText = 1 << 3;
constexpr uint16_t kBarrier = 1 << 4;   // an end tag does not look beyond it
constexpr uint16_t kKept = 1 << 5;      // carries links or metadata
constexpr uint16_t kForeign = 1 << 6;   // svg, math: "<x/>" is closed inside
constexpr uint16_t kBreakout = 1 << 7;  // a start tag that ends foreign content
constexpr uint16_t kMerged = 1 << 8;    // html, body: a later one's attributes go to the first
constexpr uint16_t kTemplate = 1 << 10;
constexpr uint16_t kScript = 1 << 11;
constexpr uint16_t kItem = 1 << 12;     // li, dt, dd: a start tag ends an open one
constexpr uint16_t kSpecial = 1 << 13;  // but does not look beyond these
constexpr uint16_t kEndsP = 1 << 14;    // a start tag ends an open <p>, with all that is open in it
constexpr uint16_t kInForeign = 1 << 15;  // of what is open: it stands in svg or math

// In the hash of a name that is no element's.
constexpr uint64_t kUnknown = uint64_t{1} << 63;

constexpr uint64_t HashName(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) {
    hash = (hash ^ static_cast<unsigned char>(web::AsciiLower(c))) * 0x100000001b3;
  }
  return hash & ~kUnknown;
}

struct Entry {
  uint64_t hash = 0;
  std::string_view name;
  uint16_t flags = 0;
};

// Open addressing. The hash is no secret, so the name is compared too.
constexpr size_t kSlots = 512;
constexpr std::array<Entry, kSlots> kElements = [] {
  std::array<Entry, kSlots> table{};
  const auto add = [&](std::string_view names, uint16_t flags) {
    while (!names.empty()) {
      const size_t space = std::min(names.find(' '), names.size());
      const uint64_t hash = HashName(names.substr(0, space));
      size_t slot = hash % kSlots;
      while (table[slot].hash != 0 && table[slot].hash != hash) slot = (slot + 1) % kSlots;
      table[slot].hash = hash;
      table[slot].name = names.substr(0, space);
      table[slot].flags |= flags;
      names.remove_prefix(std::min(space + 1, names.size()));
    }
  };
  add("area base br col embed hr img input link meta source track wbr basefont bgsound frame "
      "keygen param image",
      kVoid);
  add("option tr td th tbody thead tfoot colgroup html head body frameset", kUnfollowed);
  add("li dt dd", kItem);
  add("applet article aside blockquote body button caption center colgroup dd details dir dl dt "
      "fieldset figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 head header hgroup html "
      "li "
      "listing main marquee menu nav noscript object ol pre search section select summary table "
      "tbody td template tfoot th thead tr ul",
      kSpecial);
  add("address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption "
      "figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr li listing main menu nav ol p "
      "plaintext "
      "pre search section summary table ul xmp",
      kEndsP);
  add("a b big code em font i nobr s small strike strong tt u", kFormatting);
  add("script style textarea title xmp iframe noembed noframes", kRawText);
  add("table template object marquee applet caption select", kBarrier);
  add("a area base link meta iframe frame frameset title script style textarea xmp noframes "
      "noembed",
      kKept);
  add("svg math", kForeign);
  add("b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img "
      "li listing menu meta nobr ol p pre ruby s small span strong strike sub sup table tt u ul "
      "var",
      kBreakout);
  add("html body", kMerged);
  add("template", kTemplate);
  add("script", kScript);
  add("isindex menuitem", 0);
  return table;
}();

// The element of that name, or nullptr.
const Entry* ElementOf(uint64_t hash, std::string_view name) {
  for (size_t slot = hash % kSlots; kElements[slot].hash != 0; slot = (slot + 1) % kSlots) {
    if (kElements[slot].hash == hash && web::EqualIgnoringCase(kElements[slot].name, name)) {
      return &kElements[slot];
    }
  }
  return nullptr;
}

// Bytes that are a control character, or may begin one, a noncharacter or a character reference.
// Blanks and NUL are none.
constexpr std::array<uint8_t, 256> kOdd = [] {
  std::array<uint8_t, 256> table{};
  for (unsigned c = 1; c < 0x20; ++c) table[c] = web::IsAsciiSpace(static_cast<char>(c)) ? 0 : 1;
  table['&'] = table[0x7F] = table[0xC2] = table[0xEF] = 1;
  for (unsigned c = 0xF0; c < 0xF5; ++c) table[c] = 1;
  return table;
}();

// How far an end tag looks for its start tag. Looking less far only overestimates the depth.
constexpr size_t kLookback = 64;

class Guard {
 public:
  Guard(std::string_view html, uint64_t max_work, std::string& out)
      : html_(html), max_work_(max_work), out_(out) {}

  GuardResult Run() {
    while (at_ < html_.size()) {
      const size_t open = html_.find('<', at_);
      const size_t text_end = std::min(open, html_.size());
      MendText(at_, text_end);
      // Each character asks whether the last formatting element is still open.
      if (formatting_ > 0) {
        work_ += (text_end - at_) * stack_.size() / 4;
        if (work_ > max_work_ && !filtering_) BeginFiltering();
      }
      if (open == std::string_view::npos || open + 1 >= html_.size()) break;
      at_ = open;
      const char next = html_[open + 1];
      if (web::IsAlpha(next)) {
        if (!StartTag()) break;
      } else if (next == '/') {
        if (!EndTag()) break;
      } else if (next == '!' || next == '?') {
        if (!Comment()) break;
      } else {
        ++at_;
      }
      if (work_ > max_work_ && !filtering_) BeginFiltering();
    }
    GuardResult result{.html = html_, .work = work_, .changed = changed_};
    if (copying_) {
      Flush(html_.size());
      result.html = out_;
    }
    return result;
  }

 private:
  struct Open {
    uint64_t hash;
    std::string_view name;  // as gumbo has it
    uint16_t flags;
  };

  void Flush(size_t end) {
    if (end > copied_) out_.append(html_.substr(copied_, end - copied_));
    copied_ = std::max(copied_, end);
  }

  // Leaves out [begin, end) of the input and puts `instead` in its place.
  void Replace(size_t begin, size_t end, std::string_view instead) {
    changed_ = true;
    CopyUpTo(begin);
    out_ += instead;
    copied_ = std::max(copied_, end);
  }

  // These cost the page nothing.
  void Insert(size_t place, std::string_view text) {
    CopyUpTo(place);
    out_ += text;
  }
  void LeaveOut(size_t begin, size_t end) {
    CopyUpTo(begin);
    copied_ = std::max(copied_, end);
  }

  void Instead(size_t begin, size_t end, std::string_view text) {
    Insert(begin, text);
    copied_ = end;
  }

  void CopyUpTo(size_t place) {
    if (!copying_) {
      copying_ = true;
      out_.clear();
      out_.reserve(html_.size() + 64);
    }
    Flush(place);
  }

  // From here on the tree stays flat: what is open is closed, and little is opened.
  void BeginFiltering() {
    filtering_ = true;
    formatting_ = 0;
    Replace(at_, at_, "");
    size_t closed = 0;
    for (auto open = stack_.rbegin(); open != stack_.rend() && closed < kMaxClosed; ++open) {
      if ((open->flags & kTemplate) != 0) break;  // what follows is still inside it
      out_ += "</";
      out_ += open->name;
      out_ += '>';
      ++closed;
    }
  }

  // Whether what gumbo gets wrong is written as something else.
  bool Mends() const { return !filtering_ && !all_text_; }

  // Reads a name at `p`; returns its end. `flags`: of the element that has it. A name that is no
  // element's may have an element's hash, and so gets another one.
  size_t ReadName(size_t p, uint64_t& hash, uint16_t& flags) const {
    const size_t begin = p;
    while (p < html_.size() && !web::IsAsciiSpace(html_[p]) && html_[p] != '/' && html_[p] != '>')
      ++p;
    const std::string_view name = html_.substr(begin, std::min<size_t>(p - begin, kMaxName));
    hash = HashName(name);
    const Entry* const element = ElementOf(hash, name);
    flags = element == nullptr ? 0 : element->flags;
    if (element == nullptr) hash |= kUnknown;
    return p;
  }

  // Elements that gumbo treats as an older standard did. <select> hid everything but options; it is
  // a container now (13.2.6.4.7), and like <applet> it ends scopes (13.2.4.2) and leaves a <p>
  // open. An <applet> also ends the formatting elements, so that one in a template might go on
  // behind it; there it is a <section>. <isindex> was a form.
  // <search> and <menuitem> it does not know as what they are.
  std::string_view Rename(size_t begin, size_t end, uint64_t hash) {
    const std::string_view name = html_.substr(begin, std::min<size_t>(end - begin, kMaxName));
    if (!Mends()) return name;
    std::string_view written;
    if (hash == kSelect) written = templates_ > 0 ? "section" : kNowSelect;
    if (hash == kIsindex) written = "x-isindex";
    if (hash == kSearch) written = "dir";
    if (hash == kMenuitem) written = "x-menuitem";
    if (written.empty()) return name;
    Instead(begin, end, written);
    return written;
  }

  // Reads an end tag from behind its name.
  bool ReadEndTag(size_t name_end, size_t& end) {
    size_t attributes = 0;
    size_t cut = 0;
    bool self_closing = false;
    return ReadAttributes(name_end, false, end, attributes, cut, self_closing);
  }

  // Reads attributes up to and with '>'. Returns false when the tag never ends.
  bool ReadAttributes(size_t p, bool start_tag, size_t& end, size_t& count, size_t& cut,
                      bool& self_closing) {
    count = 0;
    cut = 0;
    self_closing = false;
    const size_t size = html_.size();
    while (true) {
      while (p < size && (web::IsAsciiSpace(html_[p]) || html_[p] == '/')) {
        self_closing = html_[p] == '/';
        ++p;
      }
      if (p >= size) return false;
      if (html_[p] == '>') {
        end = p + 1;
        return true;
      }
      self_closing = false;
      if (count == kMaxAttributes) cut = p;
      ++count;
      const size_t name = p;
      // 13.2.5.33: part of the name, as U+FFFD; gumbo skips it.
      if (html_[p] == '\0' && cut == 0 && start_tag && Mends()) {
        Instead(p, p + 1, "\xEF\xBF\xBD");
      }
      ++p;  // even '=' may begin a name
      while (p < size && !web::IsAsciiSpace(html_[p]) && html_[p] != '/' && html_[p] != '>' &&
             html_[p] != '=') {
        ++p;
      }
      const size_t name_end = p;
      while (p < size && web::IsAsciiSpace(html_[p])) ++p;
      if (p >= size || html_[p] != '=') {
        // gumbo forgets that a repeated name is over when it has no value: <a b b href> would be a
        // "bhref". An empty value is the same attribute.
        if (p < size && html_[p] != '>' && cut == 0 && start_tag && Mends()) {
          Insert(name_end, "=\"\"");
        }
        continue;
      }
      ++p;
      while (p < size && web::IsAsciiSpace(html_[p])) ++p;
      if (p >= size) return false;
      size_t value = p;
      size_t value_end = 0;
      if (html_[p] == '"' || html_[p] == '\'') {
        ++value;
        p = value_end = html_.find(html_[p], value);
        if (p == std::string_view::npos) return false;
        ++p;
      } else {
        while (p < size && !web::IsAsciiSpace(html_[p]) && html_[p] != '>') ++p;
        value_end = p;
      }
      if (cut == 0 && start_tag && Mends()) {
        MendValue(value, value_end, IsUrl(html_.substr(name, name_end - name)));
      }
    }
  }

  // Whether an attribute of that name holds a URL that the page is asked for.
  static bool IsUrl(std::string_view name) {
    return web::EqualIgnoringCase(name, "href") || web::EqualIgnoringCase(name, "src") ||
           web::EqualIgnoringCase(name, "srcset") || web::EqualIgnoringCase(name, "poster") ||
           web::StartsWithIgnoringCase(name, "data");
  }

  void MendValue(size_t begin, size_t end, bool is_url) {
    size_t kept = std::min(end, begin + kMaxAttributeBytes);
    while (kept < end && kept > begin && (static_cast<unsigned char>(html_[kept]) & 0xC0) == 0x80) {
      --kept;
    }
    MendControls(begin, kept, is_url);
    if (kept < end) LeaveOut(kept, end);
  }

  // gumbo reads control characters and noncharacters as U+FFFD, where the standard (13.2.3.5) has
  // them stay: in a URL they are told apart. A reference keeps them; but one to a C1 control would
  // mean a character of windows-1252, so these are written as a URL writes them.
  void MendControls(size_t begin, size_t end, bool is_url) {
    for (size_t i = begin; i < end; ++i) {
      const auto c = static_cast<unsigned char>(html_[i]);
      if (kOdd[c] == 0) continue;
      const auto next = [&](size_t ahead) {
        return i + ahead < end ? static_cast<unsigned char>(html_[i + ahead]) : 0U;
      };
      if (c == '&') {
        MendReference(i, end);
      } else if (c < 0x80) {
        Instead(i, i + 1, "&#" + std::to_string(c) + ";");
      } else if (c == 0xC2 && next(1) >= 0x80 && next(1) < 0xA0) {
        if (!is_url) continue;
        std::string escaped;
        web::AppendPercentEncoded(html_.substr(i, 2), web::kNonAscii, escaped);
        Instead(i, i + 2, escaped);
      } else if (c == 0xEF && ((next(1) == 0xB7 && next(2) >= 0x90 && next(2) < 0xB0) ||
                               (next(1) == 0xBF && next(2) >= 0xBE))) {
        const unsigned point = 0xF000U | (next(1) & 0x3F) << 6 | (next(2) & 0x3F);
        Instead(i, i + 3, "&#" + std::to_string(point) + ";");
      } else if (c >= 0xF0 && (next(1) & 0xF) == 0xF && next(2) == 0xBF && next(3) >= 0xBE) {
        const unsigned point =
            (c & 7U) << 18 | (next(1) & 0x3F) << 12 | (next(2) & 0x3F) << 6 | (next(3) & 0x3F);
        Instead(i, i + 4, "&#" + std::to_string(point) + ";");
      }
    }
  }

  void MendText(size_t begin, size_t end) {
    if (!Mends()) return;
    const std::string_view text = html_.substr(0, end);
    for (size_t i = text.find('&', begin); i != std::string_view::npos; i = text.find('&', i + 1)) {
      MendReference(i, end);
    }
  }

  // 13.2.5.80: beyond U+10FFFF it is U+FFFD; gumbo lets the number overflow.
  void MendReference(size_t begin, size_t end) {
    if (begin + 2 >= end || html_[begin + 1] != '#') return;
    const bool hex = html_[begin + 2] == 'x' || html_[begin + 2] == 'X';
    uint32_t value = 0;
    size_t p = begin + (hex ? 3 : 2);
    for (; p < end && (hex ? web::HexValue(html_[p]) >= 0 : web::IsDigit(html_[p])); ++p) {
      value = std::min(value * (hex ? 16 : 10) + static_cast<uint32_t>(web::HexValue(html_[p])),
                       uint32_t{0x110000});
    }
    if (value < 0x110000) return;
    if (p < end && html_[p] == ';') ++p;
    Instead(begin, p, "&#xFFFD;");
  }

  bool StartTag() {
    const size_t begin = at_;
    uint64_t hash = 0;
    uint16_t flags = 0;
    const size_t name_end = ReadName(begin + 1, hash, flags);
    const std::string_view written = Rename(begin + 1, name_end, hash);
    size_t end = 0;
    size_t attributes = 0;
    size_t cut = 0;
    bool self_closing = false;
    if (!ReadAttributes(name_end, true, end, attributes, cut, self_closing)) return false;
    const size_t counted = std::min(attributes, kMaxAttributes);
    work_ += StepsOverStack() + 1 + counted * counted / 16;
    if (cut != 0) Replace(cut, end - 1, "");
    at_ = end;

    if (filtering_) {
      if ((flags & kTemplate) != 0) ++dropped_templates_;
      if ((flags & kKept) == 0 || dropped_templates_ > 0) Replace(begin, end, " ");
    }
    if ((flags & kMerged) != 0) work_ += merged_ += counted + 1;
    if ((flags & kBreakout) != 0) foreign_ = 0;
    if ((flags & kRawText) != 0 && foreign_ == 0) {
      SkipRawText(html_.substr(begin + 1, name_end - begin - 1), hash, begin);
      return true;
    }
    if ((flags & (kVoid | kUnfollowed)) != 0) return true;
    const bool foreign = foreign_ > 0 || (flags & kForeign) != 0;
    if (foreign && self_closing && (flags & kBreakout) == 0) return true;
    if ((flags & kFormatting) != 0) {
      work_ += formatting_;
      ++formatting_;
      if (hash == kA) CloseEarlierA();
    }
    if (foreign_ == 0 && (flags & (kItem | kEndsP)) != 0) CloseWhatItEnds(hash, flags);
    if (filtering_) return true;
    const bool in_foreign = foreign_ > 0;
    stack_.push_back({hash, written, static_cast<uint16_t>(flags | (in_foreign ? kInForeign : 0))});
    if ((flags & kForeign) != 0) ++foreign_;
    if ((flags & kTemplate) != 0) ++templates_;
    return true;
  }

  // What a tag costs that walks the stack: an end tag in foreign content, and any tag in a
  // template, walks it several times.
  uint64_t StepsOverStack(bool end_tag = false) const {
    const bool often = templates_ > 0 || (end_tag && foreign_ > 0);
    return stack_.size() * (often ? 3 : 1);
  }

  // An <li> ends the one before it, a <dt> a <dd>; a block ends a <p>.
  void CloseWhatItEnds(uint64_t hash, uint16_t flags) {
    const size_t bottom = stack_.size() - std::min(stack_.size(), kLookback);
    if ((flags & kItem) != 0) {
      const bool definition = hash != kLi;
      for (size_t i = stack_.size(); i > bottom; --i) {
        const Open& open = stack_[i - 1];
        if (open.hash == hash || (definition && (open.hash == kDt || open.hash == kDd))) {
          while (stack_.size() >= i) Pop();
          break;
        }
        if ((open.flags & kSpecial) != 0) break;
      }
    }
    for (size_t i = stack_.size(); i > bottom; --i) {
      const Open& open = stack_[i - 1];
      if (open.hash == kP) {
        while (stack_.size() >= i) Pop();
        return;
      }
      if ((open.flags & kBarrier) != 0 || open.hash == kButton) return;
    }
  }

  // Jumps behind the end tag of `name`, if there is one.
  void SkipRawText(std::string_view name, uint64_t hash, size_t begin) {
    if (std::find(endless_.begin(), endless_.end(), hash) != endless_.end()) return;
    const size_t end_tag = FindRawTextEnd(html_, at_, name);
    size_t end = 0;
    // An end tag that is left open is no tag, but it ends the text.
    if (end_tag != std::string_view::npos && ReadEndTag(end_tag + 2 + name.size(), end)) {
      if (hash == kTitle) MendText(at_, end_tag);
      at_ = end;
      if (filtering_ && dropped_templates_ > 0) Replace(begin, at_, " ");
      return;
    }
    // None from here on, so none from any later place. A tree builder reads no more tags; but that
    // is not relied upon, and what they would cost is still added up.
    if (hash == kTitle) MendText(at_, html_.size());
    endless_.push_back(hash);
    all_text_ = true;
  }

  // A second <a> closes the first.
  void CloseEarlierA() {
    const size_t bottom = stack_.size() - std::min(stack_.size(), kLookback);
    for (size_t i = stack_.size(); i > bottom; --i) {
      if (stack_[i - 1].hash == kA) {
        stack_.erase(stack_.begin() + static_cast<long>(i - 1));
        --formatting_;
        return;
      }
    }
  }

  // 13.2.6.4.7: the end tags of these do nothing when another of them is open between them and
  // their start tags. gumbo asks for the scope of a table.
  static bool EndsScope(uint64_t hash) {
    return hash == kApplet || hash == kMarquee || hash == kObject || hash == kSelect;
  }
  bool IsStoppedByScope(uint64_t hash) const {
    if (!EndsScope(hash)) return false;
    const size_t bottom = stack_.size() - std::min(stack_.size(), kLookback);
    for (size_t i = stack_.size(); i > bottom; --i) {
      const Open& open = stack_[i - 1];
      if ((open.flags & kInForeign) != 0) continue;
      if (open.hash == hash) return false;
      if (EndsScope(open.hash)) return true;
    }
    return false;
  }

  bool EndTag() {
    const size_t begin = at_;
    if (begin + 2 >= html_.size()) return false;
    if (html_[begin + 2] == '>') {
      // 13.2.5.7: nothing at all. gumbo takes the next end tag of foreign content for it.
      if (Mends()) Instead(begin, begin + 3, kNothing);
      at_ = begin + 3;
      return true;
    }
    if (!web::IsAlpha(html_[begin + 2])) return Bogus(begin + 2);
    uint64_t hash = 0;
    uint16_t flags = 0;
    const size_t name_end = ReadName(begin + 2, hash, flags);
    size_t end = 0;
    if (!ReadEndTag(name_end, end)) return false;
    at_ = end;
    if (Mends() && IsStoppedByScope(hash)) {
      Instead(begin, end, kNothing);
      work_ += StepsOverStack(true);
      return true;
    }
    Rename(begin + 2, name_end, hash);
    // HTML Standard 13.2.6.4.7: </br> is a <br>, and so content that no frameset can
    // follow. 13.2.6.5: both end foreign content, which gumbo does not know; the start tags that
    // they stand for do so.
    if (hash == kBr && Mends()) {
      Instead(begin, end, "<br>");
      foreign_ = 0;
    } else if (foreign_ > 0 && Mends()) {
      if (hash == kP) {
        Instead(begin, end, "<p></p>");
        foreign_ = 0;
      } else if (name_end < end - 1) {
        // gumbo knows "</svg >" for the end of <svg> no more than "</svg x>": what is not the name
        // goes.
        LeaveOut(name_end, end - 1);
      }
    }
    if (filtering_) {
      const bool inside = dropped_templates_ > 0;
      if ((flags & kTemplate) != 0 && inside) {
        --dropped_templates_;
        Replace(begin, end, " ");
      } else if (inside || (flags & (kKept | kTemplate)) == 0) {
        Replace(begin, end, " ");
      }
      ++work_;
      return true;
    }
    if (!stack_.empty() && stack_.back().hash == hash) {
      ++work_;
      Pop();
      return true;
    }
    const uint64_t times = (flags & kFormatting) != 0 ? 8 : (flags & kMerged) != 0 ? 2 : 1;
    work_ += StepsOverStack(true) * times + 1;
    if ((flags & kUnfollowed) != 0) return true;
    const size_t bottom = stack_.size() - std::min(stack_.size(), kLookback);
    for (size_t i = stack_.size(); i > bottom; --i) {
      const Open& open = stack_[i - 1];
      if (open.hash == hash) {
        if ((flags & kFormatting) != 0) {
          stack_.erase(stack_.begin() + static_cast<long>(i - 1));
          --formatting_;
        } else {
          while (stack_.size() >= i) Pop();
        }
        return true;
      }
      if ((open.flags & kBarrier) != 0 && (flags & kBarrier) == 0) return true;
    }
    return true;
  }

  void Pop() {
    const uint16_t flags = stack_.back().flags;
    stack_.pop_back();
    if ((flags & kFormatting) != 0 && formatting_ > 0) --formatting_;
    if ((flags & kForeign) != 0 && foreign_ > 0) --foreign_;
    if ((flags & kTemplate) != 0 && templates_ > 0) --templates_;
  }

  bool Comment() {
    if (html_.substr(at_).starts_with("<!--")) {
      size_t p = at_ + 4;
      const std::string_view rest = html_.substr(p);
      if (rest.starts_with('>') || rest.starts_with("->")) return Bogus(p);
      while ((p = html_.find("--", p)) != std::string_view::npos) {
        const std::string_view after = html_.substr(p + 2);
        if (after.starts_with('>') || after.starts_with("!>")) return Bogus(p + 2);
        ++p;
      }
      return false;
    }
    return Bogus(at_ + 2);
  }

  // Up to the next '>'.
  bool Bogus(size_t from) {
    const size_t end = html_.find('>', from);
    if (end == std::string_view::npos) return false;
    at_ = end + 1;
    return true;
  }

  static constexpr uint64_t kA = HashName("a");
  static constexpr uint64_t kP = HashName("p");
  static constexpr uint64_t kLi = HashName("li");
  static constexpr uint64_t kTitle = HashName("title");
  static constexpr uint64_t kApplet = HashName("applet");
  static constexpr uint64_t kMarquee = HashName("marquee");
  static constexpr uint64_t kObject = HashName("object");
  static constexpr uint64_t kButton = HashName("button");
  static constexpr uint64_t kDt = HashName("dt");
  static constexpr uint64_t kDd = HashName("dd");
  static constexpr uint64_t kBr = HashName("br");
  static constexpr uint64_t kSelect = HashName("select");
  static constexpr uint64_t kIsindex = HashName("isindex");
  static constexpr std::string_view kNowSelect = "applet";
  // In place of a tag that means nothing: without it, what is around might become one.
  static constexpr std::string_view kNothing = "<!---->";
  static constexpr uint64_t kSearch = HashName("search");
  static constexpr uint64_t kMenuitem = HashName("menuitem");
  static constexpr size_t kMaxName = 32;
  static constexpr size_t kMaxClosed = 65536;

  const std::string_view html_;
  const uint64_t max_work_;
  std::string& out_;
  size_t at_ = 0;
  size_t copied_ = 0;     // how much of html_ is in out_, or was left out
  bool copying_ = false;  // the result is in out_
  bool changed_ = false;  // something was left out
  bool filtering_ = false;
  bool all_text_ = false;  // a raw text element is open to the end of the page
  size_t dropped_templates_ = 0;
  uint64_t work_ = 0;
  std::vector<Open> stack_;
  size_t formatting_ = 0;
  size_t foreign_ = 0;
  size_t templates_ = 0;
  size_t merged_ = 0;
  std::vector<uint64_t> endless_;
};

}  // namespace

GuardResult GuardHtml(std::string_view html, uint64_t max_work, std::string& storage) {
  return Guard(html, max_work, storage).Run();
}

}  // namespace crawld::parser
