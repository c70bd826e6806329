// UniqueFunction<R(Args...)>: std::function for callables that can only be moved (a lambda that
// owns a Promise, a Slot, a Permit). C++23 calls it std::move_only_function.
//
// Limits: a callable of up to kInlineBytes whose move does not throw is stored inside, a larger one
// takes one allocation. Calling an empty one is a broken invariant.
// Thread safety: as any value; none of its own.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "base/check.h"

namespace crawld::concurrency {

template <typename Signature>
class UniqueFunction;

template <typename R, typename... Args>
class UniqueFunction<R(Args...)> {
 public:
  static constexpr size_t kInlineBytes = 64;

  UniqueFunction() = default;

  template <typename F>
    requires(!std::same_as<std::remove_cvref_t<F>, UniqueFunction> &&
             std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
  // NOLINTNEXTLINE(google-explicit-constructor,bugprone-forwarding-reference-overload)
  UniqueFunction(F&& fn) {  // a callable is one of these; the constraint keeps moves out
    using Fn = std::decay_t<F>;
    if constexpr (kFits<Fn>) {
      Emplace<Fn>(std::forward<F>(fn));
    } else {
      Emplace<Boxed<Fn>>(Boxed<Fn>{std::make_unique<Fn>(std::forward<F>(fn))});
    }
  }

  UniqueFunction(UniqueFunction&& other) noexcept { TakeFrom(other); }
  UniqueFunction& operator=(UniqueFunction&& other) noexcept {
    if (this != &other) {
      Reset();
      TakeFrom(other);
    }
    return *this;
  }
  ~UniqueFunction() { Reset(); }

  explicit operator bool() const { return ops_ != nullptr; }

  R operator()(Args... args) {
    CRAWLD_CHECK(ops_ != nullptr, "only a function that is there can be called");
    return ops_->call(storage_, std::forward<Args>(args)...);
  }

 private:
  struct Ops {
    R (*call)(void*, Args&&...);
    void (*move)(void* from, void* to) noexcept;  // leaves `from` destroyed
    void (*destroy)(void*) noexcept;
  };

  template <typename Fn>
  struct Boxed {
    std::unique_ptr<Fn> fn;
    R operator()(Args... args) { return std::invoke(*fn, std::forward<Args>(args)...); }
  };

  // NOLINTBEGIN(misc-redundant-expression): redundant in some instances only
  template <typename Fn>
  static constexpr bool kFits =
      sizeof(Fn) <= kInlineBytes && alignof(Fn) <= alignof(std::max_align_t) &&
      std::is_nothrow_move_constructible_v<Fn>;
  // NOLINTEND(misc-redundant-expression)

  template <typename Fn>
  static Fn& As(void* storage) {
    return *std::launder(static_cast<Fn*>(storage));
  }

  template <typename Fn>
  static constexpr Ops kOps = {
      [](void* storage, Args&&... args) -> R {
        if constexpr (std::is_void_v<R>) {
          std::invoke(As<Fn>(storage), std::forward<Args>(args)...);
        } else {
          return std::invoke(As<Fn>(storage), std::forward<Args>(args)...);
        }
      },
      [](void* from, void* to) noexcept {
        ::new (to) Fn(std::move(As<Fn>(from)));
        As<Fn>(from).~Fn();
      },
      [](void* storage) noexcept { As<Fn>(storage).~Fn(); },
  };

  template <typename Fn, typename F>
  void Emplace(F&& fn) {
    ::new (static_cast<void*>(storage_)) Fn(std::forward<F>(fn));
    ops_ = &kOps<Fn>;
  }

  void TakeFrom(UniqueFunction& other) noexcept {
    if (other.ops_ == nullptr) return;
    other.ops_->move(other.storage_, storage_);
    ops_ = std::exchange(other.ops_, nullptr);
  }

  void Reset() noexcept {
    if (ops_ != nullptr) std::exchange(ops_, nullptr)->destroy(storage_);
  }

  const Ops* ops_ = nullptr;
  alignas(std::max_align_t) std::byte storage_[kInlineBytes] = {};
};

}  // namespace crawld::concurrency
