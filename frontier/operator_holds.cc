#include "frontier/operator_holds.h"

#include <algorithm>
#include <utility>

namespace crawld::frontier {

std::string_view Name(HoldKind kind) {
  switch (kind) {
    case HoldKind::kPaused:
      return "paused";
    case HoldKind::kBlocked:
      return "blocked";
  }
  return "";
}

OperatorHolds::OperatorHolds(std::vector<OperatorHold> holds) : holds_(std::move(holds)) {
  std::stable_partition(holds_.begin(), holds_.end(),
                        [](const OperatorHold& h) { return h.kind == HoldKind::kBlocked; });
  for (size_t i = 0; i < holds_.size(); ++i) {
    index_.Add({holds_[i].name, /*below=*/false}, i);
    if (holds_[i].domain) index_.Add({holds_[i].name, /*below=*/true}, i);
  }
}

const OperatorHold* OperatorHolds::Find(std::string_view host) const {
  const auto number = index_.Find(host);
  return number ? &holds_[*number] : nullptr;
}

}  // namespace crawld::frontier
