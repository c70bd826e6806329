#include "service/systemd.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <cstdint>
#include <ctime>

namespace crawld::service {
namespace {

constexpr std::chrono::seconds kAfterGrace{60};  // for what is in the queues, and the last commit

// What cannot be delivered is nobody's loss.
void Notify(const std::string& state) { (void)sd_notify(0, state.c_str()); }

}  // namespace

void Systemd::Ready() { Notify("READY=1"); }

void Systemd::Status(const std::string& line) { Notify("STATUS=" + line); }

void Systemd::Reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  Notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                     int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000));
}

void Systemd::Stopping(std::chrono::milliseconds grace) {
  const auto time = std::chrono::duration_cast<std::chrono::microseconds>(grace + kAfterGrace);
  Notify(fmt::format("STOPPING=1\nEXTEND_TIMEOUT_USEC={}", time.count()));
}

void Systemd::Watchdog() { Notify("WATCHDOG=1"); }

std::optional<std::chrono::microseconds> Systemd::WatchdogPeriod() {
  uint64_t usec = 0;
  if (sd_watchdog_enabled(0, &usec) <= 0) return std::nullopt;
  return std::chrono::microseconds(usec / 3);
}

}  // namespace crawld::service
