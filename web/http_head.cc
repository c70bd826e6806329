#include "web/http_head.h"

#include <algorithm>

#include "web/ascii.h"

namespace crawld::web {
namespace {

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

bool ParseStatusLine(std::string_view line, HttpHead& head) {
  if (line.size() < 5 || !EqualIgnoringCase(line.substr(0, 5), "HTTP/")) return false;
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || space == 5) return false;
  for (const char c : line.substr(5, space - 5)) {
    if (!IsDigit(c) && c != '.') return false;
  }
  line = Trim(line.substr(space));
  if (line.size() < 3 || (line.size() > 3 && line[3] != ' ')) return false;
  int status = 0;
  for (const char c : line.substr(0, 3)) {
    if (!IsDigit(c)) return false;
    status = status * 10 + (c - '0');
  }
  if (status < 100) return false;
  head.status = status;
  head.reason = Trim(line.substr(3));
  return true;
}

}  // namespace

std::string_view Name(HttpHeadError error) {
  switch (error) {
    case HttpHeadError::kBadStatusLine:
      return "bad_status_line";
    case HttpHeadError::kTooLong:
      return "too_long";
    case HttpHeadError::kTooManyFields:
      return "too_many_fields";
  }
  return "unknown";
}

Result<HttpHead, HttpHeadError> HttpHead::Parse(std::string_view raw) {
  HttpHead head;
  bool first = true;
  while (head.bytes < raw.size()) {
    const size_t newline = raw.find('\n', head.bytes);
    const size_t end = std::min(newline, raw.size());
    std::string_view line = raw.substr(head.bytes, end - head.bytes);
    head.bytes = std::min(end + 1, raw.size());
    if (head.bytes > kMaxHttpHeadBytes) return Err(HttpHeadError::kTooLong);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (first) {
      if (!ParseStatusLine(line, head)) return Err(HttpHeadError::kBadStatusLine);
      first = false;
      continue;
    }
    if (line.empty()) break;
    if (line.front() == ' ' || line.front() == '\t') {  // obs-fold, RFC 9112 section 5.2
      if (head.fields.empty()) continue;
      std::string& value = head.fields.back().value;
      const std::string_view more = Trim(line);
      if (!value.empty() && !more.empty()) value += ' ';
      value += more;
      continue;
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) continue;
    if (head.fields.size() == kMaxHttpFields) return Err(HttpHeadError::kTooManyFields);
    head.fields.push_back({.name = std::string(Trim(line.substr(0, colon))),
                           .value = std::string(Trim(line.substr(colon + 1)))});
  }
  if (first) return Err(HttpHeadError::kBadStatusLine);
  return head;
}

const std::string* HttpHead::Find(std::string_view name) const {
  for (const HttpField& field : fields) {
    if (EqualIgnoringCase(field.name, name)) return &field.value;
  }
  return nullptr;
}

std::vector<std::string_view> HttpHead::All(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const HttpField& field : fields) {
    if (EqualIgnoringCase(field.name, name)) values.emplace_back(field.value);
  }
  return values;
}

}  // namespace crawld::web
