// `crawld run` and `crawld check`.
#include <fmt/format.h>

#include "service/commands.h"
#include "service/daemon.h"
#include "service/wiring.h"

namespace crawld::service {

int CheckConfig(const std::filesystem::path& path) {
  const config::Config config = config::Load(path);
  CheckAgainstRooms(config);
  fmt::print("{}: ok\n", path.string());
  return kExitDone;
}

int RunCrawl(const std::filesystem::path& path, bool once) { return Daemon(path, once).Run(); }

}  // namespace crawld::service
