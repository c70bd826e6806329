// Seeder: reads the seeds of a config into the frontier, in constant memory.
//
// Inline seeds first, then the URL-list files in their order. A list that was read to its end is
// noted in the frontier in the same commit as its last URLs (name, size, time of change, how far it
// was read), and is skipped until it changes; one that has only grown is read on from there. One
// that was cut off by a crash is read again, and the seen set drops what is known. Lines that are
// no URLs are logged with file and line, and skipped.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "config/config.h"
#include "frontier/frontier.h"
#include "pipeline/pipeline.h"

namespace crawld::pipeline {

struct SeedCount {
  uint64_t good = 0;
  uint64_t bad = 0;
  uint64_t lists = 0;
  uint64_t lists_known = 0;
  uint64_t unfinished = 0;  // lists whose last line may still be being written
};

using PutSeeds = std::function<bool(SeedBatch)>;

// Hand batches to `put` until all is read or `put` returns false. Throw FatalError if a list cannot
// be read. Run on one thread; read the frontier's notes only.
SeedCount ReadInlineSeeds(const config::Config& config, const frontier::Frontier& frontier,
                          const PutSeeds& put);
// `settled`: what has no line feed at its end is a line nevertheless; else only in a file that
// nobody has written to for a second.
SeedCount ReadLists(const std::vector<std::filesystem::path>& paths,
                    const frontier::Frontier& frontier, bool settled, const PutSeeds& put);
// Of one list; `version` is what it was when it was read to its end, or could not be: before it is
// something else nothing but its state is looked at. Logs instead of throwing.
SeedCount ReadChangedList(const std::filesystem::path& path, const frontier::Frontier& frontier,
                          std::string& version, const PutSeeds& put);
// Both, settled.
SeedCount ReadSeeds(const config::Config& config, const frontier::Frontier& frontier,
                    const PutSeeds& put);

}  // namespace crawld::pipeline
