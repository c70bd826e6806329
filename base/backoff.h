// How long to wait before trying again.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace crawld {

// After `failures` (1 or more) in a row: `first`, doubled with each failure, at most `limit`; of
// that between three quarters and the whole, chosen by `salt`, so that what failed together does
// not come back together. The same arguments give the same wait.
Millis Backoff(Millis first, Millis limit, uint32_t failures, uint64_t salt);

}  // namespace crawld
