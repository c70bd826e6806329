// Error: a failure that a person will read. FatalError: the same, thrown.
#pragma once

#include <stdexcept>
#include <string>

namespace crawld {

// What went wrong, with what, and what to do about it, in one sentence.
struct Error {
  std::string message;

  friend bool operator==(const Error&, const Error&) = default;
};

// Thrown where the program cannot start or go on: bad config, busy port, unreadable or corrupt
// store, full disk. Caught once, in main. The message names key, file and line where there are any,
// and the remedy.
class FatalError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace crawld
