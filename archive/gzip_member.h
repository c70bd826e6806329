// GzipMember: bytes in, one complete gzip member (RFC 1952) out.
//
// Level 1, the default of a crawl, is ISA-L's: on pages of documentation it takes 0.4 times the CPU
// of libdeflate's level 1, for 4 % more bytes (bench/archive_bench.cc). The other levels are
// libdeflate's own: 0 stores, 12 is the smallest and far slower.
//
// Owned and called by one thread at a time; keeps its tables from call to call.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace crawld::archive {

class GzipMember {
 public:
  static constexpr int kMaxLevel = 12;

  explicit GzipMember(int level);  // 0 to kMaxLevel
  ~GzipMember();
  GzipMember(const GzipMember&) = delete;
  GzipMember& operator=(const GzipMember&) = delete;

  // Appends the member to `out`; returns its size. Any input, of any size, is taken.
  uint64_t Append(std::string_view bytes, std::string& out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crawld::archive
