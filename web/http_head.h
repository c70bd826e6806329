// HttpHead: the head of an HTTP response as a value: status, reason, header fields in their order.
//
// Parses what a server sent or a WARC record holds: RFC 9112 sections 4 and 5, and the departures
// that are common: bare LF, obs-fold, "HTTP/2 200" without a reason, blanks before the colon. Lines
// without a colon are skipped. Pure; a value; O(head).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace crawld::web {

// A head may have this many bytes (with its empty line) and this many fields, and not one more.
inline constexpr size_t kMaxHttpHeadBytes = size_t{256} << 10;
inline constexpr size_t kMaxHttpFields = 1000;

// None of these is the network's doing; the same server is likely to answer the same again.
enum class HttpHeadError : uint8_t {
  kBadStatusLine,  // the first line is not "HTTP/x[.y] NNN [reason]"
  kTooLong,        // more than kMaxHttpHeadBytes
  kTooManyFields,  // more than kMaxHttpFields
};

// The metric label, e.g. "bad_status_line".
std::string_view Name(HttpHeadError error);

struct HttpField {
  std::string name;   // as received
  std::string value;  // without surrounding blanks; a fold is one space

  friend bool operator==(const HttpField&, const HttpField&) = default;
};

struct HttpHead {
  int status = 0;  // 100..999
  std::string reason;
  std::vector<HttpField> fields;
  size_t bytes = 0;  // how much of the input the head took, with its empty line

  // `raw` begins with the status line; it ends at the first empty line or at the end of `raw`.
  static Result<HttpHead, HttpHeadError> Parse(std::string_view raw);

  // The first field of that name (any case), or nullptr. The view of All() lives as long as this.
  const std::string* Find(std::string_view name) const;
  std::vector<std::string_view> All(std::string_view name) const;
};

}  // namespace crawld::web
