// EndSignals: how a stand-alone server of the tests is told to end.
//
// Construct it in main before any thread exists.
#pragma once

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace crawld::test {

class EndSignals {
 public:
  EndSignals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    signal_fd_ = signalfd(-1, &set, SFD_CLOEXEC);
  }
  ~EndSignals() { close(signal_fd_); }
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

  // Until SIGTERM or SIGINT, or until stdin closes: the server does not outlive who started it.
  void Await() const {
    while (true) {
      std::array<pollfd, 2> fds = {{{signal_fd_, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
      if (poll(fds.data(), fds.size(), -1) < 0) continue;
      if (fds[0].revents != 0) return;
      if (fds[1].revents == 0) continue;
      std::array<char, 256> ignored;
      if (read(STDIN_FILENO, ignored.data(), ignored.size()) <= 0) return;
    }
  }

 private:
  int signal_fd_ = -1;
};

}  // namespace crawld::test
