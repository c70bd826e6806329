#include "logs/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>

#include "base/error.h"
#include "tests/support/temp_dir.h"

namespace crawld::logs {
namespace {

using testing::HasSubstr;
using testing::Not;

class LoggingTest : public testing::Test {
 protected:
  LoggingTest() { log_.file = file_; }

  std::string Text(const std::filesystem::path& path) const {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  const test::TempDir dir_;
  const std::filesystem::path file_ = dir_ / "crawld.log";
  config::Log log_;
};

TEST_F(LoggingTest, ALineHasTimeLevelAndMessageAndLosesSecretsAndControlCharacters) {
  {
    Logging logging(log_, {"hunter22"});
    spdlog::warn("at http://u:p@a.test/ with hunter22:\n2026 info forged\x1b[31m \xff");
    spdlog::debug("not at this level");
  }
  const std::string text = Text(file_);
  EXPECT_THAT(text, HasSubstr(" warning  at http://***@a.test/ with ***:\\n2026 info "
                              "forged\\x1b[31m \xEF\xBF\xBD\n"));
  EXPECT_THAT(text, Not(HasSubstr("not at this level")));
}

TEST_F(LoggingTest, ForMachinesALineIsAnObject) {
  log_.format = config::LogFormat::kJson;
  {
    Logging logging(log_, {});
    spdlog::error("a \"quote\"\nand a line");
  }
  const auto line = boost::json::parse(Text(file_)).as_object();
  EXPECT_EQ(line.at("level").as_string(), "error");
  EXPECT_EQ(line.at("message").as_string(), "a \"quote\"\nand a line");
  EXPECT_TRUE(line.contains("time"));
}

TEST_F(LoggingTest, AMovedFileIsOpenedAnew) {
  Logging logging(log_, {});
  spdlog::info("first");
  logging.Reopen();
  while (logging.stats().lines[2] == 0) std::this_thread::yield();
  std::filesystem::rename(file_, dir_ / "old");
  logging.Reopen();
  spdlog::info("second");
  logging.Close();
  EXPECT_THAT(Text(dir_ / "old"), HasSubstr("first"));
  EXPECT_THAT(Text(file_), HasSubstr("second"));
  EXPECT_THAT(Text(file_), Not(HasSubstr("first")));
}

TEST_F(LoggingTest, AFileThatCannotBeOpenedAnewIsWrittenOn) {
  Logging logging(log_, {});
  std::filesystem::rename(file_, dir_ / "old");
  std::filesystem::create_directory(file_);  // in its place
  logging.Reopen();
  spdlog::info("after");
  logging.Close();
  EXPECT_THAT(Text(dir_ / "old"), HasSubstr("after"));
  EXPECT_THAT(Text(dir_ / "old"), HasSubstr("cannot be opened anew"));
}

TEST_F(LoggingTest, WhatCannotBeOpenedAtAllIsAnErrorAndChangesNothing) {
  Logging logging(log_, {});
  config::Log bad = log_;
  bad.file = dir_ / "none/x.log";
  EXPECT_THROW(logging.Apply(bad, {}), FatalError);
  spdlog::info("still here");
  logging.Close();
  EXPECT_THAT(Text(file_), HasSubstr("still here"));
}

TEST_F(LoggingTest, RepeatsAreCounted) {
  Logging logging(log_, {});
  for (int i = 0; i < 1000; ++i) spdlog::warn("the same");
  logging.Close();
  const std::string text = Text(file_);
  EXPECT_THAT(text, HasSubstr("the same\n"));
  EXPECT_THAT(text, HasSubstr("the same (again 999 times within "));
  EXPECT_EQ(logging.stats().repeats, 999U);
  EXPECT_EQ(logging.stats().lines[3], 2U);
}

TEST_F(LoggingTest, LevelAndFormatChangeWhileItRuns) {
  Logging logging(log_, {});
  spdlog::debug("one");
  logging.SetLevel(config::LogLevel::kDebug);
  EXPECT_EQ(logging.level(), config::LogLevel::kDebug);
  spdlog::debug("two");
  config::Log json = log_;
  json.format = config::LogFormat::kJson;
  json.file = dir_ / "json.log";
  logging.Apply(json, {});
  spdlog::info("three");
  spdlog::debug("four");
  logging.Close();
  EXPECT_THAT(Text(file_), Not(HasSubstr("one")));
  EXPECT_THAT(Text(dir_ / "json.log"), HasSubstr("\"message\":\"three\""));
  EXPECT_THAT(Text(dir_ / "json.log"), Not(HasSubstr("four")));
}

// stderr as a pipe that nobody reads.
TEST_F(LoggingTest, APipeThatNobodyReadsCostsLinesAndHoldsUpNobody) {
  std::array<int, 2> pipe_fds{};
  ASSERT_EQ(pipe(pipe_fds.data()), 0);
  const int saved = dup(STDERR_FILENO);
  ASSERT_GE(dup2(pipe_fds[1], STDERR_FILENO), 0);
  LogStats stats;
  constexpr int kLines = 20'000;
  {
    log_.file.reset();
    Logging logging(log_, {});
    const std::string filler(200, 'x');
    for (int i = 0; i < kLines; ++i) spdlog::info("{} {}", i, filler);
    logging.Close();
    stats = logging.stats();
    dup2(saved, STDERR_FILENO);
  }
  close(saved);
  close(pipe_fds[0]);
  close(pipe_fds[1]);
  EXPECT_GT(stats.dropped, 0U);
  EXPECT_EQ(stats.lines[2] + stats.dropped, static_cast<uint64_t>(kLines));
}

TEST_F(LoggingTest, UnderTheJournalALineBeginsWithItsPriority) {
  std::array<int, 2> pipe_fds{};
  ASSERT_EQ(pipe(pipe_fds.data()), 0);
  struct stat status {};
  ASSERT_EQ(fstat(pipe_fds[1], &status), 0);
  const std::string stream = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  setenv("JOURNAL_STREAM", stream.c_str(), 1);
  const int saved = dup(STDERR_FILENO);
  ASSERT_GE(dup2(pipe_fds[1], STDERR_FILENO), 0);
  {
    log_.file.reset();
    Logging logging(log_, {});
    spdlog::info("calm");
    spdlog::error("alarm");
    logging.Close();
    dup2(saved, STDERR_FILENO);
  }
  unsetenv("JOURNAL_STREAM");
  close(saved);
  close(pipe_fds[1]);
  std::string text(1000, '\0');
  text.resize(static_cast<size_t>(std::max<ssize_t>(read(pipe_fds[0], text.data(), 1000), 0)));
  close(pipe_fds[0]);
  EXPECT_EQ(text, "<6>calm\n<3>alarm\n");
}

}  // namespace
}  // namespace crawld::logs
