// Patterns that name hosts, and an index of them.
//
//   example.org      that host
//   *.example.org    every host below it, but not itself
//   192.0.2.1        that address, as a URL has it; [2001:db8::1]
//
// Patterns are read as a URL's host is (WHATWG URL "host parsing"): case, IDNA and the spellings of
// IP addresses make no difference.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"

namespace crawld::web {

struct HostPattern {
  std::string name;  // as a URL has it: lower case, Punycode, addresses in their usual form
  bool below = false;

  // The error says what is wrong.
  static Result<HostPattern, std::string> Parse(std::string_view text);
  friend bool operator==(const HostPattern&, const HostPattern&) = default;
};

// Patterns to numbers; of several that match a host the lowest counts.
//
// Thread safety: const members from any thread. Cost of Find(): a hash look-up a label; nothing
// while it is empty.
class HostIndex {
 public:
  void Add(const HostPattern& pattern, size_t number);
  // `host` as a parsed URL has it; a dot at its end makes no difference.
  std::optional<size_t> Find(std::string_view host) const;
  bool empty() const { return exact_.empty() && below_.empty(); }
  friend bool operator==(const HostIndex&, const HostIndex&) = default;

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Map = std::unordered_map<std::string, size_t, Hash, std::equal_to<>>;
  Map exact_;
  Map below_;  // without "*."
};

}  // namespace crawld::web
