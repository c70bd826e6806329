// `crawld check` and `crawld schema`: a config's file, without a crawl.
#include <fmt/format.h>

#include <cstdio>

#include "config/config.h"
#include "config/schema.h"
#include "service/commands.h"
#include "service/wiring.h"

namespace crawld::service {

int CheckConfig(const std::filesystem::path& path) {
  const config::Config config = config::Load(path);
  CheckAgainstRooms(config);
  fmt::print("{}: ok\n", path.string());
  return kExitDone;
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
  }
  std::fputs(text.c_str(), stdout);
  return kExitDone;
}

}  // namespace crawld::service
