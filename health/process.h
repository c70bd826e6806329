// What the system says of this process. Thread safety: from any thread. Cost: a look at /proc.
#pragma once

#include <cstdint>

namespace crawld::health {

uint64_t OpenDescriptors();
// In RAM.
uint64_t ResidentBytes();

}  // namespace crawld::health
