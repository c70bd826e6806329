#include "pipeline/pipeline_metrics.h"

namespace crawld::pipeline {

std::string_view Name(IdleReason reason) {
  switch (reason) {
    case IdleReason::kPoliteness:
      return "politeness";
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

}  // namespace crawld::pipeline
