#include "config/units.h"

#include <array>
#include <charconv>
#include <limits>
#include <system_error>

namespace crawld::config {
namespace {

constexpr std::array<Unit, 5> kDurationUnits = {{{"ms", 1},
                                                 {"s", 1000},
                                                 {"m", 60ULL * 1000},
                                                 {"h", 60ULL * 60 * 1000},
                                                 {"d", 24ULL * 60 * 60 * 1000}}};

constexpr std::array<Unit, 10> kSizeUnits = {{{"", 1},
                                              {"B", 1},
                                              {"kB", 1000},
                                              {"MB", 1000ULL * 1000},
                                              {"GB", 1000ULL * 1000 * 1000},
                                              {"TB", 1000ULL * 1000 * 1000 * 1000},
                                              {"KiB", 1ULL << 10},
                                              {"MiB", 1ULL << 20},
                                              {"GiB", 1ULL << 30},
                                              {"TiB", 1ULL << 40}}};

// "12kB" is 12 and "kB". Digits only: no sign, no space, no fraction.
Result<uint64_t> ParseNumber(std::string_view text, std::string_view& unit) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range) return Err(Error{"is too large"});
  if (error != std::errc()) return Err(Error{"is not a number with a unit"});
  unit = text.substr(static_cast<size_t>(end - text.data()));
  return number;
}

template <size_t N>
Result<uint64_t> ParseWithUnit(std::string_view text, const std::array<Unit, N>& units,
                               uint64_t max) {
  std::string_view name;
  auto number = ParseNumber(text, name);
  if (!number) return number;
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    if (*number > max / unit.factor) return Err(Error{"is too large"});
    return *number * unit.factor;
  }
  if (name.empty()) return Err(Error{"has no unit"});
  return Err(Error{"has an unknown unit '" + std::string(name) + "'"});
}

}  // namespace

std::span<const Unit> DurationUnits() { return kDurationUnits; }
std::span<const Unit> SizeUnits() { return kSizeUnits; }

Result<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds(0);
  constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  return ParseWithUnit(text, kDurationUnits, kMax).map([](uint64_t ms) {
    return std::chrono::milliseconds(static_cast<int64_t>(ms));
  });
}

Result<uint64_t> ParseSize(std::string_view text) {
  return ParseWithUnit(text, kSizeUnits, std::numeric_limits<uint64_t>::max());
}

std::string FormatDuration(std::chrono::milliseconds duration) {
  const auto ms = static_cast<uint64_t>(duration.count());
  if (ms == 0) return "0";
  const Unit* best = &kDurationUnits.front();
  for (const Unit& unit : kDurationUnits) {
    if (ms % unit.factor == 0) best = &unit;
  }
  if (ms == kDurationUnits.back().factor) return "24h";  // what people write
  return std::to_string(ms / best->factor) + std::string(best->name);
}

std::string FormatSize(uint64_t bytes) {
  if (bytes == 0) return "0";
  const Unit* best = &kSizeUnits.front();
  for (const Unit& unit : kSizeUnits) {
    const bool binary = unit.name.ends_with("iB");
    if (binary && bytes % unit.factor == 0) best = &unit;
  }
  return std::to_string(bytes / best->factor) + std::string(best->name);
}

}  // namespace crawld::config
