// ListWatcher: URL lists that grow while the crawl runs, and new ones in watched folders.
//
// Waits on inotify(7) for changes in the folders that the patterns of seeds.files lie in, and in
// those of the symbolic links that lead to them (a ConfigMap of Kubernetes is one); a moment after
// one the patterns are expanded anew, and what has changed is read (seeder.h): of a list that
// has grown, its new lines alone. File systems that tell nothing (NFS) are looked at every half
// minute. A list that cannot be read is logged, and does not stop the crawl.
//
// Thread safety: all members, from any thread. Its own thread is `lists`.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/mutex.h"
#include "concurrency/event.h"
#include "concurrency/threads.h"
#include "config/config.h"
#include "frontier/frontier.h"
#include "pipeline/seeder.h"

namespace crawld::pipeline {

class ListWatcher {
 public:
  // `put` as in seeder.h; it and the frontier must outlive the watcher. `look_anyway`: so often for
  // file systems that tell nothing. Throws FatalError if the system gives no inotify.
  ListWatcher(const frontier::Frontier& frontier, PutSeeds put,
              std::chrono::milliseconds look_anyway = std::chrono::seconds(30));
  ~ListWatcher();
  ListWatcher(const ListWatcher&) = delete;
  ListWatcher& operator=(const ListWatcher&) = delete;

  // What is watched from now on, and looked at at once; with `inline_too` the inline seeds are
  // read.
  void Watch(std::shared_ptr<const config::Config> config, bool inline_too) EXCLUDES(mutex_);

 private:
  void Loop();
  // Looks at all lists; whether one is to be looked at again soon.
  bool Look(const config::Config& config);
  // Whether there is one that was not watched before.
  bool WatchFolders(const config::Config& config, const std::set<std::filesystem::path>& lists);
  void WakeUp() const;

  const frontier::Frontier& frontier_;
  const PutSeeds put_;
  const std::chrono::milliseconds look_anyway_;
  int inotify_fd_ = -1;
  int wake_fd_ = -1;
  concurrency::Event stop_;

  // Owned by the thread.
  std::map<std::filesystem::path, std::string> versions_;  // ReadChangedList()
  std::map<std::filesystem::path, int> watches_;           // folders; -1: cannot be watched
  std::set<std::string> missing_;                          // patterns that stand for nothing
  std::set<std::filesystem::path> own_logs_;               // that were warned of

  Mutex mutex_;
  std::shared_ptr<const config::Config> next_ GUARDED_BY(mutex_);  // to be watched instead
  bool inline_too_ GUARDED_BY(mutex_) = false;

  concurrency::NamedThread thread_;  // last: it uses all of the above
};

}  // namespace crawld::pipeline
