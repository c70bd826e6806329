// Durations ("500ms", "2s", "1m", "1h", "1d", "0") and sizes ("512", "64KiB", "10MB") as text.
//
// A duration needs its unit, but for 0; a size without one is bytes. Numbers are whole. KiB, MiB,
// GiB, TiB are powers of 1024; kB, MB, GB, TB of 1000. Pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace crawld::config {

// What they accept, for messages.
inline constexpr std::string_view kDurationForm =
    "a number with ms, s, m, h or d, such as 500ms or 2s";
inline constexpr std::string_view kSizeForm =
    "a number of bytes, or one with KiB, MiB, GiB, TiB, kB, MB, GB or TB, such as 10MiB";

// What may stand behind a number, and what it is worth: in milliseconds, in bytes.
struct Unit {
  std::string_view name;
  uint64_t factor;
};
[[nodiscard]] std::span<const Unit> DurationUnits();
[[nodiscard]] std::span<const Unit> SizeUnits();

// The error says what is wrong, not what is allowed. A number too large for the type is an error.
[[nodiscard]] Result<std::chrono::milliseconds> ParseDuration(std::string_view text);
[[nodiscard]] Result<uint64_t> ParseSize(std::string_view text);

// In the largest unit that leaves a whole number, so that parsing gives the same value back.
[[nodiscard]] std::string FormatDuration(std::chrono::milliseconds duration);
[[nodiscard]] std::string FormatSize(uint64_t bytes);

}  // namespace crawld::config
