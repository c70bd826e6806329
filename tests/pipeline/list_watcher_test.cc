#include "pipeline/list_watcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "concurrency/event.h"
#include "service/wiring.h"
#include "tests/support/temp_dir.h"

namespace crawld::pipeline {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

// Nothing is looked at again before an hour is over: what is seen, inotify has told of.
class ListWatcherTest : public testing::Test {
 protected:
  // One pattern, or several with `", "` between them.
  void Watch(const std::string& pattern) {
    std::ofstream(dir_ / "c.yaml") << "name: t\ndata_dir: data\n"
                                      "identity: {user_agent: \"t/1 (+https://example.org/)\"}\n"
                                      "seeds: {files: [\""
                                   << pattern << "\"]}\n";
    config_ = std::make_shared<const config::Config>(config::Load(dir_ / "c.yaml"));
    frontier_ = std::make_unique<frontier::Frontier>(config_->data_dir / "frontier",
                                                     service::FrontierOptionsOf(*config_));
    watcher_ = std::make_unique<ListWatcher>(
        *frontier_,
        [this](SeedBatch batch) {
          MutexLock lock(mutex_);
          for (const frontier::Discovery& seed : batch.seeds) got_.emplace_back(seed.url.href());
          return true;
        },
        std::chrono::hours(1));
    watcher_->Watch(config_, /*inline_too=*/false);
  }
  void Write(const std::string& file, const std::string& name,
             std::ios::openmode mode = std::ios::trunc) const {
    std::ofstream(dir_ / file, std::ios::out | mode) << "http://" << name << ".test/\n";
  }
  std::vector<std::string> got() const {
    MutexLock lock(mutex_);
    return got_;
  }
  void Await(const std::string& name) const {
    const std::string url = "http://" + name + ".test/";
    concurrency::Event never;
    for (int i = 0; i < 60'000; ++i) {
      const auto all = got();
      if (std::find(all.begin(), all.end(), url) != all.end()) return;
      never.WaitFor(std::chrono::milliseconds(1));
    }
    FAIL() << name << " was not seen within a minute";
  }

  const test::TempDir dir_;
  std::shared_ptr<const config::Config> config_;
  std::unique_ptr<frontier::Frontier> frontier_;
  mutable Mutex mutex_;
  std::vector<std::string> got_ GUARDED_BY(mutex_);
  std::unique_ptr<ListWatcher> watcher_;  // last: it uses all of the above
};

TEST_F(ListWatcherTest, AFolderThatIsEmptyGetsAFile) {
  fs::create_directory(dir_ / "spool");
  Watch("spool");
  Write("spool/a.txt", "a");
  Await("a");
  Write("spool/b.txt", "b");
  Await("b");
}

TEST_F(ListWatcherTest, FoldersWithinFoldersComeAndGo) {
  fs::create_directory(dir_ / "lists");
  Watch("lists/*/*/x.txt");
  fs::create_directory(dir_ / "lists/monday");
  fs::create_directory(dir_ / "lists/monday/noon");
  Write("lists/monday/noon/x.txt", "noon");
  Await("noon");
  fs::remove_all(dir_ / "lists/monday");
  fs::create_directories(dir_ / "lists/monday/night");
  Write("lists/monday/night/x.txt", "night");
  Await("night");
}

TEST_F(ListWatcherTest, AFolderThatThePatternItselfMeansMayBeEmptyFirst) {
  fs::create_directory(dir_ / "lists");
  Watch("lists/*");
  fs::create_directory(dir_ / "lists/a");
  Write("lists/first.txt", "first");  // when it has come, the folder is watched
  Await("first");
  Write("lists/a/x.txt", "x");
  Await("x");
}

TEST_F(ListWatcherTest, AListIsReachedByALinkAndGrowsWhereItLies) {
  fs::create_directory(dir_ / "lists");
  fs::create_directory(dir_ / "elsewhere");
  Write("elsewhere/a.txt", "a");
  fs::create_symlink("../elsewhere/a.txt", dir_ / "lists/a.txt");
  Watch("lists/*.txt");
  Await("a");
  Write("elsewhere/a.txt", "more", std::ios::app);
  Await("more");
}

// As Kubernetes changes a ConfigMap: a.txt -> ..data/a.txt, and ..data is made to lead elsewhere.
TEST_F(ListWatcherTest, AFolderThatALinkLeadsToIsChangedForAnother) {
  fs::create_directories(dir_ / "mount/..v1");
  fs::create_directories(dir_ / "mount/..v2");
  Write("mount/..v1/a.txt", "old");
  Write("mount/..v2/a.txt", "new");
  fs::create_symlink("..v1", dir_ / "mount/..data");
  fs::create_symlink("..data/a.txt", dir_ / "mount/a.txt");
  fs::create_symlink("mount", dir_ / "current");
  Watch("current/a.txt");
  Await("old");
  fs::create_symlink("..v2", dir_ / "mount/..next");
  fs::rename(dir_ / "mount/..next", dir_ / "mount/..data");
  Await("new");
  fs::create_directories(dir_ / "second");
  Write("second/a.txt", "second");
  fs::create_symlink("second", dir_ / "next");
  fs::rename(dir_ / "next", dir_ / "current");
  Await("second");
}

TEST_F(ListWatcherTest, ALinkIsTakenAwayAndComesBackLater) {
  fs::create_directories(dir_ / "v1");
  fs::create_directories(dir_ / "v2");
  fs::create_directories(dir_ / "other");
  Write("v1/a.txt", "old");
  Write("v2/a.txt", "new");
  fs::create_symlink("v1", dir_ / "current");
  Watch(R"(current/*.txt", "other)");
  Await("old");
  fs::remove(dir_ / "current");
  Write("other/seen.txt", "seen");  // the watcher has looked while there was no link
  Await("seen");
  fs::create_symlink("v2", dir_ / "current");
  Await("new");
}

TEST_F(ListWatcherTest, WhatALinkLeadsToGoesAndComesBack) {
  fs::create_directories(dir_ / "lists");
  fs::create_directories(dir_ / "real/deep");
  fs::create_directories(dir_ / "far/away/lists");
  Write("real/deep/a.txt", "a");
  Write("real/deep/b.txt", "b");
  fs::create_symlink("../real/deep/a.txt", dir_ / "lists/a.txt");
  fs::create_symlink("real/deep/b.txt", dir_ / "b.txt");
  Watch(R"(lists", "b.txt", "far/away/lists)");
  Await("a");
  fs::remove_all(dir_ / "real");
  fs::remove_all(dir_ / "far");
  Write("lists/seen.txt", "seen");  // the watcher has looked while there was none of it
  Await("seen");
  fs::create_directories(dir_ / "real/deep");
  Write("real/deep/a.txt", "again");
  Await("again");
  fs::create_directories(dir_ / "far/away/lists");
  Write("far/away/lists/c.txt", "c");
  Await("c");
}

TEST_F(ListWatcherTest, ALogOfTheCrawlIsNoList) {
  fs::create_directory(dir_ / "lists");
  fs::create_directory(dir_ / "data");
  Write("data/crawl.log", "never");
  fs::create_symlink("../data/crawl.log", dir_ / "lists/a.txt");
  Watch("lists/*.txt");
  Write("lists/b.txt", "b");  // read behind it
  Await("b");
  EXPECT_THAT(got(), ElementsAre("http://b.test/"));
}

TEST_F(ListWatcherTest, AListThatIsNotThereIsComplainedOfOnce) {
  fs::create_directory(dir_ / "lists");
  fs::create_symlink("nowhere", dir_ / "lists/dangling.txt");
  std::ostringstream log;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
  Watch("lists/*.txt");
  for (const char* name : {"a", "b", "c"}) {
    Write(std::string("lists/") + name + ".txt", name);
    Await(name);
  }
  watcher_.reset();
  spdlog::set_default_logger(before);
  const std::string told = log.str();
  const size_t first = told.find("dangling");
  EXPECT_NE(first, std::string::npos);
  EXPECT_EQ(told.find("dangling", first + 1), std::string::npos) << told;
}

TEST_F(ListWatcherTest, AListThatGrowsIsReadOnAndOneThatDoesNotIsLeftAlone) {
  fs::create_directory(dir_ / "lists");
  Write("lists/a.txt", "a");
  Write("lists/b.txt", "b");
  Watch("lists/*.txt");
  Await("a");
  Await("b");
  Write("lists/b.txt", "c", std::ios::app);
  Await("c");
  watcher_.reset();
  MutexLock lock(mutex_);
  EXPECT_EQ(std::count(got_.begin(), got_.end(), "http://a.test/"), 1);
}

}  // namespace
}  // namespace crawld::pipeline
