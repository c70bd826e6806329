// RepeatFilter: the same line again and again becomes one line with a count.
//
// The first is written at once. The same text, at the same level, within `window` of it is only
// counted, and when the window is over one line says how often it came. So a fault that repeats a
// thousand times a second costs two lines in ten seconds, and nothing is hidden.
//
// One thread. Memory: `capacity` texts; the oldest makes room. Cost: a hash of the text.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace crawld::logs {

class RepeatFilter {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Repeated {
    int level = 0;
    std::string text;
    uint64_t times = 0;  // beyond the first
    std::chrono::steady_clock::duration within{};
  };

  explicit RepeatFilter(std::chrono::steady_clock::duration window = std::chrono::seconds(10),
                        size_t capacity = 64)
      : window_(window), capacity_(capacity) {}

  // Whether the line is to be written.
  bool Admit(int level, std::string_view text, Time now);
  // Those that came more than once and whose window is over, or (`all`) is not; oldest first.
  std::vector<Repeated> TakeEnded(Time now, bool all = false);

 private:
  struct Entry {
    int level = 0;
    Time first;
    uint64_t times = 0;
  };
  static std::string KeyOf(int level, std::string_view text);
  void End(const std::string& key, Time now);

  const std::chrono::steady_clock::duration window_;
  const size_t capacity_;
  std::unordered_map<std::string, Entry> entries_;
  std::deque<std::string> order_;  // keys by Entry::first
  std::vector<Repeated> ended_;
};

}  // namespace crawld::logs
