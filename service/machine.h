// The machine that a crawl is to run on, for config/advice.h. Looks, and changes nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "config/advice.h"
#include "config/config.h"

namespace crawld::service {

// File descriptors that a crawl by this config may need, but for those of fetcher.max_slow: for
// each transfer and each probe one (two for a moment, while an IPv6 and an IPv4 address are tried),
// for each event loop some, and for store, archive and logs 512.
uint64_t DescriptorsNeeded(const config::Config& config);

// As this process sees it: what a service manager allows another may be more, or less.
config::Machine LookAtMachine(const config::Config& config);

// "tmpfs", "nfs", ... of the folder, or of the nearest above it that is there; empty if it is
// another.
std::string FileSystemOf(const std::filesystem::path& folder);

}  // namespace crawld::service
