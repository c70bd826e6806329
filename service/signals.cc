#include "service/signals.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <utility>

#include "base/error.h"

namespace crawld::service {
namespace {

// timeout(1) signals the process and its group: that is one request, not two.
constexpr std::chrono::milliseconds kSameRequest{500};
constexpr int kExitBySignal = 128;  // plus its number, as shells have it

sigset_t Handled() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set, signal);
  return set;
}

}  // namespace

void BlockSignals() {
  const sigset_t set = Handled();
  if (pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) throw FatalError("cannot block signals");
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a write beyond `ulimit -f` fails like one on a full disk
}

Signals::Signals(SignalHandlers handlers) : handlers_(std::move(handlers)) {
  const sigset_t set = Handled();
  signal_fd_ = signalfd(-1, &set, SFD_CLOEXEC);
  quit_fd_ = eventfd(0, EFD_CLOEXEC);
  if (signal_fd_ < 0 || quit_fd_ < 0) throw FatalError("cannot watch for signals");
  thread_ = concurrency::NamedThread("signals", [this] { Loop(); });
}

void Signals::Stop() {
  const uint64_t one = 1;
  // An eventfd takes a one.
  (void)!write(quit_fd_, &one, sizeof one);
  thread_.Join();
}

Signals::~Signals() {
  Stop();
  close(signal_fd_);
  close(quit_fd_);
}

void Signals::Loop() {
  bool asked = false;
  std::chrono::steady_clock::time_point first;
  while (true) {
    concurrency::Idle("waits for a signal");
    std::array<pollfd, 2> fds = {{{signal_fd_, POLLIN, 0}, {quit_fd_, POLLIN, 0}}};
    if (poll(fds.data(), fds.size(), -1) < 0) continue;
    if (fds[1].revents != 0) return;
    signalfd_siginfo info{};
    if (read(signal_fd_, &info, sizeof info) != sizeof info) continue;
    if (info.ssi_signo == SIGHUP || info.ssi_signo == SIGUSR1) {
      concurrency::Heartbeat("obeys a signal");
      info.ssi_signo == SIGHUP ? handlers_.on_reload() : handlers_.on_reopen();
      continue;
    }
    const char* name = info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM";
    const auto now = std::chrono::steady_clock::now();
    if (asked && now - first < kSameRequest) continue;
    if (asked) {
      spdlog::warn("{} again: exits at once; the next start goes on from the last commit", name);
      handlers_.before_exit();
      _exit(kExitBySignal + static_cast<int>(info.ssi_signo));
    }
    asked = true;
    first = now;
    handlers_.on_stop(name);
  }
}

}  // namespace crawld::service
