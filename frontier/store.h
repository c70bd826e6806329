// Store: the frontier's tables in one RocksDB, and nothing of its policy.
//
// Column families: urls, queue, later, hosts, due, robots, and `default` for what is but one
// (docs/storage.md). Reads may come
// from any thread and see a consistent recent state. Writes come in batches from the one committer;
// a batch is atomic, and with sync it has reached the disk when Write() returns.
//
// A store that cannot be opened, read or written is a FatalError that says what and where: the
// crawl stops, and goes on from the last batch when it is started again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frontier/records.h"

namespace crawld::frontier {

// What the name of a note's entry (CommitGroup::notes) begins with; the rest is its own.
inline constexpr std::string_view kNotePrefix = "note:";

struct StoreOptions {
  uint64_t block_cache_bytes = 32ULL << 20;   // data, index and filter blocks together
  uint64_t write_buffer_bytes = 16ULL << 20;  // all memtables together
  int open_files = 256;                       // table files held open
  bool read_only = false;                     // for tools; sees the last committed state
  bool must_exist = false;
};

class Store {
 public:
  class Batch;

  // Opens or creates the store in `directory`. `identity` describes everything a URL's key depends
  // on (crawl key options); a store made with another one is refused.
  Store(const std::filesystem::path& directory, const StoreOptions& options,
        std::string_view identity);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  uint64_t hash_seed() const { return hash_seed_; }

  Counters ReadCounters() const;
  // Origins whose robots.txt cannot be had (RobotsHold).
  uint64_t ReadOriginsHeld() const;
  std::optional<std::string> ReadMeta(std::string_view key) const;
  std::optional<HostRecord> ReadHost(HostId host) const;
  std::optional<RobotsRecord> ReadRobots(HostId host, const OriginKey& origin) const;
  std::optional<UrlRecord> ReadUrl(HostId host, const web::UrlHash& hash) const;

  // States of many URLs at once: nullopt for those never seen. Cheapest when keys are of few hosts.
  struct UrlId {
    HostId host = 0;
    web::UrlHash hash;
  };
  std::vector<std::optional<std::pair<UrlState, Verdict>>> ReadStates(
      std::span<const UrlId> ids) const;

  // Queue entries of one origin from `from` on, in order, until `take` has returned false.
  void ScanQueue(HostId host, const OriginKey& origin, const QueuePlace& from,
                 const std::function<bool(QueueEntry&&)>& take) const;
  // Hosts by due time, from `from` on, earliest first, until `take` has returned false.
  // `host`: of those due at `from`, not those before it.
  void ScanDue(WallTime from, const std::function<bool(WallTime, HostId)>& take,
               HostId host = 0) const;
  // Waiting retries by due time, earliest first.
  void ScanLater(const std::function<bool(WallTime, QueueEntry&&)>& take) const;

  // Whole tables, for export and listing; in key order.
  void ScanUrls(const std::function<bool(const UrlRecord&)>& take) const;
  void ScanAllQueues(const std::function<bool(QueueEntry&&)>& take) const;
  void ScanHosts(const std::function<bool(HostId, const HostRecord&)>& take) const;

  struct Memory {
    uint64_t cache_bytes = 0;
    uint64_t write_buffer_bytes = 0;
  };
  Memory MemoryUse() const;

  // Applies the batch atomically; empties it. Throws FatalError when the disk says no.
  void Write(Batch& batch, bool sync);

 private:
  struct Db;
  void OpenDb(const std::filesystem::path& directory, const StoreOptions& options,
              std::string_view identity);

  std::unique_ptr<Db> db_;
  std::string directory_;
  uint64_t hash_seed_ = 0;
};

// Changes that become durable together. Owned and filled by one thread.
class Store::Batch {
 public:
  explicit Batch(const Store& store);  // the store must outlive it
  ~Batch();
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  void PutUrl(HostId host, const web::UrlHash& hash, const UrlRecord& record);
  void PutQueue(const QueueEntry& entry);
  void DeleteQueue(const QueuePlace& place);
  void PutLater(WallTime when, const QueueEntry& entry);
  void DeleteLater(WallTime when, const QueuePlace& place);
  void PutHost(HostId host, const HostRecord& record);
  void PutDue(WallTime when, HostId host);
  void DeleteDue(WallTime when, HostId host);
  void PutRobots(HostId host, const OriginKey& origin, const RobotsRecord& record);
  void PutCounters(const Counters& counters);
  void PutOriginsHeld(uint64_t count);
  void PutMeta(std::string_view key, std::string_view value);

 private:
  friend class Store;
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace crawld::frontier
