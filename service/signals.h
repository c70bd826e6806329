// Signals: SIGTERM and SIGINT as calls on a thread of their own.
//
// Construct one in main before any other thread exists: it blocks the signals for the whole process
// and reads them from a descriptor. The first asks for a clean stop; the second, if it comes half a
// second later or more, ends the process at once, which is as safe as a crash. SIGPIPE and SIGXFSZ
// are ignored: a peer that goes away, a file that may not grow, are errors of their calls.
#pragma once

#include <functional>

#include "concurrency/threads.h"

namespace crawld::service {

class Signals {
 public:
  // `on_stop` is called once, with the signal's name.
  explicit Signals(std::function<void(const char* signal)> on_stop);
  ~Signals();
  // After it `on_stop` is not called any more, and signals wait for the process to end.
  void Stop();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  void Loop();

  const std::function<void(const char*)> on_stop_;
  int signal_fd_ = -1;
  int quit_fd_ = -1;
  concurrency::NamedThread thread_;  // last: it uses all of the above
};

}  // namespace crawld::service
