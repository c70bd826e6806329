// RobotsRules: what one crawler may fetch from one host, by RFC 9309.
//
// A value: only the rules of the chosen group are kept, so its size is that of the rules that
// matter (at most about three times kMaxRobotsBytes, when every byte had to be percent-encoded).
//
// Which group (section 2.2.1): all groups that name our product token, merged; else all "*" groups,
// merged; else everything is allowed. A token is compared whole and without case; what follows it
// in a user-agent line ("/2.1") does not count. Only user-agent, allow and disallow lines shape
// groups; crawl-delay, sitemap and unknown lines do not end one (section 2.2.4). A crawl-delay is
// for the user-agent lines above it, though rules may follow that are for more.
//
// Which rule (section 2.2.2): the one with the most octets that matches; allow wins a tie. Paths
// are compared after percent-encoding is made equal on both sides: unreserved characters are
// decoded, everything that is neither reserved nor unreserved is encoded, hex digits are upper
// case. In a query, ':', '/', '?', '@', '[' and ']' equal their encoded forms. "*" matches
// anything, "$" at the end anchors (section 2.2.3); "%2A" and "%24" are the literal characters.
//
// Forgiven: a missing colon when key and value are one word each, "useragent", "dissallow" and its
// kin, "site-map", blanks anywhere, a byte order mark, CR, LF or CRLF. Other keys are no rules:
// "allowed: /" allows nothing.
//
// Safe to read from several threads. Cost of Allows(): a pass over the path, then a prefix compare
// for each rule, longest first, until one matches. A pattern costs time linear in the path however
// many stars it has, and all patterns of a file together look at no more than kMaxMatchBytes; a
// file that wants more than that for one path disallows the path.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crawld::web {

// The rest of a longer file is ignored (section 2.5 asks for at least this). A line that is cut in
// two is ignored whole: half a path would disallow too much.
inline constexpr size_t kMaxRobotsBytes = size_t{500} << 10;
inline constexpr size_t kMaxRobotsSitemaps = 1000;
inline constexpr size_t kMaxMatchBytes = size_t{8} << 20;
// A longer crawl delay is cut to this; what a crawler is willing to wait is its own decision.
inline constexpr std::chrono::milliseconds kMaxCrawlDelay = std::chrono::hours(24);

class RobotsRules {
 public:
  // Never fails: what cannot be read is skipped, as section 2.2.4 and common sense have it. Of
  // `product_token` the leading [A-Za-z_-]* counts ("crawld/0.1 (+url)" is "crawld").
  static RobotsRules Parse(std::string_view body, std::string_view product_token);
  // Section 2.3.1.3 "unavailable": no robots.txt.
  static RobotsRules AllowAll() { return RobotsRules(); }
  // Section 2.3.1.4 "unreachable".
  static RobotsRules DisallowAll();

  // `path_and_query` as Url::PathAndQuery() gives it. /robots.txt itself is always allowed.
  bool Allows(std::string_view path_and_query) const;

  // Of the chosen group; the longest when it says several.
  std::optional<std::chrono::milliseconds> crawl_delay() const { return crawl_delay_; }
  // Of the whole file, in order, as written (absolute URLs by the protocol, but not checked here).
  const std::vector<std::string>& sitemaps() const { return sitemaps_; }
  // Those behind the first kMaxRobotsSitemaps.
  size_t sitemaps_dropped() const { return sitemaps_dropped_; }
  // How many rules the chosen group has.
  size_t size() const { return rules_.size(); }

 private:
  friend class RobotsParser;

  struct Rule {
    uint32_t begin = 0;  // of its normalised pattern in patterns_, without a final '$'
    uint32_t size = 0;
    uint32_t octets = 0;  // what its priority counts: the pattern with its '$'
    bool allow = false;
    bool anchored = false;  // ended in '$'
    bool wild = false;      // contains '*'
    bool in_query = false;  // contains '?': compared with the decoded form of the query
  };

  RobotsRules() = default;

  bool Matches(const Rule& rule, std::string_view path, size_t& budget) const;

  std::string patterns_;
  std::vector<Rule> rules_;  // by octets, descending; allow before disallow
  std::vector<std::string> sitemaps_;
  size_t sitemaps_dropped_ = 0;
  std::optional<std::chrono::milliseconds> crawl_delay_;
};

}  // namespace crawld::web
