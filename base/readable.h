// Figures as people read them: "1,234", "12.3 MiB", "1h 02m"; and what a terminal may be shown.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace crawld {

std::string Thousands(uint64_t n);
std::string Bytes(uint64_t n);
std::string Duration(std::chrono::seconds s);

// A stranger's words for a terminal: '?' instead of control characters, line feeds too.
std::string WithoutControls(std::string_view text);

}  // namespace crawld
