// Snapshot: one moment of a crawl, for all that show it, judge it or count it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "fetcher/stats.h"
#include "frontier/frontier.h"
#include "pipeline/pipeline.h"

namespace crawld::pipeline {

struct Snapshot {
  frontier::FrontierStats frontier;
  PipelineStats pipeline;
  fetcher::FetcherStats fetcher;
  std::chrono::steady_clock::time_point when;
  WallTime wall{};
};

// URLs that are still to be fetched.
uint64_t Remaining(const frontier::Counters& counters);

// One line of figures, and what the crawl waits for: "32 done, 3.1 pages/s, 1 in flight, ...".
std::string StatusLine(const Snapshot& now, double pages_a_second);

// What the crawl waits for, in words; empty while it fetches.
std::string WaitingFor(const Snapshot& now);

}  // namespace crawld::pipeline
