#include "archive/archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "tests/support/archive_reader.h"
#include "tests/support/temp_dir.h"

namespace crawld::archive {
namespace {

namespace fs = std::filesystem;
using test::ArchiveContents;
using test::ReadFile;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::StartsWith;

constexpr WallTime kNow{Millis(1'700'000'000'000)};  // 20231114221320

class ArchiveTest : public testing::Test {
 protected:
  ArchiveTest() : builder_(BundleOptions{}) {
    options_.name = "t";
    options_.user_agent = "agent/1";
  }

  // Dies without a word and starts again from what was committed.
  Archive& Restart() {
    archive_.reset();
    archive_ = std::make_unique<Archive>(dir_.path(), options_, position_);
    return *archive_;
  }
  std::string RestartFailure() {
    try {
      Restart();
    } catch (const FatalError& e) {
      return e.what();
    }
    return "";
  }
  void Append(int number) {
    const std::string url = UrlOf(number);
    const std::string body = "body of " + url;
    HttpExchange exchange;
    exchange.url = url;
    exchange.request_head = "GET / HTTP/1.1\r\n\r\n";
    exchange.response_head = "HTTP/1.1 200 OK\r\n\r\n";
    exchange.body = body;
    exchange.surt = "test,a)/";
    exchange.status = 200;
    exchange.begun = kNow;
    Bundle bundle;
    if (options_.warc) builder_.AddExchange(exchange, bundle);
    if (options_.pages) bundle.page = R"({"url":")" + url + '"';
    bundle.log = R"({"url":")" + url + R"("})";
    archive_->Append(bundle, kNow);
  }
  // The frontier's half of a commit: position_ is what a restart will find.
  void Commit(bool close = false) {
    position_ = archive_->Sync(close);
    archive_->Committed();
  }
  static std::string UrlOf(int number) { return "http://a.test/" + std::to_string(number); }

  // Sound, and holds exactly these, once each, everywhere.
  void ExpectHolds(const std::vector<int>& numbers) const {
    const ArchiveContents contents = test::ReadArchive(dir_.path());
    EXPECT_THAT(contents.problems, IsEmpty());
    std::map<std::string, int> expected;
    for (const int number : numbers) ++expected[UrlOf(number)];
    if (options_.warc) {
      EXPECT_EQ(contents.ResponsesByUrl(), expected);
      EXPECT_EQ(contents.IndexByUrl(), expected);
    }
    if (options_.pages) {
      EXPECT_EQ(contents.PagesByUrl(), expected);
    }
    if (options_.crawl_log) {
      EXPECT_EQ(contents.log.size(), numbers.size());
    }
  }
  std::vector<std::string> FilesIn(const std::string& folder) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(dir_ / folder)) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  // All files with their bytes.
  std::map<std::string, std::string> Everything() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(dir_.path())) {
      if (entry.is_regular_file()) all[entry.path().string()] = ReadFile(entry.path());
    }
    return all;
  }

  const test::TempDir dir_;
  const std::string base_ = "t-20231114221320-000000";
  ArchiveOptions options_;
  BundleBuilder builder_;
  std::string position_;
  std::unique_ptr<Archive> archive_;
};

// --- writing

TEST_F(ArchiveTest, WhatIsAppendedStandsInWarcIndexPagesAndLog) {
  Restart();
  Commit();
  for (int i = 0; i < 5; ++i) Append(i);
  Commit();
  for (int i = 5; i < 7; ++i) Append(i);
  Commit(true);
  ExpectHolds({0, 1, 2, 3, 4, 5, 6});
  EXPECT_GT(archive_->warc_bytes(), 0U);
  const ArchiveContents contents = test::ReadArchive(dir_.path());
  EXPECT_EQ(contents.index[0].json.at("filename").as_string(), base_ + ".warc.gz");
}

TEST_F(ArchiveTest, AWarcIsCalledOpenUntilItIsFinished) {
  Restart();
  EXPECT_THAT(FilesIn("warc"), IsEmpty()) << "no file before the first record";
  Append(0);
  Commit();
  EXPECT_THAT(FilesIn("warc"), ElementsAre(base_ + ".warc.gz.open"));
  EXPECT_THAT(FilesIn("pages"), ElementsAre(base_ + ".jsonl"));
  Commit(true);
  EXPECT_THAT(FilesIn("warc"), ElementsAre(base_ + ".warc.gz"));
  Commit(true);  // nothing to close
  EXPECT_THAT(FilesIn("warc"), ElementsAre(base_ + ".warc.gz"));
}

TEST_F(ArchiveTest, AFullFileIsFinishedAtACommitAndTheNextBegunWithTheNextRecord) {
  Restart();
  Append(0);
  const std::string probe = archive_->Sync();
  archive_->Committed();
  const auto size = fs::file_size(dir_ / "warc" / (base_ + ".warc.gz.open"));

  options_.max_file_bytes = size + 100;  // a second record fills it (ids vary in size)
  position_ = probe;
  Restart();
  Commit();
  EXPECT_THAT(FilesIn("warc"), ElementsAre(EndsWith(".open"))) << "not full yet";
  Append(1);
  Commit();
  EXPECT_THAT(FilesIn("warc"), ElementsAre(base_ + ".warc.gz"));
  Append(2);
  Commit();
  Append(3);
  Commit();
  Append(4);
  Commit(true);
  EXPECT_THAT(FilesIn("warc"),
              ElementsAre("t-20231114221320-000000.warc.gz", "t-20231114221320-000001.warc.gz",
                          "t-20231114221320-000002.warc.gz"));
  EXPECT_THAT(FilesIn("pages"),
              ElementsAre("t-20231114221320-000000.jsonl", "t-20231114221320-000001.jsonl",
                          "t-20231114221320-000002.jsonl"));
  ExpectHolds({0, 1, 2, 3, 4});
}

TEST_F(ArchiveTest, AFileOfExactlyTheLimitIsFull) {
  Restart();
  Append(0);
  Commit();
  options_.max_file_bytes = fs::file_size(dir_ / "warc" / (base_ + ".warc.gz.open"));
  Restart();
  Commit();
  EXPECT_THAT(FilesIn("warc"), ElementsAre(base_ + ".warc.gz"));
}

TEST_F(ArchiveTest, PartsThatAreOffLeaveNoFiles) {
  options_.warc = false;
  options_.crawl_log = false;
  Restart();
  Append(0);
  Commit(true);
  EXPECT_THAT(FilesIn("warc"), IsEmpty());
  ExpectHolds({0});
  const ArchiveContents contents = test::ReadArchive(dir_.path());
  EXPECT_EQ(contents.pages[0].if_contains("warc"), nullptr);
  EXPECT_THAT(contents.log, IsEmpty());
}

TEST_F(ArchiveTest, PagesOffLeavesWarcAlone) {
  options_.pages = false;
  Restart();
  Append(0);
  Commit(true);
  EXPECT_THAT(FilesIn("pages"), IsEmpty());
  ExpectHolds({0});
}

TEST_F(ArchiveTest, PartsMaySwitchOnAndOffBetweenRuns) {
  options_.warc = false;
  Restart();
  Append(0);
  Commit();
  options_.warc = true;  // the open pages file gets a WARC beside it, warcinfo first
  Restart();
  Append(1);
  Commit();
  options_.warc = false;
  Restart();
  Append(2);
  Commit();
  options_.warc = true;
  options_.pages = false;
  Restart();
  Append(3);
  Commit(true);
  const ArchiveContents contents = test::ReadArchive(dir_.path());
  EXPECT_THAT(contents.problems, IsEmpty());
  EXPECT_THAT(contents.ResponsesByUrl(), ElementsAre(Pair(UrlOf(1), 1), Pair(UrlOf(3), 1)));
  EXPECT_THAT(contents.PagesByUrl(),
              ElementsAre(Pair(UrlOf(0), 1), Pair(UrlOf(1), 1), Pair(UrlOf(2), 1)));
}

TEST_F(ArchiveTest, ALogLineAloneOpensNoWarc) {
  Restart();
  Bundle bundle;
  bundle.log = R"({"outcome":"retry"})";
  archive_->Append(bundle, kNow);
  Commit(true);
  EXPECT_THAT(FilesIn("warc"), IsEmpty());
  EXPECT_EQ(test::ReadArchive(dir_.path()).log.size(), 1U);
}

// --- recovery

TEST_F(ArchiveTest, WhatWasNotCommittedIsCutFromEveryFile) {
  Restart();
  Append(0);
  Append(1);
  Commit();
  const auto committed = Everything();
  Append(2);
  Append(3);
  archive_->Sync();  // on the disk, but never in the frontier
  ASSERT_NE(Everything(), committed);
  Restart();
  EXPECT_EQ(Everything(), committed);
  Append(3);
  Commit(true);
  ExpectHolds({0, 1, 3});
}

TEST_F(ArchiveTest, ATornTailIsCutFromEachFileAlone) {
  Restart();
  Append(0);
  Commit();
  const auto committed = Everything();
  archive_.reset();
  ASSERT_EQ(committed.size(), 4U);
  for (const auto& [path, bytes] : committed) {
    std::ofstream(path, std::ios::binary | std::ios::app) << std::string("torn\0\x1f\x8b", 7);
    Restart();
    EXPECT_EQ(Everything(), committed) << path;
    archive_.reset();
  }
}

TEST_F(ArchiveTest, ACrawlThatDiedBeforeItsFirstPagesWereCommittedBeginsAnew) {
  Restart();
  Restart();
  Commit();
  Append(0);
  archive_->Sync();
  ASSERT_FALSE(FilesIn("warc").empty());
  Restart();
  EXPECT_THAT(FilesIn("warc"), IsEmpty());
  EXPECT_THAT(FilesIn("pages"), IsEmpty());
  Append(1);
  Commit(true);
  ExpectHolds({1});
}

TEST_F(ArchiveTest, FilesBegunSinceTheLastCommitAreRemoved) {
  options_.max_file_bytes = 1;  // every commit finishes its files
  Restart();
  Append(0);
  Commit();
  const auto committed = Everything();
  Append(1);
  archive_->Sync();
  EXPECT_EQ(FilesIn("warc").size(), 2U);
  Restart();
  EXPECT_EQ(Everything(), committed);
  Append(2);
  Commit();
  EXPECT_THAT(FilesIn("warc"),
              ElementsAre("t-20231114221320-000000.warc.gz", "t-20231114221320-000001.warc.gz"))
      << "no number is left out, none given twice";
  ExpectHolds({0, 2});
}

TEST_F(ArchiveTest, ARotationThatWasCommittedIsFinishedAtTheNextStart) {
  Restart();
  Append(0);
  position_ = archive_->Sync(true);  // dies between the commit and the rename
  EXPECT_THAT(FilesIn("warc"), ElementsAre(base_ + ".warc.gz.open"));
  Restart();
  EXPECT_THAT(FilesIn("warc"), ElementsAre(base_ + ".warc.gz"));
  Restart();  // again, with nothing left to rename
  Append(1);
  Commit(true);
  ExpectHolds({0, 1});
  EXPECT_EQ(FilesIn("warc").size(), 2U);
}

TEST_F(ArchiveTest, ARotationThatWasNotCommittedDidNotHappen) {
  Restart();
  Append(0);
  Commit();
  const auto committed = Everything();
  Append(1);
  archive_->Sync(true);
  Restart();
  EXPECT_EQ(Everything(), committed);
  Append(2);
  Commit(true);
  EXPECT_THAT(FilesIn("warc"), ElementsAre(base_ + ".warc.gz"));
  ExpectHolds({0, 2});
}

TEST_F(ArchiveTest, OtherFilesAreLeftAlone) {
  Restart();
  Append(0);
  Commit(true);
  for (const char* name : {"t-20231114221320-000000.warc.gz.md5", "notes.txt", "t-x", "t-",
                           "tt-20231114221320-000007.warc.gz", "t-20231114221320-x.warc.gz"}) {
    std::ofstream(dir_ / "warc" / name) << "x";
  }
  const auto before = Everything();
  Restart();
  EXPECT_EQ(Everything(), before);
}

TEST_F(ArchiveTest, AFileShorterThanItsCommittedPartIsRefusedByName) {
  Restart();
  Append(0);
  Commit();
  archive_.reset();
  for (const auto& [path, bytes] : Everything()) {
    fs::resize_file(path, bytes.size() - 1);
    EXPECT_THAT(RestartFailure(), AllOf(HasSubstr(path), HasSubstr("restore")));
    fs::remove(path);
    EXPECT_THAT(RestartFailure(), AllOf(HasSubstr(path), HasSubstr("0 bytes")));
    std::ofstream(path, std::ios::binary) << bytes;
    EXPECT_EQ(RestartFailure(), "");
    archive_.reset();
  }
}

TEST_F(ArchiveTest, AnArchiveWhoseFrontierIsGoneIsRefused) {
  Restart();
  Append(0);
  Commit();
  position_.clear();
  EXPECT_THAT(RestartFailure(), AllOf(HasSubstr("index.cdxj"), HasSubstr("frontier"),
                                      HasSubstr("choose a new data_dir")));
  fs::resize_file(dir_ / "index.cdxj", 0);
  EXPECT_THAT(RestartFailure(), HasSubstr("crawl.log"));
}

TEST_F(ArchiveTest, AnUnreadablePositionIsRefused) {
  for (const char* position : {"{", "[]", "{}", R"({"serial":-1})", "nonsense"}) {
    position_ = position;
    EXPECT_THAT(RestartFailure(), HasSubstr("position is unreadable")) << position;
  }
}

// Every commit of a crawl with rotations; at each of them a death, at every stage of the commit.
TEST_F(ArchiveTest, DeathAtEveryStageOfEveryCommitLosesNothingAndRepeatsNothing) {
  for (const uint64_t limit : {1UL, 1500UL, 1UL << 30}) {
    options_.max_file_bytes = limit;
    fs::remove_all(dir_ / "warc");
    fs::remove_all(dir_ / "pages");
    fs::remove(dir_ / "index.cdxj");
    fs::remove(dir_ / "crawl.log");
    position_.clear();
    Restart();
    Commit();
    std::vector<int> expected;
    for (int round = 0; round < 12; ++round) {
      for (int stage = 0; stage < 4; ++stage) {
        Append(100 * round + stage);
        if (stage == 0) {  // appended, perhaps not even written
          Restart();
          continue;
        }
        const std::string position = archive_->Sync(round % 5 == 4);
        if (stage == 1) {  // synced, not committed
          Restart();
          continue;
        }
        position_ = position;
        expected.push_back(100 * round + stage);
        if (stage == 2) {  // committed, nobody told
          Restart();
          continue;
        }
        archive_->Committed();
      }
    }
    Commit(true);
    ExpectHolds(expected);
    for (const std::string& name : FilesIn("warc")) EXPECT_THAT(name, EndsWith(".gz"));
  }
}

// --- failing writes

TEST_F(ArchiveTest, AFullDiskIsNamedWhicheverFileMeetsIt) {
  for (const char* name : {"warc", "pages", "index.cdxj", "crawl.log"}) {
    const fs::path path = std::string_view(name) == "warc"
                              ? dir_ / "warc" / (base_ + ".warc.gz.open")
                          : std::string_view(name) == "pages" ? dir_ / "pages" / (base_ + ".jsonl")
                                                              : dir_ / name;
    const bool from_the_start = path.parent_path() == dir_.path();
    if (from_the_start) fs::create_symlink("/dev/full", path);
    Restart();
    Commit();
    if (!from_the_start) fs::create_symlink("/dev/full", path);
    Append(0);
    try {
      archive_->Sync();
      ADD_FAILURE() << name << " takes everything";
    } catch (const FatalError& e) {
      EXPECT_THAT(e.what(),
                  AllOf(HasSubstr("writing " + path.string()), HasSubstr("No space left on device"),
                        HasSubstr("free some space")));
    }
    archive_.reset();
    fs::remove(path);
    // There is space again: the crawl goes on from its last commit.
    Restart();
    Append(0);
    Commit(true);
    ExpectHolds({0});
    for (const auto& entry : fs::directory_iterator(dir_.path())) fs::remove_all(entry.path());
    position_.clear();
  }
}

TEST_F(ArchiveTest, AWriteCutShortInTheMiddleOfARecordIsCutAwayAtTheNextStart) {
  Restart();
  Append(0);
  Commit();
  const auto size = fs::file_size(dir_ / "warc" / (base_ + ".warc.gz.open"));
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = size + 20;
  setrlimit(RLIMIT_FSIZE, &small);
  Append(1);
  EXPECT_THROW(archive_->Sync(), FatalError);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(fs::file_size(dir_ / "warc" / (base_ + ".warc.gz.open")), size + 20);
  Restart();
  Append(1);
  Commit(true);
  ExpectHolds({0, 1});
}

TEST_F(ArchiveTest, ARenameThatFailsIsNamed) {
  Restart();
  Append(0);
  fs::create_directories(dir_ / "warc" / (base_ + ".warc.gz") / "in the way");
  position_ = archive_->Sync(true);
  try {
    archive_->Committed();
    ADD_FAILURE() << "renamed over a folder";
  } catch (const FatalError& e) {
    EXPECT_THAT(e.what(), AllOf(StartsWith("cannot rename"), HasSubstr(base_)));
  }
  fs::remove_all(dir_ / "warc" / (base_ + ".warc.gz"));
  Restart();
  ExpectHolds({0});
}

}  // namespace
}  // namespace crawld::archive
