// Steering: what the operator says to a running crawl: pause, resume, block, unblock.
//
// An order holds at once, and for good: it is committed like a page, and a restart finds it. The
// whole crawl, one host, or a domain (a name and all below it) can be paused; hosts and domains can
// be blocked (frontier/operator_holds.h has the difference).
//
// Thread safety: Obey() from one thread at a time, all else from any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "concurrency/future.h"
#include "frontier/frontier.h"
#include "frontier/operator_holds.h"
#include "pipeline/clock.h"
#include "pipeline/pipeline.h"

namespace crawld::admin {

// What is being steered: one host, a domain, or (without a name) the whole crawl.
struct SteeringTarget {
  std::string name;
  bool domain = false;
};

enum class Order : uint8_t { kPause, kResume, kBlock, kUnblock };
// "pause", "resume", ...
std::string_view Name(Order order);

struct SteeringState {
  std::optional<WallTime> paused_since;  // the whole crawl
  std::string why;                       // of that
  std::vector<frontier::OperatorHold> holds;
};

class Steering {
 public:
  static constexpr size_t kMaxHolds = 10'000;
  static constexpr size_t kMaxWhyBytes = 500;
  // Where the state is kept (CommitGroup::notes).
  static constexpr const char* kNote = "steering";

  // The rooms must outlive it.
  Steering(const pipeline::Clock& clock, frontier::Frontier& frontier, pipeline::Pipeline& pipeline)
      : clock_(clock), frontier_(frontier), pipeline_(pipeline) {}

  // What was said before the last stop holds again. Before Pipeline::Run(). Throws FatalError if
  // the note cannot be read.
  void Restore();

  struct Refusal {
    enum class Kind : uint8_t {
      kBad,       // the order makes no sense
      kConflict,  // it does not fit what holds
      kBusy,      // nothing is wrong with it: try again
    };
    Kind kind = Kind::kBad;
    std::string why;
  };
  // The future is done when the order is durable; it holds already. Blocks for 100 ms at most. One
  // thread at a time: one order after the other.
  Result<concurrency::Future<void>, Refusal> Obey(Order order, const SteeringTarget& target,
                                                  const std::string& why) EXCLUDES(mutex_);

  SteeringState state() const EXCLUDES(mutex_);

 private:
  // What the state becomes, or why it cannot.
  static Result<SteeringState, Refusal> After(SteeringState state, Order order,
                                              const frontier::OperatorHold& target);
  void Apply(SteeringState state) EXCLUDES(mutex_);

  const pipeline::Clock& clock_;
  frontier::Frontier& frontier_;
  pipeline::Pipeline& pipeline_;

  mutable Mutex mutex_;
  SteeringState state_ GUARDED_BY(mutex_);
};

// As it is kept; for tools that read the note. nullopt: it is none.
std::string Encode(const SteeringState& state);
std::optional<SteeringState> DecodeSteering(const std::string& text);

}  // namespace crawld::admin
