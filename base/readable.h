// Figures as people read them: "1,234", "12.3 MiB", "1h 02m".
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace crawld {

std::string Thousands(uint64_t n);
std::string Bytes(uint64_t n);
std::string Duration(std::chrono::seconds s);

}  // namespace crawld
