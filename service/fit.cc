#include "service/fit.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>

#include "base/readable.h"
#include "config/fit.h"
#include "service/machine.h"

namespace crawld::service {

void FitDescriptors(const config::Config& config, fetcher::FetcherOptions& fetcher,
                    pipeline::PipelineOptions& pipeline) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const uint64_t needed = DescriptorsNeeded(config);
  uint64_t left = limit.rlim_cur > needed ? limit.rlim_cur - needed : 0;
  if (left < pipeline.max_slow) {
    pipeline.max_slow = static_cast<uint32_t>(left / 2);
    spdlog::warn(
        "only {} file descriptors are allowed, and {} may be needed: raise LimitNOFILE (systemd) "
        "or `ulimit -n`, or lower fetcher.concurrency and fetcher.max_slow; for now max_slow is {}",
        limit.rlim_cur, needed + config.fetcher.max_slow, pipeline.max_slow);
  }
  left -= pipeline.max_slow;
  fetcher.max_kept_connections = static_cast<uint32_t>(
      std::min<uint64_t>(fetcher.max_kept_connections, left / config.fetcher.threads));
}

void FitMemory(const config::Config& config, uint64_t memory, fetcher::FetcherOptions& fetcher,
               pipeline::PipelineOptions& pipeline) {
  const uint64_t budget = config::FittedMemoryBudget(config, memory);
  const auto cores = static_cast<uint32_t>(pipeline.parser_threads);
  const uint32_t workers = config::FittedParserThreads(config, memory, cores);
  pipeline.worker.max_tree_bytes = config::FittedTreeBytes(memory);
  pipeline.worker.max_small_tree_bytes = config::FittedSmallTreeBytes(memory, workers);
  pipeline.large_pages = config::FittedLargePages(memory);
  const bool enough =
      pipeline.large_pages >= workers && pipeline.worker.max_tree_bytes >= config::kAmpleTreeBytes;
  if (budget == fetcher.memory_budget_bytes && workers == cores && enough) return;
  fetcher.memory_budget_bytes = budget;
  pipeline.parser_threads = static_cast<int>(workers);
  const bool cut = budget != config.fetcher.memory_budget_bytes || workers != cores;
  spdlog::log(
      cut ? spdlog::level::warn : spdlog::level::info,
      "the process may have {} of memory: for now fetcher.memory_budget is {}, parser.threads {}, "
      "of large pages {} are parsed at a time, and a page's tree may have {}; raise "
      "resources.max_memory or the limit of its control group for more",
      Bytes(memory), Bytes(budget), workers, std::min(pipeline.large_pages, workers),
      Bytes(pipeline.worker.max_tree_bytes));
}

}  // namespace crawld::service
