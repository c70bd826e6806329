// `crawld check` and `crawld schema`: a config's file, without a crawl.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "config/advice.h"
#include "config/config.h"
#include "config/schema.h"
#include "frontier/scope.h"
#include "frontier/task.h"
#include "service/commands.h"
#include "service/machine.h"
#include "service/wiring.h"
#include "web/url.h"

namespace crawld::service {

namespace {

// Seeds that the config's own scope leaves out: only the frontier can tell.
std::vector<config::Problem> AdviceOnSeeds(const config::Config& config) {
  std::vector<config::Problem> advice;
  const auto scope = frontier::Scope::Create(FrontierOptionsOf(config).scope);
  CRAWLD_CHECK(scope.has_value(), "CheckAgainstRooms has seen its patterns");
  const auto look = [&](const std::vector<config::SourceText>& seeds, const char* key,
                        frontier::TaskKind kind) {
    for (const config::SourceText& seed : seeds) {
      auto url = web::Url::Parse(seed.text);
      if (!url) continue;
      url->DropFragment();
      const auto verdict = (*scope)->JudgeSeed(*std::move(url), kind).verdict;
      if (verdict == frontier::Verdict::kAdmit) continue;
      advice.push_back({config.origin, seed.line, seed.column, key,
                        fmt::format("'{}' is left out by the scope of this config itself ({}), and "
                                    "is never fetched; remove it, or change the scope",
                                    web::WithoutCredentials(seed.text), frontier::Name(verdict))});
    }
  };
  look(config.seeds.urls, "seeds.urls", frontier::TaskKind::kPage);
  look(config.seeds.sitemaps, "seeds.sitemaps", frontier::TaskKind::kSitemap);
  return advice;
}

}  // namespace

int CheckConfig(const std::filesystem::path& path, const CheckOptions& options) {
  const auto keys = config::Schema();
  for (const std::string& key : options.accepted) {
    if (std::ranges::find(keys, key, &config::KeyInfo::path) == keys.end()) {
      throw UsageError(fmt::format("--accept: '{}' is no key of a config", key));
    }
  }
  const config::Config config = config::Load(path);
  CheckAgainstRooms(config);
  CheckLogs(config);
  auto all = config::Advise(config, LookAtMachine(config));
  for (config::Problem& advice : AdviceOnSeeds(config)) all.push_back(std::move(advice));
  std::ranges::stable_sort(
      all, {}, [](const config::Problem& advice) { return std::pair(advice.line, advice.column); });
  size_t warnings = 0;
  for (const config::Problem& advice : all) {
    if (std::ranges::find(options.accepted, advice.key) != options.accepted.end()) continue;
    ++warnings;
    fmt::print(stderr, "{}\n", config::ToString(advice, "warning"));
  }
  const std::string count = fmt::format("{} {}", warnings, warnings == 1 ? "warning" : "warnings");
  const bool refused = options.strict && warnings > 0;
  fmt::print("{}: {}\n", path.string(),
             refused        ? count
             : warnings > 0 ? "ok, " + count
                            : std::string("ok"));
  return refused ? kExitFailed : kExitDone;
}

int PrintSchema(SchemaForm form) {
  std::string text;
  switch (form) {
    case SchemaForm::kJsonSchema:
      text = config::JsonSchema();
      break;
    case SchemaForm::kExample:
      text = config::ExampleYaml();
      break;
    case SchemaForm::kTable:
      text = config::DescribeSchema();
      break;
    case SchemaForm::kWarnings:
      text = config::DescribeAdvice();
      break;
    case SchemaForm::kManPage:
      text = config::ManPage();
      break;
  }
  std::fputs(text.c_str(), stdout);
  return kExitDone;
}

}  // namespace crawld::service
