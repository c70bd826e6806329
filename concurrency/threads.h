// NamedThread: a thread that joins in its destructor, carries a name (`top -H`), and is in the
// process-wide register of threads, where each says what it is doing and when it last said so. The
// health watcher reads that register.
//
// Policy: a thread whose function throws is a bug, since the work it was there for would silently
// stop. It is logged and counted, and then the process aborts: a crash loses nothing, a daemon that
// lives on without its committer does.
//
// Thread safety: Heartbeat and Idle speak for the calling thread; ListThreads from any thread.
// Cost: Heartbeat is one clock reading and three relaxed stores; ListThreads takes a lock.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

#include "concurrency/unique_function.h"

namespace crawld::concurrency {

struct ThreadInfo {
  std::string name;
  pid_t tid = 0;                              // the kernel's, as in `top -H`
  std::chrono::steady_clock::duration age{};  // since the last Heartbeat or Idle
  std::string note;                           // what it is doing
  bool idle = false;                          // it waits for work: its age is no cause for alarm
};

// The calling thread does `note`, and is alive. `note` has static storage (a literal): only its
// address is stored. Does nothing in a thread that is not registered.
void Heartbeat(const char* note);

// The same for a thread that is about to wait for work, for as long as it takes.
void Idle(const char* note);

// Lowers the calling thread's priority for good: it gets about a third of the time of one that does
// not, when both want the same core, and all it can use otherwise. For work in bulk beside threads
// that keep others waiting.
void LowerPriority();

// All registered threads, in the order of their registration.
[[nodiscard]] std::vector<ThreadInfo> ListThreads();

struct ThreadRecord;

// Registers the calling thread for a scope, for threads that NamedThread did not make (main, a
// library's). Sets its name, cut to the 15 bytes that Linux has. At most one a thread (checked).
class ThreadRegistration {
 public:
  explicit ThreadRegistration(std::string name);
  ~ThreadRegistration();
  ThreadRegistration(const ThreadRegistration&) = delete;
  ThreadRegistration& operator=(const ThreadRegistration&) = delete;

 private:
  std::unique_ptr<ThreadRecord> record_;
};

class NamedThread {
 public:
  NamedThread() = default;  // no thread
  // Runs `fn` once. Throws std::system_error if the system has no thread to give.
  NamedThread(std::string name, UniqueFunction<void()> fn);
  NamedThread(NamedThread&&) noexcept = default;
  NamedThread& operator=(NamedThread&& other) noexcept;
  ~NamedThread() { Join(); }

  // Waits for the function to return; does nothing if there is no thread (any more).
  void Join();
  [[nodiscard]] bool Joinable() const { return thread_.joinable(); }
  [[nodiscard]] std::thread::id id() const { return thread_.get_id(); }

 private:
  std::thread thread_;
};

}  // namespace crawld::concurrency
