#include "admin/steering.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>
#include <memory>

#include "base/error.h"
#include "web/host_patterns.h"
#include "web/utf8.h"

namespace crawld::admin {
namespace {

namespace json = boost::json;
using frontier::HoldKind;
using frontier::OperatorHold;

constexpr Millis kPatience{50};

int64_t MillisOf(WallTime time) { return time.time_since_epoch().count(); }

std::string Spelled(const OperatorHold& hold) {
  return hold.domain ? "the domain " + hold.name : hold.name;
}

bool SameTarget(const OperatorHold& a, const OperatorHold& b) {
  return a.name == b.name && a.domain == b.domain;
}

}  // namespace

std::string_view Name(Order order) {
  switch (order) {
    case Order::kPause:
      return "pause";
    case Order::kResume:
      return "resume";
    case Order::kBlock:
      return "block";
    case Order::kUnblock:
      return "unblock";
  }
  return "";
}

std::string Encode(const SteeringState& state) {
  json::array holds;
  for (const OperatorHold& hold : state.holds) {
    holds.push_back({{"name", hold.name},
                     {"domain", hold.domain},
                     {"blocked", hold.kind == HoldKind::kBlocked},
                     {"since", MillisOf(hold.since)},
                     {"why", hold.why}});
  }
  json::object note{{"holds", std::move(holds)}};
  if (state.paused_since) {
    note["paused_since"] = MillisOf(*state.paused_since);
    note["why"] = state.why;
  }
  return json::serialize(note);
}

std::optional<SteeringState> DecodeSteering(const std::string& text) {
  SteeringState state;
  try {
    const json::value note = json::parse(text);
    for (const json::value& entry : note.at("holds").as_array()) {
      OperatorHold& hold = state.holds.emplace_back();
      hold.name = json::value_to<std::string>(entry.at("name"));
      hold.domain = entry.at("domain").as_bool();
      hold.kind = entry.at("blocked").as_bool() ? HoldKind::kBlocked : HoldKind::kPaused;
      hold.since = WallTime(Millis(entry.at("since").to_number<int64_t>()));
      hold.why = json::value_to<std::string>(entry.at("why"));
    }
    if (const json::value* since = note.as_object().if_contains("paused_since")) {
      state.paused_since = WallTime(Millis(since->to_number<int64_t>()));
      state.why = json::value_to<std::string>(note.at("why"));
    }
  } catch (const std::exception&) {
    return std::nullopt;
  }
  return state;
}

void Steering::Restore() {
  SteeringState state;
  if (const auto note = frontier_.ReadNote(kNote)) {
    auto read = DecodeSteering(*note);
    if (!read) {
      throw FatalError(
          "the frontier's note of paused and blocked hosts cannot be read: it was written by "
          "another version of crawld, or the disk has changed it");
    }
    state = *std::move(read);
  }
  if (state.paused_since || !state.holds.empty()) {
    spdlog::warn(
        "the operator's word still holds: {}{} hosts or domains are paused or blocked "
        "(crawld status lists them)",
        state.paused_since ? "the crawl is paused (crawld resume); " : "", state.holds.size());
  }
  Apply(std::move(state));
}

void Steering::Apply(SteeringState state) {
  pipeline_.SetBrake(pipeline::Brake::kOperator, state.paused_since.has_value());
  frontier_.SetHolds(std::make_shared<frontier::OperatorHolds>(state.holds));
  MutexLock lock(mutex_);
  state_ = std::move(state);
}

Result<SteeringState, Steering::Refusal> Steering::After(SteeringState state, Order order,
                                                         const OperatorHold& target) {
  const auto bad = [](std::string why) {
    return Err(Refusal{Refusal::Kind::kBad, std::move(why)});
  };
  const auto conflict = [](std::string why) {
    return Err(Refusal{Refusal::Kind::kConflict, std::move(why)});
  };
  const auto end = state.holds.end();
  const auto same = std::find_if(
      state.holds.begin(), end, [&](const OperatorHold& hold) { return SameTarget(hold, target); });
  switch (order) {
    case Order::kPause:
    case Order::kBlock:
      if (target.name.empty()) {
        if (order == Order::kBlock) return bad("name a host or a domain to block");
        if (!state.paused_since) state.paused_since = target.since;
        state.why = target.why;
        return state;
      }
      if (same != end && order == Order::kPause && same->kind == HoldKind::kBlocked) {
        return conflict(Spelled(target) + " is blocked, which is more than paused");
      }
      if (same != end) {
        *same = target;
      } else if (state.holds.size() >= kMaxHolds) {
        return conflict(
            fmt::format("{} hosts and domains are held, which is all there may be; exclude "
                        "by scope.exclude instead",
                        kMaxHolds));
      } else {
        state.holds.push_back(target);
      }
      return state;
    case Order::kResume:
    case Order::kUnblock: {
      const HoldKind kind = order == Order::kResume ? HoldKind::kPaused : HoldKind::kBlocked;
      if (target.name.empty()) {
        if (order == Order::kUnblock) {
          return bad("name the host or the domain to unblock");
        }
        if (!state.paused_since) return conflict("the crawl is not paused");
        state.paused_since.reset();
        state.why.clear();
        return state;
      }
      if (same == end || same->kind != kind) {
        const frontier::OperatorHolds all(state.holds);
        const OperatorHold* other = all.Find(target.name);
        return conflict(fmt::format(
            "{} is not {}{}", Spelled(target), Name(kind),
            other == nullptr ? "" : fmt::format("; {} is {}", Spelled(*other), Name(other->kind))));
      }
      state.holds.erase(same);
      return state;
    }
  }
  return state;
}

Result<concurrency::Future<void>, Steering::Refusal> Steering::Obey(Order order,
                                                                    const SteeringTarget& target,
                                                                    const std::string& why) {
  OperatorHold hold;
  hold.domain = target.domain;
  hold.kind = order == Order::kBlock ? HoldKind::kBlocked : HoldKind::kPaused;
  hold.since = clock_.Now();
  if (why.size() > kMaxWhyBytes || !web::IsValidUtf8(why)) {
    return Err(Refusal{.why = fmt::format("why: at most {} bytes of UTF-8", kMaxWhyBytes)});
  }
  hold.why = why;
  if (!target.name.empty()) {
    const auto pattern = web::HostPattern::Parse(target.name);
    if (!pattern) return Err(Refusal{.why = pattern.error()});
    if (pattern->below) {
      return Err(Refusal{.why = fmt::format("'{}': a domain is named without '*.'", target.name)});
    }
    hold.name = pattern->name;
  }
  auto after = After(this->state(), order, hold);
  if (!after) return Err(std::move(after.error()));
  pipeline::SeedBatch batch;
  batch.notes.emplace_back(kNote, Encode(*after));
  std::optional<concurrency::Promise<void>> promise(std::in_place);
  auto durable = promise->GetFuture();
  if (!pipeline_.Put(batch, kPatience, &promise)) {
    durable.Cancel();
    return Err(Refusal{.kind = Refusal::Kind::kBusy,
                       .why = pipeline_.stopping() ? "the crawl is being stopped"
                                                   : "the committer is busy; try again"});
  }
  Apply(*std::move(after));
  spdlog::warn("the operator says: {} {}{}", Name(order),
               hold.name.empty() ? "the crawl" : Spelled(hold),
               hold.why.empty() ? "" : " (" + hold.why + ")");
  return durable;
}

SteeringState Steering::state() const {
  MutexLock lock(mutex_);
  return state_;
}

}  // namespace crawld::admin
