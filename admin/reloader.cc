#include "admin/reloader.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <exception>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "logs/mask.h"

namespace crawld::admin {

Reloader::Reloader(std::filesystem::path path, config::Config running, Apply check,
                   std::vector<Apply> rooms)
    : path_(std::move(path)),
      check_(std::move(check)),
      rooms_(std::move(rooms)),
      running_(std::make_shared<const config::Config>(std::move(running))) {}

std::shared_ptr<const config::Config> Reloader::running() const {
  MutexLock lock(mutex_);
  return running_;
}

ReloadStats Reloader::stats() const {
  MutexLock lock(mutex_);
  return stats_;
}

void Reloader::Count(const ReloadReport& report) {
  MutexLock lock(mutex_);
  ++(report.good ? stats_.taken_up : stats_.refused);
  stats_.last_refused = !report.good;
  if (report.good) stats_.pending = report.restart.size();
}

ReloadReport Reloader::Try() {
  ReloadReport report;
  // One that is a pipe would hold up who asks; at a start it may be one.
  std::error_code error;
  const auto kind = std::filesystem::status(path_, error).type();
  if (kind != std::filesystem::file_type::regular &&
      kind != std::filesystem::file_type::not_found) {
    throw FatalError(fmt::format("{}: is no regular file", path_.string()));
  }
  const config::Config next = config::Load(path_);
  check_(next);
  const auto running = this->running();
  for (config::Difference& difference : config::Differences(*running, next)) {
    (difference.live ? report.applied : report.restart).push_back(std::move(difference));
  }
  auto merged = std::make_shared<const config::Config>(config::Reloaded(*running, next));
  size_t done = 0;
  try {
    for (; done < rooms_.size(); ++done) rooms_[done](*merged);
  } catch (const std::exception&) {
    while (done-- > 0) {
      try {
        rooms_[done](*running);
      } catch (const std::exception& e) {
        spdlog::error("reload: what was so far cannot be taken up again: {}", e.what());
      }
    }
    throw;
  }
  MutexLock lock(mutex_);
  running_ = std::move(merged);
  return report;
}

ReloadReport Reloader::Reload() {
  MutexLock lock(reload_mutex_);
  ReloadReport report;
  const logs::Masker
      masker;  // keys that are secrets are masked by the difference; seeds may have some
  try {
    report = Try();
  } catch (const config::ConfigError& e) {
    report = {.good = false, .error = e.what(), .problems = e.problems()};
  } catch (const std::exception& e) {
    report = {.good = false, .error = e.what()};
  }
  Count(report);
  report.error = masker.Mask(report.error);
  for (auto* differences : {&report.applied, &report.restart}) {
    for (config::Difference& difference : *differences) {
      difference.before = masker.Mask(difference.before);
      difference.after = masker.Mask(difference.after);
    }
  }
  if (!report.good) {
    spdlog::error("reload: nothing has changed, the crawl goes on as before: {}", report.error);
    return report;
  }
  for (const config::Difference& difference : report.applied) {
    spdlog::info("reload: {}: {} -> {}", difference.key, difference.before, difference.after);
  }
  for (const config::Difference& difference : report.restart) {
    spdlog::warn("reload: {}: {} -> {} takes effect with the next start", difference.key,
                 difference.before, difference.after);
  }
  spdlog::info("reload: {} taken up {}, {} with the next start", path_.string(),
               report.applied.size(), report.restart.size());
  return report;
}

}  // namespace crawld::admin
