// OperatorHolds: the hosts that the operator has stopped, by name or by domain.
//
// A paused host waits: its URLs stay in their queue, and a crawl that is to end waits for it too. A
// blocked one is meant for good: its URLs stay in their queue as well, so that lifting the block
// loses nothing, but a crawl that is to end does not wait for them. Of neither anything is asked:
// no page, no robots.txt, no probe. What is in flight when a hold begins comes to its end.
//
// An immutable value; shared by threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "web/host_patterns.h"

namespace crawld::frontier {

enum class HoldKind : uint8_t { kPaused, kBlocked };
// "paused", "blocked".
std::string_view Name(HoldKind kind);

struct OperatorHold {
  std::string name;     // as web::HostPattern has it
  bool domain = false;  // and all below it
  HoldKind kind = HoldKind::kPaused;
  WallTime since{};
  std::string why = {};  // the operator's words; may be empty

  friend bool operator==(const OperatorHold&, const OperatorHold&) = default;
};

class OperatorHolds {
 public:
  explicit OperatorHolds(std::vector<OperatorHold> holds);

  // Of those that are for the host, a block before a pause; nullptr: none is. Cost: a hash look-up
  // a label.
  const OperatorHold* Find(std::string_view host) const;
  const std::vector<OperatorHold>& all() const { return holds_; }

 private:
  std::vector<OperatorHold> holds_;  // blocks first
  web::HostIndex index_;             // numbers of holds_
};

using OperatorHoldsPtr = std::shared_ptr<const OperatorHolds>;

// When a host that is held is wanted back, in the store: after all that is ever due.
inline constexpr WallTime kHeldDue{Millis(int64_t{1} << 60)};

}  // namespace crawld::frontier
