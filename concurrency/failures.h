// Failures that have nobody to catch them: a callback that throws, a task whose exception no one
// looks at. They are logged and counted here, never swallowed.
//
// Thread safety: all functions, from any thread. Cost: a log line each; nothing otherwise.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

namespace crawld::concurrency {

// The place that caught the exception; ToString() of it is the metric's label.
enum class FailureKind {
  kDoneCallback,     // a Future's done-callback threw
  kUnobservedError,  // a Future's last handle went away before anybody looked at its exception
  kTimer,            // a Timer's callback threw
  kBackground,       // a BackgroundThread's function threw; the thread goes on
  kThread,           // a NamedThread's function threw; the process ends
};

[[nodiscard]] std::string_view ToString(FailureKind kind);

// Logs `error` as an error with the name of what failed, and counts it.
void ReportFailure(FailureKind kind, std::string_view what,
                   const std::exception_ptr& error) noexcept;

// How many were reported since the process began.
[[nodiscard]] uint64_t FailureCount(FailureKind kind);

// The exception's what(), or a description of an exception that has none. "" for null.
[[nodiscard]] std::string DescribeException(const std::exception_ptr& error);

}  // namespace crawld::concurrency
