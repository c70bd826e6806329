// What the tests of the frontier have in common: a frontier on a real store, and time by hand.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "frontier/frontier.h"
#include "tests/support/temp_dir.h"

namespace crawld::frontier {

inline WallTime At(int64_t ms) { return WallTime(Millis(1'000'000'000 + ms)); }

class FrontierTest : public testing::Test {
 protected:
  FrontierTest() {
    options_.scheduler.politeness.robots = false;
    options_.scheduler.politeness.delay = Millis(0);
    options_.retry_backoff = Millis(100);
    options_.seen_cache_bytes = 1 << 16;
  }

  Frontier& Open() {
    frontier_.reset();
    frontier_ = std::make_unique<Frontier>(dir_ / "frontier", options_);
    return *frontier_;
  }
  Discovery Seed(std::string_view url) {
    return frontier_->scope().JudgeSeed(*web::Url::Parse(url));
  }
  static std::vector<std::string> Urls(const std::string& host, int count) {
    std::vector<std::string> urls;
    for (int i = 0; i < count; ++i) urls.push_back("http://" + host + "/" + std::to_string(i));
    return urls;
  }
  void CommitSeeds(const std::vector<std::string>& urls, int64_t now = 0) {
    CommitGroup group;
    for (const std::string& url : urls) group.seeds.push_back(Seed(url));
    frontier_->Commit(std::move(group), At(now));
  }
  void CommitAt(int64_t now) { frontier_->Commit({}, At(now)); }
  std::optional<Task> Next(int64_t now, bool newcomers = true) {
    Decision decision = frontier_->Next(At(now), newcomers);
    if (auto* task = std::get_if<Task>(&decision)) return std::move(*task);
    last_wait_ = std::get<Wait>(decision);
    return std::nullopt;
  }
  std::string NextUrl(int64_t now) {
    const auto task = Next(now);
    if (!task) return "";
    leased_.emplace(task->url.href(), *task);
    return std::string(task->url.href());
  }
  static Completion Done(Task task) {
    Completion completion;
    completion.task = std::move(task);
    completion.status = 200;
    return completion;
  }
  void Finish(Completion completion, int64_t now) {
    frontier_->Release(completion.task, {.when = At(now)});
    CommitGroup group;
    group.completions.push_back(std::move(completion));
    frontier_->Commit(std::move(group), At(now));
  }
  // The run ends as it should.
  void End(int64_t now) {
    frontier_->Settle();
    CommitGroup group;
    group.last = true;
    frontier_->Commit(std::move(group), At(now));
  }
  uint64_t CountOf(UrlState state) const {
    return frontier_->stats().counters.by_state[static_cast<int>(state)];
  }

  test::TempDir dir_;
  FrontierOptions options_;
  std::unique_ptr<Frontier> frontier_;
  std::map<std::string, Task> leased_;
  Wait last_wait_;
};

class FrontierRobotsTest : public FrontierTest {
 protected:
  FrontierRobotsTest() { options_.scheduler.politeness.robots = true; }

  // Leases what must be the robots task of an origin and answers it.
  void AnswerRobots(RobotsResult::Kind kind, std::string body, int64_t now) {
    const auto task = Next(now);
    ASSERT_TRUE(task);
    ASSERT_EQ(task->info.kind, TaskKind::kRobots);
    Completion completion = Done(*task);
    completion.robots = RobotsResult{kind, std::move(body), std::nullopt};
    Finish(std::move(completion), now);
  }
};

// Hosts whose addresses are known, and count.
class FrontierAddressTest : public FrontierTest {
 protected:
  FrontierAddressTest() { options_.scheduler.politeness.address.delay = Millis(1000); }

  // Answers look-ups until there is something else.
  Decision Ask(int64_t now) {
    while (true) {
      Decision decision = frontier_->Next(At(now));
      const auto* wanted = std::get_if<LookUp>(&decision);
      if (wanted == nullptr) return decision;
      asked_.push_back(wanted->name);
      frontier_->NoteAddress(wanted->host, addresses_[wanted->name]);
    }
  }
  std::string AskUrl(int64_t now) {
    Decision decision = Ask(now);
    const auto* task = std::get_if<Task>(&decision);
    if (task == nullptr) {
      last_wait_ = std::get<Wait>(decision);
      return "";
    }
    leased_.emplace(task->url.href(), *task);
    return std::string(task->url.href());
  }

  std::map<std::string, std::string> addresses_;
  std::vector<std::string> asked_;
};

}  // namespace crawld::frontier
