#include "health/vitals.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "base/readable.h"
#include "health/process.h"

namespace crawld::health {
namespace {

// A thread that works and has said nothing for so long hangs; the longest honest silence is a
// commit on a very slow disk.
constexpr std::chrono::seconds kStuck{60};
// A fetch may take its total time, and then its page is parsed and committed.
constexpr std::chrono::seconds kAfterFetch{120};
constexpr uint64_t kLeastDescriptors = 64;

HealthCheck CheckDescriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const uint64_t open = OpenDescriptors();
  const std::string detail = fmt::format("{} of {} are open", open, limit.rlim_cur);
  if (open + kLeastDescriptors <= limit.rlim_cur) return {"descriptors", true, detail};
  return {"descriptors", false, detail + "; raise LimitNOFILE, or lower fetcher.concurrency"};
}

}  // namespace

bool AllGood(const std::vector<HealthCheck>& checks) {
  return std::all_of(checks.begin(), checks.end(), [](const auto& check) { return check.good; });
}

HealthCheck CheckThreads(const std::vector<concurrency::ThreadInfo>& threads) {
  std::string stuck;
  for (const concurrency::ThreadInfo& thread : threads) {
    if (thread.idle || thread.age < kStuck) continue;
    stuck += fmt::format("{}{} ({}) has been at '{}' for {}", stuck.empty() ? "" : "; ",
                         thread.name, thread.tid, thread.note,
                         Duration(std::chrono::floor<std::chrono::seconds>(thread.age)));
  }
  if (stuck.empty()) return {"threads", true, fmt::format("{} work or wait", threads.size())};
  return {"threads", false, stuck + "; take a backtrace (gdb -p), and restart"};
}

HealthCheck ProgressCheck::Look(const pipeline::Snapshot& now) {
  const uint64_t moved = now.pipeline.fetches + now.pipeline.bytes + now.frontier.counters.commits +
                         now.fetcher.connections;
  const bool nothing_under_way = now.fetcher.in_flight == 0 && now.pipeline.fetched_queue == 0 &&
                                 now.pipeline.parsed_queue == 0;
  if (since_ == Time{} || moved != moved_ || nothing_under_way) since_ = now.when;
  moved_ = moved;
  const std::string waits = pipeline::WaitingFor(now);
  const auto still = now.when - since_;
  if (still < limit_) return {"progress", true, waits.empty() ? "pages are under way" : waits};
  return {"progress", false,
          fmt::format("{} fetches are in flight, {} pages wait for the parser and {} for the "
                      "committer, and nothing has moved for {}; take a backtrace (gdb -p), and "
                      "restart",
                      now.fetcher.in_flight, now.pipeline.fetched_queue, now.pipeline.parsed_queue,
                      Duration(std::chrono::floor<std::chrono::seconds>(still)))};
}

Vitals::Vitals(VitalSources sources)
    : sources_(std::move(sources)), progress_(sources_.total_timeout + kAfterFetch) {}

std::vector<HealthCheck> Vitals::Alive() {
  const pipeline::Snapshot now = sources_.snapshot();
  std::vector<HealthCheck> checks = {CheckThreads(concurrency::ListThreads())};
  MutexLock lock(mutex_);
  checks.push_back(progress_.Look(now));
  return checks;
}

std::vector<HealthCheck> Vitals::Ready() {
  std::vector<HealthCheck> checks = Alive();
  const bool stopping = sources_.stopping();
  // Nobody could ask before the archive was cut back to the last commit.
  checks.push_back({"running", !stopping, stopping ? "it stops" : "recovered, and crawls"});
  for (HealthCheck& check : sources_.resources()) checks.push_back(std::move(check));
  checks.push_back(CheckDescriptors());
  return checks;
}

}  // namespace crawld::health
