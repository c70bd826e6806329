// Pipeline: the line from the frontier through fetcher, queue, parsers and archive back into the
// frontier. One way round.
//
//   dispatcher --> fetcher loops --> fetched_ --> parser workers --> parsed_ --> committer
//   Next()         done-callback     bounded      PageWorker         bounded     Sync, Commit
//   reserves a slot of fetched_ before each fetch: that reservation is the back-pressure
//
// Shutdown is an Event. Once it is set the dispatcher leases nothing more, transfers get the grace
// period and are then given back, the queues drain, the last commit is made, Run() returns. A
// failing disk stops the line the same way, but for the last commit.
//
// Run() is called once, from one thread, and is the dispatcher; the other members from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "archive/archive.h"
#include "base/mutex.h"
#include "concurrency/bounded_queue.h"
#include "concurrency/event.h"
#include "concurrency/future.h"
#include "concurrency/semaphore.h"
#include "concurrency/threads.h"
#include "fetcher/fetcher.h"
#include "frontier/frontier.h"
#include "pipeline/activity.h"
#include "pipeline/clock.h"
#include "pipeline/page_worker.h"
#include "pipeline/pipeline_metrics.h"

namespace crawld::pipeline {

struct PipelineOptions {
  bool once = false;          // end when nothing is left to fetch
  uint32_t concurrency = 64;  // fetches in flight
  // Fetches beyond those: from hosts that have not answered yet, and those that take longer than
  // `patience`. Dead hosts and answers that trickle keep no other from being asked.
  uint32_t max_slow = 4096;
  Millis patience{1000};
  int parser_threads = 2;
  uint32_t commit_pages = 512;
  Millis commit_interval{200};
  Millis grace{10000};
  // Large pages (PageWorker) that are parsed at the same time; 1 at least.
  uint32_t large_pages = 1024;
  PageWorkerOptions worker;
};

// Why nothing more is to be leased for now, though there may be something. What is in flight goes
// on, and is committed.
enum class Brake : uint8_t {
  kOperator,  // paused
  kDisk,      // data_dir is nearly full
  kMemory,    // the process is nearly as large as it may be
};
inline constexpr int kBrakes = 3;
std::string_view Name(Brake brake);

// A piece of a seed list for the committer.
struct SeedBatch {
  std::vector<frontier::Discovery> seeds;
  std::vector<std::pair<std::string, std::string>> notes;
  uint64_t bad_lines = 0;  // between them, that were no URLs
};

// What the line has done since it started.
struct PipelineStats {
  uint64_t fetches = 0;       // ended, robots files and failed tries included
  uint64_t pages = 0;         // committed as done
  uint64_t bytes = 0;         // of responses
  uint64_t errors = 0;        // fetches without a whole response
  uint64_t not_archived = 0;  // tries to be repeated
  size_t in_flight = 0;
  size_t slow = 0;  // of them, those beyond the concurrency
  size_t fetched_queue = 0;
  size_t parsed_queue = 0;
  uint64_t held_bytes = 0;  // of bodies in flight, and of results until their commit
  uint64_t warc_bytes = 0;
  uint32_t brakes = 0;  // 1 << Brake of those that are on

  bool Braked(Brake brake) const { return (brakes >> static_cast<int>(brake) & 1) != 0; }
};

class Pipeline {
 public:
  enum class End : uint8_t { kDrained, kStopped, kFailed };

  // Results count in the fetcher's budget until they are committed.
  // The rooms and `stop` must outlive the pipeline; the frontier's callbacks must lead to Wake()
  // and Chores(). Who sets `stop` from outside calls Wake() after it.
  Pipeline(const PipelineOptions& options, const Clock& clock, concurrency::Event& stop,
           frontier::Frontier& frontier, fetcher::Fetcher& fetcher, archive::Archive& archive);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // Runs the line to its end. `read_seeds` runs on a thread of its own and hands over batches until
  // it returns or its function argument returns false (the line is stopping). An empty batch only
  // asks that.
  End Run(const std::function<void(const std::function<bool(SeedBatch)>&)>& read_seeds);

  // Hands over what came from elsewhere (an operator, a list that has grown), while Run() runs.
  // `durable` is told when it is, and breaks if the line stops before. While many batches wait to
  // be committed it blocks, at most twice for `patience`; false then, and if the line stops, and
  // both arguments are as they were.
  bool Put(SeedBatch& batch, Millis patience,
           std::optional<concurrency::Promise<void>>* durable = nullptr);

  // Of lines that came to nothing else.
  void CountBadLines(uint64_t lines) { metrics_.CountSeeds(0, lines); }

  // Puts a brake on, or takes it off. Nothing is leased while one is on.
  void SetBrake(Brake brake, bool on);

  void Wake() { wake_.Set(); }
  void Chores();

  PipelineStats stats() const;
  const PipelineMetrics& metrics() const { return metrics_; }
  const Activity& activity() const { return activity_; }
  // Why the line failed; meaningful after Run() returned kFailed.
  std::string failure() const;
  bool stopping() const { return stop_.IsSet(); }

 private:
  using Steady = std::chrono::steady_clock;
  struct Fetched {
    frontier::Task task;
    fetcher::FetchResult result;
    Steady::time_point leased;
    Steady::time_point ended;  // the fetch
  };
  // What the committer receives: a page, or a batch of seeds with its permit.
  struct Finished {
    std::optional<PageResult> page;
    SeedBatch seeds;
    std::optional<concurrency::Semaphore::Permit> seeds_permit;
    std::optional<concurrency::Promise<void>> durable;  // somebody waits for that
    uint64_t bytes = 0;
    Steady::time_point leased;
    Steady::time_point parsed;
  };

  void Dispatch();
  std::optional<frontier::Task> NextTask();
  void WaitFor(const frontier::Wait& wait);
  // `reason`, unless most of what is under way waits for name servers.
  IdleReason OrDns(IdleReason reason) const;
  void LookUp(const frontier::LookUp& wanted);
  // Of a fetch in flight: one of the two.
  struct Place {
    explicit Place(concurrency::Semaphore::Permit p) : permit(std::move(p)) {}
    concurrency::Semaphore::Permit permit;
    concurrency::Semaphore::Permit slow;
  };
  void Launch(frontier::Task task, concurrency::BoundedQueue<Fetched>::Slot slot,
              concurrency::Semaphore::Permit permit);
  // Nothing for a page that takes little memory to parse.
  void Parse();
  void ParseAll();
  void NoteActivity(const PageResult& page, uint64_t bytes);
  void CommitLoop();
  void CommitGroup(std::vector<Finished> group, bool last);
  void Fail(const std::string& why);
  bool OnlyParkedAreLeft() const;
  bool WaitForBrakes();

  // Constant after construction.
  const PipelineOptions options_;
  const Clock& clock_;
  frontier::Frontier& frontier_;
  fetcher::Fetcher& fetcher_;

  // Owned by the committer thread.
  archive::Archive& archive_;

  // Have their own synchronisation.
  concurrency::Semaphore seed_permits_;  // a batch each, until it is committed
  concurrency::BoundedQueue<Fetched> fetched_;
  concurrency::BoundedQueue<Finished> parsed_;
  concurrency::Semaphore permits_;
  concurrency::Semaphore slow_;
  concurrency::Semaphore ends_;  // a permit a fetch, until its callback is done with the pipeline
  concurrency::Event& stop_;
  concurrency::Event wake_;  // something changed that the dispatcher may wait for
  concurrency::Event failed_;
  concurrency::Semaphore lookups_;  // a permit each, until the answer is noted
  concurrency::Semaphore large_;    // PipelineOptions::large_pages

  PipelineMetrics metrics_;
  Activity activity_;

  // Counters and flags read by other threads; nothing is ordered by them but where noted.
  std::atomic<uint64_t> fetches_ = 0;
  std::atomic<uint64_t> pages_ = 0;
  std::atomic<uint64_t> bytes_ = 0;
  std::atomic<uint64_t> errors_ = 0;
  std::atomic<uint64_t> not_archived_ = 0;
  std::atomic<uint64_t> warc_bytes_ = 0;
  std::atomic<uint32_t> brakes_ = 0;       // PipelineStats::brakes
  std::atomic<bool> chores_ = false;       // the committer has been told
  std::atomic<bool> starved_ = false;      // the dispatcher has permits and nothing to lease
  std::atomic<bool> seeds_read_ = false;   // release/acquire: all batches are in parsed_ by then
  std::atomic<uint64_t> uncommitted_ = 0;  // items between fetch or seed list and commit

  mutable Mutex mutex_;
  std::string failure_ GUARDED_BY(mutex_);
};

}  // namespace crawld::pipeline
