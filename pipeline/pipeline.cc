#include "pipeline/pipeline.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <bit>
#include <system_error>
#include <utility>

#include "pipeline/answer.h"
#include "web/ascii.h"

namespace crawld::pipeline {
namespace {

using concurrency::Heartbeat;
using concurrency::Idle;

// Batches of seeds between their list and the commit that holds them; half of them make a commit.
constexpr uint64_t kSeedBatches = 8;
// When nothing else is going on a commit waits this long for company.
constexpr Millis kHastyInterval{5};
constexpr Millis kBudgetPoll{10};
constexpr Millis kDispatchPoll{500};
constexpr Millis kStopPoll{100};        // how soon a full line notices that it is to stop
constexpr uint64_t kMaxLookUps = 1024;  // more than the frontier asks for at a time
constexpr uint64_t kMaxGroupBytes = 32ULL << 20;

IdleReason ReasonOf(frontier::Wait::Reason reason) {
  switch (reason) {
    case frontier::Wait::Reason::kEmpty:
      return IdleReason::kNoUrls;
    case frontier::Wait::Reason::kPoliteness:
      return IdleReason::kPoliteness;
    case frontier::Wait::Reason::kInFlight:
      return IdleReason::kHostsBusy;
    case frontier::Wait::Reason::kGated:
      return IdleReason::kGated;
    case frontier::Wait::Reason::kCommit:
      return IdleReason::kCommit;
    case frontier::Wait::Reason::kHeld:
      return IdleReason::kPaused;
  }
  return IdleReason::kNoUrls;
}

// Its lifetime counts as idle.
class IdleTime {
 public:
  IdleTime(PipelineMetrics& metrics, IdleReason reason) : metrics_(metrics), reason_(reason) {}
  ~IdleTime() { metrics_.AddIdle(reason_, std::chrono::steady_clock::now() - began_); }
  IdleTime(const IdleTime&) = delete;
  IdleTime& operator=(const IdleTime&) = delete;

 private:
  PipelineMetrics& metrics_;
  const IdleReason reason_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

// What the dispatcher does while a brake is on; of several the first counts.
struct BrakeNote {
  const char* note;
  IdleReason reason;
};
BrakeNote NoteOf(uint32_t brakes) {
  constexpr std::array<BrakeNote, kBrakes> kNotes = {{
      {"is paused by the operator", IdleReason::kPaused},
      {"waits for room on the disk", IdleReason::kDisk},
      {"waits until the process is smaller", IdleReason::kMemory},
  }};
  return kNotes.at(static_cast<size_t>(std::countr_zero(brakes)));
}

template <typename Wait>
auto Timed(PipelineMetrics& metrics, IdleReason reason, const Wait& wait) {
  const IdleTime idle(metrics, reason);
  return wait();
}

size_t FetchedCapacity(const PipelineOptions& options) {
  // Room for what is in flight, and as much again (within bounds) for what waits to be parsed.
  return options.concurrency + options.max_slow + std::clamp<size_t>(options.concurrency, 64, 4096);
}

}  // namespace

std::string_view Name(Brake brake) {
  switch (brake) {
    case Brake::kOperator:
      return "operator";
    case Brake::kDisk:
      return "disk";
    case Brake::kMemory:
      return "memory";
  }
  return "";
}

Pipeline::Pipeline(const PipelineOptions& options, const Clock& clock, concurrency::Event& stop,
                   frontier::Frontier& frontier, fetcher::Fetcher& fetcher,
                   archive::Archive& archive)
    : options_(options),
      clock_(clock),
      frontier_(frontier),
      fetcher_(fetcher),
      archive_(archive),
      seed_permits_(kSeedBatches),
      fetched_(FetchedCapacity(options)),
      parsed_(options.commit_pages),
      permits_(options.concurrency),
      slow_(std::max<uint64_t>(options.max_slow, 1)),
      ends_(permits_.total() + slow_.total()),
      stop_(stop),
      lookups_(kMaxLookUps),
      large_(options.large_pages) {}

Pipeline::~Pipeline() = default;

void Pipeline::Chores() {
  if (chores_.exchange(true, std::memory_order_relaxed)) return;
  uncommitted_.fetch_add(1, std::memory_order_relaxed);
  // Wakes the committer. When the queue is full it is awake.
  if (!parsed_.TryPut(Finished{})) uncommitted_.fetch_sub(1, std::memory_order_release);
}

void Pipeline::Fail(const std::string& why) {
  {
    MutexLock lock(mutex_);
    if (failure_.empty()) failure_ = why;
  }
  spdlog::critical("the crawl stops: {}", why);
  failed_.Set();
  // Nobody may wait for the committer any more.
  parsed_.Close();
  fetched_.Close();
  stop_.Set();
  wake_.Set();
}

std::string Pipeline::failure() const {
  MutexLock lock(mutex_);
  return failure_;
}

PipelineStats Pipeline::stats() const {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  PipelineStats stats;
  stats.fetches = fetches_.load(kRelaxed);
  stats.pages = pages_.load(kRelaxed);
  stats.bytes = bytes_.load(kRelaxed);
  stats.errors = errors_.load(kRelaxed);
  stats.not_archived = not_archived_.load(kRelaxed);
  stats.in_flight = fetcher_.in_flight();
  stats.slow = slow_.total() - slow_.available();
  stats.fetched_queue = fetched_.size();
  stats.parsed_queue = parsed_.size();
  stats.held_bytes = fetcher_.budget().used();
  stats.warc_bytes = warc_bytes_.load(kRelaxed);
  stats.brakes = brakes_.load(kRelaxed);
  return stats;
}

void Pipeline::SetBrake(Brake brake, bool on) {
  const uint32_t bit = uint32_t{1} << static_cast<int>(brake);
  const uint32_t before = on ? brakes_.fetch_or(bit, std::memory_order_relaxed)
                             : brakes_.fetch_and(~bit, std::memory_order_relaxed);
  if (((before & bit) != 0) != on) wake_.Set();
}

// Whether it had to.
bool Pipeline::WaitForBrakes() {
  const uint32_t brakes = brakes_.load(std::memory_order_relaxed);
  if (brakes == 0) return false;
  starved_.store(true, std::memory_order_relaxed);  // the committer is not to wait for company
  const BrakeNote note = NoteOf(brakes);
  Idle(note.note);
  const IdleTime idle(metrics_, note.reason);
  wake_.WaitFor(kDispatchPoll);
  return true;
}

// Nothing is left to fetch but URLs of parked hosts, which a crawl that is to end does not try
// again.
bool Pipeline::OnlyParkedAreLeft() const {
  return seeds_read_.load(std::memory_order_acquire) && frontier_.Drained();
}

std::optional<frontier::Task> Pipeline::NextTask() {
  while (!stop_.IsSet()) {
    wake_.Clear();
    if (WaitForBrakes()) continue;
    // Before the lease: what is committed after this look wakes us again.
    const bool over = options_.once && OnlyParkedAreLeft();
    if (over && uncommitted_.load(std::memory_order_acquire) == 0) return std::nullopt;
    if (over) {                                         // but what is under way may bring more
      starved_.store(true, std::memory_order_relaxed);  // the committer is not to wait for company
      Idle("waits for what is under way");
      wake_.WaitFor(kDispatchPoll);
      continue;
    }
    const bool newcomers = options_.max_slow == 0 || slow_.available() > 0;
    frontier::Decision decision = frontier_.Next(clock_.Now(), newcomers);
    if (auto* task = std::get_if<frontier::Task>(&decision)) {
      starved_.store(false, std::memory_order_relaxed);
      return std::move(*task);
    }
    if (const auto* wanted = std::get_if<frontier::LookUp>(&decision)) {
      LookUp(*wanted);
      continue;
    }
    starved_.store(true, std::memory_order_relaxed);
    WaitFor(std::get<frontier::Wait>(decision));
    Heartbeat("looks for the next URL");
  }
  return std::nullopt;
}

void Pipeline::WaitFor(const frontier::Wait& wait) {
  const WallTime until = std::min(wait.until, clock_.Now() + kDispatchPoll);
  Idle("waits for a host that may be asked");
  const IdleReason reason = ReasonOf(wait.reason);
  const IdleTime idle(metrics_, reason == IdleReason::kHostsBusy ? OrDns(reason) : reason);
  wake_.WaitUntil(clock_.ToSteady(until));
}

IdleReason Pipeline::OrDns(IdleReason reason) const {
  const fetcher::FetcherStats stats = fetcher_.stats();
  const uint64_t asked = kMaxLookUps - lookups_.available();
  const uint64_t all = stats.in_flight + asked;
  return all > 0 && (stats.resolving + asked) * 2 > all ? IdleReason::kDns : reason;
}

void Pipeline::Dispatch() {
  while (!stop_.IsSet()) {
    if (fetcher_.budget().Spent()) {
      starved_.store(true, std::memory_order_relaxed);  // until the committer has written them
      Idle("waits for memory: bodies await parser or disk");
      const IdleTime idle(metrics_, IdleReason::kMemory);
      stop_.WaitFor(kBudgetPoll);
      continue;
    }
    Idle("waits for a slot in the queue to the parsers");
    auto slot =
        Timed(metrics_, IdleReason::kParser, [&] { return fetched_.ReserveFor(kStopPoll); });
    if (!slot) continue;
    auto permit = permits_.TryAcquire();
    if (!permit) {
      Idle("waits for a fetch to end");
      permit = Timed(metrics_, OrDns(IdleReason::kConcurrency),
                     [&] { return permits_.AcquireFor(kStopPoll); });
    }
    if (!permit) continue;
    Heartbeat("looks for the next URL");
    auto task = NextTask();
    if (!task) break;
    Launch(*std::move(task), *std::move(slot), *std::move(permit));
  }
}

void Pipeline::LookUp(const frontier::LookUp& wanted) {
  auto permit = lookups_.Acquire(1);
  fetcher_.LookUp(wanted.name, wanted.host)
      .AddDoneCallback([this, host = wanted.host, permit = std::move(permit)](
                           concurrency::Future<std::string>& future) mutable {
        std::string address;
        try {
          address = future.Take();
        } catch (const std::exception&) {
          // The fetcher is being stopped.
        }
        frontier_.NoteAddress(host, std::move(address));
        permit->Release();
      });
}

void Pipeline::Launch(frontier::Task task, concurrency::BoundedQueue<Fetched>::Slot slot,
                      concurrency::Semaphore::Permit permit) {
  fetcher::FetchRequest request;
  request.url = task.url;
  request.pin = task.place.host;
  // Another try is not to fail for a connection that has gone bad; nor is a robots file, for which
  // its whole origin would wait.
  const bool robots = task.info.kind == frontier::TaskKind::kRobots;
  request.fresh_connection = robots || task.info.tries > 0;
  if (robots) request.max_body = kMaxRobotsBody;
  // Both callbacks run on the transfer's event loop.
  auto place = std::make_shared<Place>(std::move(permit));
  const auto step_aside = [this](Place& own) {
    auto slow = slow_.TryAcquire();
    if (!slow) return false;  // there are enough of them
    own.slow = *std::move(slow);
    own.permit.Release();
    return true;
  };
  const bool aside = options_.max_slow > 0 && task.unproven && step_aside(*place);
  if (options_.max_slow > 0 && !aside) {
    request.patience = options_.patience;
    request.on_slow = [step_aside, place] { return step_aside(*place); };
  }
  uncommitted_.fetch_add(1, std::memory_order_relaxed);
  fetcher_.Submit(std::move(request))
      .AddDoneCallback([this, leased = Steady::now(), task = std::move(task),
                        slot = std::move(slot), place = std::move(place),
                        end_permit = *ends_.Acquire()](
                           concurrency::Future<fetcher::FetchResult>& future) mutable {
        fetcher::FetchResult result;
        try {
          result = future.Take();
        } catch (const std::exception& e) {
          result.Fail(fetcher::FetchError::kInternal, e.what());
        }
        fetcher_.budget().Add(result.bytes());
        // The millisecond that has begun counts for the host.
        const WallTime now = clock_.Now() + Millis(1);
        frontier::FetchEnd end = EndOf(result, now);
        end.hold_until =
            HoldOf(result, now, BackoffOf(options_.worker, task), options_.worker.max_backoff);
        place->permit.Release();  // before the dispatcher is woken
        place->slow.Release();
        frontier_.Release(task, std::move(end));
        const Steady::time_point ended = Steady::now();
        metrics_.ObserveFetch(result, ended - leased);
        fetched_.Put(std::move(slot), Fetched{std::move(task), std::move(result), leased, ended});
        end_permit.Release();  // last: Run() may end once it has them all
      });
}

void Pipeline::Parse() {
  // A fetch loop that waits for a core keeps servers and their connections waiting.
  concurrency::LowerPriority();
  try {
    ParseAll();
  } catch (const std::exception& e) {
    Fail(e.what());
  }
}

void Pipeline::ParseAll() {
  Steady::duration waited{0};
  const auto wait_for_large = [&] {
    if (auto permit = large_.TryAcquire()) return *std::move(permit);
    Idle("waits until other large pages are parsed");
    const Steady::time_point began = Steady::now();
    auto permit = *large_.Acquire();
    waited += Steady::now() - began;
    Heartbeat("parses a page");
    return permit;
  };
  PageWorker worker(
      options_.worker, frontier_.scope(),
      [this](const frontier::Discovery& found) { return frontier_.Seen(found); }, wait_for_large);
  while (true) {
    Idle("waits for a fetched page");
    auto fetched = fetched_.Get();
    if (!fetched) return;
    Heartbeat("parses a page");
    const uint64_t bytes = fetched->result.bytes();
    fetches_.fetch_add(1, std::memory_order_relaxed);
    bytes_.fetch_add(bytes, std::memory_order_relaxed);
    const Steady::time_point began = Steady::now();
    metrics_.parser_wait.Observe(began - fetched->ended);
    Finished finished;
    waited = Steady::duration(0);
    finished.leased = fetched->leased;
    finished.page =
        worker.Process(std::move(fetched->task), std::move(fetched->result), clock_.Now());
    if (finished.page->error) {
      errors_.fetch_add(1, std::memory_order_relaxed);
      metrics_.CountError(*finished.page->error);
    }
    if (finished.page->status != 0) metrics_.CountStatus(finished.page->status);
    metrics_.CountTruncated(finished.page->truncated);
    metrics_.CountDroppedLinks(finished.page->dropped_links);
    NoteActivity(*finished.page, bytes);
    finished.bytes = finished.page->size();
    finished.parsed = Steady::now();
    metrics_.parse.Observe(finished.parsed - began - waited);
    fetcher_.budget().Add(finished.bytes);
    fetcher_.budget().Sub(bytes);
    Idle("waits for the committer");
    if (!parsed_.Put(std::move(finished))) return;  // the line has failed
  }
}

void Pipeline::NoteActivity(const PageResult& page, uint64_t bytes) {
  const frontier::Completion& completion = page.completion;
  activity_.Note(completion.task.url.host(),
                 {.when = clock_.Now(),
                  .url = std::string(completion.task.url.HrefWithoutFragment()),
                  .kind = completion.task.info.kind,
                  .outcome = completion.outcome,
                  .status = static_cast<uint16_t>(page.status),
                  .error = page.error ? fetcher::Name(*page.error) : std::string_view(),
                  .took = completion.took,
                  .bytes = bytes});
}

void Pipeline::CommitGroup(std::vector<Finished> group, bool last) {
  const WallTime now = clock_.Now();
  Heartbeat("writes the archive");
  chores_.store(false, std::memory_order_relaxed);  // before the frontier hands them out
  frontier::CommitGroup commit;
  uint64_t bytes = 0;
  uint64_t pages = 0;
  uint64_t repeats = 0;
  const size_t items = group.size();
  const Steady::time_point began = Steady::now();
  for (Finished& finished : group) {
    bytes += finished.bytes;
    if (finished.page) {
      metrics_.commit_wait.Observe(began - finished.parsed);
      archive_.Append(finished.page->bundle, now);
      const frontier::Completion& completion = finished.page->completion;
      pages += completion.outcome == frontier::Outcome::kDone &&
               completion.task.info.kind == frontier::TaskKind::kPage;
      repeats += completion.outcome == frontier::Outcome::kRetry;
      commit.completions.push_back(std::move(finished.page->completion));
    } else {
      std::move(finished.seeds.seeds.begin(), finished.seeds.seeds.end(),
                std::back_inserter(commit.seeds));
      std::move(finished.seeds.notes.begin(), finished.seeds.notes.end(),
                std::back_inserter(commit.notes));
    }
  }
  commit.archive_position = archive_.Sync(last);
  commit.last = last;
  const Steady::time_point synced = Steady::now();
  metrics_.archive_sync.Observe(synced - began);
  Heartbeat("commits to the frontier");
  frontier_.Commit(std::move(commit), now);
  archive_.Committed();
  const Steady::time_point ended = Steady::now();
  metrics_.commit.Observe(ended - synced);
  uint64_t committed = 0;
  for (const Finished& finished : group) {
    if (!finished.page) continue;
    ++committed;
    metrics_.total.Observe(ended - finished.leased);
  }
  metrics_.CountCommit(committed);
  pages_.fetch_add(pages, std::memory_order_relaxed);
  not_archived_.fetch_add(repeats, std::memory_order_relaxed);
  warc_bytes_.store(archive_.warc_bytes(), std::memory_order_relaxed);
  fetcher_.budget().Sub(bytes);
  uncommitted_.fetch_sub(items, std::memory_order_release);
  wake_.Set();
  for (Finished& finished : group) {
    if (finished.durable) finished.durable->SetValue();
  }
}

bool Pipeline::Put(SeedBatch& batch, Millis patience,
                   std::optional<concurrency::Promise<void>>* durable) {
  Finished finished;
  // Notes alone are small, and few: an order does not stand in line behind a long list.
  if (!batch.seeds.empty()) {
    finished.seeds_permit = seed_permits_.AcquireFor(patience);
    if (!finished.seeds_permit) return false;
  }
  if (stop_.IsSet()) return false;
  const uint64_t urls = batch.seeds.size();
  const uint64_t bad_lines = batch.bad_lines;
  finished.seeds = std::move(batch);
  if (durable != nullptr) finished.durable.swap(*durable);
  uncommitted_.fetch_add(1, std::memory_order_relaxed);
  if (parsed_.PutFor(std::move(finished), patience)) {
    metrics_.CountSeeds(urls, bad_lines);
    return true;
  }
  uncommitted_.fetch_sub(1, std::memory_order_release);
  // NOLINTNEXTLINE(bugprone-use-after-move): what could not be put is as it was
  batch = std::move(finished.seeds);
  if (durable != nullptr) finished.durable.swap(*durable);
  return false;
}

// Gathers what the parsers and the seeder bring into groups. A group is committed when it is full,
// when it is as old as the interval, or at once when the crawl has nothing else to do than wait.
void Pipeline::CommitLoop() {
  try {
    CommitGroup({}, false);  // the position of a new crawl is durable before its first page
    std::vector<Finished> group;
    uint64_t group_bytes = 0;
    uint64_t group_seeds = 0;       // batches
    bool group_holds = false;       // a host has asked to be left alone: not to be forgotten
    std::optional<WallTime> began;  // when the first thing to be committed came
    while (true) {
      const WallTime now = clock_.Now();
      const bool something = !group.empty() || frontier_.NextChore(now) <= now;
      if (something && !began) began = now;
      const bool full = group.size() >= options_.commit_pages || group_bytes >= kMaxGroupBytes ||
                        group_seeds >= kSeedBatches / 2;
      // With fetches under way a commit can wait for company; without, the crawl waits for it.
      const bool idle = starved_.load(std::memory_order_relaxed) && fetched_.size() == 0;
      const bool hurry = idle || group_holds;
      const WallTime due = !something ? kNever
                           : full     ? now
                                  : *began + (hurry ? kHastyInterval : options_.commit_interval);
      if (failed_.IsSet()) return;
      if (due <= now) {
        CommitGroup(std::exchange(group, {}), false);
        group_bytes = group_seeds = 0;
        group_holds = false;
        began.reset();
        continue;
      }
      Idle("waits for parsed pages");
      // Pages come by the hundred; waking for each would cost more than appending it.
      if (something) parsed_.WaitForSize(options_.commit_pages - group.size(), kHastyInterval);
      auto finished = something ? parsed_.TryGet() : parsed_.GetFor(kDispatchPoll);
      if (!finished && parsed_.drained()) break;
      while (finished) {
        group_bytes += finished->bytes;
        group_seeds += finished->seeds_permit ? 1 : 0;
        group_holds |= finished->page && finished->page->completion.hold_host_until != WallTime{};
        group.push_back(*std::move(finished));
        const bool more = group.size() < options_.commit_pages && group_bytes < kMaxGroupBytes &&
                          group_seeds < kSeedBatches / 2;
        finished = more ? parsed_.TryGet() : std::nullopt;
      }
    }
    if (failed_.IsSet()) return;
    CommitGroup(std::move(group), true);
  } catch (const std::exception& e) {
    Fail(e.what());
  }
}

Pipeline::End Pipeline::Run(
    const std::function<void(const std::function<bool(SeedBatch)>&)>& read_seeds) {
  concurrency::NamedThread committer;
  std::vector<concurrency::NamedThread> parsers;
  concurrency::NamedThread seeder;
  const auto read = [this, &read_seeds] {
    try {
      read_seeds([this](SeedBatch batch) {
        if (stop_.IsSet()) return false;
        if (batch.seeds.empty() && batch.notes.empty()) return true;
        const uint64_t urls = batch.seeds.size();
        const uint64_t bad_lines = batch.bad_lines;
        Finished finished;
        Idle("waits for seeds to be committed");
        while (!finished.seeds_permit) {
          finished.seeds_permit = seed_permits_.AcquireFor(kStopPoll);
          if (stop_.IsSet()) return false;
        }
        Heartbeat("reads seeds");
        finished.seeds = std::move(batch);
        uncommitted_.fetch_add(1, std::memory_order_relaxed);
        if (!parsed_.Put(std::move(finished))) return false;
        metrics_.CountSeeds(urls, bad_lines);
        return true;
      });
    } catch (const std::exception& e) {
      Fail(e.what());
    }
    seeds_read_.store(true, std::memory_order_release);
    wake_.Set();
  };
  try {
    committer = concurrency::NamedThread("commit", [this] { CommitLoop(); });
    for (int i = 0; i < options_.parser_threads; ++i) {
      parsers.emplace_back("parse-" + std::to_string(i), [this] { Parse(); });
    }
    seeder = concurrency::NamedThread("seed", read);
  } catch (const std::system_error& e) {
    Fail(
        fmt::format("the system gives no thread beyond {} parser workers ({}): lower "
                    "parser.threads, or raise the limit (TasksMax, ulimit -u, ulimit -v)",
                    parsers.size(), e.what()));
  }

  try {
    Dispatch();
  } catch (const std::exception& e) {
    Fail(e.what());
  }

  const bool drained = !stop_.IsSet();
  stop_.Set();
  seeder.Join();
  // Grace for what is in flight; then it is given back.
  if (!failed_.IsSet()) {
    Idle("grants transfers in flight their grace");
    const auto all_ended = ends_.AcquireFor(options_.grace, ends_.total());
    if (!all_ended) spdlog::info("grace is over: {} transfers are given back", stats().in_flight);
  }
  fetcher_.Stop();
  const auto all_ended = ends_.Acquire(ends_.total());
  const auto all_found = lookups_.Acquire(lookups_.total());
  frontier_.Settle();
  // Consumers drain the queues before they leave.
  fetched_.Close();
  for (auto& parser : parsers) parser.Join();
  parsed_.Close();
  committer.Join();
  // Of a line that has failed: who waits for it is told.
  while (parsed_.TryGet()) {
  }
  if (failed_.IsSet()) return End::kFailed;
  return drained ? End::kDrained : End::kStopped;
}

}  // namespace crawld::pipeline
