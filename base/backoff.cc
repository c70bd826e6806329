#include "base/backoff.h"

#include <algorithm>

namespace crawld {
namespace {

// SplitMix64's finalizer: every bit of the input counts for every bit of the result.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
  return x ^ x >> 31;
}

}  // namespace

Millis Backoff(Millis first, Millis limit, uint32_t failures, uint64_t salt) {
  Millis whole = std::min(first, limit);
  for (uint32_t i = 1; i < failures && whole < limit; ++i) {
    whole = whole > limit / 2 ? limit : whole * 2;
  }
  const auto jitter = static_cast<uint64_t>(whole.count()) / 4;
  if (jitter == 0) return whole;
  return whole - Millis(static_cast<int64_t>(Mix(salt ^ Mix(failures)) % (jitter + 1)));
}

}  // namespace crawld
