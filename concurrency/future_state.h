// What a Promise and its Futures share. Part of future.h, which has the contract; include that.
#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "concurrency/unique_function.h"

namespace crawld::concurrency::internal {

// Everything but the value. A complete state changes no more, but that Take() moves the value out.
class FutureStateBase {
 public:
  using Pointer = std::shared_ptr<FutureStateBase>;
  using Callback = UniqueFunction<void(const Pointer&)>;
  using TimePoint = std::chrono::steady_clock::time_point;

  FutureStateBase() = default;
  FutureStateBase(const FutureStateBase&) = delete;
  FutureStateBase& operator=(const FutureStateBase&) = delete;

  bool Start() EXCLUDES(mutex_);
  [[nodiscard]] bool Cancelled() const EXCLUDES(mutex_);
  [[nodiscard]] bool Complete() const EXCLUDES(mutex_);
  // True once complete; false when the time is over.
  bool WaitUntil(TimePoint deadline) const EXCLUDES(mutex_);
  // Waits. Null if there is a value, CancelledError if cancelled.
  std::exception_ptr Exception() EXCLUDES(mutex_);

  // `self` is the state itself, kept alive while its callbacks run. What a bool says: that it was
  // this call which completed the future.
  static bool Cancel(const Pointer& self);
  static bool Fail(const Pointer& self, const std::exception_ptr& error);
  static void Break(const Pointer& self);
  static void AddCallback(const Pointer& self, Callback callback);

 protected:
  enum class Phase { kPending, kRunning, kCancelled, kDone };

  ~FutureStateBase();

  [[nodiscard]] bool Final() const REQUIRES(mutex_) {
    return phase_ == Phase::kCancelled || phase_ == Phase::kDone;
  }
  // False if cancelled meanwhile: the answer comes too late.
  bool MayAnswer() const REQUIRES(mutex_);
  // The one way into a final phase. RunCallbacks follows, without the lock.
  void Finish(Phase phase) REQUIRES(mutex_);
  static void RunCallbacks(const Pointer& self);

  mutable Mutex mutex_;

 private:
  static void Run(const Pointer& self, Callback& callback);

  mutable CondVar completed_;
  Phase phase_ GUARDED_BY(mutex_) = Phase::kPending;
  bool observed_ GUARDED_BY(mutex_) = false;  // somebody looked at error_
  std::exception_ptr error_ GUARDED_BY(mutex_);
  Callback first_callback_ GUARDED_BY(mutex_);  // most futures have one: no vector for it
  std::vector<Callback> more_callbacks_ GUARDED_BY(mutex_);
};

template <typename T>
class FutureState final : public FutureStateBase {
 public:
  using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

  template <typename... Args>
  static bool Succeed(const std::shared_ptr<FutureState>& self, Args&&... args) {
    {
      const MutexLock lock(self->mutex_);
      if (!self->MayAnswer()) return false;
      self->value_.emplace(std::forward<Args>(args)...);
      self->Finish(Phase::kDone);
    }
    RunCallbacks(self);
    return true;
  }

  // Waits, throws if there is none. The reference lives as long as the state.
  const Value& Get() EXCLUDES(mutex_) {
    if (const auto error = Exception()) std::rethrow_exception(error);
    const MutexLock lock(mutex_);
    CRAWLD_CHECK(value_.has_value(), "a future's value is taken once, and not read after that");
    return *value_;
  }

  Value Take() EXCLUDES(mutex_) {
    if (const auto error = Exception()) std::rethrow_exception(error);
    const MutexLock lock(mutex_);
    CRAWLD_CHECK(value_.has_value(), "a future's value is taken once, and not read after that");
    Value value = std::move(*value_);
    value_.reset();
    return value;
  }

 private:
  std::optional<Value> value_ GUARDED_BY(mutex_);
};

}  // namespace crawld::concurrency::internal
