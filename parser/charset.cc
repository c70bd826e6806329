#include "parser/charset.h"

#include <uchardet.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "parser/legacy_encoding.h"
#include "web/url_bytes.h"
#include "web/utf8.h"

namespace crawld::parser {
namespace {

constexpr size_t kPrescanBytes = 1024;
constexpr size_t kDetectBytes = 64 << 10;
constexpr std::string_view kUtf8 = "utf-8";
constexpr std::string_view kWindows1252 = "windows-1252";
constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

struct Encoding {
  std::string_view name;
  std::string_view labels;               // the name is one of them; separated by blanks
  std::optional<LegacyEncoding> legacy;  // none for utf-8 and replacement
  const char* icu = nullptr;             // ICU's converter of a single-byte encoding
};

// Encoding Standard, section 4.2 "names and labels".
constexpr std::array<Encoding, 40> kEncodings = {{
    {"utf-8", "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8",
     std::nullopt},
    {"ibm866", "866 cp866 csibm866 ibm866", LegacyEncoding::kSingleByte, "ibm-866_P100-1995"},
    {"iso-8859-2",
     "csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2",
     LegacyEncoding::kSingleByte, "iso-8859-2"},
    {"iso-8859-3",
     "csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3",
     LegacyEncoding::kSingleByte, "iso-8859-3"},
    {"iso-8859-4",
     "csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4",
     LegacyEncoding::kSingleByte, "iso-8859-4"},
    {"iso-8859-5",
     "csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 "
     "iso_8859-5:1988",
     LegacyEncoding::kSingleByte, "iso-8859-5"},
    {"iso-8859-6",
     "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 iso-8859-6-e "
     "iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987",
     LegacyEncoding::kSingleByte, "iso-8859-6"},
    {"iso-8859-7",
     "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 iso88597 "
     "iso_8859-7 iso_8859-7:1987 sun_eu_greek",
     LegacyEncoding::kSingleByte, "iso-8859-7"},
    {"iso-8859-8",
     "csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 iso8859-8 iso88598 "
     "iso_8859-8 iso_8859-8:1988 visual",
     LegacyEncoding::kSingleByte, "iso-8859-8"},
    {"iso-8859-8-i", "csiso88598i iso-8859-8-i logical", LegacyEncoding::kSingleByte, "iso-8859-8"},
    {"iso-8859-10", "csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6",
     LegacyEncoding::kSingleByte, "iso-8859-10"},
    {"iso-8859-13", "iso-8859-13 iso8859-13 iso885913", LegacyEncoding::kSingleByte, "iso-8859-13"},
    {"iso-8859-14", "iso-8859-14 iso8859-14 iso885914", LegacyEncoding::kSingleByte, "iso-8859-14"},
    {"iso-8859-15", "csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9",
     LegacyEncoding::kSingleByte, "iso-8859-15"},
    {"iso-8859-16", "iso-8859-16", LegacyEncoding::kSingleByte, "iso-8859-16"},
    {"koi8-r", "cskoi8r koi koi8 koi8-r koi8_r", LegacyEncoding::kSingleByte, "koi8-r"},
    {"koi8-u", "koi8-ru koi8-u", LegacyEncoding::kSingleByte, "koi8-u"},
    {"macintosh", "csmacintosh mac macintosh x-mac-roman", LegacyEncoding::kSingleByte,
     "macintosh"},
    {"windows-874", "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874",
     LegacyEncoding::kSingleByte, "windows-874-2000"},
    {"windows-1250", "cp1250 windows-1250 x-cp1250", LegacyEncoding::kSingleByte,
     "ibm-5346_P100-1998"},
    {"windows-1251", "cp1251 windows-1251 x-cp1251", LegacyEncoding::kSingleByte,
     "ibm-5347_P100-1998"},
    {"windows-1252",
     "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 "
     "iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252",
     LegacyEncoding::kSingleByte, "ibm-5348_P100-1997"},
    {"windows-1253", "cp1253 windows-1253 x-cp1253", LegacyEncoding::kSingleByte,
     "ibm-5349_P100-1998"},
    {"windows-1254",
     "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 "
     "latin5 windows-1254 x-cp1254",
     LegacyEncoding::kSingleByte, "ibm-5350_P100-1998"},
    {"windows-1255", "cp1255 windows-1255 x-cp1255", LegacyEncoding::kSingleByte,
     "ibm-9447_P100-2002"},
    {"windows-1256", "cp1256 windows-1256 x-cp1256", LegacyEncoding::kSingleByte,
     "ibm-9448_X100-2005"},
    {"windows-1257", "cp1257 windows-1257 x-cp1257", LegacyEncoding::kSingleByte,
     "ibm-9449_P100-2002"},
    {"windows-1258", "cp1258 windows-1258 x-cp1258", LegacyEncoding::kSingleByte,
     "ibm-5354_P100-1998"},
    {"x-mac-cyrillic", "x-mac-cyrillic x-mac-ukrainian", LegacyEncoding::kSingleByte,
     "macos-7_3-10.2"},
    {"gbk", "chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk",
     LegacyEncoding::kGbk},
    {"gb18030", "gb18030", LegacyEncoding::kGb18030},
    {"big5", "big5 big5-hkscs cn-big5 csbig5 x-x-big5", LegacyEncoding::kBig5},
    {"euc-jp", "cseucpkdfmtjapanese euc-jp x-euc-jp", LegacyEncoding::kEucJp},
    {"iso-2022-jp", "csiso2022jp iso-2022-jp", LegacyEncoding::kIso2022Jp},
    {"shift_jis", "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis",
     LegacyEncoding::kShiftJis},
    {"euc-kr",
     "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 "
     "ksc_5601 windows-949",
     LegacyEncoding::kEucKr},
    {"replacement", "csiso2022kr hz-gb-2312 iso-2022-cn iso-2022-cn-ext iso-2022-kr replacement",
     std::nullopt},
    {"utf-16be", "unicodefffe utf-16be", LegacyEncoding::kUtf16Be},
    {"utf-16le", "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le",
     LegacyEncoding::kUtf16Le},
    {"x-user-defined", "x-user-defined", LegacyEncoding::kUserDefined},
}};

const std::unordered_map<std::string_view, const Encoding*>& Labels() {
  static const auto* const all_labels = [] {
    auto* labels = new std::unordered_map<std::string_view, const Encoding*>;
    for (const Encoding& encoding : kEncodings) {
      for (std::string_view rest = encoding.labels; !rest.empty();) {
        const size_t space = std::min(rest.find(' '), rest.size());
        labels->emplace(rest.substr(0, space), &encoding);
        rest.remove_prefix(std::min(space + 1, rest.size()));
      }
    }
    return labels;
  }();
  return *all_labels;
}

// HTML Standard, "extracting a character encoding from a meta element".
std::string_view EncodingFromContent(std::string_view content) {
  for (size_t i = 0; i + 7 <= content.size(); ++i) {
    if (!web::StartsWithIgnoringCase(content.substr(i), "charset")) continue;
    size_t p = i + 7;
    while (p < content.size() && web::IsAsciiSpace(content[p])) ++p;
    if (p == content.size() || content[p] != '=') {
      i = p - 1;
      continue;
    }
    ++p;
    while (p < content.size() && web::IsAsciiSpace(content[p])) ++p;
    if (p == content.size()) return {};
    if (content[p] == '"' || content[p] == '\'') {
      const size_t end = content.find(content[p], p + 1);
      if (end == std::string_view::npos) return {};
      return EncodingForLabel(content.substr(p + 1, end - p - 1));
    }
    size_t end = p;
    while (end < content.size() && !web::IsAsciiSpace(content[end]) && content[end] != ';') ++end;
    return EncodingForLabel(content.substr(p, end - p));
  }
  return {};
}

// "get an attribute", as the prescan has it: names and values in lower case. False at the tag's
// end, and at that of the bytes: then `p` is there, and the prescan is over.
bool NextAttribute(std::string_view bytes, size_t& p, std::string& name, std::string& value) {
  name.clear();
  value.clear();
  while (p < bytes.size() && (web::IsAsciiSpace(bytes[p]) || bytes[p] == '/')) ++p;
  if (p >= bytes.size() || bytes[p] == '>') return false;
  for (; p < bytes.size(); ++p) {
    const char c = bytes[p];
    if (c == '=' && !name.empty()) break;
    if (web::IsAsciiSpace(c) || c == '/' || c == '>') break;
    name += web::AsciiLower(c);
  }
  while (p < bytes.size() && web::IsAsciiSpace(bytes[p])) ++p;
  if (p >= bytes.size()) return false;
  if (bytes[p] != '=') return true;
  ++p;
  while (p < bytes.size() && web::IsAsciiSpace(bytes[p])) ++p;
  if (p >= bytes.size()) return false;
  if (bytes[p] == '"' || bytes[p] == '\'') {
    const char quote = bytes[p++];
    while (p < bytes.size() && bytes[p] != quote) value += web::AsciiLower(bytes[p++]);
    if (p >= bytes.size()) return false;
    ++p;
    return true;
  }
  while (p < bytes.size() && !web::IsAsciiSpace(bytes[p]) && bytes[p] != '>') {
    value += web::AsciiLower(bytes[p++]);
  }
  return p < bytes.size();
}

// The <meta> at `p`, behind its name. Empty when it says nothing usable.
std::string_view EncodingFromMeta(std::string_view bytes, size_t& p) {
  std::string name;
  std::string value;
  bool got_pragma = false;
  std::optional<bool> need_pragma;
  std::optional<std::string_view> charset;  // empty: it names none that is known
  bool seen_http_equiv = false;
  bool seen_content = false;
  bool seen_charset = false;
  while (NextAttribute(bytes, p, name, value)) {
    if (name == "http-equiv" && !seen_http_equiv) {
      seen_http_equiv = true;
      got_pragma = value == "content-type";
    } else if (name == "content" && !seen_content) {
      seen_content = true;
      if (!charset) {
        const std::string_view found = EncodingFromContent(value);
        if (!found.empty()) {
          charset = found;
          need_pragma = true;
        }
      }
    } else if (name == "charset" && !seen_charset) {
      seen_charset = true;
      charset = EncodingForLabel(value);
      need_pragma = false;
    }
  }
  if (p >= bytes.size()) return {};  // the tag has no end
  if (!need_pragma || (*need_pragma && !got_pragma) || !charset || charset->empty()) return {};
  if (charset->starts_with("utf-16")) return kUtf8;
  return *charset == "x-user-defined" ? kWindows1252 : *charset;
}

// "xml encoding", for documents that begin with an XML declaration.
std::string_view EncodingFromXml(std::string_view bytes) {
  if (!bytes.starts_with("<?xml")) return {};
  const std::string_view declaration = bytes.substr(0, bytes.find('>'));
  size_t p = declaration.find("encoding");
  if (declaration.size() == bytes.size() || p == std::string_view::npos) return {};
  p += 8;
  while (p < declaration.size() && static_cast<unsigned char>(declaration[p]) <= 0x20) ++p;
  if (p >= declaration.size() || declaration[p] != '=') return {};
  ++p;
  while (p < declaration.size() && static_cast<unsigned char>(declaration[p]) <= 0x20) ++p;
  if (p >= declaration.size() || (declaration[p] != '"' && declaration[p] != '\'')) return {};
  const size_t end = declaration.find(declaration[p], p + 1);
  if (end == std::string_view::npos) return {};
  const std::string_view label = declaration.substr(p + 1, end - p - 1);
  for (const char c : label) {
    if (static_cast<unsigned char>(c) <= 0x20) return {};  // "get an XML encoding", step 15
  }
  const std::string_view encoding = EncodingForLabel(label);
  return encoding.starts_with("utf-16") ? kUtf8 : encoding;
}

std::string_view Detect(std::string_view bytes) {
  const std::unique_ptr<std::remove_pointer_t<uchardet_t>, void (*)(uchardet_t)> detector(
      uchardet_new(), uchardet_delete);
  if (uchardet_handle_data(detector.get(), bytes.data(), std::min(bytes.size(), kDetectBytes)) !=
      0) {
    return {};
  }
  uchardet_data_end(detector.get());
  const std::string_view found = uchardet_get_charset(detector.get());
  if (found == "UHC") return "euc-kr";
  if (found == "MAC-CYRILLIC") return "x-mac-cyrillic";
  const std::string_view name = EncodingForLabel(found);
  // The bytes are not UTF-8, or we would not be here.
  return name == kUtf8 || name == "replacement" ? std::string_view() : name;
}

// Valid UTF-8.
uint32_t NextPoint(std::string_view text, size_t& i) {
  const auto byte = [&] { return static_cast<uint32_t>(static_cast<unsigned char>(text[i++])); };
  const uint32_t first = byte();
  if (first < 0x80) return first;
  uint32_t point = first < 0xE0 ? first & 0x1F : first < 0xF0 ? first & 0xF : first & 7;
  for (int more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3; more > 0; --more) {
    point = point << 6 | (byte() & 0x3F);
  }
  return point;
}

}  // namespace

std::string_view Name(CharsetSource source) {
  switch (source) {
    case CharsetSource::kBom:
      return "bom";
    case CharsetSource::kHeader:
      return "header";
    case CharsetSource::kMeta:
      return "meta";
    case CharsetSource::kUtf8:
      return "utf8";
    case CharsetSource::kDetected:
      return "detected";
    case CharsetSource::kDefault:
      return "default";
  }
  return "unknown";
}

std::string_view EncodingForLabel(std::string_view label) {
  while (!label.empty() && web::IsAsciiSpace(label.front())) label.remove_prefix(1);
  while (!label.empty() && web::IsAsciiSpace(label.back())) label.remove_suffix(1);
  if (label.size() > 32) return {};
  std::string lower(label);
  for (char& c : lower) c = web::AsciiLower(c);
  const auto found = Labels().find(lower);
  return found == Labels().end() ? std::string_view() : found->second->name;
}

std::string_view PrescanMeta(std::string_view bytes) {
  bytes = bytes.substr(0, kPrescanBytes);
  // "<?x" in UTF-16, without a byte order mark.
  if (bytes.starts_with(std::string_view("\x3C\0\x3F\0\x78\0", 6))) return "utf-16le";
  if (bytes.starts_with(std::string_view("\0\x3C\0\x3F\0\x78", 6))) return "utf-16be";
  size_t p = 0;
  std::string name;
  std::string value;
  while ((p = bytes.find('<', p)) != std::string_view::npos) {
    const std::string_view rest = bytes.substr(p);
    if (rest.starts_with("<!--")) {
      // The two dashes may be those of the opening: "<!-->" is a whole comment.
      const size_t end = bytes.find("-->", p + 2);
      if (end == std::string_view::npos) break;
      p = end + 3;
    } else if (web::StartsWithIgnoringCase(rest, "<meta") && rest.size() > 5 &&
               (web::IsAsciiSpace(rest[5]) || rest[5] == '/')) {
      p += 5;
      const std::string_view charset = EncodingFromMeta(bytes, p);
      if (!charset.empty()) return charset;
    } else if (rest.size() > 1 && (web::IsAlpha(rest[1]) ||
                                   (rest[1] == '/' && rest.size() > 2 && web::IsAlpha(rest[2])))) {
      while (p < bytes.size() && !web::IsAsciiSpace(bytes[p]) && bytes[p] != '>') ++p;
      while (NextAttribute(bytes, p, name, value)) {
      }
    } else if (rest.size() > 1 && (rest[1] == '!' || rest[1] == '/' || rest[1] == '?')) {
      p = bytes.find('>', p);
      if (p == std::string_view::npos) break;
    } else {
      ++p;
    }
  }
  return EncodingFromXml(bytes);
}

Charset DetermineCharset(std::string_view bytes, std::string_view header_charset) {
  if (bytes.starts_with("\xEF\xBB\xBF")) {
    return {.name = kUtf8, .source = CharsetSource::kBom, .bom_bytes = 3};
  }
  if (bytes.starts_with("\xFE\xFF")) {
    return {.name = "utf-16be", .source = CharsetSource::kBom, .bom_bytes = 2};
  }
  if (bytes.starts_with("\xFF\xFE")) {
    return {.name = "utf-16le", .source = CharsetSource::kBom, .bom_bytes = 2};
  }
  if (const std::string_view name = EncodingForLabel(header_charset); !name.empty()) {
    return {.name = name, .source = CharsetSource::kHeader};
  }
  if (const std::string_view name = PrescanMeta(bytes); !name.empty()) {
    return {.name = name, .source = CharsetSource::kMeta};
  }
  if (web::IsValidUtf8(bytes)) return {.name = kUtf8, .source = CharsetSource::kUtf8};
  if (const std::string_view name = Detect(bytes); !name.empty()) {
    return {.name = name, .source = CharsetSource::kDetected};
  }
  return {.name = kWindows1252, .source = CharsetSource::kDefault};
}

std::string_view DecodeToUtf8(std::string_view bytes, std::string_view encoding,
                              std::string& storage) {
  const auto found = Labels().find(encoding);
  if (found == Labels().end() || encoding == kUtf8) {
    if (web::IsValidUtf8(bytes)) return bytes;
    storage = web::ReplaceInvalidUtf8(bytes);
    return storage;
  }
  storage.clear();
  if (bytes.empty()) return storage;
  if (encoding == "replacement") {
    storage = kReplacementCharacter;
    return storage;
  }
  storage.reserve(bytes.size() + bytes.size() / 8 + 16);
  LegacyDecoder(*found->second->legacy, found->second->icu).Write(bytes, true, storage);
  return storage;
}

void Utf16ToUtf8(std::string& text) {
  std::string_view encoding;
  const auto ascii = [&text](size_t zero, size_t other) {
    return text.size() >= 4 && text[zero] == 0 && text[zero + 2] == 0 && text[other] > 0 &&
           text[other + 2] > 0;
  };
  const bool little = text.starts_with("\xFF\xFE");
  const bool big = text.starts_with("\xFE\xFF");
  if (little || ascii(1, 0)) encoding = "utf-16le";
  if (big || ascii(0, 1)) encoding = "utf-16be";
  if (encoding.empty()) return;
  std::string storage;
  text = DecodeToUtf8(std::string_view(text).substr(little || big ? 2 : 0), encoding, storage);
}

struct StreamDecoder::State {
  bool replacement = false;
  bool over = false;    // "replacement" has been written
  std::string pending;  // UTF-8: the beginning of a character
  std::optional<LegacyDecoder> legacy;
};

StreamDecoder::StreamDecoder(std::string_view encoding) : state_(std::make_unique<State>()) {
  const auto found = Labels().find(encoding);
  if (found == Labels().end()) return;
  const Encoding& known = *found->second;
  state_->replacement = known.name == "replacement";
  if (known.legacy) state_->legacy.emplace(*known.legacy, known.icu);
}
StreamDecoder::~StreamDecoder() = default;

void StreamDecoder::Write(std::string_view bytes, bool last, std::string& out) {
  State& state = *state_;
  if (state.legacy) return state.legacy->Write(bytes, last, out);
  if (state.replacement) {
    if (!bytes.empty() && !std::exchange(state.over, true)) out += kReplacementCharacter;
    return;
  }
  if (!state.pending.empty()) {
    state.pending += bytes;
    bytes = state.pending;
  }
  // The last character waits if more of it may come: it begins within the last three bytes.
  size_t whole = bytes.size();
  if (!last) {
    for (size_t back = 1; back <= 3 && back <= bytes.size(); ++back) {
      const auto byte = static_cast<unsigned char>(bytes[bytes.size() - back]);
      if (byte < 0x80) break;
      if (byte < 0xC0) continue;
      const size_t length = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
      if (length > back) whole -= back;
      break;
    }
  }
  const std::string_view ready = bytes.substr(0, whole);
  if (web::IsValidUtf8(ready)) {
    out += ready;
  } else {
    out += web::ReplaceInvalidUtf8(ready);
  }
  std::string rest(bytes.substr(whole));
  state.pending = std::move(rest);
}

Charset DetermineXmlCharset(std::string_view begin) {
  Charset charset = {.name = kUtf8, .source = CharsetSource::kUtf8};
  if (begin.starts_with("\xEF\xBB\xBF")) {
    charset = {.name = kUtf8, .source = CharsetSource::kBom, .bom_bytes = 3};
  } else if (begin.starts_with("\xFE\xFF")) {
    charset = {.name = "utf-16be", .source = CharsetSource::kBom, .bom_bytes = 2};
  } else if (begin.starts_with("\xFF\xFE")) {
    charset = {.name = "utf-16le", .source = CharsetSource::kBom, .bom_bytes = 2};
  } else if (begin.starts_with(std::string_view("<\0", 2))) {
    charset = {.name = "utf-16le", .source = CharsetSource::kDetected};
  } else if (begin.starts_with(std::string_view("\0<", 2))) {
    charset = {.name = "utf-16be", .source = CharsetSource::kDetected};
  } else {
    while (!begin.empty() && web::IsAsciiSpace(begin.front())) begin.remove_prefix(1);
    const std::string_view declared = EncodingFromXml(begin);
    if (!declared.empty()) charset = {.name = declared, .source = CharsetSource::kMeta};
  }
  return charset;
}

std::string_view OutputEncoding(std::string_view encoding) {
  return encoding == "replacement" || encoding.starts_with("utf-16") ? kUtf8 : encoding;
}

void AppendEncodedQuery(std::string_view query, std::string_view encoding, std::string& out) {
  const auto found = Labels().find(encoding);
  if (found == Labels().end() || !found->second->legacy) {
    out += query;
    return;
  }
  LegacyEncoder encoder(*found->second->legacy, found->second->icu);
  const bool shifts = encoding == "iso-2022-jp";  // where ASCII is more than itself
  std::string bytes;
  for (size_t i = 0; i < query.size();) {
    if (!shifts && static_cast<unsigned char>(query[i]) < 0x80) {
      out += query[i++];
      continue;
    }
    if ((web::ClassOf(query[i]) & web::kTabOrNewline) != 0) {
      out += query[i++];  // the URL parser drops it
      continue;
    }
    uint32_t point = NextPoint(query, i);
    bytes.clear();
    const bool written = encoder.Append(point, bytes);
    web::AppendPercentEncoded(bytes, web::kEncodeSpecialQuery, out);
    if (written) continue;
    if (point < 0x80) point = 0xFFFD;  // iso-2022-jp: a shift that is no character
    out += "%26%23";
    out += std::to_string(point);
    out += "%3B";
  }
  bytes.clear();
  encoder.Finish(bytes);
  web::AppendPercentEncoded(bytes, web::kEncodeSpecialQuery, out);
}

}  // namespace crawld::parser
