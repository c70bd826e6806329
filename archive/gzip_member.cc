#include "archive/gzip_member.h"

#include <isa-l/igzip_lib.h>
#include <libdeflate.h>

#include <cstddef>
#include <limits>
#include <vector>

#include "base/check.h"

namespace crawld::archive {
namespace {

constexpr int kFastLevel = 1;
constexpr int kIsalLevel = 2;  // its levels 0 to 3; 2 has the best ratio for its speed on HTML
// ISA-L counts in 32 bits; larger records are rare and go the other way.
constexpr size_t kMaxIsalBytes = size_t{1} << 30;
static_assert(kMaxIsalBytes < std::numeric_limits<uint32_t>::max() / 2);

// What ISA-L may need in the worst case: stored blocks of at most 65,535 bytes with 5 bytes each,
// and the gzip header and trailer.
constexpr size_t IsalBound(size_t size) { return size + (5 * (size / 65535 + 1)) + 64; }

}  // namespace

struct GzipMember::Impl {
  int level = 0;
  libdeflate_compressor* deflate = nullptr;  // made when it is needed
  std::unique_ptr<isal_zstream> isal;        // kFastLevel only
  std::vector<uint8_t> isal_tables;

  uint64_t AppendWithIsal(std::string_view bytes, std::string& out) {
    const size_t before = out.size();
    out.resize(before + IsalBound(bytes.size()));
    isal_deflate_stateless_init(isal.get());
    isal->level = kIsalLevel;
    isal->level_buf = isal_tables.data();
    isal->level_buf_size = static_cast<uint32_t>(isal_tables.size());
    isal->gzip_flag = IGZIP_GZIP;
    isal->end_of_stream = 1;
    // The library reads through a pointer it does not declare const.
    isal->next_in =
        reinterpret_cast<uint8_t*>(const_cast<char*>(bytes.data()));  // NOLINT(*-const-cast)
    isal->avail_in = static_cast<uint32_t>(bytes.size());
    isal->next_out = reinterpret_cast<uint8_t*>(out.data() + before);
    isal->avail_out = static_cast<uint32_t>(out.size() - before);
    const int status = isal_deflate_stateless(isal.get());
    CRAWLD_CHECK(status == COMP_OK && isal->avail_in == 0,
                 "the output has room for the worst case");
    out.resize(before + isal->total_out);
    return isal->total_out;
  }

  uint64_t AppendWithDeflate(std::string_view bytes, std::string& out) {
    if (deflate == nullptr) deflate = libdeflate_alloc_compressor(level);
    CRAWLD_CHECK(deflate != nullptr, "out of memory");
    const size_t before = out.size();
    out.resize(before + libdeflate_gzip_compress_bound(deflate, bytes.size()));
    const size_t size = libdeflate_gzip_compress(deflate, bytes.data(), bytes.size(),
                                                 out.data() + before, out.size() - before);
    CRAWLD_CHECK(size > 0, "the output has the size libdeflate asked for");
    out.resize(before + size);
    return size;
  }
};

GzipMember::GzipMember(int level) : impl_(std::make_unique<Impl>()) {
  CRAWLD_CHECK(level >= 0 && level <= kMaxLevel, "a level the configuration allows");
  impl_->level = level;
  if (level == kFastLevel) {
    impl_->isal = std::make_unique<isal_zstream>();
    impl_->isal_tables.resize(ISAL_DEF_LVL2_DEFAULT);
  }
}

GzipMember::~GzipMember() { libdeflate_free_compressor(impl_->deflate); }

uint64_t GzipMember::Append(std::string_view bytes, std::string& out) {
  return impl_->isal && bytes.size() <= kMaxIsalBytes ? impl_->AppendWithIsal(bytes, out)
                                                      : impl_->AppendWithDeflate(bytes, out);
}

}  // namespace crawld::archive
