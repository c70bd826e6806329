// Fit: what a config asks for, cut to what this process may have. Each cut is logged, with what to
// do against it.
#pragma once

#include <cstdint>

#include "config/config.h"
#include "fetcher/fetcher.h"
#include "pipeline/pipeline.h"

namespace crawld::service {

// Takes as many descriptors as the system allows. Where they are few, fewer connections are kept,
// and fewer hosts that do not answer waited for.
void FitDescriptors(const config::Config& config, fetcher::FetcherOptions& fetcher,
                    pipeline::PipelineOptions& pipeline);

// Where `memory` (health::MemoryLimit) is little, less of it is for bodies, and fewer workers parse
// (config/fit.h).
void FitMemory(const config::Config& config, uint64_t memory, fetcher::FetcherOptions& fetcher,
               pipeline::PipelineOptions& pipeline);

}  // namespace crawld::service
