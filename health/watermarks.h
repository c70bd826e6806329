// Watermarks: puts a brake on before the disk is full or the process as large as it may be, and
// takes it off when there is room again.
//
// Below the mark nothing more is fetched (of memory: until nothing is under way, and then a little
// a second, for waiting alone may not make the process smaller); what is in flight comes to its end
// and is committed, so that what follows is a wait and not a crash. Each mark has a distance to the
// one where the brake comes off, so that the crawl does not flutter.
//
// What may be used of the memory: `max_memory`, or what the control group allows (of this group and
// those above it: memory.max and memory.high of cgroup v2, memory.limit_in_bytes of v1), or the
// machine's RAM; whatever is least.
//
// Thread safety: each of the two looks from one thread at a time, all else from any.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "health/vitals.h"
#include "pipeline/pipeline.h"

namespace crawld::health {

struct WatermarkOptions {
  std::filesystem::path data_dir;
  uint64_t min_free_disk_bytes = 0;          // 0: the disk may fill up
  std::optional<uint64_t> max_memory_bytes;  // nullopt: what there is
};

// A level that must not be exceeded, with a distance between on and off.
class Watermark {
 public:
  // Whether the brake is on, after `used` of `limit` was seen: on above `limit`, off below `low`.
  bool Look(uint64_t used, uint64_t limit, uint64_t low);

 private:
  bool on_ = false;
};

struct ResourceUse {
  std::optional<uint64_t> free_disk_bytes;  // nullopt: cannot be told
  uint64_t memory_bytes = 0;                // of the process, in RAM
  uint64_t memory_limit_bytes = 0;
};

class Watermarks {
 public:
  // The pipeline must outlive it.
  Watermarks(WatermarkOptions options, pipeline::Pipeline& pipeline);

  // Look, and put the brake on or take it off. To be called every second or so, and of memory ten
  // times as often: a crawl may grow by a hundred MiB a second. Cost: 0.1 ms; while the mark is
  // passed also, once a second, 20 to 70 ms for each GiB of heap, to give back what is free.
  void LookAtDisk() EXCLUDES(mutex_);
  void LookAtMemory() EXCLUDES(mutex_);
  void Apply(WatermarkOptions options) EXCLUDES(mutex_);

  ResourceUse use() const EXCLUDES(mutex_);
  // For Vitals: disk and memory.
  std::vector<HealthCheck> Checks() const EXCLUDES(mutex_);

 private:
  using Time = std::chrono::steady_clock::time_point;
  void TellOfMemory(uint64_t used, uint64_t limit, Time now);

  pipeline::Pipeline& pipeline_;

  mutable Mutex mutex_;
  WatermarkOptions options_ GUARDED_BY(mutex_);
  ResourceUse use_ GUARDED_BY(mutex_);
  bool disk_low_ GUARDED_BY(mutex_) = false;
  bool memory_high_ GUARDED_BY(mutex_) = false;  // it was, a moment ago
  std::optional<Time> last_high_ GUARDED_BY(mutex_);

  Watermark disk_;  // owned by who calls LookAtDisk()

  // Owned by who calls LookAtMemory().
  Watermark memory_;
  bool was_high_ = false;
  uint64_t times_high_ = 0;
  std::optional<Time> last_trim_;
  std::optional<Time> last_said_;
};

// What the process may have: the least of `max_memory`, the control group's and the machine's.
uint64_t MemoryLimit(const std::optional<uint64_t>& max_memory);

// The least limit of the control group in `cgroup_root` (usually /sys/fs/cgroup) that `self` (the
// text of /proc/self/cgroup) names, and of those above it. nullopt: there is none.
std::optional<uint64_t> ControlGroupMemory(const std::filesystem::path& cgroup_root,
                                           const std::string& self);
// Of this process.
std::optional<uint64_t> ControlGroupMemory();

}  // namespace crawld::health
