// Seeder: reads the seeds of a config into the frontier, in constant memory.
//
// Inline seeds first, then the URL-list files in their order. A list that was read to its end is
// noted in the frontier in the same commit as its last URLs (name, size, time of change), and is
// skipped until it changes; one that was cut off by a crash is read again, and the seen set drops
// what is known. Lines that are no URLs are logged with file and line, and skipped.
#pragma once

#include <cstdint>
#include <functional>

#include "config/config.h"
#include "frontier/frontier.h"
#include "service/pipeline.h"

namespace crawld::service {

struct SeedCount {
  uint64_t good = 0;
  uint64_t bad = 0;
  uint64_t lists = 0;
  uint64_t lists_known = 0;
};

// Hands batches to `put` until all is read or `put` returns false. Throws FatalError if a list
// cannot be read. Runs on one thread; reads the frontier's notes only.
SeedCount ReadSeeds(const config::Config& config, const frontier::Frontier& frontier,
                    const std::function<bool(SeedBatch)>& put);

}  // namespace crawld::service
