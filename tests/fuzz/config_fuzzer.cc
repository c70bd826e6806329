// Any bytes as a config: they are read, or refused with a place in the text; and what was read is
// within every range, and can be advised on. The environment is a small one, so that ${...} is
// tried too.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/check.h"
#include "config/advice.h"
#include "config/config.h"
#include "config/schema_table.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using crawld::config::Problem;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    return name == "SET" ? std::optional<std::string>("value") : std::nullopt;
  };
  try {
    const auto config = crawld::config::LoadString(text, "fuzz", environment);
    for (const auto& key : crawld::config::Table()) {
      const auto value = key.get(config);
      if (const auto* number = std::get_if<uint64_t>(&value); number && key.names.empty()) {
        CRAWLD_CHECK(*number >= key.min && *number <= key.max, "a loaded value is in its range");
      }
    }
    CRAWLD_CHECK(!config.name.empty() && !config.identity.robots_token.empty(),
                 "what is required is there");
    for (const Problem& advice : crawld::config::Advise(config, {})) {
      CRAWLD_CHECK(advice.line > 0 && advice.column > 0 && !advice.message.empty(),
                   "advice has a place in the text");
    }
  } catch (const crawld::config::ConfigError& e) {
    CRAWLD_CHECK(!e.problems().empty(), "a refusal has a reason");
    for (const Problem& problem : e.problems()) {
      CRAWLD_CHECK(problem.line > 0 && problem.column > 0 && !problem.message.empty(),
                   "a mistake in a text has a place in it");
    }
  }
  return 0;
}
