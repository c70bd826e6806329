// What a crawl leaves on stdout when it ends, and its exit code.
#pragma once

#include <chrono>

#include "config/config.h"
#include "pipeline/pipeline.h"
#include "pipeline/snapshot.h"

namespace crawld::service {

void PrintSummary(const config::Config& config, pipeline::Pipeline::End end,
                  const pipeline::Snapshot& last, std::chrono::steady_clock::duration took);

// Of a crawl that did not fail; says on stderr what a nonzero one is for.
int ExitCodeOf(const config::Config& config, bool once, pipeline::Pipeline::End end,
               const pipeline::Snapshot& last);

}  // namespace crawld::service
