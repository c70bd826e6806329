// Promise<T> and Future<T>: a value that one thread will have and others wait for.
//
//     pending ──Start()──► running ──SetValue / SetException──► done (a value or an exception)
//        └────Cancel()───► cancelled        (SetValue also goes straight from pending to done)
//
// Promise (one, moved along with the work): a Promise that goes away without an answer completes
// its future with BrokenPromiseError, so that nobody waits for ever.
// Future (a handle, copied at will): any thread may wait, ask, cancel or add callbacks.
//
// Callbacks run exactly once each: at once in the caller's thread if the future is complete, else
// in the thread that completes (or cancels) it, in the order of registration, after the waiters
// were woken, with no lock held. One that throws is logged and counted; the later ones still run.
//
// An exception that nobody asked for (Result, Take, Exception) by the time the last handle goes is
// logged and counted too (failures.h). A cancelled future has nothing to hide, and is not.
//
// T may be move-only or void. Thread safety: every const call, from any thread; a Promise belongs
// to one thread at a time, and its calls are safe against those of its futures. Cost: one
// allocation for a promise and all its futures; none for the first callback, as long as it fits
// into UniqueFunction's inline storage.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "concurrency/event.h"
#include "concurrency/failures.h"
#include "concurrency/future_state.h"

namespace crawld::concurrency {

class CancelledError : public std::runtime_error {
 public:
  CancelledError() : std::runtime_error("the future was cancelled") {}
};

class BrokenPromiseError : public std::runtime_error {
 public:
  BrokenPromiseError() : std::runtime_error("the promise went away without an answer") {}
};

// Done-callbacks that threw, in this process.
[[nodiscard]] inline uint64_t CallbackFailures() {
  return FailureCount(FailureKind::kDoneCallback);
}

template <typename T>
class Promise;

template <typename T>
class Future {
  static_assert(!std::is_reference_v<T>, "a future holds a value; use a pointer");

 public:
  // Empty: only assignment and operator bool are allowed.
  Future() = default;

  explicit operator bool() const { return state_ != nullptr; }

  // Cancelled counts as done: there is nothing left to wait for.
  [[nodiscard]] bool Done() const { return state().Complete(); }
  [[nodiscard]] bool Cancelled() const { return state().Cancelled(); }

  // True if the future is now cancelled by this call; false if it runs, is done, or was cancelled
  // before.
  bool Cancel() const { return internal::FutureStateBase::Cancel(Shared()); }

  void Wait() const { WaitUntil(std::chrono::steady_clock::time_point::max()); }
  // False when the time is over.
  [[nodiscard]] bool WaitFor(std::chrono::steady_clock::duration wait) const {
    return WaitUntil(DeadlineAfter(wait));
  }
  bool WaitUntil(std::chrono::steady_clock::time_point deadline) const {
    return state().WaitUntil(deadline);
  }

  // Waits for the value; throws the exception, CancelledError or BrokenPromiseError in its place.
  // The reference (nothing, for void) is good as long as any handle lives and nobody calls Take().
  decltype(auto) Result() const {
    if constexpr (std::is_void_v<T>) {
      state().Get();
    } else {
      return state().Get();
    }
  }

  // The same, moving the value out: once for all handles together; Result() is over then.
  T Take() const {
    if constexpr (std::is_void_v<T>) {
      state().Take();
    } else {
      return state().Take();
    }
  }

  // Waits. Null if there is a value.
  [[nodiscard]] std::exception_ptr Exception() const { return state().Exception(); }

  // `callback` takes a Future<T>&, complete by then; it may be move-only. It must be short where it
  // may run in an event loop.
  template <typename F>
    requires std::is_invocable_v<F&, Future<T>&>
  void AddDoneCallback(F callback) const {
    internal::FutureStateBase::AddCallback(
        Shared(),
        [fn = std::move(callback)](const internal::FutureStateBase::Pointer& done) mutable {
          Future<T> future(std::static_pointer_cast<internal::FutureState<T>>(done));
          fn(future);
        });
  }

 private:
  friend class Promise<T>;
  explicit Future(std::shared_ptr<internal::FutureState<T>> state) : state_(std::move(state)) {}

  const std::shared_ptr<internal::FutureState<T>>& Shared() const {
    CRAWLD_CHECK(state_ != nullptr, "an empty future stands for nothing");
    return state_;
  }
  internal::FutureState<T>& state() const { return *Shared(); }

  std::shared_ptr<internal::FutureState<T>> state_;
};

template <typename T>
class Promise {
 public:
  Promise() : state_(std::make_shared<internal::FutureState<T>>()) {}
  Promise(Promise&&) noexcept = default;
  Promise& operator=(Promise&& other) noexcept {
    if (this != &other) {
      Break();
      state_ = std::move(other.state_);
    }
    return *this;
  }
  ~Promise() { Break(); }

  [[nodiscard]] Future<T> GetFuture() const { return Future<T>(Shared()); }

  // From pending to running, after which Cancel() comes too late. False if it was cancelled: the
  // work need not be done.
  [[nodiscard]] bool Start() { return Shared()->Start(); }
  [[nodiscard]] bool Cancelled() const { return Shared()->Cancelled(); }

  // The answer, once. False if the future was cancelled meanwhile; the answer is dropped then.
  template <typename U = T>
    requires(!std::is_void_v<T> && std::is_constructible_v<T, U &&>)
  bool SetValue(U&& value) {
    return internal::FutureState<T>::Succeed(Shared(), std::forward<U>(value));
  }
  bool SetValue()
    requires std::is_void_v<T>
  {
    return internal::FutureState<T>::Succeed(Shared());
  }
  // `error` is not null.
  bool SetException(const std::exception_ptr& error) {
    return internal::FutureStateBase::Fail(Shared(), error);
  }
  template <typename E>
    requires std::is_base_of_v<std::exception, std::decay_t<E>>
  bool SetException(E&& error) {
    return SetException(std::make_exception_ptr(std::forward<E>(error)));
  }

 private:
  const std::shared_ptr<internal::FutureState<T>>& Shared() const {
    CRAWLD_CHECK(state_ != nullptr, "a promise that was moved away promises nothing");
    return state_;
  }
  void Break() noexcept {
    if (state_ != nullptr) internal::FutureStateBase::Break(state_);
  }

  std::shared_ptr<internal::FutureState<T>> state_;
};

}  // namespace crawld::concurrency
