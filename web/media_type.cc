#include "web/media_type.h"

#include <algorithm>

#include "web/ascii.h"

namespace crawld::web {
namespace {

constexpr size_t kMaxHeaderBytes = 8192;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// "HTTP token code point"
bool IsToken(char c) {
  return IsAlpha(c) || IsDigit(c) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// "HTTP quoted-string token code point", over bytes: >= 0x80 stands for itself.
bool IsQuotable(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == '\t' || (byte >= 0x20 && byte != 0x7F);
}

bool AllOf(std::string_view text, bool (*accept)(char)) {
  return std::all_of(text.begin(), text.end(), accept);
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = AsciiLower(c);
  return lower;
}

// "collect an HTTP quoted string" with extract-value; `text` begins at the quote and is advanced
// past the closing one.
std::string QuotedString(std::string_view& text) {
  std::string value;
  text.remove_prefix(1);
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '"') break;
    if (c != '\\') {
      value += c;
    } else if (text.empty()) {
      value += '\\';
    } else {
      value += text.front();
      text.remove_prefix(1);
    }
  }
  return value;
}

}  // namespace

std::optional<MediaType> ParseMediaType(std::string_view header) {
  std::string_view text = Trim(header.substr(0, kMaxHeaderBytes));
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos || slash == 0) return std::nullopt;
  const size_t semicolon = std::min(text.find(';', slash), text.size());
  std::string_view subtype = text.substr(slash + 1, semicolon - slash - 1);
  while (!subtype.empty() && IsSpace(subtype.back())) subtype.remove_suffix(1);
  if (subtype.empty() || !AllOf(text.substr(0, slash), IsToken) || !AllOf(subtype, IsToken)) {
    return std::nullopt;
  }
  MediaType type;
  type.essence = Lower(text.substr(0, slash));
  type.essence += '/';
  type.essence += Lower(subtype);
  text.remove_prefix(semicolon);

  bool have_charset = false;
  while (!text.empty()) {
    text.remove_prefix(1);  // ';'
    while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
    const size_t end = std::min(text.find_first_of(";="), text.size());
    const std::string name = Lower(text.substr(0, end));
    text.remove_prefix(end);
    if (text.empty()) break;
    if (text.front() == ';') continue;
    text.remove_prefix(1);  // '='
    std::string value;
    if (text.starts_with('"')) {
      value = QuotedString(text);
      text.remove_prefix(std::min(text.find(';'), text.size()));
    } else {
      const size_t stop = std::min(text.find(';'), text.size());
      std::string_view raw = text.substr(0, stop);
      while (!raw.empty() && IsSpace(raw.back())) raw.remove_suffix(1);
      value = raw;
      text.remove_prefix(stop);
      if (value.empty()) continue;
    }
    if (!have_charset && name == "charset" && AllOf(value, IsQuotable)) {
      type.charset = std::move(value);
      have_charset = true;
    }
  }
  return type;
}

bool IsNosniff(std::string_view header) {
  return Lower(Trim(header.substr(0, std::min<size_t>(header.find(','), 64)))) == "nosniff";
}

bool IsHtml(std::string_view essence) {
  return essence == "text/html" || essence == "application/xhtml+xml";
}

bool IsXml(std::string_view essence) {
  return essence == "text/xml" || essence == "application/xml" || essence.ends_with("+xml");
}

}  // namespace crawld::web
