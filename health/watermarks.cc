#include "health/watermarks.h"

#include <fmt/format.h>
#include <malloc.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/readable.h"
#include "health/process.h"

namespace crawld::health {
namespace {

constexpr std::chrono::seconds kHighLasts{5};  // for who asks: it does not flutter
constexpr std::chrono::seconds kTrimAgain{1};
constexpr std::chrono::minutes kSayAgain{1};

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

uint64_t MemoryLimit(const std::optional<uint64_t>& max_memory) {
  const uint64_t ram =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return std::min({max_memory.value_or(ram), ControlGroupMemory().value_or(ram), ram});
}

std::optional<uint64_t> ControlGroupMemory() {
  return ControlGroupMemory("/sys/fs/cgroup", ReadFile("/proc/self/cgroup"));
}

std::optional<uint64_t> ControlGroupMemory(const std::filesystem::path& cgroup_root,
                                           const std::string& self) {
  // cgroups(7): "0::/user.slice/x.service" of version 2, "4:memory:/x" of version 1. A container
  // may see its own group as the root of them all, whatever its name is outside.
  struct Version {
    const char* mark;
    const char* folder;
    std::vector<const char*> files;
  };
  const std::array<Version, 2> versions = {
      Version{"0::/", "", {"memory.max", "memory.high"}},
      Version{":memory:/", "memory", {"memory.limit_in_bytes"}},
  };
  std::optional<uint64_t> least;
  for (const auto& [mark, folder, files] : versions) {
    const size_t at = self.find(mark);
    if (at == self.npos) continue;
    const size_t from = at + std::strlen(mark) - 1;
    std::filesystem::path group = self.substr(from, self.find('\n', from) - from);
    for (bool more = true; more; group = group.parent_path()) {
      more = group.has_relative_path();
      for (const char* file : files) {
        const std::string text = ReadFile(cgroup_root / folder / group.relative_path() / file);
        uint64_t limit = 0;  // or "max"; of version 1 more than there can be
        if (std::from_chars(text.data(), text.data() + text.size(), limit).ec == std::errc()) {
          least = std::min(least.value_or(limit), limit);
        }
      }
    }
  }
  return least;
}

bool Watermark::Look(uint64_t used, uint64_t limit, uint64_t low) {
  if (used > limit) on_ = true;
  if (used < low) on_ = false;
  return on_;
}

Watermarks::Watermarks(WatermarkOptions options, pipeline::Pipeline& pipeline)
    : pipeline_(pipeline), options_(std::move(options)) {}

void Watermarks::Apply(WatermarkOptions options) {
  MutexLock lock(mutex_);
  options_ = std::move(options);
}

void Watermarks::LookAtDisk() {
  WatermarkOptions options;
  bool was_low = false;
  {
    MutexLock lock(mutex_);
    options = options_;
    was_low = disk_low_;
  }
  std::optional<uint64_t> free;
  std::error_code error;
  const auto space = std::filesystem::space(options.data_dir, error);
  if (!error) free = space.available;
  // Of a disk what is free counts, the other way round.
  const uint64_t wanted = options.min_free_disk_bytes;
  const uint64_t missing = free && *free < wanted ? wanted - *free : 0;
  const bool plenty = !free || *free >= wanted + wanted / 8;
  const bool low = disk_.Look(missing, 0, plenty ? 1 : 0);
  {
    MutexLock lock(mutex_);
    use_.free_disk_bytes = free;
    disk_low_ = low;
  }
  pipeline_.SetBrake(pipeline::Brake::kDisk, low);
  if (low && !was_low) {
    spdlog::warn(
        "{}: {} free, less than resources.min_free_disk ({}): nothing more is fetched until there "
        "is more room; move finished files of warc/ and pages/ away",
        options.data_dir.string(), Bytes(*free), Bytes(wanted));
  } else if (was_low && !low) {
    spdlog::warn("{}: there is room again, the crawl goes on", options.data_dir.string());
  }
}

void Watermarks::LookAtMemory() {
  std::optional<uint64_t> max_memory;
  {
    MutexLock lock(mutex_);
    max_memory = options_.max_memory_bytes;
  }
  const uint64_t limit = MemoryLimit(max_memory);  // a control group's may have changed
  const uint64_t used = ResidentBytes();
  const bool high = memory_.Look(used, limit / 10 * 9, limit / 10 * 8);
  const Time now = std::chrono::steady_clock::now();
  const bool began = std::exchange(was_high_, high);
  {
    MutexLock lock(mutex_);
    use_.memory_bytes = used;
    use_.memory_limit_bytes = limit;
    if (high) last_high_ = now;
    memory_high_ = last_high_ && now - *last_high_ < kHighLasts;
  }
  // Once nothing is under way it gets no smaller by waiting: the crawl goes on, a breath at a time.
  const pipeline::PipelineStats line = pipeline_.stats();
  const bool drained = line.in_flight == 0 && line.fetched_queue == 0 && line.parsed_queue == 0;
  pipeline_.SetBrake(pipeline::Brake::kMemory, high && !drained);
  if (high && (!last_trim_ || now - *last_trim_ >= kTrimAgain)) {
    last_trim_ = now;
    malloc_trim(0);  // what is free and fragmented may be all that is too much
  }
  if (high && !began) TellOfMemory(used, limit, now);
}

// A crawl in a tight place comes to the mark again and again: one line a minute is enough.
void Watermarks::TellOfMemory(uint64_t used, uint64_t limit, Time now) {
  ++times_high_;
  if (last_said_ && now - *last_said_ < kSayAgain) return;
  last_said_ = now;
  spdlog::warn(
      "the process has {} of {} it may have: nothing more is fetched until it has less ({} times "
      "by now); lower fetcher.memory_budget, frontier.cache or fetcher.concurrency, or raise "
      "resources.max_memory",
      Bytes(used), Bytes(limit), times_high_);
}

ResourceUse Watermarks::use() const {
  MutexLock lock(mutex_);
  return use_;
}

std::vector<HealthCheck> Watermarks::Checks() const {
  MutexLock lock(mutex_);
  std::vector<HealthCheck> checks;
  const std::string dir = options_.data_dir.string();
  if (!use_.free_disk_bytes) {
    checks.push_back({"disk", false, dir + ": nobody can tell how much room there is"});
  } else if (disk_low_) {
    checks.push_back(
        {"disk", false,
         fmt::format("{}: {} free, less than resources.min_free_disk ({}); the crawl waits until "
                     "there is more room",
                     dir, Bytes(*use_.free_disk_bytes), Bytes(options_.min_free_disk_bytes))});
  } else {
    checks.push_back({"disk", true, fmt::format("{}: {} free", dir, Bytes(*use_.free_disk_bytes))});
  }
  checks.push_back({"memory", !memory_high_,
                    fmt::format("{} of {} it may have{}", Bytes(use_.memory_bytes),
                                Bytes(use_.memory_limit_bytes),
                                memory_high_ ? "; the crawl waits until it has less" : "")});
  return checks;
}

}  // namespace crawld::health
