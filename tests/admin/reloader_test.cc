#include "admin/reloader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "tests/support/temp_dir.h"

namespace crawld::admin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ReloaderTest : public testing::Test {
 protected:
  ReloaderTest() { Write("1s"); }
  void Write(const std::string& delay, const std::string& more = "") const {
    std::ofstream(file_) << "name: t\ndata_dir: data\n"
                            "identity: {user_agent: \"t/1 (+https://example.org/)\"}\n"
                            "seeds: {urls: [\"http://a.test/\"]}\npoliteness: {delay: "
                         << delay << "}\n"
                         << more;
  }
  // Two rooms that note what they are given; the second one may refuse it.
  Reloader Make() {
    return Reloader(file_, config::Load(file_),
                    [this](const config::Config&) {
                      if (misjudged_) throw FatalError("a pattern does not compile");
                    },
                    {[this](const config::Config& next) { first_.push_back(DelayOf(next)); },
                     [this](const config::Config& next) {
                       if (refuses_) throw FatalError("it cannot");
                       second_.push_back(DelayOf(next));
                     }});
  }
  static int64_t DelayOf(const config::Config& config) { return config.politeness.delay.count(); }

  const test::TempDir dir_;
  const std::filesystem::path file_ = dir_ / "c.yaml";
  std::vector<int64_t> first_;
  std::vector<int64_t> second_;
  bool refuses_ = false;
  bool misjudged_ = false;
};

TEST_F(ReloaderTest, AllRoomsTakeUpWhatIsNew) {
  Reloader reloader = Make();
  Write("5s");
  const ReloadReport report = reloader.Reload();
  EXPECT_TRUE(report.good);
  EXPECT_THAT(first_, ElementsAre(5000));
  EXPECT_THAT(second_, ElementsAre(5000));
  EXPECT_EQ(DelayOf(*reloader.running()), 5000);
  EXPECT_THAT(reloader.Reload().applied, IsEmpty());
  EXPECT_EQ(reloader.stats().taken_up, 2U);
}

TEST_F(ReloaderTest, TheLastReloadAndKeysThatWaitForARestartAreTold) {
  Reloader reloader = Make();
  Write("1s", "fetcher: {threads: 7}\n");
  reloader.Reload();
  EXPECT_EQ(reloader.stats().pending, 1U);
  Write("no delay");
  reloader.Reload();
  EXPECT_TRUE(reloader.stats().last_refused);
  EXPECT_EQ(reloader.stats().refused, 1U);
  EXPECT_EQ(reloader.stats().pending, 1U) << "what runs is what was";
  Write("1s");
  reloader.Reload();
  EXPECT_FALSE(reloader.stats().last_refused);
  EXPECT_EQ(reloader.stats().pending, 0U);
}

TEST_F(ReloaderTest, IfOneRefusesThoseBeforeItGoBackToWhatWas) {
  Reloader reloader = Make();
  Write("5s");
  refuses_ = true;
  const ReloadReport report = reloader.Reload();
  EXPECT_FALSE(report.good);
  EXPECT_EQ(report.error, "it cannot");
  EXPECT_THAT(first_, ElementsAre(5000, 1000));
  EXPECT_THAT(second_, IsEmpty());
  EXPECT_EQ(DelayOf(*reloader.running()), 1000);
  refuses_ = false;
  EXPECT_THAT(reloader.Reload().applied, testing::SizeIs(1)) << "it is still new";
}

TEST_F(ReloaderTest, AFileWithMistakesReachesNoRoom) {
  Reloader reloader = Make();
  Write("-1s", "fetchr: {}\n");
  const ReloadReport report = reloader.Reload();
  EXPECT_FALSE(report.good);
  EXPECT_EQ(report.problems.size(), 2U);
  EXPECT_THAT(report.error, HasSubstr("c.yaml:5:"));
  EXPECT_THAT(first_, IsEmpty());
  std::filesystem::remove(file_);
  EXPECT_FALSE(reloader.Reload().good);
  EXPECT_THAT(first_, IsEmpty());
}

TEST_F(ReloaderTest, WhatTheConfigRoomCannotJudgeReachesNoRoomEither) {
  Reloader reloader = Make();
  Write("5s");
  misjudged_ = true;
  EXPECT_EQ(reloader.Reload().error, "a pattern does not compile");
  EXPECT_THAT(first_, IsEmpty());
  EXPECT_EQ(DelayOf(*reloader.running()), 1000);
}

}  // namespace
}  // namespace crawld::admin
