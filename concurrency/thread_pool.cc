#include "concurrency/thread_pool.h"

#include <limits>

#include "base/check.h"

namespace crawld::concurrency {
namespace {

size_t CapacityOf(const ThreadPoolOptions& options) {
  return options.max_queued == 0 ? std::numeric_limits<size_t>::max() : options.max_queued;
}

}  // namespace

ThreadPool::ThreadPool(ThreadPoolOptions options)
    : thread_count_(options.threads),
      queue_(CapacityOf(options)),
      ready_(static_cast<std::ptrdiff_t>(options.threads) + 1),
      ended_(static_cast<std::ptrdiff_t>(options.threads)) {
  CRAWLD_CHECK(options.threads > 0, "a pool without threads would never run a task");
  threads_.reserve(thread_count_);
  try {
    for (size_t i = 0; i < thread_count_; ++i) {
      threads_.emplace_back(options.name + "-" + std::to_string(i),
                            [this, &options] { Work(options.initializer); });
    }
  } catch (...) {
    // Stands in for the workers that there are not, so that the others come to their end.
    const auto missing = static_cast<std::ptrdiff_t>(thread_count_ - threads_.size());
    queue_.Close();
    ready_.count_down(missing + 1);
    threads_.clear();
    throw;
  }
  ready_.arrive_and_wait();
  std::exception_ptr error;
  {
    const MutexLock lock(mutex_);
    error = initializer_error_;
  }
  if (error) {
    queue_.Close();
    threads_.clear();
    std::rethrow_exception(error);
  }
}

ThreadPool::~ThreadPool() { BeginShutdown(Pending::kRun); }

// A refused task was not moved (BoundedQueue::Put).
// NOLINTBEGIN(bugprone-use-after-move)
void ThreadPool::Enqueue(std::unique_ptr<Task> task) {
  if (!queue_.Put(std::move(task))) task->Cancel();
}

bool ThreadPool::TryEnqueue(std::unique_ptr<Task> task) {
  if (queue_.TryPut(std::move(task))) return true;
  task->Cancel();
  return false;
}
// NOLINTEND(bugprone-use-after-move)

void ThreadPool::Work(UniqueFunction<void()>& initializer) {
  // `initializer` is the constructor's: not to be touched after ready_.
  if (initializer) {
    Heartbeat("initializing");
    try {
      initializer();
    } catch (...) {
      const MutexLock lock(mutex_);
      if (!initializer_error_) initializer_error_ = std::current_exception();
    }
  }
  ready_.arrive_and_wait();
  for (;;) {
    Idle("waiting for a task");
    auto task = queue_.Get();
    if (!task) break;
    Heartbeat("running a task");
    (*task)->Run();
  }
  ended_.count_down();
}

void ThreadPool::BeginShutdown(Pending pending) {
  queue_.Close();
  if (pending == Pending::kRun) return;
  while (auto task = queue_.TryGet()) (*task)->Cancel();
}

void ThreadPool::Shutdown(Pending pending) {
  BeginShutdown(pending);
  ended_.wait();
}

}  // namespace crawld::concurrency
