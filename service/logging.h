// Logging: spdlog set up from the config.
#pragma once

#include "config/config.h"

namespace crawld::service {

// Makes spdlog's default logger what `log` says: level, text for people or a JSON object a line,
// to stderr or a file. Throws FatalError if the file cannot be opened.
void SetUpLogging(const config::Log& log);

// Plain warnings to stderr, for commands that are no daemon.
void SetUpToolLogging();

}  // namespace crawld::service
