#include "config/advice.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "base/check.h"
#include "config/advice_rules.h"
#include "config/own_hosts.h"
#include "config/schema_table.h"

namespace crawld::config {
namespace {

std::array<std::span<const AdviceRule>, 3> AllRules() {
  return {ConductRules(), CapacityRules(), EffectRules()};
}

}  // namespace

bool Adviser::IsOwn(const Config& config) { return CrawlsOwnHostsAlone(config); }

void Adviser::Say(std::string_view key, Place place, std::string message) {
  advice_.push_back({.file = config.origin,
                     .line = place.line,
                     .column = place.column,
                     .key = std::string(key),
                     .message = std::move(message)});
}

void Adviser::SayOfHost(size_t index, std::string_view name, std::string message) {
  const std::string entry = "hosts[" + std::to_string(index) + ']';
  std::string key = entry + '.' + std::string(name);
  if (!config.Has(key)) key = entry;
  Say("hosts[]." + std::string(name), config.PlaceOf(key), std::move(message));
}

bool Adviser::Chosen(const std::string& key) const {
  static const Config defaults;
  const auto& table = Table();
  const auto found = std::ranges::find(table, key, &Key::path);
  CRAWLD_CHECK(found != table.end(), "a rule is about a key that exists");
  return config.Has(key) && found->get(config) != found->get(defaults);
}

std::vector<Problem> Adviser::Finish() && {
  std::ranges::stable_sort(
      advice_, {}, [](const Problem& problem) { return std::tuple(problem.line, problem.column); });
  return std::move(advice_);
}

std::vector<Problem> Advise(const Config& config, const Machine& machine) {
  Adviser adviser(config, machine);
  for (const auto rules : AllRules()) {
    for (const AdviceRule& rule : rules) rule.look(adviser);
  }
  return std::move(adviser).Finish();
}

std::string DescribeAdvice() {
  std::string text =
      "| Key | Warned of |\n"
      "|---|---|\n";
  for (const auto rules : AllRules()) {
    for (const AdviceRule& rule : rules) {
      std::string keys(rule.key);
      for (size_t at = 0; (at = keys.find(", ", at)) != std::string::npos; at += 4) {
        keys.replace(at, 2, "`, `");
      }
      text += "| `" + keys + "` | " + std::string(rule.when) + " |\n";
    }
  }
  return text;
}

}  // namespace crawld::config
