// Counts what the test program asks of operator new, so that a test can see that it asked nothing.
#pragma once

#include <cstddef>

namespace crawld::config {

// How often, since the program began, in all threads.
[[nodiscard]] size_t AllocationCount();

}  // namespace crawld::config
