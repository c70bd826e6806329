#include "web/url.h"

#include <charconv>

#include "base/check.h"
#include "web/host.h"
#include "web/url_bytes.h"
#include "web/utf8.h"

namespace crawld::web {

std::string_view Name(UrlError error) {
  switch (error) {
    case UrlError::kTooLong:
      return "too_long";
    case UrlError::kMissingScheme:
      return "missing_scheme";
    case UrlError::kRelativeToOpaque:
      return "relative_to_opaque";
    case UrlError::kHostMissing:
      return "host_missing";
    case UrlError::kHostForbiddenByte:
      return "host_forbidden_byte";
    case UrlError::kHostInvalidIdna:
      return "host_invalid_idna";
    case UrlError::kHostTooLong:
      return "host_too_long";
    case UrlError::kIpv4Invalid:
      return "ipv4_invalid";
    case UrlError::kIpv6Invalid:
      return "ipv6_invalid";
    case UrlError::kPortInvalid:
      return "port_invalid";
    case UrlError::kPortOutOfRange:
      return "port_out_of_range";
  }
  return "unknown";
}

std::string_view Explain(UrlError error) {
  switch (error) {
    case UrlError::kTooLong:
      return "the URL is longer than 65536 bytes";
    case UrlError::kMissingScheme:
      return "the URL is relative and there is no base to resolve it against";
    case UrlError::kRelativeToOpaque:
      return "the URL is relative and its base has an opaque path, like mailto: or data:";
    case UrlError::kHostMissing:
      return "the URL needs a host and has none";
    case UrlError::kHostForbiddenByte:
      return "the host contains a character that no host may contain";
    case UrlError::kHostInvalidIdna:
      return "the host is not a valid internationalised domain name (UTS #46)";
    case UrlError::kHostTooLong:
      return "the internationalised host is longer than 4096 bytes";
    case UrlError::kIpv4Invalid:
      return "the host ends in a number but is not an IPv4 address";
    case UrlError::kIpv6Invalid:
      return "the host begins with '[' but is not an IPv6 address in brackets";
    case UrlError::kPortInvalid:
      return "the port is not a number";
    case UrlError::kPortOutOfRange:
      return "the port is above 65535";
  }
  return "unknown";
}

namespace {

// "Windows drive letter": an ASCII letter and ':' or '|'.
bool IsDriveLetter(std::string_view text) {
  return text.size() == 2 && IsAlpha(text[0]) && (text[1] == ':' || text[1] == '|');
}

bool StartsWithDriveLetter(std::string_view text) {
  return IsDriveLetter(text.substr(0, 2)) && (text.size() == 2 || text[2] == '/');
}

// 0 for an ordinary segment, 1 for "." and 2 for ".." in any of their spellings ("%2e").
int DotSegment(std::string_view segment) {
  int dots = 0;
  while (!segment.empty()) {
    if (segment[0] == '.') {
      segment.remove_prefix(1);
    } else if (segment.size() >= 3 && segment[0] == '%' && segment[1] == '2' &&
               (segment[2] == 'e' || segment[2] == 'E')) {
      segment.remove_prefix(3);
    } else {
      return 0;
    }
    if (++dots > 2) return 0;
  }
  return dots;
}

// Offset of the first segment of `path` that is "." or "..", or npos.
size_t FindDotSegment(std::string_view path) {
  size_t start = 0;
  while (start < path.size()) {
    const size_t slash = path.find('/', start);
    const size_t end = slash == std::string_view::npos ? path.size() : slash;
    if ((ClassOf(path[start]) & kDotOrPercent) != 0 && end - start <= 6 &&
        DotSegment(path.substr(start, end - start)) != 0) {
      return start;
    }
    if (slash == std::string_view::npos) break;
    start = slash + 1;
  }
  return std::string_view::npos;
}

}  // namespace

// One run of the "basic URL parser". The standard's state machine reads code point by code point;
// here each component is found first and then appended whole. Two facts make that equal: the first
// '#' always begins the fragment and the first '?' before it the query, in every state; and with a
// special scheme '\' is '/' in every state before that.
class UrlParser {
 public:
  static Result<Url, UrlError> Run(std::string_view input, const Url* base) {
    if (input.size() > kMaxUrlBytes) return Err(UrlError::kTooLong);
    while (!input.empty() && static_cast<unsigned char>(input.front()) <= 0x20) {
      input.remove_prefix(1);
    }
    while (!input.empty() && static_cast<unsigned char>(input.back()) <= 0x20) {
      input.remove_suffix(1);
    }
    uint32_t bytes = ClassOf(input);
    std::string valid;
    if ((bytes & kNonAscii) != 0 && !IsValidUtf8(input)) {
      valid = ReplaceInvalidUtf8(input);
      input = valid;
    }
    std::string cleaned;
    if ((bytes & kTabOrNewline) != 0) {
      cleaned.reserve(input.size());
      for (const char c : input) {
        if ((ClassOf(c) & kTabOrNewline) == 0) cleaned += c;
      }
      input = cleaned;
      bytes = ClassOf(input);
    }
    UrlParser parser(input, bytes, base);
    if (auto done = parser.Parse(); !done) return Err(done.error());
    if (parser.url_.href_.size() > kMaxUrlBytes) return Err(UrlError::kTooLong);
    return std::move(parser.url_);
  }

 private:
  using SchemeType = Url::SchemeType;
  using Done = Result<void, UrlError>;

  UrlParser(std::string_view input, uint32_t bytes, const Url* base)
      : bytes_(bytes), base_(base), main_(input), href_(url_.href_) {
    if ((bytes & kHash) != 0) {
      const size_t hash = main_.find('#');
      fragment_ = main_.substr(hash + 1);
      has_fragment_ = true;
      main_ = main_.substr(0, hash);
    }
    if ((bytes & kQuestion) != 0) {
      const size_t question = main_.find('?');
      if (question != std::string_view::npos) {
        query_ = main_.substr(question + 1);
        has_query_ = true;
        main_ = main_.substr(0, question);
      }
    }
    href_.reserve(input.size() + (base == nullptr ? 0 : base->path_start_ + base->path().size()) +
                  16);
  }

  // "scheme start state" to "no scheme state"
  Done Parse() {
    if ((bytes_ & kColon) != 0 && !main_.empty() && IsAlpha(main_[0])) {
      size_t end = 1;
      while (end < main_.size() && (ClassOf(main_[end]) & kSchemeByte) != 0) ++end;
      if (end < main_.size() && main_[end] == ':') return WithScheme(end);
    }
    if (base_ == nullptr) return Err(UrlError::kMissingScheme);
    if (base_->opaque_path_) {
      if (!main_.empty() || has_query_ || !has_fragment_) return Err(UrlError::kRelativeToOpaque);
      CopyUpToPath();
      url_.opaque_path_ = true;
      href_ += base_->path();
      inherit_query_ = true;
      return Finish();
    }
    url_.type_ = base_->type_;
    SlashesForBackslashes();
    return url_.type_ == SchemeType::kFile ? File(main_) : Relative(main_);
  }

  Done WithScheme(size_t end) {
    for (const char c : main_.substr(0, end)) href_ += AsciiLower(c);
    url_.scheme_end_ = static_cast<uint32_t>(end);
    url_.type_ = TypeOf(href_);
    href_ += ':';
    if (special()) {
      SlashesForBackslashes();
      const std::string_view rest = main_.substr(end + 1);
      if (url_.type_ == SchemeType::kFile) return File(rest);
      if (base_ != nullptr && base_->type_ == url_.type_ && !rest.starts_with("//")) {
        href_.clear();
        return Relative(rest);
      }
      return Authority(WithoutLeadingSlashes(rest));
    }
    const std::string_view rest = main_.substr(end + 1);
    if (rest.starts_with("//")) return Authority(rest.substr(2));
    NoAuthority();
    if (rest.starts_with('/')) {
      AppendSegments(rest.substr(1));
    } else {
      OpaquePath(rest);
    }
    return Finish();
  }

  // "opaque path state"; a space before the query or the fragment is encoded so that the path
  // cannot end in one.
  void OpaquePath(std::string_view path) {
    url_.opaque_path_ = true;
    const bool encode_last = path.ends_with(' ') && (has_query_ || has_fragment_);
    AppendEncoded(encode_last ? path.substr(0, path.size() - 1) : path, kEncodeC0);
    if (encode_last) href_ += "%20";
  }

  // "relative state" and "relative slash state"
  Done Relative(std::string_view rest) {
    if (rest.starts_with("//")) {
      const std::string_view scheme = base_->scheme();
      href_.append(scheme);
      url_.scheme_end_ = static_cast<uint32_t>(scheme.size());
      href_ += ':';
      return Authority(special() ? WithoutLeadingSlashes(rest) : rest.substr(2));
    }
    CopyUpToPath();
    if (rest.starts_with('/')) {
      AppendSegments(rest.substr(1));
      return Finish();
    }
    RelativePath(rest);
    return Finish();
  }

  // What "relative state" and "file state" share: the base's path, and its query when the reference
  // has neither path nor query.
  void RelativePath(std::string_view rest) {
    href_ += base_->path();
    if (rest.empty()) {
      inherit_query_ = !has_query_;
      return;
    }
    Shorten();
    AppendSegments(rest);
  }

  // "file state", "file slash state", "file host state"
  Done File(std::string_view rest) {
    const bool file_base = base_ != nullptr && base_->type_ == SchemeType::kFile;
    href_.assign("file:");
    url_.scheme_end_ = 4;
    if (rest.starts_with("//")) {
      rest.remove_prefix(2);
      const std::string_view host = rest.substr(0, rest.find('/'));
      if (IsDriveLetter(host)) {
        EmptyHost();
        AppendSegments(rest);
        return Finish();
      }
      EmptyHost();
      if (!host.empty()) {
        if (auto done = AppendHost(host, true, href_); !done) return done;
        if (std::string_view(href_).substr(url_.host_start_) == "localhost") {
          href_.resize(url_.host_start_);
        }
        url_.host_end_ = url_.path_start_ = Size();
      }
      rest.remove_prefix(host.size());
      AppendSegments(rest.empty() ? rest : rest.substr(1));
      return Finish();
    }
    if (!file_base) {
      EmptyHost();
      AppendSegments(rest.starts_with('/') ? rest.substr(1) : rest);
      return Finish();
    }
    CopyUpToPath();
    if (rest.starts_with('/')) {
      rest.remove_prefix(1);
      const std::string_view base_path = base_->path();
      if (!StartsWithDriveLetter(rest) && base_path.size() >= 3 && base_path[2] == ':' &&
          StartsWithDriveLetter(base_path.substr(1))) {
        href_.append(base_path.substr(0, 3));
      }
      AppendSegments(rest);
    } else if (StartsWithDriveLetter(rest)) {
      AppendSegments(rest);
    } else {
      RelativePath(rest);
    }
    return Finish();
  }

  // "authority state", "host state", "port state", "path start state". `rest` begins after "//".
  Done Authority(std::string_view rest) {
    href_ += "//";
    url_.has_host_ = true;
    url_.username_start_ = url_.username_end_ = Size();
    const size_t slash = rest.find('/');
    std::string_view authority = rest.substr(0, slash);
    rest.remove_prefix(authority.size());

    const size_t at = authority.rfind('@');
    if (at != std::string_view::npos) {
      const std::string_view credentials = authority.substr(0, at);
      authority.remove_prefix(at + 1);
      if (authority.empty()) return Err(UrlError::kHostMissing);
      const std::string_view user = credentials.substr(0, credentials.find(':'));
      AppendEncoded(user, kEncodeUserinfo);
      url_.username_end_ = Size();
      const bool password = user.size() + 1 < credentials.size();
      if (password) {
        href_ += ':';
        AppendPercentEncoded(credentials.substr(user.size() + 1), kEncodeUserinfo, href_);
      }
      if (password || !user.empty()) href_ += '@';
    }

    url_.host_start_ = Size();
    size_t colon = std::string_view::npos;
    bool in_brackets = false;
    for (size_t i = 0; i < authority.size(); ++i) {
      const char c = authority[i];
      if (c == ':' && !in_brackets) {
        colon = i;
        break;
      }
      if (c == '[') in_brackets = true;
      if (c == ']') in_brackets = false;
    }
    const std::string_view host = authority.substr(0, colon);
    if (host.empty()) {
      if (colon != std::string_view::npos || special()) return Err(UrlError::kHostMissing);
    } else if (auto done = AppendHost(host, special(), href_); !done) {
      return done;
    }
    url_.host_end_ = Size();
    if (colon != std::string_view::npos) {
      if (auto done = Port(authority.substr(colon + 1)); !done) return done;
    }
    url_.path_start_ = Size();
    if (special()) {
      AppendSegments(rest.empty() ? rest : rest.substr(1));
    } else if (!rest.empty()) {
      AppendSegments(rest.substr(1));
    }
    return Finish();
  }

  Done Port(std::string_view digits) {
    uint32_t port = 0;
    for (const char c : digits) {
      if (!IsDigit(c)) return Err(UrlError::kPortInvalid);
      port = port * 10 + static_cast<uint32_t>(c - '0');
      if (port > 65535) port = 65536;  // saturates, so that a later non-digit is still seen
    }
    if (port > 65535) return Err(UrlError::kPortOutOfRange);
    if (digits.empty() || (special() && port == DefaultPort(url_.type_))) return {};
    url_.port_ = static_cast<int32_t>(port);
    href_ += ':';
    char buffer[8];
    href_.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, port).ptr);
    return {};
  }

  // "path state" from a segment's start. Linear: each byte is looked at once for dot segments and
  // appended once.
  void AppendSegments(std::string_view rest) {
    if (url_.type_ == SchemeType::kFile && Size() == url_.path_start_) {
      const std::string_view first = rest.substr(0, rest.find('/'));
      if (IsDriveLetter(first)) {
        href_ += '/';
        href_ += first[0];
        href_ += ':';
        if (first.size() == rest.size()) return;
        rest.remove_prefix(first.size() + 1);
      }
    }
    while (true) {
      const size_t dots =
          (bytes_ & kDotOrPercent) == 0 ? std::string_view::npos : FindDotSegment(rest);
      if (dots == std::string_view::npos) {
        href_ += '/';
        AppendEncoded(rest, kEncodePath);
        return;
      }
      if (dots > 0) {
        href_ += '/';
        AppendEncoded(rest.substr(0, dots - 1), kEncodePath);
        rest.remove_prefix(dots);
      }
      const size_t slash = rest.find('/');
      if (DotSegment(rest.substr(0, slash)) == 2) Shorten();
      if (slash == std::string_view::npos) {
        href_ += '/';
        return;
      }
      rest.remove_prefix(slash + 1);
      if (url_.type_ == SchemeType::kFile && Size() == url_.path_start_ &&
          IsDriveLetter(rest.substr(0, rest.find('/')))) {
        // "file:///x/../C|/": the path is empty again, so the quirk applies. It happens once at
        // most, because Shorten() leaves a drive letter alone.
        AppendSegments(rest);
        return;
      }
    }
  }

  // "shorten a url's path"
  void Shorten() {
    const std::string_view path = std::string_view(href_).substr(url_.path_start_);
    if (path.empty()) return;
    const size_t slash = path.rfind('/');
    if (url_.type_ == SchemeType::kFile && slash == 0 && path.size() == 3 && path[2] == ':' &&
        IsDriveLetter(path.substr(1))) {
      return;
    }
    href_.resize(url_.path_start_ + slash);
  }

  // Everything before the base's path, and the offsets that go with it.
  void CopyUpToPath() {
    const Url& base = *base_;
    href_.assign(base.href_, 0, base.has_host_ ? base.path_start_ : base.scheme_end_ + 1);
    url_.type_ = base.type_;
    url_.scheme_end_ = base.scheme_end_;
    url_.username_start_ = base.username_start_;
    url_.username_end_ = base.username_end_;
    url_.host_start_ = base.host_start_;
    url_.host_end_ = base.host_end_;
    url_.port_ = base.port_;
    url_.has_host_ = base.has_host_;
    url_.path_start_ = Size();
  }

  void NoAuthority() {
    url_.username_start_ = url_.username_end_ = url_.host_start_ = url_.host_end_ =
        url_.path_start_ = Size();
  }

  void EmptyHost() {
    href_ += "//";
    NoAuthority();
    url_.has_host_ = true;
  }

  // The path is complete: what follows it, and the serialiser's "/." that keeps a path which begins
  // with an empty segment from being read as an authority.
  Done Finish() {
    if (!url_.has_host_ && !url_.opaque_path_ &&
        std::string_view(href_).substr(url_.path_start_).starts_with("//")) {
      href_.insert(url_.path_start_, "/.");
      url_.path_start_ += 2;
    }
    if (has_query_) {
      url_.query_start_ = Size();
      href_ += '?';
      AppendEncoded(query_, special() ? kEncodeSpecialQuery : kEncodeQuery);
    } else if (inherit_query_ && base_ != nullptr && base_->has_query()) {
      url_.query_start_ = Size();
      href_ += '?';
      href_ += base_->query();
    }
    if (has_fragment_) {
      url_.fragment_start_ = Size();
      href_ += '#';
      AppendEncoded(fragment_, kEncodeFragment);
    }
    return {};
  }

  static SchemeType TypeOf(std::string_view scheme) {
    switch (scheme.size()) {
      case 2:
        return scheme == "ws" ? SchemeType::kWs : SchemeType::kOther;
      case 3:
        if (scheme == "wss") return SchemeType::kWss;
        return scheme == "ftp" ? SchemeType::kFtp : SchemeType::kOther;
      case 4:
        if (scheme == "http") return SchemeType::kHttp;
        return scheme == "file" ? SchemeType::kFile : SchemeType::kOther;
      case 5:
        return scheme == "https" ? SchemeType::kHttps : SchemeType::kOther;
      default:
        return SchemeType::kOther;
    }
  }

 public:
  // 0 when the scheme has no default port.
  static uint16_t DefaultPort(SchemeType type) {
    switch (type) {
      case SchemeType::kHttp:
      case SchemeType::kWs:
        return 80;
      case SchemeType::kHttps:
      case SchemeType::kWss:
        return 443;
      case SchemeType::kFtp:
        return 21;
      case SchemeType::kFile:
      case SchemeType::kOther:
        return 0;
    }
    return 0;
  }

 private:
  bool special() const { return url_.type_ != SchemeType::kOther; }
  uint32_t Size() const { return static_cast<uint32_t>(href_.size()); }

  static std::string_view WithoutLeadingSlashes(std::string_view text) {
    const size_t first = text.find_first_not_of('/');
    return first == std::string_view::npos ? std::string_view() : text.substr(first);
  }

  void SlashesForBackslashes() {
    if ((bytes_ & kBackslash) == 0 || !special()) return;
    slashed_ = main_;
    for (char& c : slashed_) {
      if (c == '\\') c = '/';
    }
    main_ = slashed_;
  }

  void AppendEncoded(std::string_view text, uint32_t set) {
    if ((bytes_ & set) == 0) {
      href_ += text;
    } else {
      AppendPercentEncoded(text, set, href_);
    }
  }

  const uint32_t bytes_;  // the classes that occur anywhere in the input
  const Url* const base_;
  std::string_view main_;  // the input up to its query
  std::string_view query_;
  std::string_view fragment_;
  bool has_query_ = false;
  bool has_fragment_ = false;
  bool inherit_query_ = false;
  std::string slashed_;
  Url url_;
  std::string& href_;
};

Result<Url, UrlError> Url::Parse(std::string_view input) { return UrlParser::Run(input, nullptr); }

Result<Url, UrlError> Url::Parse(std::string_view input, const Url& base) {
  return UrlParser::Run(input, &base);
}

std::string_view Url::HrefWithoutFragment() const {
  return has_fragment() ? Slice(0, fragment_start_) : std::string_view(href_);
}

std::string_view Url::password() const {
  // Between "username:" and "@host"; absent when the username runs up to '@' or there is none.
  return host_start_ > username_end_ + 1 ? Slice(username_end_ + 1, host_start_ - 1)
                                         : std::string_view();
}

std::optional<uint16_t> Url::port() const {
  return port_ < 0 ? std::nullopt : std::optional(static_cast<uint16_t>(port_));
}

uint16_t Url::EffectivePort() const {
  return port_ < 0 ? UrlParser::DefaultPort(type_) : static_cast<uint16_t>(port_);
}

uint32_t Url::PathEnd() const { return has_query() ? query_start_ : QueryEnd(); }

uint32_t Url::QueryEnd() const {
  return has_fragment() ? fragment_start_ : static_cast<uint32_t>(href_.size());
}

std::string_view Url::query() const {
  return has_query() ? Slice(query_start_ + 1, QueryEnd()) : std::string_view();
}

std::string_view Url::fragment() const {
  return has_fragment() ? Slice(fragment_start_ + 1, static_cast<uint32_t>(href_.size()))
                        : std::string_view();
}

std::string_view Url::PathAndQuery() const { return Slice(path_start_, QueryEnd()); }

std::string Url::Origin() const {
  std::string origin(scheme());
  origin += "://";
  origin += host();
  if (port_ >= 0) {
    origin += ':';
    origin += std::to_string(port_);
  }
  return origin;
}

void Url::DropFragment() {
  if (!has_fragment()) return;
  href_.resize(fragment_start_);
  fragment_start_ = kNone;
}

void Url::DropCredentials() {
  if (!has_credentials()) return;
  const uint32_t removed = host_start_ - username_start_;
  href_.erase(username_start_, removed);
  username_end_ = host_start_ = username_start_;
  host_end_ -= removed;
  path_start_ -= removed;
  if (has_query()) query_start_ -= removed;
  if (has_fragment()) fragment_start_ -= removed;
}

std::string WithoutCredentials(std::string_view text) {
  const size_t slashes = text.find("//");
  if (slashes == text.npos) return std::string(text);
  const size_t begin = slashes + 2;
  const std::string_view authority = text.substr(begin, text.find_first_of("/?#\\", begin) - begin);
  const size_t at = authority.rfind('@');
  if (at == authority.npos) return std::string(text);
  return std::string(text.substr(0, begin)) + "***" + std::string(text.substr(begin + at));
}

}  // namespace crawld::web
