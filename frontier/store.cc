#include "frontier/store.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/table_properties_collectors.h>
#include <rocksdb/write_batch.h>
#include <rocksdb/write_buffer_manager.h>

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>

#include "base/check.h"
#include "base/error.h"

namespace {
// For the message below; the last store that was opened.
char open_directory[4096] = "";
}  // namespace

// Debian's RocksDB is built with its assertions, and some of them fail when the disk does: a file
// whose write was refused must not be synced once more, yet its own error paths do so. Nothing is
// lost by stopping there, but the operator is to read why. This definition comes before the C
// library's for RocksDB's calls too.
extern "C" __attribute__((noreturn)) void __assert_fail(  // NOLINT(bugprone-reserved-identifier)
    const char* assertion, const char* file, unsigned line, const char* function) noexcept {
  const bool by_rocksdb = function != nullptr && std::strstr(function, "rocksdb::") != nullptr;
  if (by_rocksdb) {
    struct statvfs disk {};
    const bool known = open_directory[0] != '\0' && statvfs(open_directory, &disk) == 0;
    const unsigned long long free_kib =
        known ? static_cast<unsigned long long>(disk.f_bavail) * disk.f_frsize / 1024 : 0;
    std::fprintf(
        stderr,
        "crawld: writing the frontier in %s has failed (%s%llu KiB are free there; RocksDB stops "
        "at %s:%u: %s); nothing is lost: look for a full or failing disk and start again, the "
        "crawl goes on from its last commit\n",
        open_directory, known && free_kib < 4096 ? "No space left on device: " : "", free_kib, file,
        line, assertion);
    std::fflush(stderr);
    _exit(1);
  }
  std::fprintf(stderr, "crawld: %s:%u: %s: assertion failed: %s\n", file, line,
               function != nullptr ? function : "?", assertion);
  std::fflush(stderr);
  std::abort();
}

namespace crawld::frontier {
namespace {

// Index of each column family; a store's schema version fixes names and order.
enum Table : size_t { kMeta, kUrls, kQueue, kLaterTable, kHosts, kDue, kRobots, kTables };
constexpr std::array<const char*, kTables> kTableNames = {"default", "urls", "queue", "later",
                                                          "hosts",   "due",  "robots"};

constexpr std::string_view kSchemaKey = "schema";
constexpr std::string_view kSeedKey = "hash-seed";
constexpr std::string_view kIdentityKey = "url-identity";
constexpr std::string_view kCountersKey = "counters";
constexpr std::string_view kOriginsHeldKey = "origins-held";
constexpr size_t kBloomBitsPerUrl = 10;

rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

}  // namespace

struct Store::Db {
  std::unique_ptr<rocksdb::DB> db;
  std::array<rocksdb::ColumnFamilyHandle*, kTables> tables{};
  bool failed = false;  // a write was refused
  std::shared_ptr<rocksdb::Cache> cache;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffers;  // charged to the cache

  rocksdb::Status Open(const std::string& directory, const rocksdb::Options& options,
                       const std::vector<rocksdb::ColumnFamilyDescriptor>& families,
                       bool read_only);

  ~Db() {
    if (!db) return;
    // Closing would sync the log file whose write has failed, and RocksDB asserts that nobody does.
    // The process is about to end; what is durable is so already.
    if (failed) {
      (void)db.release();
      return;
    }
    for (rocksdb::ColumnFamilyHandle* table : tables) {
      if (table != nullptr) db->DestroyColumnFamilyHandle(table);
    }
    db->Close();
  }
};

struct Store::Batch::Rep {
  const Db& db;
  rocksdb::WriteBatch writes;

  void Put(Table table, const std::string& key, std::string_view value) {
    const rocksdb::Status status = writes.Put(db.tables[table], key, ToSlice(value));
    CRAWLD_CHECK(status.ok(), "a write batch takes any key and value");
  }
  void Delete(Table table, const std::string& key) {
    const rocksdb::Status status = writes.Delete(db.tables[table], key);
    CRAWLD_CHECK(status.ok(), "a write batch takes any key");
  }
};

Store::Batch::Batch(const Store& store)
    : rep_(std::make_unique<Rep>(Rep{*store.db_, rocksdb::WriteBatch()})) {}
Store::Batch::~Batch() = default;

void Store::Batch::PutUrl(HostId host, const web::UrlHash& hash, const UrlRecord& record) {
  rep_->Put(kUrls, EncodeUrlKey(host, hash), Encode(record));
}
void Store::Batch::PutQueue(const QueueEntry& entry) {
  rep_->Put(kQueue, EncodePlace(entry.place), EncodeQueueValue(entry));
}
void Store::Batch::DeleteQueue(const QueuePlace& place) {
  rep_->Delete(kQueue, EncodePlace(place));
}
void Store::Batch::PutLater(WallTime when, const QueueEntry& entry) {
  rep_->Put(kLaterTable, EncodeTimedPlace(when, entry.place), EncodeQueueValue(entry));
}
void Store::Batch::DeleteLater(WallTime when, const QueuePlace& place) {
  rep_->Delete(kLaterTable, EncodeTimedPlace(when, place));
}
void Store::Batch::PutHost(HostId host, const HostRecord& record) {
  rep_->Put(kHosts, EncodeHostKey(host), Encode(record));
}
void Store::Batch::PutDue(WallTime when, HostId host) {
  rep_->Put(kDue, EncodeTimedHost(when, host), {});
}
void Store::Batch::DeleteDue(WallTime when, HostId host) {
  rep_->Delete(kDue, EncodeTimedHost(when, host));
}
void Store::Batch::PutRobots(HostId host, const OriginKey& origin, const RobotsRecord& record) {
  rep_->Put(kRobots, EncodeOriginKey(host, origin), Encode(record));
}
void Store::Batch::PutCounters(const Counters& counters) {
  PutMeta(kCountersKey, Encode(counters));
}
void Store::Batch::PutOriginsHeld(uint64_t count) {
  PutMeta(kOriginsHeldKey, std::to_string(count));
}
void Store::Batch::PutMeta(std::string_view key, std::string_view value) {
  rep_->Put(kMeta, std::string(key), value);
}

Store::Store(const std::filesystem::path& directory, const StoreOptions& options,
             std::string_view identity)
    : db_(std::make_unique<Db>()), directory_(directory.string()) {
  OpenDb(directory, options, identity);
}

Store::~Store() = default;

// Opens the database and all its tables, or makes them.
rocksdb::Status Store::Db::Open(const std::string& directory, const rocksdb::Options& options,
                                const std::vector<rocksdb::ColumnFamilyDescriptor>& families,
                                bool read_only) {
  rocksdb::DB* opened = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const auto keep = [&] {
    db.reset(opened);
    std::copy(handles.begin(), handles.end(), tables.begin());
  };
  if (read_only) {
    auto status = rocksdb::DB::OpenForReadOnly(options, directory, families, &handles, &opened);
    if (status.ok()) keep();
    return status;
  }
  // A new one gets its tables in one go: each made by Open() costs a file of options, written,
  // synced and read again. What a crash leaves in between, the next Open() completes.
  std::error_code unreadable;  // then Open() says what is wrong
  const bool is_new =
      !std::filesystem::exists(std::filesystem::path(directory) / "CURRENT", unreadable) &&
      !unreadable;
  const std::vector<rocksdb::ColumnFamilyDescriptor> first(
      families.begin(), is_new ? families.begin() + 1 : families.end());
  auto status = rocksdb::DB::Open(options, directory, first, &handles, &opened);
  if (!status.ok()) return status;
  keep();
  if (!is_new) return status;
  const std::vector<rocksdb::ColumnFamilyDescriptor> others(families.begin() + 1, families.end());
  handles.clear();
  status = db->CreateColumnFamilies(others, &handles);
  std::copy(handles.begin(), handles.end(), tables.begin() + 1);
  return status;
}

void Store::OpenDb(const std::filesystem::path& directory, const StoreOptions& options,
                   std::string_view identity) {
  rocksdb::DBOptions db_options;
  db_options.create_if_missing = !options.must_exist;
  db_options.create_missing_column_families = true;
  db_options.max_open_files = options.open_files;
  db_options.max_background_jobs = 2;
  db_options.max_total_wal_size = 4 * options.write_buffer_bytes;
  db_options.keep_log_file_num = 4;
  db_options.max_log_file_size = 4 << 20;
  db_options.info_log_level = rocksdb::WARN_LEVEL;
  db_options.stats_dump_period_sec = 0;
  db_options.stats_persist_period_sec = 0;
  db_options.bytes_per_sync = 1 << 20;
  // Every record up to the first torn one; what follows a torn record was never acknowledged.
  db_options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;

  const auto cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  db_options.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(options.write_buffer_bytes, cache);
  db_->cache = cache;
  db_->write_buffers = db_options.write_buffer_manager;

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = 8 << 10;
  table.format_version = 5;
  // Index and filters live in the block cache as well, in partitions: memory stays what the
  // configuration says, however many URLs there are.
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.metadata_block_size = 4 << 10;

  rocksdb::ColumnFamilyOptions plain;
  plain.write_buffer_size = options.write_buffer_bytes / 2;
  plain.compression = rocksdb::kLZ4Compression;
  plain.level_compaction_dynamic_level_bytes = true;
  plain.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));

  rocksdb::ColumnFamilyOptions urls = plain;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerUrl));
  urls.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  rocksdb::ColumnFamilyOptions hosts = urls;

  // Entries of queues are deleted where reading begins: compact runs of tombstones away early.
  rocksdb::ColumnFamilyOptions queue = plain;
  queue.table_properties_collector_factories.push_back(
      rocksdb::NewCompactOnDeletionCollectorFactory(1024, 512));

  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (size_t i = 0; i < kTables; ++i) {
    const rocksdb::ColumnFamilyOptions& family = i == kUrls    ? urls
                                                 : i == kHosts ? hosts
                                                 : i == kQueue || i == kDue || i == kLaterTable
                                                     ? queue
                                                     : plain;
    families.emplace_back(kTableNames[i], family);
  }

  std::snprintf(open_directory, sizeof open_directory, "%s", directory_.c_str());
  if (!options.must_exist && !options.read_only) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) {
      throw FatalError(
          fmt::format("cannot make the frontier's directory {}: {}", directory_, error.message()));
    }
  }
  const rocksdb::Status status =
      db_->Open(directory_, rocksdb::Options(db_options, plain), families, options.read_only);
  if (!status.ok()) {
    const std::string what = status.ToString();
    if (status.IsIOError() && (what.find("While lock file") != std::string::npos ||
                               what.find("lock hold by current process") != std::string::npos)) {
      throw FatalError(fmt::format(
          "the frontier in {} is in use by another crawld (or another program); stop it, or choose "
          "another data_dir ({})",
          directory_, what));
    }
    throw FatalError(fmt::format("cannot open the frontier in {}: {}", directory_, what));
  }
  const std::optional<std::string> schema = ReadMeta(kSchemaKey);
  if (!schema) {
    if (options.read_only) {
      throw FatalError(fmt::format("{} holds no frontier of crawld", directory_));
    }
    std::random_device entropy;
    const uint64_t seed = uint64_t{entropy()} << 32 | entropy();
    Batch batch(*this);
    batch.PutMeta(kSchemaKey, std::to_string(kSchemaVersion));
    batch.PutMeta(kSeedKey, std::to_string(seed));
    batch.PutMeta(kIdentityKey, identity);
    batch.PutCounters(Counters{});
    Write(batch, true);
  } else if (*schema != std::to_string(kSchemaVersion)) {
    throw FatalError(
        fmt::format("the frontier in {} has schema version {}, this crawld reads version {}: use "
                    "the crawld that "
                    "made it, or a new data_dir",
                    directory_, *schema, kSchemaVersion));
  }
  const std::string made_with = ReadMeta(kIdentityKey).value_or("");
  if (!identity.empty() && made_with != identity) {
    throw FatalError(fmt::format(
        "the frontier in {} tells URLs apart by other rules ({}) than this crawld ({}): "
        "use the crawld that made it, or a new "
        "data_dir",
        directory_, made_with, identity));
  }
  hash_seed_ = std::stoull(ReadMeta(kSeedKey).value_or("0"));
}

std::optional<std::string> Store::ReadMeta(std::string_view key) const {
  std::string value;
  const rocksdb::Status status =
      db_->db->Get(rocksdb::ReadOptions(), db_->tables[kMeta], ToSlice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) {
    throw FatalError(fmt::format("reading the frontier in {}: {}", directory_, status.ToString()));
  }
  return value;
}

namespace {

// A value that does not decode was not written by us: stop before making it worse.
template <typename T>
T Decoded(std::optional<T> value, const std::string& directory, const char* table) {
  if (!value) {
    throw FatalError(fmt::format(
        "the frontier in {} holds an unreadable record in table {}: restore it from a backup or "
        "choose a new data_dir",
        directory, table));
  }
  return *std::move(value);
}

std::optional<std::string> Get(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* table,
                               const std::string& key, const std::string& directory) {
  std::string value;
  const rocksdb::Status status = db.Get(rocksdb::ReadOptions(), table, key, &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) {
    throw FatalError(fmt::format("reading the frontier in {}: {}", directory, status.ToString()));
  }
  return value;
}

// Calls take(key, value) from `from` on while keys begin with `prefix`.
template <typename Take>
void Scan(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* table, std::string_view from,
          std::string_view prefix, const std::string& directory, Take&& take) {
  rocksdb::ReadOptions options;
  std::string upper_bytes(prefix);
  while (!upper_bytes.empty() && static_cast<uint8_t>(upper_bytes.back()) == 0xff) {
    upper_bytes.pop_back();
  }
  if (!upper_bytes.empty()) ++upper_bytes.back();
  const rocksdb::Slice upper(upper_bytes);
  if (!upper_bytes.empty()) options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator(options, table));
  for (it->Seek(ToSlice(from)); it->Valid(); it->Next()) {
    if (!take(ToView(it->key()), ToView(it->value()))) break;
  }
  if (!it->status().ok()) {
    throw FatalError(
        fmt::format("reading the frontier in {}: {}", directory, it->status().ToString()));
  }
}

}  // namespace

uint64_t Store::ReadOriginsHeld() const {
  return std::stoull(ReadMeta(kOriginsHeldKey).value_or("0"));
}

Counters Store::ReadCounters() const {
  const auto value = ReadMeta(kCountersKey);
  if (!value) return {};
  return Decoded(DecodeCounters(*value), directory_, "meta");
}

std::optional<HostRecord> Store::ReadHost(HostId host) const {
  const auto value = Get(*db_->db, db_->tables[kHosts], EncodeHostKey(host), directory_);
  if (!value) return std::nullopt;
  return Decoded(DecodeHostRecord(*value), directory_, "hosts");
}

std::optional<RobotsRecord> Store::ReadRobots(HostId host, const OriginKey& origin) const {
  const auto value = Get(*db_->db, db_->tables[kRobots], EncodeOriginKey(host, origin), directory_);
  if (!value) return std::nullopt;
  return Decoded(DecodeRobotsRecord(*value), directory_, "robots");
}

std::optional<UrlRecord> Store::ReadUrl(HostId host, const web::UrlHash& hash) const {
  const auto value = Get(*db_->db, db_->tables[kUrls], EncodeUrlKey(host, hash), directory_);
  if (!value) return std::nullopt;
  return Decoded(DecodeUrlRecord(*value), directory_, "urls");
}

std::vector<std::optional<std::pair<UrlState, Verdict>>> Store::ReadStates(
    std::span<const UrlId> ids) const {
  std::vector<std::string> keys;
  keys.reserve(ids.size());
  for (const UrlId& id : ids) keys.push_back(EncodeUrlKey(id.host, id.hash));
  // Sorted keys let RocksDB look into each block once.
  std::vector<size_t> order(ids.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return keys[a] < keys[b]; });
  std::vector<rocksdb::Slice> slices;
  slices.reserve(ids.size());
  for (const size_t i : order) slices.emplace_back(keys[i]);
  std::vector<rocksdb::PinnableSlice> values(ids.size());
  std::vector<rocksdb::Status> statuses(ids.size());
  db_->db->MultiGet(rocksdb::ReadOptions(), db_->tables[kUrls], ids.size(), slices.data(),
                    values.data(), statuses.data(), /*sorted_input=*/true);
  std::vector<std::optional<std::pair<UrlState, Verdict>>> states(ids.size());
  for (size_t i = 0; i < order.size(); ++i) {
    if (statuses[i].IsNotFound()) continue;
    if (!statuses[i].ok()) {
      throw FatalError(
          fmt::format("reading the frontier in {}: {}", directory_, statuses[i].ToString()));
    }
    const UrlRecord record = Decoded(DecodeUrlRecord(ToView(values[i])), directory_, "urls");
    states[order[i]] = std::pair(record.state, record.verdict);
  }
  return states;
}

void Store::ScanQueue(HostId host, const OriginKey& origin, const QueuePlace& from,
                      const std::function<bool(QueueEntry&&)>& take) const {
  const std::string prefix = EncodeOriginKey(host, origin);
  const std::string start = std::max(prefix, EncodePlace(from));
  Scan(*db_->db, db_->tables[kQueue], start, prefix, directory_,
       [&](std::string_view key, std::string_view value) {
         QueueEntry entry;
         entry.place = Decoded(DecodePlace(key), directory_, "queue");
         Decoded(DecodeQueueValue(value, entry) ? std::optional(true) : std::nullopt, directory_,
                 "queue");
         return take(std::move(entry));
       });
}

void Store::ScanAllQueues(const std::function<bool(QueueEntry&&)>& take) const {
  Scan(*db_->db, db_->tables[kQueue], "", "", directory_,
       [&](std::string_view key, std::string_view value) {
         QueueEntry entry;
         entry.place = Decoded(DecodePlace(key), directory_, "queue");
         Decoded(DecodeQueueValue(value, entry) ? std::optional(true) : std::nullopt, directory_,
                 "queue");
         return take(std::move(entry));
       });
}

void Store::ScanDue(WallTime from, const std::function<bool(WallTime, HostId)>& take,
                    HostId host) const {
  Scan(*db_->db, db_->tables[kDue], EncodeTimedHost(from, host), "", directory_,
       [&](std::string_view key, std::string_view) {
         const auto [when, id] = Decoded(DecodeTimedHost(key), directory_, "due");
         return take(when, id);
       });
}

void Store::ScanLater(const std::function<bool(WallTime, QueueEntry&&)>& take) const {
  Scan(*db_->db, db_->tables[kLaterTable], "", "", directory_,
       [&](std::string_view key, std::string_view value) {
         const auto [when, place] = Decoded(DecodeTimedPlace(key), directory_, "later");
         QueueEntry entry;
         entry.place = place;
         Decoded(DecodeQueueValue(value, entry) ? std::optional(true) : std::nullopt, directory_,
                 "later");
         return take(when, std::move(entry));
       });
}

void Store::ScanUrls(const std::function<bool(const UrlRecord&)>& take) const {
  Scan(*db_->db, db_->tables[kUrls], "", "", directory_,
       [&](std::string_view, std::string_view value) {
         return take(Decoded(DecodeUrlRecord(value), directory_, "urls"));
       });
}

void Store::ScanHosts(const std::function<bool(HostId, const HostRecord&)>& take) const {
  Scan(*db_->db, db_->tables[kHosts], "", "", directory_,
       [&](std::string_view key, std::string_view value) {
         HostId host = 0;
         for (const char c : key) host = host << 8 | static_cast<uint8_t>(c);
         return take(host, Decoded(DecodeHostRecord(value), directory_, "hosts"));
       });
}

Store::Memory Store::MemoryUse() const {
  const size_t buffers = db_->write_buffers->memory_usage();
  const size_t charged = db_->write_buffers->dummy_entries_in_cache_usage();
  const size_t all = db_->cache->GetUsage();
  return {all - std::min(all, charged), buffers};
}

void Store::Write(Batch& batch, bool sync) {
  rocksdb::WriteOptions options;
  options.sync = sync;
  const rocksdb::Status status = db_->db->Write(options, &batch.rep_->writes);
  batch.rep_->writes.Clear();
  if (!status.ok()) {
    db_->failed = true;
    throw FatalError(fmt::format(
        "writing the frontier in {}: {}; nothing is lost: mend the disk and start again, the crawl "
        "goes on from its last commit",
        directory_, status.ToString()));
  }
}

}  // namespace crawld::frontier
