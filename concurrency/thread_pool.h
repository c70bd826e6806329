// ThreadPool: threads that run tasks in the order of submission, each giving a Future.
//
// All workers run the initializer first and wait for each other, so that no task begins before the
// whole pool is ready. If an initializer throws, the constructor throws it, with no thread left.
//
// A task's exception is in its future; if nobody asks for it there, it is logged and counted
// (future.h). A future cancelled before its task began is skipped.
//
// Limits: `max_queued` tasks wait; Submit blocks when they are that many, which is the pool's
// back-pressure. A task must not wait for a task of its own pool, nor Submit to a pool that may be
// full: with every worker waiting, nobody works.
// Thread safety: all calls, from any thread; Shutdown(kWait) and the destructor not from a task.
// Cost: two allocations a task (task, future), one lock to put it and one to get it.
#pragma once

#include <cstddef>
#include <exception>
#include <iterator>
#include <latch>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "concurrency/bounded_queue.h"
#include "concurrency/future.h"
#include "concurrency/threads.h"
#include "concurrency/unique_function.h"

namespace crawld::concurrency {

struct ThreadPoolOptions {
  std::string name = "pool";  // threads are name-0, name-1, ...
  size_t threads = 1;         // at least 1
  size_t max_queued = 1024;   // tasks that wait, besides those that run; 0: no limit
  // Runs once in each worker, before any task; empty: nothing. Called from several threads at once.
  UniqueFunction<void()> initializer = {};
};

class ThreadPool {
 public:
  enum class Pending { kRun, kCancel };  // what becomes of tasks that have not begun

  // Throws what an initializer threw, or std::system_error if the system has no threads to give.
  explicit ThreadPool(ThreadPoolOptions options);
  // Shutdown(Pending::kRun), and joins.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Runs `fn()` in a worker. Waits while the pool is full. After Shutdown began the future is
  // cancelled from the start.
  template <typename F>
  auto Submit(F fn) -> Future<std::invoke_result_t<F&>> {
    auto task = std::make_unique<TaskOf<F>>(std::move(fn));
    auto future = task->promise.GetFuture();
    Enqueue(std::move(task));
    return future;
  }

  // The same without waiting: nullopt if the pool is full or shut down.
  template <typename F>
  auto TrySubmit(F fn) -> std::optional<Future<std::invoke_result_t<F&>>> {
    auto task = std::make_unique<TaskOf<F>>(std::move(fn));
    auto future = task->promise.GetFuture();
    return TryEnqueue(std::move(task)) ? std::optional(future) : std::nullopt;
  }

  // fn(element) for each element, in parallel; the results in order (nothing, if fn returns void).
  // Waits for all of them, then throws the first exception in order, if any. `fn` is called from
  // several threads at once. Not from a task of this pool.
  template <std::ranges::input_range Range, typename F>
  auto Map(Range&& range, F fn) {
    using R = std::invoke_result_t<F&, std::ranges::range_reference_t<Range>>;
    std::vector<Future<R>> futures;
    for (auto&& element : range) {
      // An element that the range makes on the fly moves along; any other is borrowed.
      using Element = decltype(element);
      using Held = std::conditional_t<std::is_lvalue_reference_v<Element>, Element,
                                      std::remove_reference_t<Element>>;
      futures.push_back(
          Submit([&fn, held = std::tuple<Held>(std::forward<Element>(element))]() mutable -> R {
            return fn(std::forward<Element>(std::get<0>(held)));
          }));
    }
    for (const auto& future : futures) future.Wait();
    return Collect(futures);
  }

  // Takes no more tasks. Returns when all workers have come to their end. Again is allowed.
  void Shutdown(Pending pending = Pending::kRun);
  // The same without waiting.
  void BeginShutdown(Pending pending = Pending::kRun);

  [[nodiscard]] size_t queued() const { return queue_.size(); }
  [[nodiscard]] size_t threads() const { return thread_count_; }

 private:
  struct Task {
    virtual ~Task() = default;
    virtual void Run() = 0;
    virtual void Cancel() = 0;
  };

  template <typename F>
  struct TaskOf final : Task {
    using R = std::invoke_result_t<F&>;
    explicit TaskOf(F f) : fn(std::move(f)) {}
    void Run() override {
      if (!promise.Start()) return;
      try {
        if constexpr (std::is_void_v<R>) {
          fn.value()();
          fn.reset();
          promise.SetValue();
        } else {
          R result = fn.value()();
          fn.reset();
          promise.SetValue(std::move(result));
        }
      } catch (...) {
        fn.reset();
        promise.SetException(std::current_exception());
      }
    }
    void Cancel() override {
      fn.reset();
      promise.GetFuture().Cancel();
    }
    std::optional<F> fn;  // gone before the future completes, with all that it holds
    Promise<R> promise;
  };

  template <typename R>
  static auto Collect(const std::vector<Future<R>>& futures) {
    std::exception_ptr first;
    for (const auto& future : futures) {
      const auto error = future.Exception();
      if (!first) first = error;
    }
    if (first) std::rethrow_exception(first);
    if constexpr (!std::is_void_v<R>) {
      std::vector<R> results;
      results.reserve(futures.size());
      for (const auto& future : futures) results.push_back(future.Take());
      return results;
    }
  }

  // Cancels the task if it is refused.
  void Enqueue(std::unique_ptr<Task> task);
  bool TryEnqueue(std::unique_ptr<Task> task);
  void Work(UniqueFunction<void()>& initializer);

  // Constant after construction.
  const size_t thread_count_;

  // Have their own synchronisation.
  BoundedQueue<std::unique_ptr<Task>> queue_;
  std::latch ready_;  // workers and constructor: initializers are through
  std::latch ended_;  // workers: no more tasks

  Mutex mutex_;
  std::exception_ptr initializer_error_ GUARDED_BY(mutex_);  // the first

  std::vector<NamedThread> threads_;  // last: they use all of the above
};

}  // namespace crawld::concurrency
