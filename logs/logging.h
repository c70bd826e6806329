// Logging: spdlog set up from the config, for a daemon whose log nobody may read for months.
//
// A line is put into a bounded queue by the thread that has something to say, and written by a
// thread of its own (`log`): a full disk, a terminal that is stopped or a journal that hangs costs
// lines, which are counted, and never holds up the crawl. On its way a line loses secrets
// (mask.h) and control characters, and repeats are counted instead of written (repeat_filter.h).
//
// Where the lines go: to a file, which Reopen() opens anew after somebody has moved it away; or to
// stderr. If that is the journal of systemd (JOURNAL_STREAM), a line of text begins with its
// priority (sd-daemon(3)) and leaves time and level to the journal.
//
// Thread safety: all members, from any thread. One at a time in a process: it is what spdlog's
// default logger writes to.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"

namespace crawld::logs {

struct LogStats {
  std::array<uint64_t, 6> lines{};  // written, by level: trace, debug, info, warn, error, critical
  uint64_t repeats = 0;             // counted instead
  uint64_t dropped = 0;             // the queue was full, or the file or pipe could not be written
};

class Logging {
 public:
  // Throws FatalError if the file cannot be opened. `secrets` are masked in all lines.
  Logging(const config::Log& log, std::vector<std::string> secrets);
  // Writes what is queued; from now on the default logger writes warnings to stderr.
  ~Logging();
  Logging(const Logging&) = delete;
  Logging& operator=(const Logging&) = delete;

  // From now on. Throws FatalError, and then nothing has changed.
  void Apply(const config::Log& log, std::vector<std::string> secrets);
  void SetLevel(config::LogLevel level);
  config::LogLevel level() const;
  // Opens the file anew, before the next line.
  void Reopen();
  // Writes how often lines have been repeated whose time is over. To be called now and then.
  void Tick();
  // Writes what is queued, and no line after it: for a process that is about to end.
  void Close();

  LogStats stats() const;

 private:
  class Sink;
  struct Rep;
  const std::unique_ptr<Rep> rep_;
};

// Plain warnings to stderr, for commands that are no daemon.
void SetUpToolLogging();

}  // namespace crawld::logs
