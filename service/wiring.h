// Wiring: from the one Config to each room's own Options. Here the rooms below meet the config.
#pragma once

#include <cstdint>

#include "admin/http_server.h"
#include "archive/archive.h"
#include "config/config.h"
#include "fetcher/fetcher.h"
#include "frontier/frontier.h"
#include "pipeline/host_health.h"
#include "pipeline/pipeline.h"

namespace crawld::service {

// A host that may be asked again in a second is asked on the connection that is there.
inline constexpr uint64_t kKeptConnections = 2048;

fetcher::FetcherOptions FetcherOptionsOf(const config::Config& config);
frontier::FrontierOptions FrontierOptionsOf(const config::Config& config);
pipeline::HostHealthOptions HostHealthOptionsOf(const config::Config& config);
archive::ArchiveOptions ArchiveOptionsOf(const config::Config& config);
pipeline::PipelineOptions PipelineOptionsOf(const config::Config& config, bool once);

// What must not be in a log: passwords, tokens, header values that let somebody in. Throws
// ConfigError if a file with one cannot be read.
std::vector<std::string> SecretsOf(const config::Config& config);

// nullopt: the daemon is not to be asked. Throws ConfigError if the token cannot be read.
std::optional<admin::HttpServerOptions> AdminOptionsOf(const config::Config& config);

// What the config room cannot judge: patterns that do not compile, seeds that are no URLs. Throws
// ConfigError with all of them, in the form of its other errors.
void CheckAgainstRooms(const config::Config& config);
// Throws ConfigError where the logs of a run have no place, or would be read as lists of URLs.
// Looks at the file system.
void CheckLogs(const config::Config& config);

}  // namespace crawld::service
