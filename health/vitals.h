// Vitals: whether the daemon is well, and what is wrong if it is not, in sentences.
//
// Two questions. Alive: is anything stuck, so that only a restart helps? Ready: can it take pages
// now? What is wrong with the world (a full disk, a pause) makes it not ready; only what is wrong
// with the process makes it not alive.
//
// A thread is stuck that works and has said nothing for a minute. The line is stuck if something is
// under way, and nothing has moved for longer than a fetch may take.
//
// Thread safety: all members, from any thread.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "concurrency/threads.h"
#include "pipeline/snapshot.h"

namespace crawld::health {

// One thing that a daemon must have to be well.
struct HealthCheck {
  std::string name;  // "threads", "disk", ...
  bool good = true;
  std::string detail;  // a sentence, with what to do where it is not good
};

bool AllGood(const std::vector<HealthCheck>& checks);

// The threads' part: `threads` as of now.
HealthCheck CheckThreads(const std::vector<concurrency::ThreadInfo>& threads);

// The line's part; to be asked now and then.
class ProgressCheck {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // `limit`: so long may nothing move without a reason.
  explicit ProgressCheck(std::chrono::steady_clock::duration limit) : limit_(limit) {}

  HealthCheck Look(const pipeline::Snapshot& now);

 private:
  const std::chrono::steady_clock::duration limit_;
  uint64_t moved_ = 0;  // sum of counters that only grow
  Time since_{};        // of the latest movement, or when nothing was under way
};

struct VitalSources {
  std::function<pipeline::Snapshot()> snapshot;
  std::function<bool()> stopping;
  std::function<std::vector<HealthCheck>()> resources;  // disk, memory: Watermarks
  Millis total_timeout{0};                              // of a fetch
};

class Vitals {
 public:
  explicit Vitals(VitalSources sources);

  std::vector<HealthCheck> Alive() EXCLUDES(mutex_);
  std::vector<HealthCheck> Ready() EXCLUDES(mutex_);

 private:
  const VitalSources sources_;

  Mutex mutex_;
  ProgressCheck progress_ GUARDED_BY(mutex_);
};

}  // namespace crawld::health
