// Systemd: tells the service manager how it is (sd_notify(3), Type=notify), if there is one.
//
//   Ready()      after recovery, once the crawl can be asked
//   Status()     one line for `systemctl status`
//   Reloading()  until the next Ready()
//   Stopping()   with the time it may take
//   Watchdog()   to be called only while the daemon is well; WatchdogPeriod() tells how often
//
// Does nothing where NOTIFY_SOCKET is not set. Thread safety: all members, from any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace crawld::service {

class Systemd {
 public:
  static void Ready();
  static void Status(const std::string& line);
  static void Reloading();
  static void Stopping(std::chrono::milliseconds grace);
  static void Watchdog();

  // A third of WATCHDOG_USEC, so that one that comes late is no alarm; nullopt: there is no
  // watchdog.
  static std::optional<std::chrono::microseconds> WatchdogPeriod();
};

}  // namespace crawld::service
