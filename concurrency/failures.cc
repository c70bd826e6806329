#include "concurrency/failures.h"

#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <cstddef>

namespace crawld::concurrency {
namespace {

constexpr size_t kKinds = 5;

// Relaxed: a counter that is read for a metric orders nothing else.
std::atomic<uint64_t>& Counter(FailureKind kind) {
  static std::array<std::atomic<uint64_t>, kKinds> counters{};
  return counters.at(static_cast<size_t>(kind));
}

}  // namespace

std::string_view ToString(FailureKind kind) {
  switch (kind) {
    case FailureKind::kDoneCallback:
      return "done_callback";
    case FailureKind::kUnobservedError:
      return "unobserved_error";
    case FailureKind::kTimer:
      return "timer";
    case FailureKind::kBackground:
      return "background";
    case FailureKind::kThread:
      return "thread";
  }
  return "unknown";
}

void ReportFailure(FailureKind kind, std::string_view what,
                   const std::exception_ptr& error) noexcept {
  Counter(kind).fetch_add(1, std::memory_order_relaxed);
  try {
    spdlog::error("{} failed ({}): {}", what, ToString(kind), DescribeException(error));
  } catch (...) {
    // Out of memory while saying so: the count has it.
  }
}

uint64_t FailureCount(FailureKind kind) { return Counter(kind).load(std::memory_order_relaxed); }

std::string DescribeException(const std::exception_ptr& error) {
  if (!error) return "";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception that is not a std::exception";
  }
}

}  // namespace crawld::concurrency
