// Process: a program that a test starts, watches and signals. Its output is gathered by a thread.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace crawld::test {

class Process {
 public:
  // argv[0] is the program's path. `environment` is added to the test's own.
  explicit Process(const std::vector<std::string>& argv,
                   const std::map<std::string, std::string>& environment = {});
  ~Process();  // kills it if it still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void Signal(int signal) const;
  // Its exit code, or minus the signal that ended it. Waits.
  int Wait();

  std::string out() const EXCLUDES(mutex_);
  std::string err() const EXCLUDES(mutex_);
  // Waits until stdout or stderr contains `text`; false if the program ended without it.
  bool AwaitOutput(std::string_view text) const EXCLUDES(mutex_);

 private:
  void Gather();

  pid_t pid_ = -1;
  int out_fd_ = -1;
  int err_fd_ = -1;
  std::optional<int> status_;

  mutable Mutex mutex_;
  mutable CondVar changed_;
  std::string out_ GUARDED_BY(mutex_);
  std::string err_ GUARDED_BY(mutex_);
  bool ended_ GUARDED_BY(mutex_) = false;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace crawld::test
