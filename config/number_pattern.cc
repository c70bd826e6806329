#include "config/number_pattern.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"

namespace crawld::config {
namespace {

bool AllAre(std::string_view digits, char digit) {
  return std::ranges::all_of(digits, [&](char c) { return c == digit; });
}

std::string Class(char low, char high) {
  return low == high ? std::string(1, low) : std::string("[") + low + '-' + high + ']';
}

std::string AnyDigits(size_t count) {
  if (count == 0) return "";
  return count == 1 ? "[0-9]" : "[0-9]{" + std::to_string(count) + '}';
}

std::string Alternatives(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "|") + part;
  return text;
}

// All texts of digits from `low` to `high`, which have the same length.
std::vector<std::string> Between(std::string_view low, std::string_view high) {
  if (low.empty()) return {""};
  const std::string_view low_rest = low.substr(1);
  const std::string_view high_rest = high.substr(1);
  const auto behind = [](char digit, const std::vector<std::string>& parts) {
    const std::string rest = Alternatives(parts);
    return std::string(1, digit) + (parts.size() == 1 ? rest : '(' + rest + ')');
  };
  if (low[0] == high[0]) return {behind(low[0], Between(low_rest, high_rest))};
  std::vector<std::string> parts;
  // A first digit whose rest is free goes with those in the middle.
  char from = low[0];
  char to = high[0];
  if (!AllAre(low_rest, '0')) {
    parts.push_back(behind(from++, Between(low_rest, std::string(low_rest.size(), '9'))));
  }
  const bool high_is_free = AllAre(high_rest, '9');
  if (!high_is_free) --to;
  if (from <= to) parts.push_back(Class(from, to) + AnyDigits(low_rest.size()));
  if (!high_is_free) {
    parts.push_back(behind(high[0], Between(std::string(high_rest.size(), '0'), high_rest)));
  }
  return parts;
}

}  // namespace

std::string NumberPattern(uint64_t min, uint64_t max) {
  CRAWLD_CHECK(min <= max, "a range holds a number");
  const std::string low = std::to_string(min);
  const std::string high = std::to_string(max);
  std::vector<std::string> parts;
  size_t free_from = 0;  // the shortest of the lengths just seen of which every number is meant
  for (size_t length = low.size(); length <= high.size(); ++length) {
    const std::string first = '1' + std::string(length - 1, '0');
    const std::string last(length, '9');
    const std::string begin = length == low.size() ? low : first;
    const std::string end = length == high.size() ? high : last;
    if (begin == first && end == last) {
      if (free_from == 0) {
        free_from = length;
        parts.push_back("[1-9]" + AnyDigits(length - 1));
      } else {
        parts.back() =
            "[1-9][0-9]{" + std::to_string(free_from - 1) + ',' + std::to_string(length - 1) + '}';
      }
      continue;
    }
    for (std::string& part : Between(begin, end)) parts.push_back(std::move(part));
    free_from = 0;
  }
  return Alternatives(parts);
}

}  // namespace crawld::config
