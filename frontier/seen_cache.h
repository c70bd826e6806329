// SeenCache: the URLs that were seen most recently, as fingerprints in a fixed table.
//
// Most links of a page were seen a moment ago; asking this first spares the store. A "yes" is true
// but for a chance of 8 in 2^64 a look-up (a fingerprint is 64 of the 128 bits of a URL's hash; the
// other half picks the bucket). A "no" means: ask the store.
//
// Thread safety: any thread may call Contains(); Insert() belongs to the one committer, and is
// called only after the commit that made the URL durable. Relaxed atomics suffice: a fingerprint is
// one word, nothing else is read through it, and a stale "no" only costs a look-up.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "base/check.h"
#include "web/url_key.h"

namespace crawld::frontier {

class SeenCache {
 public:
  // Uses at most `bytes` (a power of two of 64-byte buckets; at least one bucket).
  explicit SeenCache(size_t bytes)
      : buckets_(std::bit_floor(bytes < kBucketBytes ? size_t{1} : bytes / kBucketBytes)),
        slots_(static_cast<uint64_t*>(std::calloc(buckets_ * kWays, sizeof(uint64_t)))) {
    CRAWLD_CHECK(slots_ != nullptr, "out of memory");
  }

  bool Contains(const web::UrlHash& hash) const {
    uint64_t* const bucket = Bucket(hash);
    const uint64_t fingerprint = Fingerprint(hash);
    for (size_t i = 0; i < kWays; ++i) {
      if (std::atomic_ref(bucket[i]).load(std::memory_order_relaxed) == fingerprint) return true;
    }
    return false;
  }

  void Insert(const web::UrlHash& hash) {
    if (Contains(hash)) return;
    // Round robin over all buckets is as good as random within one.
    std::atomic_ref(Bucket(hash)[next_way_++ % kWays])
        .store(Fingerprint(hash), std::memory_order_relaxed);
  }

 private:
  static constexpr size_t kWays = 8;
  static constexpr size_t kBucketBytes = kWays * sizeof(uint64_t);

  // 0 marks an empty slot.
  static uint64_t Fingerprint(const web::UrlHash& hash) { return hash.hi == 0 ? 1 : hash.hi; }
  uint64_t* Bucket(const web::UrlHash& hash) const {
    return &slots_[(hash.lo & (buckets_ - 1)) * kWays];
  }

  const size_t buckets_;
  // From calloc: zero without being touched, so that a small crawl pays for no more than it uses. A
  // table of this size begins 16 bytes into a page, and most buckets lie in two cache lines.
  struct Free {
    void operator()(uint64_t* slots) const { std::free(slots); }  // NOLINT(*-no-malloc)
  };
  const std::unique_ptr<uint64_t[], Free> slots_;
  size_t next_way_ = 0;  // owned by the committer
};

// A seen-cache key for "excluded", so that a later verdict kAdmit still reaches the store.
inline web::UrlHash ExcludedKey(web::UrlHash hash) {
  hash.hi ^= 0x9e3779b97f4a7c15ULL;
  return hash;
}

}  // namespace crawld::frontier
