// BoundedQueue<T>: the pipe between two stages, and the back-pressure between them.
//
// Invariant: queued + reserved <= capacity, always. A producer that must not block later (a
// transfer that will end inside an event loop) reserves a Slot before it begins; the slot is its
// place in the queue, so its Put(slot, value) neither blocks nor fails.
//
// States: open, closed, drained (closed, and nothing queued or reserved). Close() turns every
// producer that waits, or comes later, away at once. Values already queued, and values of slots
// already given out, are still delivered: Get() returns nullopt only when the queue is drained, so
// a consumer that loops over Get() loses nothing and ends by itself.
//
// Order: kFifo (oldest first), kLifo (newest first), kPriority (lowest number first; among equals
// the smaller value, if T has an operator< and is no pointer; then the older).
//
// Thread safety: all calls, any number of producers and consumers. Ownership: the queue owns its
// values and outlives its slots (checked). Waking is fair as far as the system's mutex is.
// Cost: one lock and O(1) moves a call; kPriority O(log n) and T's operator< under the lock.
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "concurrency/event.h"

namespace crawld::concurrency {

enum class QueueOrder { kFifo, kLifo, kPriority };

template <typename T>
class BoundedQueue {
 public:
  using Duration = std::chrono::steady_clock::duration;

  // A place in the queue. Destroying it gives the place back; BoundedQueue::Put uses it up.
  class [[nodiscard]] Slot {
   public:
    Slot(Slot&& other) noexcept : queue_(std::exchange(other.queue_, nullptr)) {}
    Slot& operator=(Slot&& other) noexcept {
      if (this != &other) {
        GiveBack();
        queue_ = std::exchange(other.queue_, nullptr);
      }
      return *this;
    }
    ~Slot() { GiveBack(); }

    // False once it was moved from or given back.
    explicit operator bool() const { return queue_ != nullptr; }
    void GiveBack() {
      if (queue_ != nullptr) std::exchange(queue_, nullptr)->ReturnSlot();
    }

   private:
    friend class BoundedQueue;
    explicit Slot(BoundedQueue* queue) : queue_(queue) {}
    BoundedQueue* queue_;
  };

  // `capacity` is at least 1.
  explicit BoundedQueue(size_t capacity, QueueOrder order = QueueOrder::kFifo)
      : capacity_(capacity), order_(order) {
    CRAWLD_CHECK(capacity > 0, "a queue without room would block for ever");
  }
  ~BoundedQueue() { CRAWLD_CHECK(reserved() == 0, "a queue outlives its slots"); }
  BoundedQueue(const BoundedQueue&) = delete;
  BoundedQueue& operator=(const BoundedQueue&) = delete;

  // Blocks while full. False, with `value` left as it was, if the queue is closed (Put), if there
  // was no room in time (PutFor) or at once (TryPut). `priority` counts only in kPriority order.
  [[nodiscard]] bool Put(T&& value, int64_t priority = 0) {
    return PutUntil(std::move(value), priority, kForever);
  }
  [[nodiscard]] bool PutFor(T&& value, Duration wait, int64_t priority = 0) {
    return PutUntil(std::move(value), priority, DeadlineAfter(wait));
  }
  [[nodiscard]] bool TryPut(T&& value, int64_t priority = 0) {
    return PutUntil(std::move(value), priority, kNow);
  }

  // The same waits for a place without a value yet; nullopt where Put says false.
  [[nodiscard]] std::optional<Slot> Reserve() { return ReserveUntil(kForever); }
  [[nodiscard]] std::optional<Slot> ReserveFor(Duration wait) {
    return ReserveUntil(DeadlineAfter(wait));
  }
  [[nodiscard]] std::optional<Slot> TryReserve() { return ReserveUntil(kNow); }

  // Never blocks, never fails. Accepted even if the queue was closed meanwhile, so that work that
  // was under way is not lost. `slot` must be one of this queue's, and not used up.
  void Put(Slot slot, T&& value, int64_t priority = 0) {
    CRAWLD_CHECK(slot.queue_ == this, "a slot is used once, on the queue that gave it");
    const MutexLock lock(mutex_);
    slot.queue_ = nullptr;
    --reserved_;
    Push(std::move(value), priority);
  }

  // The next value. nullopt when drained (Get), when there was none in time (GetFor) or at once
  // (TryGet); drained() tells which.
  [[nodiscard]] std::optional<T> Get() { return GetUntil(kForever); }
  [[nodiscard]] std::optional<T> GetFor(Duration wait) { return GetUntil(DeadlineAfter(wait)); }
  [[nodiscard]] std::optional<T> TryGet() { return GetUntil(kNow); }

  // Waits until `size` values (the capacity, if that is less) are queued, the queue is closed, or
  // time is up. For a consumer that takes many at a time: it is not woken for each of them.
  void WaitForSize(size_t size, Duration wait) {
    const TimePoint deadline = DeadlineAfter(wait);
    const MutexLock lock(mutex_);
    size = std::min(size, capacity_);
    bool in_time = true;
    while (in_time && !closed_ && entries_.size() < size) {
      many_ = std::min(many_, size);
      in_time = WaitUntil(many_values_, deadline);
    }
  }

  // For ever; again is allowed.
  void Close() {
    const MutexLock lock(mutex_);
    closed_ = true;
    many_values_.NotifyAll();
    room_.NotifyAll();
    values_.NotifyAll();
  }

  [[nodiscard]] bool closed() const {
    const MutexLock lock(mutex_);
    return closed_;
  }
  [[nodiscard]] bool drained() const {
    const MutexLock lock(mutex_);
    return Drained();
  }
  [[nodiscard]] size_t size() const {
    const MutexLock lock(mutex_);
    return entries_.size();
  }
  [[nodiscard]] size_t reserved() const {
    const MutexLock lock(mutex_);
    return reserved_;
  }
  // The most that was ever queued + reserved.
  [[nodiscard]] size_t high_water() const {
    const MutexLock lock(mutex_);
    return high_water_;
  }
  [[nodiscard]] size_t capacity() const { return capacity_; }
  [[nodiscard]] QueueOrder order() const { return order_; }

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr TimePoint kForever = TimePoint::max();
  static constexpr TimePoint kNow = TimePoint::min();

  struct Entry {
    T value;
    int64_t priority;
    uint64_t age;  // a serial number: lower is older
  };

  // For std::push_heap, whose top is the greatest: true if `a` leaves after `b`.
  static bool LeavesAfter(const Entry& a, const Entry& b) {
    if (a.priority != b.priority) return a.priority > b.priority;
    if constexpr (kComparesValues) {
      if (b.value < a.value) return true;
      if (a.value < b.value) return false;
    }
    return a.age > b.age;
  }
  // An address says nothing about the value behind it.
  static constexpr bool kComparesValues = requires(const T& a, const T& b) {
    { a < b } -> std::convertible_to<bool>;
  } && !std::is_pointer_v<T> && !requires { typename T::element_type; };

  [[nodiscard]] bool Drained() const REQUIRES(mutex_) {
    return closed_ && entries_.empty() && reserved_ == 0;
  }

  // Waits for `deadline` at most; false if it has passed. kNow and kForever cost no clock.
  bool WaitUntil(CondVar& changed, TimePoint deadline) REQUIRES(mutex_) {
    if (deadline == kNow) return false;
    if (deadline == kForever) {
      changed.Wait(mutex_);
      return true;
    }
    return changed.WaitUntil(mutex_, deadline);
  }

  // True with room for one more; false if closed, or if there was no room by `deadline`.
  bool WaitForRoom(TimePoint deadline) REQUIRES(mutex_) {
    bool in_time = true;
    while (!closed_ && entries_.size() + reserved_ >= capacity_) {
      if (!in_time) return false;
      in_time = WaitUntil(room_, deadline);
    }
    return !closed_;
  }

  bool PutUntil(T&& value, int64_t priority, TimePoint deadline) EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (!WaitForRoom(deadline)) return false;
    Push(std::move(value), priority);
    return true;
  }

  std::optional<Slot> ReserveUntil(TimePoint deadline) EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (!WaitForRoom(deadline)) return std::nullopt;
    ++reserved_;
    NoteHighWater();
    return Slot(this);
  }

  std::optional<T> GetUntil(TimePoint deadline) EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    bool in_time = true;
    while (entries_.empty()) {
      if (!in_time || Drained()) return std::nullopt;
      in_time = WaitUntil(values_, deadline);
    }
    if (order_ == QueueOrder::kPriority) {
      std::pop_heap(entries_.begin(), entries_.end(), LeavesAfter);
    }
    const bool oldest = order_ == QueueOrder::kFifo;
    std::optional<T> value(std::move(oldest ? entries_.front().value : entries_.back().value));
    if (oldest) {
      entries_.pop_front();
    } else {
      entries_.pop_back();
    }
    AfterRoomWasMade();
    return value;
  }

  void ReturnSlot() EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    --reserved_;
    AfterRoomWasMade();
  }

  void Push(T&& value, int64_t priority) REQUIRES(mutex_) {
    entries_.push_back(Entry{std::move(value), priority, next_age_++});
    if (order_ == QueueOrder::kPriority) {
      std::push_heap(entries_.begin(), entries_.end(), LeavesAfter);
    }
    NoteHighWater();
    values_.NotifyOne();
    if (entries_.size() >= many_) {
      many_ = kNobodyWaits;  // who still waits says so again
      many_values_.NotifyAll();
    }
  }

  void AfterRoomWasMade() REQUIRES(mutex_) {
    room_.NotifyOne();
    if (Drained()) values_.NotifyAll();  // the other consumers wait for what will never come
  }

  void NoteHighWater() REQUIRES(mutex_) {
    high_water_ = std::max(high_water_, entries_.size() + reserved_);
  }

  // Constant after construction.
  const size_t capacity_;
  const QueueOrder order_;

  mutable Mutex mutex_;
  CondVar room_;         // for producers: a place became free, or closed
  CondVar values_;       // for consumers: a value came, or drained
  CondVar many_values_;  // for WaitForSize: as many as asked for, or closed
  static constexpr size_t kNobodyWaits = SIZE_MAX;
  size_t many_ GUARDED_BY(mutex_) = kNobodyWaits;  // the smallest size waited for
  // kFifo, kLifo: in order of age. kPriority: a heap under LeavesAfter.
  std::deque<Entry> entries_ GUARDED_BY(mutex_);
  size_t reserved_ GUARDED_BY(mutex_) = 0;
  size_t high_water_ GUARDED_BY(mutex_) = 0;
  uint64_t next_age_ GUARDED_BY(mutex_) = 0;
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace crawld::concurrency
