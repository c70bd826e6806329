#include "web/robots.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "web/ascii.h"

namespace crawld::web {
namespace {

// What a call costs, in bytes.
constexpr size_t kPieceWork = 16;

bool IsUnreserved(char c) {
  return IsAlpha(c) || IsDigit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

// RFC 3986 "reserved", and '%' itself: kept as they are.
bool IsKept(char c) {
  return std::string_view(":/?#[]@!$&'()*+,;=%").find(c) != std::string_view::npos;
}

bool IsQueryDelimiter(char c) {
  return std::string_view(":/?@[]").find(c) != std::string_view::npos;
}

void AppendEncodedByte(char c, std::string& out) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

enum class Side : uint8_t {
  kRule,  // '*' and a final '$' are special
  kUrl,   // '*' and '$' are literal, and so written as a rule writes the literal characters
};

// Section 2.2.2. With `decode_query`, encoded delimiters behind the first '?' are decoded.
void AppendNormalised(std::string_view text, Side side, bool decode_query, std::string& out) {
  bool in_query = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%' && i + 2 < text.size() && HexValue(text[i + 1]) >= 0 &&
        HexValue(text[i + 2]) >= 0) {
      const char decoded = static_cast<char>(HexValue(text[i + 1]) * 16 + HexValue(text[i + 2]));
      if (IsUnreserved(decoded) || (in_query && decode_query && IsQueryDelimiter(decoded))) {
        out += decoded;
      } else {
        AppendEncodedByte(decoded, out);
      }
      i += 2;
      continue;
    }
    const bool literal = side == Side::kUrl ? (c == '*' || c == '$') : c == '$';
    if (literal || !(IsUnreserved(c) || IsKept(c))) {
      AppendEncodedByte(c, out);
    } else {
      out += c;
    }
    if (c == '?') in_query = true;
  }
}

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\f' || c == '\v' || c == '\0'; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

// Section 2.2.1: product-token = 1*("-" / A-Z / "_" / a-z). The rest of the line is commentary.
std::string_view ProductToken(std::string_view value) {
  size_t end = 0;
  while (end < value.size() && (IsAlpha(value[end]) || value[end] == '-' || value[end] == '_'))
    ++end;
  return value.substr(0, end);
}

// The leftmost place of `needle` in `text`, or npos; adds to `work` the bytes looked at. The C
// library's memmem is linear in both (two-way string matching), whatever they are.
size_t FindPiece(std::string_view text, std::string_view needle, size_t& work) {
  const void* const found = memmem(text.data(), text.size(), needle.data(), needle.size());
  if (found == nullptr) {
    work += text.size() + kPieceWork;
    return std::string_view::npos;
  }
  const auto at = static_cast<size_t>(static_cast<const char*>(found) - text.data());
  work += at + needle.size() + kPieceWork;
  return at;
}

enum class Key : uint8_t { kUserAgent, kAllow, kDisallow, kCrawlDelay, kSitemap, kUnknown };

Key KeyOf(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, Key>, 15> kKeys = {{
      {"user-agent", Key::kUserAgent},
      {"useragent", Key::kUserAgent},
      {"user agent", Key::kUserAgent},
      {"disallow", Key::kDisallow},
      {"dissallow", Key::kDisallow},
      {"dissalow", Key::kDisallow},
      {"disalow", Key::kDisallow},
      {"diasllow", Key::kDisallow},
      {"disallaw", Key::kDisallow},
      {"allow", Key::kAllow},
      {"crawl-delay", Key::kCrawlDelay},
      {"crawldelay", Key::kCrawlDelay},
      {"crawl delay", Key::kCrawlDelay},
      {"sitemap", Key::kSitemap},
      {"site-map", Key::kSitemap},
  }};
  for (const auto& [name, key] : kKeys) {
    if (EqualIgnoringCase(text, name)) return key;
  }
  return Key::kUnknown;
}

// Seconds, with a fraction or without. Empty when it is no number.
std::optional<std::chrono::milliseconds> ParseDelay(std::string_view text) {
  int64_t millis = 0;
  int64_t unit = 1000;
  bool digits = false;
  bool fraction = false;
  for (const char c : text) {
    if (c == '.' && !fraction) {
      fraction = true;
    } else if (IsDigit(c)) {
      digits = true;
      if (fraction) {
        unit /= 10;
        millis += (c - '0') * unit;
      } else {
        millis = std::min<int64_t>(millis * 10 + (c - '0') * int64_t{1000}, kMaxCrawlDelay.count());
      }
    } else if (digits && (IsBlank(c) || AsciiLower(c) == 's')) {
      break;  // "10 seconds", "10s"
    } else {
      return std::nullopt;
    }
  }
  if (!digits) return std::nullopt;
  return std::min(std::chrono::milliseconds(millis), kMaxCrawlDelay);
}

}  // namespace

class RobotsParser {
 public:
  RobotsParser(std::string_view body, std::string_view product_token)
      : body_(body), token_(ProductToken(product_token)) {}

  RobotsRules Run() {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    const bool cut = body_.size() > kMaxRobotsBytes;
    // One byte more is looked at, so that a line ending right at the limit is known to be whole.
    std::string_view rest = body_.substr(0, kMaxRobotsBytes);
    const bool whole_end = !cut || body_[kMaxRobotsBytes] == '\n' || body_[kMaxRobotsBytes] == '\r';
    if (rest.starts_with(kByteOrderMark)) rest.remove_prefix(kByteOrderMark.size());
    while (!rest.empty()) {
      const size_t end = rest.find_first_of("\r\n");
      if (end == std::string_view::npos) {
        if (whole_end) Line(rest);
        break;
      }
      Line(rest.substr(0, end));  // of CRLF the LF makes an empty line, which means nothing
      rest.remove_prefix(end + 1);
    }
    EndGroup();
    return Choose();
  }

 private:
  struct RawRule {
    std::string_view path;
    bool allow;
  };
  // The merged groups of one kind: those that name us, or those for "*".
  struct Merged {
    bool seen = false;
    std::vector<RawRule> rules;
    std::optional<std::chrono::milliseconds> delay;
    bool in_run = false;  // named by the user-agent lines that a crawl-delay would be for
  };

  void Line(std::string_view line) {
    line = line.substr(0, line.find('#'));
    const size_t colon = line.find(':');
    std::string_view key;
    std::string_view value;
    if (colon != std::string_view::npos && !ForgetsColon(line.substr(0, colon))) {
      key = Trim(line.substr(0, colon));
      value = Trim(line.substr(colon + 1));
    } else {
      // A forgotten colon: exactly two words.
      line = Trim(line);
      const size_t blank = std::min(line.find_first_of(" \t"), line.size());
      key = line.substr(0, blank);
      value = Trim(line.substr(blank));
      if (value.empty() || value.find_first_of(" \t") != std::string_view::npos) return;
    }
    switch (KeyOf(key)) {
      case Key::kUserAgent:
        UserAgent(value);
        break;
      case Key::kAllow:
        PathRule(value, true);
        break;
      case Key::kDisallow:
        PathRule(value, false);
        break;
      case Key::kCrawlDelay:
        CrawlDelay(value);
        break;
      case Key::kSitemap:
        if (value.empty()) break;
        if (sitemaps_.size() < kMaxRobotsSitemaps) {
          sitemaps_.emplace_back(value);
        } else {
          ++sitemaps_dropped_;
        }
        break;
      case Key::kUnknown:
        break;
    }
  }

  // "Sitemap http://h/s.xml": the colon is the value's. A key of two words is no such line.
  static bool ForgetsColon(std::string_view before_colon) {
    before_colon = Trim(before_colon);
    const size_t blank = before_colon.find_first_of(" \t");
    if (blank == std::string_view::npos) return false;
    const std::string_view value = Trim(before_colon.substr(blank));
    return KeyOf(before_colon.substr(0, blank)) != Key::kUnknown &&
           !EqualIgnoringCase(value, "agent") && !EqualIgnoringCase(value, "delay");
  }

  void UserAgent(std::string_view value) {
    if (group_has_rules_) EndGroup();
    if (std::exchange(run_has_delay_, false)) ours_.in_run = global_.in_run = false;
    if (value.starts_with('*') && (value.size() == 1 || IsBlank(value[1]))) {
      group_is_global_ = global_.in_run = true;
    } else if (!token_.empty() && EqualIgnoringCase(ProductToken(value), token_)) {
      group_is_ours_ = ours_.in_run = true;
    }
    in_group_ = true;
  }

  // It ends no group, so that the rules behind it are for the user-agent lines before it too; but
  // it is itself for those above it, not for those behind.
  void CrawlDelay(std::string_view value) {
    if (!in_group_) return;
    const auto delay = ParseDelay(value);
    for (Merged* merged : {&ours_, &global_}) {
      if (merged->in_run) merged->delay = std::max(merged->delay, delay);
    }
    run_has_delay_ = true;
  }

  // A rule with an empty path disallows nothing; one that begins with neither '/' nor '*' matches
  // nothing (the grammar does not know it).
  void PathRule(std::string_view path, bool allow) {
    if (!in_group_) return;
    group_has_rules_ = true;
    if (!path.starts_with('/') && !path.starts_with('*')) return;
    if (group_is_ours_) ours_.rules.push_back({path, allow});
    if (group_is_global_) global_.rules.push_back({path, allow});
  }

  void EndGroup() {
    ours_.seen = ours_.seen || group_is_ours_;
    global_.seen = global_.seen || group_is_global_;
    group_is_ours_ = group_is_global_ = group_has_rules_ = in_group_ = false;
    ours_.in_run = global_.in_run = run_has_delay_ = false;
  }

  RobotsRules Choose() {
    RobotsRules result;
    result.sitemaps_ = std::move(sitemaps_);
    result.sitemaps_dropped_ = sitemaps_dropped_;
    const Merged& chosen = ours_.seen ? ours_ : global_;
    result.crawl_delay_ = chosen.delay;
    result.rules_.reserve(chosen.rules.size());
    for (const RawRule& raw : chosen.rules) {
      RobotsRules::Rule rule;
      std::string_view path = raw.path;
      rule.anchored = path.ends_with('$');
      if (rule.anchored) path.remove_suffix(1);
      rule.begin = static_cast<uint32_t>(result.patterns_.size());
      AppendNormalised(path, Side::kRule, true, result.patterns_);
      rule.size = static_cast<uint32_t>(result.patterns_.size()) - rule.begin;
      rule.octets = rule.size + (rule.anchored ? 1 : 0);
      rule.allow = raw.allow;
      rule.wild = path.find('*') != std::string_view::npos;
      rule.in_query = path.find('?') != std::string_view::npos;
      result.rules_.push_back(rule);
    }
    result.patterns_.shrink_to_fit();
    std::stable_sort(result.rules_.begin(), result.rules_.end(),
                     [](const RobotsRules::Rule& a, const RobotsRules::Rule& b) {
                       return a.octets != b.octets ? a.octets > b.octets : a.allow && !b.allow;
                     });
    return result;
  }

  const std::string_view body_;
  const std::string_view token_;
  Merged ours_;
  Merged global_;
  std::vector<std::string> sitemaps_;
  size_t sitemaps_dropped_ = 0;
  // The group being read.
  bool in_group_ = false;
  bool group_is_ours_ = false;
  bool group_is_global_ = false;
  bool group_has_rules_ = false;
  bool run_has_delay_ = false;
};

RobotsRules RobotsRules::Parse(std::string_view body, std::string_view product_token) {
  return RobotsParser(body, product_token).Run();
}

RobotsRules RobotsRules::DisallowAll() {
  RobotsRules rules;
  rules.patterns_ = "/";
  rules.rules_.push_back({.begin = 0, .size = 1, .octets = 1});
  return rules;
}

// Stars split the pattern into pieces. The first piece must be a prefix, each next one is taken at
// its leftmost place behind the one before, the last one is a suffix when anchored: for patterns
// whose only wildcard is '*' the leftmost choice is never worse. `path` is searched once in all.
bool RobotsRules::Matches(const Rule& rule, std::string_view path, size_t& budget) const {
  std::string_view pattern = std::string_view(patterns_).substr(rule.begin, rule.size);
  if (!rule.wild) {
    return rule.anchored ? path == pattern : path.starts_with(pattern);
  }
  size_t star = pattern.find('*');
  if (!path.starts_with(pattern.substr(0, star))) return false;
  path.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  while (true) {
    star = pattern.find('*');
    const std::string_view piece = pattern.substr(0, star);
    const bool last = star == std::string_view::npos;
    if (last && rule.anchored) return path.ends_with(piece);
    if (!piece.empty()) {
      size_t work = 0;
      const size_t at = FindPiece(path, piece, work);
      budget -= std::min(budget, work);
      if (at == std::string_view::npos) return false;
      path.remove_prefix(at + piece.size());
    }
    if (last) return true;
    pattern.remove_prefix(star + 1);
  }
}

bool RobotsRules::Allows(std::string_view path_and_query) const {
  const std::string_view path = path_and_query.substr(0, path_and_query.find('?'));
  if (rules_.empty() || path == "/robots.txt") return true;
  std::string raw;
  raw.reserve(path_and_query.size() + 1);
  if (!path_and_query.starts_with('/')) raw += '/';
  AppendNormalised(path_and_query, Side::kUrl, false, raw);
  // The form in which the query's delimiters are decoded, when it differs.
  std::string decoded;
  std::string_view in_query = raw;
  if (path_and_query.find('%', path.size()) != std::string_view::npos) {
    if (!path_and_query.starts_with('/')) decoded += '/';
    AppendNormalised(path_and_query, Side::kUrl, true, decoded);
    in_query = decoded;
  }
  size_t budget = kMaxMatchBytes;
  for (const Rule& rule : rules_) {
    if (Matches(rule, rule.in_query ? in_query : raw, budget)) return rule.allow;
    if (budget == 0) return false;
  }
  return true;
}

}  // namespace crawld::web
