#include "pipeline/seeder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "service/wiring.h"
#include "tests/support/site.h"
#include "tests/support/temp_dir.h"

namespace crawld::pipeline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SeederTest : public testing::Test {
 protected:
  void WriteList(const std::string& name, const std::string& text) const {
    std::ofstream(dir_ / name, std::ios::binary) << text;
  }
  // Reads the seeds of a config and commits what comes, unless `commit` is off.
  SeedCount Read(const std::string& seeds, bool commit = true) {
    std::ofstream(dir_ / "c.yaml") << "name: t\ndata_dir: data\n"
                                      "identity: {user_agent: \"t/1 (+https://example.org/)\"}\n"
                                      "seeds: "
                                   << seeds << "\n";
    const config::Config config = config::Load(dir_ / "c.yaml");
    if (!frontier_) {
      frontier_ = std::make_unique<frontier::Frontier>(dir_ / "frontier",
                                                       service::FrontierOptionsOf(config));
    }
    urls_.clear();
    return ReadSeeds(config, *frontier_, [&](SeedBatch batch) {
      if (batch.seeds.empty() && batch.notes.empty()) return true;  // "are you there?"
      ++batches_;
      for (const auto& seed : batch.seeds) urls_.emplace_back(seed.url.href());
      if (!commit) return accept_-- > 1;
      frontier::CommitGroup group;
      group.seeds = std::move(batch.seeds);
      group.notes = std::move(batch.notes);
      frontier_->Commit(std::move(group), WallTime(Millis(1)));
      return true;
    });
  }

  const test::TempDir dir_;
  std::unique_ptr<frontier::Frontier> frontier_;
  std::vector<std::string> urls_;
  int batches_ = 0;
  int accept_ = 1;  // batches until the line stops, without commit
};

TEST_F(SeederTest, InlineSeedsComeFirstThenTheListsInTheirOrder) {
  WriteList("b.txt", "http://b.test/\n");
  WriteList("a.txt", "http://a.test/#top\n");
  const SeedCount count = Read("{urls: [\"http://i.test/\"], files: [b.txt, a.txt]}");
  EXPECT_THAT(urls_, ElementsAre("http://i.test/", "http://b.test/", "http://a.test/"));
  EXPECT_EQ(count.good, 3U);
  EXPECT_EQ(count.bad, 0U);
  EXPECT_EQ(count.lists, 2U);
}

TEST_F(SeederTest, LinesThatAreNoUrlsAreCountedAndSkipped) {
  WriteList("l.txt",
            "# comment\n\nhttp://a.test/1\nnot a url\nftp://a.test/\nmailto:x@y.test\n"
            "http://a.test:99999/\n  http://a.test/2  # why\n" +
                std::string(70'000, 'x') + "\nhttp://a.test/3\n");
  const SeedCount count = Read("{files: [l.txt]}");
  EXPECT_THAT(urls_, ElementsAre("http://a.test/1", "http://a.test/2", "http://a.test/3"));
  EXPECT_EQ(count.good, 3U);
  EXPECT_EQ(count.bad, 5U);
}

TEST_F(SeederTest, AListThatWasReadToItsEndIsNotReadAgainUntilItChanges) {
  WriteList("l.txt", "http://a.test/1\n");
  Read("{files: [l.txt]}");
  SeedCount count = Read("{files: [l.txt]}");
  EXPECT_EQ(count.lists_known, 1U);
  EXPECT_THAT(urls_, IsEmpty());
  WriteList("l.txt", "http://a.test/1\nhttp://a.test/2\n");
  count = Read("{files: [l.txt]}");
  EXPECT_EQ(count.lists_known, 0U);
  EXPECT_THAT(urls_, ElementsAre("http://a.test/2")) << "it has only grown";
  WriteList("l.txt", "http://a.test/3\nhttp://a.test/1\nhttp://a.test/2\n");
  Read("{files: [l.txt]}");
  EXPECT_THAT(urls_, ElementsAre("http://a.test/3", "http://a.test/1", "http://a.test/2"))
      << "its beginning has changed";
  EXPECT_EQ(frontier_->stats().counters.seen(), 3U) << "what was known is not queued again";
}

TEST_F(SeederTest, ALastLineWithoutALineFeedIsReadAgainWhenItHasGrown) {
  WriteList("l.txt", "http://a.test/1\nhttp://a.test/2");
  Read("{files: [l.txt]}");
  EXPECT_THAT(urls_, ElementsAre("http://a.test/1", "http://a.test/2"));
  WriteList("l.txt", "http://a.test/1\nhttp://a.test/23\n");
  Read("{files: [l.txt]}");
  EXPECT_THAT(urls_, ElementsAre("http://a.test/23"));
}

// Found by an attacker: half a line at the end of a list that began to grow while it was read
// became a URL.
TEST_F(SeederTest, AListThatGrowsWhileItIsReadEndsWithAWholeLine) {
  std::string lines;
  for (int i = 0; i < 3000; ++i) lines += "http://a.test/" + std::to_string(i) + "\n";
  WriteList("l.txt", lines);
  std::filesystem::last_write_time(
      dir_ / "l.txt", std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  Read("{files: []}");
  std::string version;
  bool grown = false;
  const SeedCount count =
      ReadChangedList(dir_ / "l.txt", *frontier_, version, [&](const SeedBatch& batch) {
        for (const auto& seed : batch.seeds) urls_.emplace_back(seed.url.href());
        if (!grown) {
          std::ofstream(dir_ / "l.txt", std::ios::app) << "http://a.test/whole\nhttp://a.te";
        }
        grown = true;
        return true;
      });
  EXPECT_EQ(count.unfinished, 1U);
  EXPECT_EQ(urls_.back(), "http://a.test/whole");
  EXPECT_EQ(version, "") << "it is to be looked at again";
}

TEST_F(SeederTest, TheNoteSurvivesARestart) {
  WriteList("l.txt", "http://a.test/1\n");
  Read("{files: [l.txt]}");
  frontier_.reset();
  EXPECT_EQ(Read("{files: [l.txt]}").lists_known, 1U);
}

TEST_F(SeederTest, AListThatWasCutOffIsReadAgain) {
  std::string text;
  for (int i = 0; i < 3500; ++i) text += "http://a.test/" + std::to_string(i) + "\n";
  WriteList("l.txt", text);
  accept_ = 2;
  Read("{files: [l.txt]}", /*commit=*/false);
  EXPECT_EQ(urls_.size(), 2000U) << "the line stops within the list";
  const SeedCount count = Read("{files: [l.txt]}");
  EXPECT_EQ(count.good, 3500U);
  EXPECT_EQ(std::set<std::string>(urls_.begin(), urls_.end()).size(), 3500U);
}

TEST_F(SeederTest, AListWhoseLastBatchIsFullIsNotedAllTheSame) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "http://a.test/" + std::to_string(i) + "\n";
  WriteList("l.txt", text);
  Read("{files: [l.txt]}");
  EXPECT_EQ(Read("{files: [l.txt]}").lists_known, 1U);
}

TEST_F(SeederTest, AnEmptyListIsReadOnce) {
  WriteList("l.txt", "");
  EXPECT_EQ(Read("{files: [l.txt], urls: [\"http://a.test/\"]}").lists_known, 0U);
  EXPECT_EQ(Read("{files: [l.txt], urls: [\"http://a.test/\"]}").lists_known, 1U);
}

TEST_F(SeederTest, AGzipListIsRead) {
  WriteList("l.gz", test::Gzip("http://a.test/1\nhttp://a.test/2\n"));
  EXPECT_EQ(Read("{files: [l.gz]}").good, 2U);
}

TEST_F(SeederTest, AListThatIsCorruptIsAFailureThatNamesIt) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "http://a.test/" + std::to_string(i) + "\n";
  const std::string gzip = test::Gzip(text);
  WriteList("l.gz", gzip.substr(0, gzip.size() / 2));
  try {
    Read("{files: [l.gz]}");
    ADD_FAILURE() << "half a gzip file is read as whole";
  } catch (const FatalError& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("l.gz"));
  }
  WriteList("l.gz", gzip);
  EXPECT_EQ(Read("{files: [l.gz]}").good, 3000U) << "it was not noted";
}

}  // namespace
}  // namespace crawld::pipeline
