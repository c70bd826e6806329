// `crawld run`.
#include "service/commands.h"
#include "service/daemon.h"

namespace crawld::service {

int RunCrawl(const std::filesystem::path& path, bool once) { return Daemon(path, once).Run(); }

}  // namespace crawld::service
