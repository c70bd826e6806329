// Clang's thread-safety attributes (https://clang.llvm.org/docs/ThreadSafetyAnalysis.html), empty
// for other compilers. The lint preset turns a violation into an error.
#pragma once

#if defined(__clang__)
#define CRAWLD_TS_ATTRIBUTE(x) __attribute__((x))
#else
#define CRAWLD_TS_ATTRIBUTE(x)
#endif

#define CAPABILITY(x) CRAWLD_TS_ATTRIBUTE(capability(x))
#define SCOPED_CAPABILITY CRAWLD_TS_ATTRIBUTE(scoped_lockable)
#define GUARDED_BY(x) CRAWLD_TS_ATTRIBUTE(guarded_by(x))
#define PT_GUARDED_BY(x) CRAWLD_TS_ATTRIBUTE(pt_guarded_by(x))
#define REQUIRES(...) CRAWLD_TS_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define ACQUIRE(...) CRAWLD_TS_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define RELEASE(...) CRAWLD_TS_ATTRIBUTE(release_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) CRAWLD_TS_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define EXCLUDES(...) CRAWLD_TS_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define ASSERT_CAPABILITY(x) CRAWLD_TS_ATTRIBUTE(assert_capability(x))
#define RETURN_CAPABILITY(x) CRAWLD_TS_ATTRIBUTE(lock_returned(x))
#define NO_THREAD_SAFETY_ANALYSIS CRAWLD_TS_ATTRIBUTE(no_thread_safety_analysis)
