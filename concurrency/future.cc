#include "concurrency/future.h"

namespace crawld::concurrency::internal {

FutureStateBase::~FutureStateBase() {
  // The last handle: no other thread can be here, but the analysis cannot know.
  const MutexLock lock(mutex_);
  if (error_ && !observed_) ReportFailure(FailureKind::kUnobservedError, "a task", error_);
}

bool FutureStateBase::Start() {
  const MutexLock lock(mutex_);
  if (phase_ == Phase::kCancelled) return false;
  CRAWLD_CHECK(phase_ == Phase::kPending, "work starts once, and before its answer");
  phase_ = Phase::kRunning;
  return true;
}

bool FutureStateBase::Cancelled() const {
  const MutexLock lock(mutex_);
  return phase_ == Phase::kCancelled;
}

bool FutureStateBase::Complete() const {
  const MutexLock lock(mutex_);
  return Final();
}

bool FutureStateBase::WaitUntil(TimePoint deadline) const {
  const MutexLock lock(mutex_);
  while (!Final()) {
    if (deadline == TimePoint::max()) {
      completed_.Wait(mutex_);
    } else if (!completed_.WaitUntil(mutex_, deadline)) {
      break;
    }
  }
  return Final();
}

std::exception_ptr FutureStateBase::Exception() {
  const MutexLock lock(mutex_);
  while (!Final()) completed_.Wait(mutex_);
  if (phase_ == Phase::kCancelled) return std::make_exception_ptr(CancelledError());
  observed_ = true;
  return error_;
}

bool FutureStateBase::Cancel(const Pointer& self) {
  {
    const MutexLock lock(self->mutex_);
    if (self->phase_ != Phase::kPending) return false;
    self->Finish(Phase::kCancelled);
  }
  RunCallbacks(self);
  return true;
}

bool FutureStateBase::Fail(const Pointer& self, const std::exception_ptr& error) {
  CRAWLD_CHECK(error != nullptr, "an exception is an answer only if there is one");
  {
    const MutexLock lock(self->mutex_);
    if (!self->MayAnswer()) return false;
    self->error_ = error;
    self->Finish(Phase::kDone);
  }
  RunCallbacks(self);
  return true;
}

void FutureStateBase::Break(const Pointer& self) {
  {
    const MutexLock lock(self->mutex_);
    if (self->Final()) return;
    self->error_ = std::make_exception_ptr(BrokenPromiseError());
    self->Finish(Phase::kDone);
  }
  RunCallbacks(self);
}

void FutureStateBase::AddCallback(const Pointer& self, Callback callback) {
  {
    const MutexLock lock(self->mutex_);
    if (!self->Final()) {
      if (!self->first_callback_) {
        self->first_callback_ = std::move(callback);
      } else {
        self->more_callbacks_.push_back(std::move(callback));
      }
      return;
    }
  }
  Run(self, callback);
}

bool FutureStateBase::MayAnswer() const {
  if (phase_ == Phase::kCancelled) return false;
  CRAWLD_CHECK(phase_ != Phase::kDone, "a promise is answered once");
  return true;
}

void FutureStateBase::Finish(Phase phase) {
  phase_ = phase;
  completed_.NotifyAll();
}

void FutureStateBase::RunCallbacks(const Pointer& self) {
  // Nobody adds to these any more: the phase is final.
  Callback first;
  std::vector<Callback> more;
  {
    const MutexLock lock(self->mutex_);
    first = std::move(self->first_callback_);
    more = std::move(self->more_callbacks_);
  }
  if (first) Run(self, first);
  for (auto& callback : more) Run(self, callback);
}

void FutureStateBase::Run(const Pointer& self, Callback& callback) {
  try {
    callback(self);
  } catch (...) {
    ReportFailure(FailureKind::kDoneCallback, "a future's done-callback", std::current_exception());
  }
  callback = Callback();  // what it holds goes now, not after the later callbacks
}

}  // namespace crawld::concurrency::internal
