#include "fetcher/chunk_scanner.h"

#include <algorithm>
#include <limits>

namespace crawld::fetcher {
namespace {

// -1: no digit.
int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void ChunkScanner::Scan(std::string_view bytes) {
  while (!bytes.empty()) {
    if (state_ == State::kDone) return;
    if (state_ == State::kData) {
      const auto skipped = static_cast<size_t>(std::min<uint64_t>(size_, bytes.size()));
      bytes.remove_prefix(skipped);
      size_ -= skipped;
      if (size_ == 0) state_ = State::kDataEnd;
      continue;
    }
    const char c = bytes.front();
    bytes.remove_prefix(1);
    switch (state_) {
      case State::kSize:
        if (const int digit = HexDigit(c); digit >= 0) {
          const bool fits = size_ <= (std::numeric_limits<uint64_t>::max() >> 4);
          size_ = fits ? size_ * 16 + static_cast<uint64_t>(digit) : size_;
          break;
        }
        state_ = State::kExtension;
        [[fallthrough]];
      case State::kExtension:
        if (c == '\n') state_ = size_ > 0 ? State::kData : State::kTrailer;
        break;
      case State::kDataEnd:
        if (c == '\n') state_ = State::kSize;
        break;
      case State::kTrailer:
        ++trailer_bytes_;
        if (c == '\n') {
          if (line_empty_) state_ = State::kDone;
          line_empty_ = true;
        } else if (c != '\r') {
          trailer_fields_ += line_empty_ ? 1 : 0;
          line_empty_ = false;
        }
        break;
      case State::kData:
      case State::kDone:
        break;  // above
    }
  }
}

}  // namespace crawld::fetcher
