// PipelineMetrics: what the line counts and times of itself, beside PipelineStats.
//
// Thread safety: all members, from any thread. Nothing is ordered by them.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "concurrency/histogram.h"
#include "fetcher/fetch.h"

namespace crawld::pipeline {

// Why the dispatcher asks for nothing, though it could.
enum class IdleReason : uint8_t {
  kPoliteness,   // no host may be asked yet
  kDns,          // most fetches in flight wait for a name server
  kNoUrls,       // none is queued, or none that is not in flight
  kHostsBusy,    // hosts with URLs have as many fetches in flight as they may
  kGated,        // they do not answer, and are being probed
  kConcurrency,  // fetcher.concurrency fetches are in flight
  kParser,       // so many bodies wait for the parser's workers
  kMemory,       // fetcher.memory_budget is spent, or the process nears memory.max
  kCommit,       // the committer is behind
  kPaused,       // the operator has paused the crawl, or all hosts that are left
  kDisk,         // the disk is nearly full
};
inline constexpr int kIdleReasons = 11;
// The metric label: "politeness", "no_urls", ...
std::string_view Name(IdleReason reason);

class PipelineMetrics {
 public:
  using Clock = std::chrono::steady_clock;

  concurrency::Histogram lookup;        // of a name: from the cache or a name server
  concurrency::Histogram connect;       // of a new connection, TLS included
  concurrency::Histogram first_byte;    // from the connection to the answer's first byte
  concurrency::Histogram fetch;         // all of these and the body: from Submit() to the end
  concurrency::Histogram parser_wait;   // from the fetch's end to a worker
  concurrency::Histogram parse;         // by the worker
  concurrency::Histogram commit_wait;   // from the worker's end to its group's turn
  concurrency::Histogram archive_sync;  // a group, appended and synced
  concurrency::Histogram commit;        // a group, into the frontier
  concurrency::Histogram total;         // from the lease until it is durable

  // The parts of a fetch that took place.
  void ObserveFetch(const fetcher::FetchResult& result, Clock::duration whole);

  struct Stage {
    std::string_view name;
    const concurrency::Histogram* time;
  };
  // All of the above, in their order.
  std::array<Stage, 10> Stages() const;

  void CountError(fetcher::FetchError error) {
    errors_.at(static_cast<size_t>(error)).fetch_add(1, std::memory_order_relaxed);
  }
  void CountStatus(int status) {
    const int kind = status >= 100 && status < 600 ? status / 100 : 0;
    statuses_.at(static_cast<size_t>(kind)).fetch_add(1, std::memory_order_relaxed);
  }
  void CountCommit(uint64_t pages) {
    commits_.fetch_add(1, std::memory_order_relaxed);
    committed_.fetch_add(pages, std::memory_order_relaxed);
  }
  void CountTruncated(fetcher::Truncation why) {
    truncated_.at(static_cast<size_t>(why)).fetch_add(1, std::memory_order_relaxed);
  }
  void CountDroppedLinks(uint64_t links) {
    dropped_links_.fetch_add(links, std::memory_order_relaxed);
  }
  void CountSeeds(uint64_t urls, uint64_t bad_lines) {
    seeds_.fetch_add(urls, std::memory_order_relaxed);
    bad_seed_lines_.fetch_add(bad_lines, std::memory_order_relaxed);
  }
  void AddIdle(IdleReason reason, Clock::duration time) {
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
    idle_.at(static_cast<size_t>(reason))
        .fetch_add(static_cast<uint64_t>(micros), std::memory_order_relaxed);
  }

  uint64_t errors(fetcher::FetchError error) const {
    return errors_.at(static_cast<size_t>(error)).load(std::memory_order_relaxed);
  }
  // `kind`: 1 to 5, the first digit; 0: none of these.
  uint64_t statuses(int kind) const {
    return statuses_.at(static_cast<size_t>(kind)).load(std::memory_order_relaxed);
  }
  // Bodies that were cut.
  uint64_t truncated(fetcher::Truncation why) const {
    return truncated_.at(static_cast<size_t>(why)).load(std::memory_order_relaxed);
  }
  // Distinct links of pages, and entries of sitemaps, beyond what is taken of one.
  uint64_t dropped_links() const { return dropped_links_.load(std::memory_order_relaxed); }
  // Of lists, the config and the admin API.
  uint64_t seeds() const { return seeds_.load(std::memory_order_relaxed); }
  uint64_t bad_seed_lines() const { return bad_seed_lines_.load(std::memory_order_relaxed); }
  uint64_t commits() const { return commits_.load(std::memory_order_relaxed); }
  // Pages, robots files and failed tries that were in them.
  uint64_t committed() const { return committed_.load(std::memory_order_relaxed); }
  std::chrono::microseconds idle(IdleReason reason) const {
    return std::chrono::microseconds(
        idle_.at(static_cast<size_t>(reason)).load(std::memory_order_relaxed));
  }

 private:
  std::array<std::atomic<uint64_t>, fetcher::kFetchErrors> errors_{};
  std::array<std::atomic<uint64_t>, 6> statuses_{};
  std::array<std::atomic<uint64_t>, kIdleReasons> idle_{};  // microseconds
  std::array<std::atomic<uint64_t>, fetcher::kTruncations> truncated_{};
  std::atomic<uint64_t> dropped_links_ = 0;
  std::atomic<uint64_t> seeds_ = 0;
  std::atomic<uint64_t> bad_seed_lines_ = 0;
  std::atomic<uint64_t> commits_ = 0;
  std::atomic<uint64_t> committed_ = 0;
};

}  // namespace crawld::pipeline
