#include "archive/append_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "base/error.h"
#include "tests/support/archive_reader.h"
#include "tests/support/temp_dir.h"

namespace crawld::archive {
namespace {

using test::ReadFile;
using testing::AllOf;
using testing::HasSubstr;

class AppendFileTest : public testing::Test {
 protected:
  void Write(const std::string& bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }

  // What the FatalError of `act` says; "" if there is none.
  template <typename F>
  static std::string FailureOf(F act) {
    try {
      act();
    } catch (const FatalError& e) {
      return e.what();
    }
    return "";
  }

  const test::TempDir dir_;
  const std::filesystem::path path_ = dir_ / "file";
};

TEST_F(AppendFileTest, WhatIsAppendedAndSyncedIsInTheFile) {
  AppendFile file(path_, 0);
  EXPECT_EQ(file.size(), 0U);
  file.Append("one");
  file.Append("");
  file.Append("two");
  EXPECT_EQ(file.size(), 6U);
  file.Sync();
  EXPECT_EQ(ReadFile(path_), "onetwo");
  file.Append("three");
  file.Flush();
  EXPECT_EQ(ReadFile(path_), "onetwothree");
}

TEST_F(AppendFileTest, ABufferFullAndMoreComesOutInOrder) {
  std::string expected;
  {
    AppendFile file(path_, 0);
    for (const size_t size : {1UL, 1048575UL, 1UL, 1048576UL, 1048577UL, 3000000UL, 5UL}) {
      const std::string piece(size, static_cast<char>('a' + expected.size() % 26));
      file.Append(piece);
      expected += piece;
      EXPECT_EQ(file.size(), expected.size());
    }
    file.Sync();
  }
  EXPECT_TRUE(ReadFile(path_) == expected);
}

TEST_F(AppendFileTest, WhatWasNotFlushedIsDropped) {
  {
    AppendFile file(path_, 0);
    file.Append("kept");
    file.Sync();
    file.Append("dropped");
  }
  EXPECT_EQ(ReadFile(path_), "kept");
}

TEST_F(AppendFileTest, AFileIsOpenedAtItsCommittedSizeAndWhatIsBeyondIsCut) {
  Write("committed and not");
  AppendFile file(path_, 9);
  EXPECT_EQ(file.size(), 9U);
  EXPECT_EQ(ReadFile(path_), "committed");
  file.Append("!");
  file.Sync();
  EXPECT_EQ(ReadFile(path_), "committed!");
}

TEST_F(AppendFileTest, AFileShorterThanItsCommittedSizeIsRefusedAndNotTouched) {
  Write("short");
  const std::string failure = FailureOf([&] { const AppendFile file(path_, 6); });
  EXPECT_THAT(failure, AllOf(HasSubstr(path_.string()), HasSubstr("5 bytes"), HasSubstr("left 6"),
                             HasSubstr("restore")));
  EXPECT_EQ(ReadFile(path_), "short");
}

TEST_F(AppendFileTest, AFullDiskNamesTheFileTheReasonAndTheRemedy) {
  std::filesystem::create_symlink("/dev/full", path_);
  AppendFile file(path_, 0);
  file.Append("x");
  const std::string failure = FailureOf([&] { file.Sync(); });
  EXPECT_THAT(failure,
              AllOf(HasSubstr("writing " + path_.string()), HasSubstr("No space left on device"),
                    HasSubstr("nothing is lost"), HasSubstr("free some space and start again")));
}

TEST_F(AppendFileTest, AFolderThatIsNotThereIsNamed) {
  const auto path = dir_.path() / "none" / "file";
  const std::string failure = FailureOf([&] { const AppendFile file(path, 0); });
  EXPECT_THAT(failure,
              AllOf(HasSubstr("opening " + path.string()), HasSubstr("No such file or directory")));
}

TEST_F(AppendFileTest, AWriteThatTheSystemCutsShortFailsAndIsCutAwayAtTheNextStart) {
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  std::string failure;
  {
    AppendFile file(path_, 0);
    file.Append("committed");
    file.Sync();
    rlimit small = before;
    small.rlim_cur = 12;
    setrlimit(RLIMIT_FSIZE, &small);
    file.Append("much too long");
    failure = FailureOf([&] { file.Sync(); });
    setrlimit(RLIMIT_FSIZE, &before);
  }
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(failure, AllOf(HasSubstr(path_.string()), HasSubstr("File too large")));
  EXPECT_EQ(ReadFile(path_), "committedmuc");
  AppendFile file(path_, 9);
  file.Append(", again");
  file.Sync();
  EXPECT_EQ(ReadFile(path_), "committed, again");
}

TEST_F(AppendFileTest, SyncingAFolderThatIsNotThereIsAFailure) {
  EXPECT_THAT(FailureOf([&] { SyncDirectory(dir_ / "none"); }), HasSubstr("none"));
  EXPECT_EQ(FailureOf([&] { SyncDirectory(dir_.path()); }), "");
}

}  // namespace
}  // namespace crawld::archive
