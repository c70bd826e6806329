// Clock: wall time that does not run backwards while the process lives.
//
// Steady time anchored to the wall clock at construction: a step of the system's clock neither
// stalls a host nor lets it be asked too early. Any thread may read it.
#pragma once

#include <chrono>

#include "base/time.h"

namespace crawld::pipeline {

class Clock {
 public:
  WallTime Now() const {
    return wall_ + std::chrono::floor<Millis>(std::chrono::steady_clock::now() - steady_);
  }
  // The same instant for waits.
  std::chrono::steady_clock::time_point ToSteady(WallTime when) const {
    constexpr std::chrono::hours kFar{24 * 365};
    return steady_ + (when - wall_ < kFar ? when - wall_ : Millis(kFar));
  }

 private:
  const WallTime wall_ = std::chrono::floor<Millis>(std::chrono::system_clock::now());
  const std::chrono::steady_clock::time_point steady_ = std::chrono::steady_clock::now();
};

}  // namespace crawld::pipeline
