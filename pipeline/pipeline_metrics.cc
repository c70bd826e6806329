#include "pipeline/pipeline_metrics.h"

namespace crawld::pipeline {

std::string_view Name(IdleReason reason) {
  switch (reason) {
    case IdleReason::kPoliteness:
      return "politeness";
    case IdleReason::kDns:
      return "dns";
    case IdleReason::kNoUrls:
      return "no_urls";
    case IdleReason::kHostsBusy:
      return "hosts_busy";
    case IdleReason::kGated:
      return "gated";
    case IdleReason::kConcurrency:
      return "concurrency";
    case IdleReason::kParser:
      return "parser";
    case IdleReason::kMemory:
      return "memory";
    case IdleReason::kCommit:
      return "commit";
    case IdleReason::kPaused:
      return "paused";
    case IdleReason::kDisk:
      return "disk";
  }
  return "";
}

void PipelineMetrics::ObserveFetch(const fetcher::FetchResult& result, Clock::duration whole) {
  if (result.lookup) lookup.Observe(*result.lookup);
  const auto known = result.lookup.value_or(std::chrono::microseconds(0));
  if (!result.reused && result.connect > known) connect.Observe(result.connect - known);
  if (result.status != 0 && result.first_byte > result.connect) {
    first_byte.Observe(result.first_byte - result.connect);
  }
  fetch.Observe(whole);
}

std::array<PipelineMetrics::Stage, 10> PipelineMetrics::Stages() const {
  return {{{"lookup", &lookup},
           {"connect", &connect},
           {"first_byte", &first_byte},
           {"fetch", &fetch},
           {"parser_wait", &parser_wait},
           {"parse", &parse},
           {"commit_wait", &commit_wait},
           {"archive_sync", &archive_sync},
           {"commit", &commit},
           {"total", &total}}};
}

}  // namespace crawld::pipeline
