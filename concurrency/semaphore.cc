#include "concurrency/semaphore.h"

#include "base/check.h"
#include "concurrency/event.h"

namespace crawld::concurrency {

Semaphore::Permit& Semaphore::Permit::operator=(Permit&& other) noexcept {
  if (this != &other) {
    Release();
    semaphore_ = std::exchange(other.semaphore_, nullptr);
    count_ = std::exchange(other.count_, 0);
  }
  return *this;
}

void Semaphore::Permit::ShrinkTo(uint64_t count) {
  CRAWLD_CHECK(count <= count_, "a permit does not grow");
  if (count == count_) return;
  const uint64_t surplus = count_ - count;
  count_ = count;
  semaphore_->Return(surplus);
}

Semaphore::~Semaphore() { CRAWLD_CHECK(available() == total_, "a semaphore outlives its permits"); }

std::optional<Semaphore::Permit> Semaphore::Acquire(uint64_t count) {
  return AcquireUntil(TimePoint::max(), count);
}

std::optional<Semaphore::Permit> Semaphore::AcquireFor(Duration wait, uint64_t count) {
  return AcquireUntil(DeadlineAfter(wait), count);
}

std::optional<Semaphore::Permit> Semaphore::TryAcquire(uint64_t count) {
  return AcquireUntil(TimePoint::min(), count);
}

void Semaphore::Close() {
  const MutexLock lock(mutex_);
  closed_ = true;
  changed_.NotifyAll();
}

uint64_t Semaphore::available() const {
  const MutexLock lock(mutex_);
  return available_;
}

std::optional<Semaphore::Permit> Semaphore::AcquireUntil(TimePoint deadline, uint64_t count) {
  CRAWLD_CHECK(count <= total_, "more than there are in all can never be had");
  const MutexLock lock(mutex_);
  const auto place = waiting_.insert(waiting_.end(), next_ticket_++);
  bool in_time = deadline != TimePoint::min();
  while (!closed_ && (waiting_.begin() != place || available_ < count)) {
    if (!in_time) break;
    if (deadline == TimePoint::max()) {
      changed_.Wait(mutex_);
    } else {
      in_time = changed_.WaitUntil(mutex_, deadline);
    }
  }
  const bool granted = !closed_ && waiting_.begin() == place && available_ >= count;
  waiting_.erase(place);
  if (!waiting_.empty()) changed_.NotifyAll();  // the one behind may be the first now
  if (!granted) return std::nullopt;
  available_ -= count;
  return Permit(this, count);
}

void Semaphore::Return(uint64_t count) {
  const MutexLock lock(mutex_);
  available_ += count;
  CRAWLD_CHECK(available_ <= total_, "no more comes back than was given");
  if (!waiting_.empty()) changed_.NotifyAll();
}

}  // namespace crawld::concurrency
