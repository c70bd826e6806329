#include "config/fit.h"

#include <algorithm>

namespace crawld::config {

uint64_t FittedMemoryBudget(const Config& config, uint64_t memory) {
  const uint64_t share = std::max<uint64_t>(memory / 8, config.fetcher.max_body_bytes);
  return std::min<uint64_t>(config.fetcher.memory_budget_bytes, share);
}

uint32_t FittedParserThreads(const Config& config, uint64_t memory, uint32_t cores) {
  constexpr uint64_t kWorker = 48ULL << 20;
  if (config.parser.threads != 0) return static_cast<uint32_t>(config.parser.threads);
  return static_cast<uint32_t>(
      std::clamp<uint64_t>(memory / kWorker, 1, std::max<uint32_t>(1, cores)));
}

uint64_t FittedTreeBytes(uint64_t memory) { return std::max<uint64_t>(memory / 6, 16ULL << 20); }

uint64_t FittedSmallTreeBytes(uint64_t memory, uint32_t workers) {
  return std::max<uint64_t>(memory / 3 / workers, 4ULL << 20);
}

uint32_t FittedLargePages(uint64_t memory) {
  constexpr uint64_t kPage = 80ULL << 20;
  return static_cast<uint32_t>(std::clamp<uint64_t>(memory / 3 / kPage, 1, 1024));
}

}  // namespace crawld::config
