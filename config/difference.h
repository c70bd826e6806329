// What has changed between two configs, key by key.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace crawld::config {

struct Difference {
  std::string key;     // "politeness.delay", "hosts[example.org].delay"
  std::string before;  // as it is written in the file; "***" for what may be a secret
  std::string after;
  bool live = false;  // a reload takes it up; else a restart

  friend bool operator==(const Difference&, const Difference&) = default;
};

// In the order of the schema. Entries of `hosts` belong together if their `match` is the same.
[[nodiscard]] std::vector<Difference> Differences(const Config& before, const Config& after);

// What runs once a reload has taken up what it can of `next`: `running`, with the live keys of
// `next`.
[[nodiscard]] Config Reloaded(const Config& running, const Config& next);

}  // namespace crawld::config
