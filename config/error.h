// ConfigError: all that is wrong with a configuration, at once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace crawld::config {

// One mistake and its place. Lines and columns count from 1, columns in bytes; both are 0 where a
// mistake has no place (a file that cannot be read).
struct Problem {
  std::string file = {};
  uint32_t line = 0;
  uint32_t column = 0;
  std::string key = {};      // "fetcher.threads"; empty for a mistake that belongs to no key
  std::string message = {};  // what is wrong; what is allowed; what may have been meant

  friend bool operator==(const Problem&, const Problem&) = default;
};

// "file:line:column: key: message", less the parts that are not there; with a label, such as
// "warning", "file:line:column: warning: key: message".
[[nodiscard]] std::string ToString(const Problem& problem, std::string_view label = {});

// Thrown with one problem or more; what() has a line for each, in the order of their places. Others
// who find mistakes in a config's values later (a pattern that does not compile, a seed that is no
// URL) throw it too, so that the operator reads one form.
class ConfigError : public FatalError {
 public:
  explicit ConfigError(std::vector<Problem> problems);

  [[nodiscard]] const std::vector<Problem>& problems() const { return problems_; }

 private:
  std::vector<Problem> problems_;
};

}  // namespace crawld::config
