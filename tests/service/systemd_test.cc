#include "service/systemd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "tests/support/temp_dir.h"

namespace crawld::service {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// A service manager's socket (sd_notify(3)).
class SystemdTest : public testing::Test {
 protected:
  SystemdTest() : fd_(socket(AF_UNIX, SOCK_DGRAM, 0)) {
    const std::string path = dir_ / "notify";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~SystemdTest() override {
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    close(fd_);
  }
  std::string Next() const {
    std::string text(1000, '\0');
    const ssize_t got = recv(fd_, text.data(), text.size(), MSG_DONTWAIT);
    text.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return text;
  }

  const test::TempDir dir_;
  const int fd_;
};

TEST_F(SystemdTest, TheManagerIsToldInItsOwnWords) {
  Systemd::Ready();
  EXPECT_EQ(Next(), "READY=1");
  Systemd::Status("32 done");
  EXPECT_EQ(Next(), "STATUS=32 done");
  Systemd::Reloading();
  EXPECT_THAT(Next(), StartsWith("RELOADING=1\nMONOTONIC_USEC="));
  Systemd::Watchdog();
  EXPECT_EQ(Next(), "WATCHDOG=1");
  Systemd::Stopping(std::chrono::seconds(10));
  EXPECT_EQ(Next(), "STOPPING=1\nEXTEND_TIMEOUT_USEC=70000000");
}

TEST_F(SystemdTest, WithoutAManagerNothingHappens) {
  unsetenv("NOTIFY_SOCKET");
  Systemd::Ready();
  EXPECT_EQ(Next(), "");
}

TEST_F(SystemdTest, TheWatchdogIsFedThreeTimesInItsPeriod) {
  EXPECT_FALSE(Systemd::WatchdogPeriod());
  setenv("WATCHDOG_USEC", "30000000", 1);
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  EXPECT_EQ(Systemd::WatchdogPeriod(), std::chrono::seconds(10));
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_FALSE(Systemd::WatchdogPeriod()) << "it is another process's";
}

}  // namespace
}  // namespace crawld::service
