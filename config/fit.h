// Fit: what is made of a config where the process may have little memory. A start does so, and
// crawld check counts with it.
//
// `memory`: bytes that the process may have. Pure.
#pragma once

#include <cstdint>

#include "config/config.h"

namespace crawld::config {

// Of fetcher.memory_budget: an eighth of the memory at most, since with all that is not free yet
// bodies take twice what they may; but no less than one body (fetcher.max_body).
uint64_t FittedMemoryBudget(const Config& config, uint64_t memory);

// Of parser.threads. 0 is one for each of `cores`, and no more than one for each 48 MiB: so much a
// worker may hold, with what the allocator keeps for it.
uint32_t FittedParserThreads(const Config& config, uint64_t memory, uint32_t cores);

// Large pages that are parsed at the same time: as many as have a third of the memory, if each
// takes 80 MiB (its body, decoded, and its tree); one at least.
uint32_t FittedLargePages(uint64_t memory);

// Bytes of a large page's tree: a sixth of the memory, and 16 MiB at least. More than
// kAmpleTreeBytes no page of parser.max_body's default takes.
inline constexpr uint64_t kAmpleTreeBytes = 384ULL << 20;
uint64_t FittedTreeBytes(uint64_t memory);

// Of another page's, before it counts as a large one: all workers together have a third of the
// memory; 4 MiB at least.
uint64_t FittedSmallTreeBytes(uint64_t memory, uint32_t workers);

}  // namespace crawld::config
