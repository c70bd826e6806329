// Whether this is a build with a sanitizer: slower, and larger, since what is freed is kept a
// while.
#pragma once

// For the preprocessor too: a sanitizer has its own operator new.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CRAWLD_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CRAWLD_SANITIZED 1
#endif
#endif
#ifndef CRAWLD_SANITIZED
#define CRAWLD_SANITIZED 0
#endif

namespace crawld::test {

inline constexpr bool kSanitized = CRAWLD_SANITIZED != 0;

}  // namespace crawld::test
