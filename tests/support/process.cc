#include "tests/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/check.h"

extern char** environ;  // POSIX

namespace crawld::test {

Process::Process(const std::vector<std::string>& argv,
                 const std::map<std::string, std::string>& environment) {
  std::array<int, 2> out;
  std::array<int, 2> err;
  CRAWLD_CHECK(pipe2(out.data(), O_CLOEXEC) == 0 && pipe2(err.data(), O_CLOEXEC) == 0,
               "a test has a few descriptors");
  std::vector<std::string> words;
  for (char** word = environ; *word != nullptr; ++word) {
    const std::string_view text = *word;
    if (!environment.contains(std::string(text.substr(0, text.find('=')))))
      words.emplace_back(text);
  }
  for (const auto& [name, value] : environment) words.push_back(name + "=" + value);
  std::vector<char*> envp;
  for (std::string& word : words) envp.push_back(word.data());
  envp.push_back(nullptr);
  std::vector<std::string> arguments = argv;
  std::vector<char*> args;
  for (std::string& argument : arguments) args.push_back(argument.data());
  args.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
  const int failed = posix_spawn(&pid_, args[0], &actions, nullptr, args.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  close(out[1]);
  close(err[1]);
  CRAWLD_CHECK(failed == 0, "the program is there");
  out_fd_ = out[0];
  err_fd_ = err[0];
  thread_ = std::thread([this] { Gather(); });
}

Process::~Process() {
  if (!status_) {
    Signal(SIGKILL);
    Wait();
  }
}

void Process::Signal(int signal) const { kill(pid_, signal); }

int Process::Wait() {
  if (status_) return *status_;
  thread_.join();
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return *status_;
}

void Process::Gather() {
  std::array<pollfd, 2> fds = {{{out_fd_, POLLIN, 0}, {err_fd_, POLLIN, 0}}};
  std::array<char, 4096> buffer;
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    if (poll(fds.data(), fds.size(), -1) < 0) continue;
    for (size_t i = 0; i < fds.size(); ++i) {
      if (fds[i].fd < 0 || fds[i].revents == 0) continue;
      const ssize_t n = read(fds[i].fd, buffer.data(), buffer.size());
      if (n <= 0) {
        close(fds[i].fd);
        fds[i].fd = -1;
        continue;
      }
      const MutexLock lock(mutex_);
      (i == 0 ? out_ : err_).append(buffer.data(), static_cast<size_t>(n));
      changed_.NotifyAll();
    }
  }
  const MutexLock lock(mutex_);
  ended_ = true;
  changed_.NotifyAll();
}

std::string Process::out() const {
  const MutexLock lock(mutex_);
  return out_;
}

std::string Process::err() const {
  const MutexLock lock(mutex_);
  return err_;
}

bool Process::AwaitOutput(std::string_view text) const {
  const MutexLock lock(mutex_);
  while (out_.find(text) == std::string::npos && err_.find(text) == std::string::npos) {
    if (ended_) return false;
    changed_.Wait(mutex_);
  }
  return true;
}

}  // namespace crawld::test
