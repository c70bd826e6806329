#include "pipeline/list_watcher.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <exception>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.h"
#include "config/seed_list.h"

namespace crawld::pipeline {
namespace {

constexpr int kLookAgain = 500;                    // while a line may be being written
constexpr std::chrono::milliseconds kGather{100};  // changes come in twos and threes
// In a folder on the way to lists nothing matters but its names: a log may be written to there.
constexpr uint32_t kNames = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
constexpr uint32_t kChanges = kNames | IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB;

// Whether the crawl itself writes to it: each line of it would be a bad one, and make another.
bool IsOwnLog(const config::Config& config, const std::filesystem::path& list) {
  std::error_code error;
  return std::filesystem::equivalent(list, config.data_dir / "crawl.log", error) ||
         (config.log.file && std::filesystem::equivalent(list, *config.log.file, error));
}

// Links in a folder that lead nowhere by now.
std::vector<std::filesystem::path> DanglingLinksIn(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> links;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_symlink(ignored) && !entry->exists(ignored)) links.push_back(entry->path());
  }
  return links;
}

}  // namespace

ListWatcher::ListWatcher(const frontier::Frontier& frontier, PutSeeds put,
                         std::chrono::milliseconds look_anyway)
    : frontier_(frontier), put_(std::move(put)), look_anyway_(look_anyway) {
  inotify_fd_ = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  wake_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (inotify_fd_ < 0 || wake_fd_ < 0) {
    const std::string why = std::generic_category().message(errno);
    close(inotify_fd_);
    close(wake_fd_);
    throw FatalError("URL lists cannot be watched: " + why +
                     "; raise fs.inotify.max_user_instances (sysctl)");
  }
  thread_ = concurrency::NamedThread("lists", [this] { Loop(); });
}

ListWatcher::~ListWatcher() {
  stop_.Set();
  WakeUp();
  thread_.Join();
  close(inotify_fd_);
  close(wake_fd_);
}

void ListWatcher::WakeUp() const {
  const uint64_t one = 1;
  (void)!write(wake_fd_, &one, sizeof one);
}

void ListWatcher::Watch(std::shared_ptr<const config::Config> config, bool inline_too) {
  {
    MutexLock lock(mutex_);
    next_ = std::move(config);
    inline_too_ = inline_too_ || inline_too;
  }
  WakeUp();
}

void ListWatcher::Loop() {
  std::shared_ptr<const config::Config> config;
  int patience = -1;
  while (!stop_.IsSet()) {
    concurrency::Idle("waits for a list to change");
    std::array<pollfd, 2> fds = {{{inotify_fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}}};
    (void)poll(fds.data(), fds.size(), patience);
    if (fds[0].revents != 0 && stop_.WaitFor(kGather)) return;
    alignas(inotify_event) std::array<char, 16 << 10> events{};
    while (read(inotify_fd_, events.data(), events.size()) > 0) {
    }
    uint64_t count = 0;
    (void)!read(wake_fd_, &count, sizeof count);
    std::shared_ptr<const config::Config> next;
    bool inline_too = false;
    {
      MutexLock lock(mutex_);
      next = std::exchange(next_, nullptr);
      inline_too = std::exchange(inline_too_, false);
    }
    concurrency::Heartbeat("reads lists that have changed");
    if (next) config = std::move(next);
    if (config && inline_too) ReadInlineSeeds(*config, frontier_, put_);
    if (!config) continue;
    patience = Look(*config) ? kLookAgain : static_cast<int>(look_anyway_.count());
  }
}

bool ListWatcher::Look(const config::Config& config) {
  std::set<std::filesystem::path> lists;
  for (const config::SourceText& pattern : config.seeds.files) {
    const auto found = config::ExpandSeedFiles({pattern.text}, config.base_dir);
    if (found) lists.insert(found->begin(), found->end());
    if (found && !found->empty()) {
      missing_.erase(pattern.text);
    } else if (missing_.insert(pattern.text).second) {
      spdlog::warn("{}; the crawl goes on without, and looks again",
                   found ? "seeds.files: '" + pattern.text + "' stands for no file yet"
                         : found.error().message);
    }
  }
  // First: what changes from now on is seen. What has come to a new folder before is not.
  const bool again = WatchFolders(config, lists);
  SeedCount all;
  for (const std::filesystem::path& list : lists) {
    if (stop_.IsSet()) return false;
    if (IsOwnLog(config, list)) {
      if (own_logs_.insert(list).second) {
        spdlog::warn("{}: is a log of this crawl, and not read as a list", list.string());
      }
      continue;
    }
    const SeedCount count = ReadChangedList(list, frontier_, versions_[list], put_);
    all.good += count.good;
    all.bad += count.bad;
    all.unfinished += count.unfinished;
  }
  std::erase_if(versions_, [&lists](const auto& entry) { return !lists.contains(entry.first); });
  if (all.good + all.bad > 0) {
    spdlog::info("lists: {} URLs read, {} bad lines skipped", all.good, all.bad);
  }
  return again || all.unfinished > 0;
}

bool ListWatcher::WatchFolders(const config::Config& config,
                               const std::set<std::filesystem::path>& lists) {
  std::set<std::filesystem::path> folders;     // of lists
  std::set<std::filesystem::path> on_the_way;  // of links, and of folders that are not there
  for (const config::SourceText& pattern : config.seeds.files) {
    const auto fixed = config::FixedPartOfSeedPattern(pattern.text, config.base_dir);
    on_the_way.merge(config::FoldersOfLinks(fixed));
    on_the_way.insert(config::NearestFolder(fixed));
    for (const auto& folder : config::FoldersOfSeedPattern(pattern.text, config.base_dir)) {
      on_the_way.merge(config::FoldersOfLinks(folder));
      folders.insert(folder);
      for (const auto& link : DanglingLinksIn(folder)) {
        on_the_way.merge(config::FoldersOfLinks(link));
      }
    }
  }
  for (const std::filesystem::path& list : lists) {
    on_the_way.merge(config::FoldersOfLinks(list));
    folders.insert(list.parent_path());
  }
  const std::map<std::filesystem::path, int> before = std::exchange(watches_, {});
  bool more = false;
  const auto watch = [&](const std::filesystem::path& folder, uint32_t changes) {
    // Of a folder that is watched already nothing changes; one that was made anew is another.
    const std::string name = folder.empty() ? "." : folder.string();
    const int descriptor = inotify_add_watch(inotify_fd_, name.c_str(), changes | IN_ONLYDIR);
    const int error = errno;
    watches_[folder] = descriptor;
    const auto old = before.find(folder);
    if (old != before.end() && old->second == descriptor) return;
    more = more || descriptor >= 0;
    if (descriptor >= 0 || changes == kNames) return;
    spdlog::warn("{}: cannot be watched ({}): lists in it are looked at every {} s", name,
                 std::generic_category().message(error), look_anyway_.count() / 1000);
  };
  // These last: one folder by two names has one watch, and the mask of its last one.
  for (const std::filesystem::path& folder : on_the_way) watch(folder, kNames);
  for (const std::filesystem::path& folder : folders) watch(folder, kChanges);
  std::set<int> used;
  for (const auto& [folder, descriptor] : watches_) used.insert(descriptor);
  for (const auto& [folder, descriptor] : before) {
    // The kernel has taken away that of a folder that is gone.
    if (descriptor >= 0 && !used.contains(descriptor)) {
      (void)inotify_rm_watch(inotify_fd_, descriptor);
    }
  }
  return more;
}

}  // namespace crawld::pipeline
