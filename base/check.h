// CRAWLD_CHECK(condition, "why it must hold"): an invariant of ours. Always on, in every build.
// Never on data from outside: that gets a Result. Prints place and reason to stderr and aborts,
// which is as safe as any other crash (docs/architecture.md, "What is durable when").
#pragma once

namespace crawld {

[[noreturn]] void CheckFailed(const char* condition, const char* why, const char* file, int line);

}  // namespace crawld

#define CRAWLD_CHECK(condition, why)                                \
  do {                                                              \
    if (!(condition)) [[unlikely]]                                  \
      ::crawld::CheckFailed(#condition, (why), __FILE__, __LINE__); \
  } while (false)
