#include "concurrency/threads.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <utility>

#include "base/check.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "concurrency/failures.h"

namespace crawld::concurrency {

// Constant after registration, but for the atomics: written by the thread itself, read by the
// watcher. Relaxed, since nothing else hangs on their order; a reader may see a new note with the
// old time.
struct ThreadRecord {
  std::string name;
  pid_t tid = 0;
  std::atomic<std::chrono::steady_clock::rep> beat = 0;
  std::atomic<const char*> note = "starting";
  std::atomic<bool> idle = false;
};

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxNameBytes = 15;  // TASK_COMM_LEN less the NUL
constexpr int kYielding = 5;          // steps of niceness; each is a factor of 1.25

struct Register {
  Mutex mutex;
  std::vector<ThreadRecord*> records GUARDED_BY(mutex);
};

Register& TheRegister() {
  // Never destroyed: a thread may end after main's statics are gone.
  static auto* const the_register = new Register;
  return *the_register;
}

thread_local ThreadRecord* this_thread = nullptr;

void Note(const char* note, bool idle) {
  if (this_thread == nullptr) return;
  this_thread->note.store(note, std::memory_order_relaxed);
  this_thread->idle.store(idle, std::memory_order_relaxed);
  this_thread->beat.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
}

}  // namespace

void Heartbeat(const char* note) { Note(note, false); }

void Idle(const char* note) { Note(note, true); }

void LowerPriority() {
  // On Linux a "process" here is a thread (setpriority(2), NOTES). Refused only where niceness is
  // already at its limit: nothing to do about it, nothing to say.
  const auto self = static_cast<id_t>(gettid());
  (void)setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + kYielding);
}

std::vector<ThreadInfo> ListThreads() {
  std::vector<ThreadInfo> threads;
  Register& all = TheRegister();
  const MutexLock lock(all.mutex);
  const auto now = Clock::now();
  threads.reserve(all.records.size());
  for (const ThreadRecord* record : all.records) {
    const Clock::time_point beat(Clock::duration(record->beat.load(std::memory_order_relaxed)));
    threads.push_back({.name = record->name,
                       .tid = record->tid,
                       .age = std::max(now - beat, Clock::duration::zero()),
                       .note = record->note.load(std::memory_order_relaxed),
                       .idle = record->idle.load(std::memory_order_relaxed)});
  }
  return threads;
}

ThreadRegistration::ThreadRegistration(std::string name)
    : record_(std::make_unique<ThreadRecord>()) {
  CRAWLD_CHECK(this_thread == nullptr, "a thread is registered once");
  pthread_setname_np(pthread_self(), name.substr(0, kMaxNameBytes).c_str());
  record_->name = std::move(name);
  record_->tid = gettid();
  this_thread = record_.get();
  Heartbeat("starting");
  Register& all = TheRegister();
  const MutexLock lock(all.mutex);
  all.records.push_back(record_.get());
}

ThreadRegistration::~ThreadRegistration() {
  this_thread = nullptr;
  Register& all = TheRegister();
  const MutexLock lock(all.mutex);
  std::erase(all.records, record_.get());
}

NamedThread::NamedThread(std::string name, UniqueFunction<void()> fn)
    : thread_([name = std::move(name), fn = std::move(fn)]() mutable {
        const ThreadRegistration registration(name);
        try {
          fn();
          fn = {};  // what it holds goes before the thread leaves the register
        } catch (...) {
          ReportFailure(FailureKind::kThread, "thread " + name, std::current_exception());
          CheckFailed("no exception leaves a thread", name.c_str(), __FILE__, __LINE__);
        }
      }) {}

NamedThread& NamedThread::operator=(NamedThread&& other) noexcept {
  if (this != &other) {
    Join();
    thread_ = std::move(other.thread_);
  }
  return *this;
}

void NamedThread::Join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace crawld::concurrency
