// The rules of advice.h, by what they are about. Internal to advice.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/advice.h"

namespace crawld::config {

// What a rule looks at, and where it puts what it has to say.
class Adviser {
 public:
  Adviser(const Config& of, const Machine& on) : config(of), machine(on), own(IsOwn(of)) {}

  // `key` as in a message: "hosts[].delay"; `place` where it stands.
  void Say(std::string_view key, Place place, std::string message);
  void Say(std::string_view key, std::string message) {
    Say(key, config.PlaceOf(std::string(key)), std::move(message));
  }
  // A key of the entry `index` of hosts.
  void SayOfHost(size_t index, std::string_view name, std::string message);

  // The file has the key, with another value than its default.
  [[nodiscard]] bool Chosen(const std::string& key) const;

  const Config& config;
  const Machine& machine;
  const bool own;  // the crawl stays with hosts of the operator's own

  [[nodiscard]] std::vector<Problem> Finish() &&;

 private:
  static bool IsOwn(const Config& config);
  std::vector<Problem> advice_;
};

struct AdviceRule {
  std::string_view key;   // or several: "seeds.urls, seeds.sitemaps"
  std::string_view when;  // for the documentation: "less than 250ms"
  void (*look)(Adviser& adviser);
};

std::span<const AdviceRule> ConductRules();   // towards others, and for safety
std::span<const AdviceRule> CapacityRules();  // what the machine can carry, what has an end
std::span<const AdviceRule> EffectRules();    // what does nothing, or not what it seems to

}  // namespace crawld::config
