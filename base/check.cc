#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace crawld {

void CheckFailed(const char* condition, const char* why, const char* file, int line) {
  std::fprintf(stderr, "crawld: invariant broken at %s:%d: %s (%s)\n", file, line, condition, why);
  std::fflush(stderr);
  std::abort();
}

}  // namespace crawld
