// Signals: what an operator says with kill(1), as calls on a thread of their own.
//
//   SIGTERM, SIGINT   the first asks for a clean stop; the second, if it comes half a second later
//                     or more, ends the process at once, which is as safe as a crash
//   SIGHUP            read the config anew
//   SIGUSR1           open the log file anew
//
// Call BlockSignals() before any other thread exists; Signals reads them from a descriptor then.
// SIGPIPE and SIGXFSZ are ignored: a peer that goes away, a file that may not grow, are errors of
// their calls.
#pragma once

#include <functional>

#include "concurrency/threads.h"

namespace crawld::service {

// For the calling thread, and those it makes. Throws FatalError.
void BlockSignals();

struct SignalHandlers {
  std::function<void(const char* signal)> on_stop;  // once, with the signal's name
  std::function<void()> on_reload = [] {};
  std::function<void()> on_reopen = [] {};
  std::function<void()> before_exit = [] {};  // at the second request to stop
};

class Signals {
 public:
  explicit Signals(SignalHandlers handlers);
  ~Signals();
  // After it no handler is called any more, and signals wait for the process to end.
  void Stop();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  void Loop();

  const SignalHandlers handlers_;
  int signal_fd_ = -1;
  int quit_fd_ = -1;
  concurrency::NamedThread thread_;  // last: it uses all of the above
};

}  // namespace crawld::service
