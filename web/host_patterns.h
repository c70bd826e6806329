// HostPatterns: which entry of a list a host belongs to.
//
//   example.org      that host
//   *.example.org    every host below it, but not itself
//   192.0.2.1        that address, as a URL has it
//   *                every host
//
// Patterns are read as a URL's host is (WHATWG URL "host parsing"): case, IDNA and the spellings of
// IP addresses make no difference. Of several that match, the lowest entry counts.
//
// Thread safety: const members from any thread. Cost of Find(): a hash look-up a label.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace crawld::web {

class HostPatterns {
 public:
  // False, and nothing added, if it is no pattern.
  [[nodiscard]] bool Add(std::string_view pattern, uint32_t entry);

  // `host` as a parsed URL has it.
  std::optional<uint32_t> Find(std::string_view host) const;

  bool empty() const { return exact_.empty() && below_.empty() && !all_; }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Entries = std::unordered_map<std::string, uint32_t, Hash, std::equal_to<>>;

  Entries exact_;
  Entries below_;  // without "*."
  std::optional<uint32_t> all_;
};

}  // namespace crawld::web
