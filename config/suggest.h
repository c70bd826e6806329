// "did you mean 'threads'?" Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crawld::config {

// How many letters must be inserted, removed, changed or swapped with their neighbour. Cost:
// |a| * |b|, so callers bound both.
[[nodiscard]] size_t EditDistance(std::string_view a, std::string_view b);

// The candidate nearest to `word`, if it is near enough to have been meant.
[[nodiscard]] std::optional<std::string> Nearest(std::string_view word,
                                                 const std::vector<std::string>& candidates);

// `text` for a message: control characters escaped, cut after 80 bytes. Quote puts it in quotes.
[[nodiscard]] std::string Printable(std::string_view text);
[[nodiscard]] std::string Quote(std::string_view text);

}  // namespace crawld::config
