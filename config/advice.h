// Advice: what in a config is right, and yet unwise. Each piece says what may happen, and what to
// do.
//
// A table of rules (advice.cc), each a pure function of the config and of what the caller knows of
// the machine: nothing is looked at from here. A rule is silent about what cannot be helped and
// about a key that has its default, unless that default does not fit what other keys say.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "config/config.h"

namespace crawld::config {

// Where the crawl is to run. What is not known stays as it is here, and gives no advice.
struct Machine {
  uint64_t memory_bytes = 0;  // what it has, or a smaller limit
  std::string memory_limit;   // what sets that: "this machine", "the control group /x"
  uint64_t cores = 0;
  uint64_t max_descriptors = 0;      // that a process may open
  uint64_t needed_descriptors = 0;   // that this config may need
  std::string data_dir_file_system;  // of data_dir, or of the folder it will be made in: "tmpfs"
  uint64_t data_dir_free_bytes = UINT64_MAX;
  // Others than the owner and the group may read this file.
  std::function<bool(const std::filesystem::path&)> others_can_read;
};

// In the order of their places. None quotes a secret.
[[nodiscard]] std::vector<Problem> Advise(const Config& config, const Machine& machine);

// A Markdown table of the rules, for docs/configuration.md.
[[nodiscard]] std::string DescribeAdvice();

}  // namespace crawld::config
