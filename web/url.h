// Url: a parsed URL, as the WHATWG URL Standard (living, https://url.spec.whatwg.org) defines it.
//
// A value: one string, the serialisation ("href"), and offsets into it.
//
//   https://user:pass@example.com:1234/foo/bar?baz#quux
//        |  |   |     |          |    |       |   |
//        |  |   |     |          |    |       |   `- fragment_start_ (at '#', or kNone)
//        |  |   |     |          |    |       `----- query_start_    (at '?', or kNone)
//        |  |   |     |          |    `------------- path_start_
//        |  |   |     |          `------------------ host_end_       (at ':' or at path_start_)
//        |  |   |     `----------------------------- host_start_     (after '@' if there is one)
//        |  |   `----------------------------------- username_end_   (at ':', '@' or host_start_)
//        |  `--------------------------------------- username_start_ (scheme_end_ + 3)
//        `------------------------------------------ scheme_end_     (at ':')
//
// Invariants: href() is ASCII, at most kMaxUrlBytes long, and Parse(href()) gives an equal Url. A
// URL without a host (`mailto:a@b`) has username_start_ = ... = host_end_ = scheme_end_ + 1.
//
// Views returned by accessors point into the Url and die with it (or with an assignment to it).
// Const members may be called from several threads at once. Parsing allocates the href once in the
// common case (ASCII input, nothing to encode) and costs O(input) always.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace crawld::web {

// Both the input and the serialised URL may have this many bytes and not one more.
inline constexpr size_t kMaxUrlBytes = 65536;
// Longest non-ASCII host that is given to IDNA; a name that DNS knows has at most 253 bytes.
inline constexpr size_t kMaxUnicodeHostBytes = 4096;

// `text`, which may be a URL or anything else, with "***" for what stands between "://" (or "//")
// and the last '@' before a '/', '?' or '#': for messages.
std::string WithoutCredentials(std::string_view text);

// Why a string is not a URL. None of these is worth a retry: the same string fails again.
enum class UrlError : uint8_t {
  kTooLong,            // input or result exceeds kMaxUrlBytes
  kMissingScheme,      // relative reference and no base ("missing-scheme-non-relative-URL")
  kRelativeToOpaque,   // relative reference, but the base has an opaque path (mailto:, data:)
  kHostMissing,        // http, https, ws, wss or ftp without a host; credentials without a host
  kHostForbiddenByte,  // a forbidden host (or domain) code point
  kHostInvalidIdna,    // UTS #46 ToASCII refuses the host
  kHostTooLong,        // non-ASCII host beyond kMaxUnicodeHostBytes
  kIpv4Invalid,        // the last label is a number, but the host is no IPv4 address
  kIpv6Invalid,        // malformed or unclosed [...]
  kPortInvalid,        // something else than digits after the host's colon
  kPortOutOfRange,     // port above 65535
};

// The metric label: the enumerator's name in snake case, e.g. "host_missing".
std::string_view Name(UrlError error);
// One sentence for a person.
std::string_view Explain(UrlError error);

class Url {
 public:
  // The empty URL: href() is "". Good for nothing but being assigned to.
  Url() = default;

  // URL Standard, "basic URL parser" without state override; encoding is UTF-8. Invalid UTF-8 in
  // `input` counts as U+FFFD.
  static Result<Url, UrlError> Parse(std::string_view input);
  static Result<Url, UrlError> Parse(std::string_view input, const Url& base);

  // The serialisation, with and without "#fragment".
  std::string_view href() const { return href_; }
  std::string_view HrefWithoutFragment() const;

  // "https"; lower case, no ':'.
  std::string_view scheme() const { return Slice(0, scheme_end_); }
  // Percent-encoded, empty when absent.
  std::string_view username() const { return Slice(username_start_, username_end_); }
  std::string_view password() const;
  // Serialised: lower case ASCII domain, dotted IPv4, or "[...]" for IPv6. Empty when absent.
  std::string_view host() const { return Slice(host_start_, host_end_); }
  // Set only when it is not the scheme's default.
  std::optional<uint16_t> port() const;
  // port(), or else the scheme's default, or 0 when there is neither.
  uint16_t EffectivePort() const;
  // With its leading '/', unless the path is opaque or empty.
  std::string_view path() const { return Slice(path_start_, PathEnd()); }
  // Without '?'; empty both when absent and when empty (has_query() tells).
  std::string_view query() const;
  // Without '#'; likewise.
  std::string_view fragment() const;
  // "/path?query": what goes on the request line. The fragment is not part of it.
  std::string_view PathAndQuery() const;
  // "scheme://host[:port]", without credentials. Meaningful for URLs with a host.
  std::string Origin() const;

  bool has_query() const { return query_start_ != kNone; }
  bool has_fragment() const { return fragment_start_ != kNone; }
  // Has an authority ("//"), be its host empty (file:///x).
  bool has_host() const { return has_host_; }
  // "cannot be a base": mailto:, data:, javascript:.
  bool has_opaque_path() const { return opaque_path_; }
  bool has_credentials() const { return host_start_ > username_start_; }
  // http or https: what a crawler can fetch.
  bool IsHttp() const { return type_ == SchemeType::kHttp || type_ == SchemeType::kHttps; }

  // Removes "#fragment" in place; O(1), no allocation. Removes the user's name and password
  // likewise, O(length).
  void DropFragment();
  void DropCredentials();

  friend bool operator==(const Url& a, const Url& b) { return a.href_ == b.href_; }
  friend auto operator<=>(const Url& a, const Url& b) { return a.href_ <=> b.href_; }

 private:
  friend class UrlParser;

  // URL Standard, "special scheme"; kOther is every scheme that is not special.
  enum class SchemeType : uint8_t { kOther, kHttp, kHttps, kWs, kWss, kFtp, kFile };
  static constexpr uint32_t kNone = 0xffffffff;

  std::string_view Slice(uint32_t begin, uint32_t end) const {
    return std::string_view(href_).substr(begin, end - begin);
  }
  uint32_t PathEnd() const;
  uint32_t QueryEnd() const;

  std::string href_;
  uint32_t scheme_end_ = 0;
  uint32_t username_start_ = 0;
  uint32_t username_end_ = 0;
  uint32_t host_start_ = 0;
  uint32_t host_end_ = 0;
  uint32_t path_start_ = 0;
  uint32_t query_start_ = kNone;
  uint32_t fragment_start_ = kNone;
  int32_t port_ = -1;
  SchemeType type_ = SchemeType::kOther;
  bool has_host_ = false;
  bool opaque_path_ = false;
};

}  // namespace crawld::web
