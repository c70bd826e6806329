// Reloader: takes up a changed config while the crawl runs.
//
// The file is read and judged as at a start. If anything is wrong with it, or one of the rooms
// cannot take it up, nothing has changed. Else all keys that can be taken up are, together; those
// that need a restart are named, and named again at the next reload.
//
// Thread safety: all members, from any thread; one reload after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "config/config.h"
#include "config/difference.h"
#include "config/error.h"

namespace crawld::admin {

struct ReloadReport {
  bool good = true;
  std::string error = {};                      // not good: all that is wrong, a line each
  std::vector<config::Problem> problems = {};  // of the file, if it is that
  std::vector<config::Difference> applied = {};
  std::vector<config::Difference> restart = {};  // take effect with the next start
};

struct ReloadStats {
  uint64_t taken_up = 0;
  uint64_t refused = 0;
  bool last_refused = false;
  size_t pending = 0;  // keys of the file that need a restart, as of the last reload
};

class Reloader {
 public:
  // A room that takes up what concerns it. It may throw, having changed nothing.
  using Apply = std::function<void(const config::Config& next)>;

  // `running`: what was loaded from `path` at the start. `check` judges what the config room
  // cannot, and throws. `rooms` are asked in this order; if one throws, those before it are asked
  // to take up `running` again.
  Reloader(std::filesystem::path path, config::Config running, Apply check,
           std::vector<Apply> rooms);

  // Logs what it has done.
  ReloadReport Reload() EXCLUDES(reload_mutex_);

  std::shared_ptr<const config::Config> running() const EXCLUDES(mutex_);
  ReloadStats stats() const EXCLUDES(mutex_);

 private:
  ReloadReport Try();
  void Count(const ReloadReport& report) EXCLUDES(mutex_);

  const std::filesystem::path path_;
  const Apply check_;
  const std::vector<Apply> rooms_;

  Mutex reload_mutex_;  // held for a reload's whole length: it is what others wait for
  mutable Mutex mutex_;
  std::shared_ptr<const config::Config> running_ GUARDED_BY(mutex_);
  ReloadStats stats_ GUARDED_BY(mutex_);
};

}  // namespace crawld::admin
