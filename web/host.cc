#include "web/host.h"

#include <unicode/uidna.h>
#include <unicode/ustring.h>
#include <unicode/utf.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/check.h"
#include "web/url_bytes.h"
#include "web/utf8.h"

namespace crawld::web {
namespace {

constexpr std::array<std::pair<UChar32, UChar32>, 8> kMapped = {{
    {0x4C0, 0x4CF},
    {0x2132, 0x214E},
    {0x2183, 0x2184},
    // Compatibility ideographs that were once mapped wrongly.
    {0x2F868, 0x36FC},
    {0x2F874, 0x5F33},
    {0x2F91F, 0x243AB},
    {0x2F95F, 0x7AEE},
    {0x2F9BF, 0x45D7},
}};
constexpr std::array<std::array<UChar32, 2>, 9> kIgnoredRanges = {{
    {0x115F, 0x1160},
    {0x17B4, 0x17B5},
    {0x1806, 0x1806},
    {0x180E, 0x180E},
    {0x2061, 0x2063},
    {0x206A, 0x206F},
    {0x3164, 0x3164},
    {0xFFA0, 0xFFA0},
    {0x1D173, 0x1D17A},
}};

constexpr uint64_t kHuge = uint64_t{1} << 40;  // "too big for any IPv4 part", without overflow

// "IPv4 number parser". Numbers saturate at kHuge.
std::optional<uint64_t> ParseIpv4Number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  uint64_t radix = 10;
  if (text.size() >= 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    text.remove_prefix(2);
    radix = 16;
  } else if (text.size() >= 2 && text[0] == '0') {
    text.remove_prefix(1);
    radix = 8;
  }
  uint64_t value = 0;
  for (const char c : text) {
    const int digit = HexValue(c);
    if (digit < 0 || static_cast<uint64_t>(digit) >= radix) return std::nullopt;
    value = value * radix + static_cast<uint64_t>(digit);
    if (value > kHuge) value = kHuge;
  }
  return value;
}

// "ends in a number checker"
bool EndsInNumber(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const size_t dot = host.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? host : host.substr(dot + 1);
  if (last.empty() || !IsDigit(last[0])) return false;
  bool digits = true;
  for (const char c : last) digits = digits && IsDigit(c);
  return digits || ParseIpv4Number(last).has_value();
}

// "IPv4 parser"
std::optional<uint32_t> ParseIpv4(std::string_view host) {
  std::array<uint64_t, 4> numbers{};
  size_t count = 0;
  if (host.ends_with('.')) host.remove_suffix(1);
  while (true) {
    if (count == 4) return std::nullopt;
    const size_t dot = host.find('.');
    const std::optional<uint64_t> number = ParseIpv4Number(host.substr(0, dot));
    if (!number) return std::nullopt;
    numbers[count++] = *number;
    if (dot == std::string_view::npos) break;
    host.remove_prefix(dot + 1);
  }
  uint64_t address = numbers[count - 1];
  if (address >= uint64_t{1} << (8 * (5 - count))) return std::nullopt;
  for (size_t i = 0; i + 1 < count; ++i) {
    if (numbers[i] > 255) return std::nullopt;
    address += numbers[i] << (8 * (3 - i));
  }
  return static_cast<uint32_t>(address);
}

void AppendIpv4(uint32_t address, std::string& out) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out += std::to_string((address >> shift) & 0xff);
    if (shift > 0) out += '.';
  }
}

// "IPv6 serializer": the first longest run of two or more zero pieces becomes "::".
void AppendIpv6(const std::array<uint16_t, 8>& pieces, std::string& out) {
  size_t best = 8;
  size_t best_length = 1;
  for (size_t i = 0; i < 8;) {
    size_t end = i;
    while (end < 8 && pieces[end] == 0) ++end;
    if (end - i > best_length) {
      best = i;
      best_length = end - i;
    }
    i = end + 1;
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '[';
  for (size_t i = 0; i < 8; ++i) {
    if (i == best) {
      out += i == 0 ? "::" : ":";
      i += best_length - 1;
      continue;
    }
    bool started = false;
    for (int shift = 12; shift >= 0; shift -= 4) {
      const size_t digit = (pieces[i] >> shift) & 0xf;
      started = started || digit != 0 || shift == 0;
      if (started) out += kHex[digit];
    }
    if (i < 7) out += ':';
  }
  out += ']';
}

std::string PercentDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && HexValue(text[i + 1]) >= 0 &&
        HexValue(text[i + 2]) >= 0) {
      out += static_cast<char>(HexValue(text[i + 1]) * 16 + HexValue(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// UTS #46 with the parameters that the URL Standard's "domain parser ToASCII" names.
const UIDNA* Uts46() {
  static const UIDNA* const uts46 = [] {
    UErrorCode error = U_ZERO_ERROR;
    const UIDNA* instance =
        uidna_openUTS46(UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ | UIDNA_NONTRANSITIONAL_TO_ASCII |
                            UIDNA_NONTRANSITIONAL_TO_UNICODE,
                        &error);
    CRAWLD_CHECK(U_SUCCESS(error), "ICU's built-in IDNA data must load");
    return instance;
  }();
  return uts46;
}

// What UTS #46 maps since Unicode 15.1 and 16, or ignores, of the characters that ICU 72 knows; it
// refuses them, or maps U+1E9E to "ss". Newer characters stay refused.
std::string MappedSince72(std::string_view domain) {
  UErrorCode error = U_ZERO_ERROR;
  std::u16string units(domain.size(), u'\0');
  int32_t size = 0;
  u_strFromUTF8(units.data(), static_cast<int32_t>(units.size()), &size, domain.data(),
                static_cast<int32_t>(domain.size()), &error);
  if (U_FAILURE(error)) return std::string(domain);
  std::string mapped;
  for (int32_t i = 0; i < size;) {
    UChar32 point = 0;
    U16_NEXT(units.data(), i, size, point);
    if (point == 0x1E9E) point = 0xDF;
    if (point >= 0x10A0 && point <= 0x10C5) point += 0x2D00 - 0x10A0;  // Georgian capitals
    for (const auto& [from, to] : kMapped) {
      if (point == from) point = to;
    }
    const bool ignored =
        std::any_of(std::begin(kIgnoredRanges), std::end(kIgnoredRanges),
                    [&](const auto& range) { return point >= range[0] && point <= range[1]; });
    if (ignored) continue;
    std::array<char, 4> bytes{};
    int32_t length = 0;
    U8_APPEND_UNSAFE(bytes.data(), length, point);
    mapped.append(bytes.data(), static_cast<size_t>(length));
  }
  return mapped;
}

// UTS #46 revision 33, processing step 4.1: an "xn--" label must decode to something that is not
// ASCII. ICU 72 is older than that rule. Such a Punycode string is empty or ends in its delimiter.
bool HasPointlessAceLabel(std::string_view ascii) {
  while (true) {
    const size_t dot = ascii.find('.');
    const std::string_view label = ascii.substr(0, dot);
    if (label.starts_with("xn--") && label.ends_with('-')) return true;
    if (dot == std::string_view::npos) return false;
    ascii.remove_prefix(dot + 1);
  }
}

Result<void, UrlError> AppendUnicodeDomain(std::string_view domain, std::string& out) {
  if (domain.size() > kMaxUnicodeHostBytes) return Err(UrlError::kHostTooLong);
  const std::string mapped = MappedSince72(domain);
  // What the standard switches off: CheckHyphens, VerifyDnsLength.
  constexpr uint32_t kIgnored = UIDNA_ERROR_EMPTY_LABEL | UIDNA_ERROR_LABEL_TOO_LONG |
                                UIDNA_ERROR_DOMAIN_NAME_TOO_LONG | UIDNA_ERROR_LEADING_HYPHEN |
                                UIDNA_ERROR_TRAILING_HYPHEN | UIDNA_ERROR_HYPHEN_3_4;
  std::string ascii(mapped.size() * 4 + 64, '\0');
  for (int attempt = 0;; ++attempt) {
    UErrorCode error = U_ZERO_ERROR;
    UIDNAInfo info = UIDNA_INFO_INITIALIZER;
    const int32_t length =
        uidna_nameToASCII_UTF8(Uts46(), mapped.data(), static_cast<int32_t>(mapped.size()),
                               ascii.data(), static_cast<int32_t>(ascii.size()), &info, &error);
    if (error == U_BUFFER_OVERFLOW_ERROR && attempt == 0) {
      ascii.resize(static_cast<size_t>(length));
      continue;
    }
    if (U_FAILURE(error) || (info.errors & ~kIgnored) != 0 || length == 0) {
      return Err(UrlError::kHostInvalidIdna);
    }
    ascii.resize(static_cast<size_t>(length));
    break;
  }
  const uint32_t bytes = ClassOf(ascii);
  if ((bytes & kNonAscii) != 0 || HasPointlessAceLabel(ascii)) {
    return Err(UrlError::kHostInvalidIdna);
  }
  if ((bytes & kForbiddenInDomain) != 0) return Err(UrlError::kHostForbiddenByte);
  out += ascii;
  return {};
}

// "domain parser" with beStrict false. An ASCII domain is lowercased and nothing else, be its
// "xn--" labels well formed or not (the standard's note on web compatibility).
Result<void, UrlError> AppendDomain(std::string_view domain, std::string& out) {
  const uint32_t bytes = ClassOf(domain);
  if ((bytes & kNonAscii) != 0) {
    if (!IsValidUtf8(domain)) return Err(UrlError::kHostInvalidIdna);  // it fails on U+FFFD
    return AppendUnicodeDomain(domain, out);
  }
  if ((bytes & kForbiddenInDomain) != 0) return Err(UrlError::kHostForbiddenByte);
  if ((bytes & kUpper) != 0) {
    for (const char c : domain) out += AsciiLower(c);
  } else {
    out += domain;
  }
  return {};
}

}  // namespace

std::optional<std::array<uint16_t, 8>> ParseIpv6(std::string_view text) {
  std::array<uint16_t, 8> pieces{};
  size_t index = 0;
  std::optional<size_t> compress;
  size_t p = 0;
  const auto at = [&](size_t i) { return i < text.size() ? text[i] : '\0'; };
  if (at(0) == ':') {
    if (at(1) != ':') return std::nullopt;
    p = 2;
    compress = ++index;
  }
  while (p < text.size()) {
    if (index == 8) return std::nullopt;
    if (text[p] == ':') {
      if (compress) return std::nullopt;
      ++p;
      compress = ++index;
      continue;
    }
    uint32_t value = 0;
    size_t length = 0;
    while (length < 4 && p < text.size() && HexValue(text[p]) >= 0) {
      value = value * 16 + static_cast<uint32_t>(HexValue(text[p]));
      ++p;
      ++length;
    }
    if (at(p) == '.') {
      if (length == 0) return std::nullopt;
      p -= length;
      if (index > 6) return std::nullopt;
      int seen = 0;
      while (p < text.size()) {
        if (seen > 0) {
          if (text[p] != '.' || seen >= 4) return std::nullopt;
          ++p;
        }
        if (!IsDigit(at(p))) return std::nullopt;
        std::optional<uint32_t> part;
        while (IsDigit(at(p))) {
          const auto digit = static_cast<uint32_t>(text[p] - '0');
          if (!part) {
            part = digit;
          } else if (*part == 0) {
            return std::nullopt;
          } else {
            part = *part * 10 + digit;
          }
          if (*part > 255) return std::nullopt;
          ++p;
        }
        pieces[index] = static_cast<uint16_t>(pieces[index] * 0x100 + *part);
        ++seen;
        if (seen == 2 || seen == 4) ++index;
      }
      if (seen != 4) return std::nullopt;
      break;
    }
    if (at(p) == ':' && p < text.size()) {
      ++p;
      if (p == text.size()) return std::nullopt;
    } else if (p < text.size()) {
      return std::nullopt;
    }
    pieces[index++] = static_cast<uint16_t>(value);
  }
  if (compress) {
    size_t swaps = index - *compress;
    index = 7;
    while (index != 0 && swaps > 0) {
      std::swap(pieces[index], pieces[*compress + swaps - 1]);
      --index;
      --swaps;
    }
  } else if (index != 8) {
    return std::nullopt;
  }
  return pieces;
}

bool IsIpLiteral(std::string_view serialised_host) {
  return serialised_host.starts_with('[') || EndsInNumber(serialised_host);
}

Result<void, UrlError> AppendHost(std::string_view host, bool special, std::string& out) {
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return Err(UrlError::kIpv6Invalid);
    const auto pieces = ParseIpv6(host.substr(1, host.size() - 2));
    if (!pieces) return Err(UrlError::kIpv6Invalid);
    AppendIpv6(*pieces, out);
    return {};
  }
  if (!special) {  // "opaque-host parser"
    if ((ClassOf(host) & kForbiddenInHost) != 0) return Err(UrlError::kHostForbiddenByte);
    AppendPercentEncoded(host, kEncodeC0, out);
    return {};
  }
  const size_t start = out.size();
  std::string decoded;
  if (host.find('%') != std::string_view::npos) {
    decoded = PercentDecode(host);
    host = decoded;
  }
  if (auto done = AppendDomain(host, out); !done) return done;
  const std::string_view domain = std::string_view(out).substr(start);
  if (EndsInNumber(domain)) {
    const auto address = ParseIpv4(domain);
    if (!address) return Err(UrlError::kIpv4Invalid);
    out.resize(start);
    AppendIpv4(*address, out);
  }
  return {};
}

}  // namespace crawld::web
