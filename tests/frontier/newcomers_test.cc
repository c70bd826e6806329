// Hosts that have never answered, while there is no room for more of them.
#include <map>

#include "tests/frontier/frontier_fixture.h"

namespace crawld::frontier {
namespace {

using NewcomersTest = FrontierTest;

TEST_F(NewcomersTest, WithoutRoomForNewcomersThoseGoOnThatHaveAnswered) {
  Open();
  CommitSeeds(Urls("known.test", 4));
  Finish(Done(*Next(0)), 0);
  CommitSeeds(Urls("new.test", 4));
  for (int i = 0; i < 3; ++i) {
    const auto task = Next(1, /*newcomers=*/false);
    ASSERT_TRUE(task) << i;
    EXPECT_EQ(task->url.host(), "known.test");
    Finish(Done(*task), 1);
  }
  EXPECT_FALSE(Next(2, /*newcomers=*/false));
  EXPECT_EQ(last_wait_.held_by, Hold::kNewcomer);
  const auto later = Next(3);
  ASSERT_TRUE(later);
  EXPECT_EQ(later->url.host(), "new.test");
}

TEST_F(NewcomersTest, NewcomersWithoutRoomDoNotKeepOthersOnDisk) {
  options_.scheduler.max_hosts = 8;
  Open();
  CommitSeeds(Urls("known.test", 2));
  Completion answer = Done(*Next(0));
  answer.took = Millis(1);
  Finish(std::move(answer), 0);
  for (int i = 0; i < 24; ++i) CommitSeeds(Urls("new" + std::to_string(i) + ".test", 2));
  Open();  // known by its record now, and one of many that are due
  std::optional<Task> task;
  for (int64_t now = 10; !task && now < 60'000; now += 10) {
    task = Next(now, /*newcomers=*/false);
    CommitAt(now);
  }
  ASSERT_TRUE(task);
  EXPECT_EQ(task->url.host(), "known.test");
}

TEST_F(NewcomersTest, AsSoonAsThereIsRoomANewcomerIsAsked) {
  for (const size_t max_hosts : {size_t{4096}, size_t{128}}) {  // 128: most of them wait on disk
    options_.scheduler.max_hosts = max_hosts;
    const test::TempDir directory;
    frontier_ = std::make_unique<Frontier>(directory / "frontier", options_);
    std::vector<std::string> seeds;
    for (int i = 0; i < 300; ++i) seeds.push_back("http://h" + std::to_string(i) + ".test/");
    CommitSeeds(seeds);
    std::multimap<int64_t, Task> in_flight;  // by their end
    int done = 0;
    int64_t now = 1;
    for (; done < 300 && now < 100'000; ++now) {
      CommitGroup group;
      while (!in_flight.empty() && in_flight.begin()->first <= now) {
        const Task task = in_flight.begin()->second;
        in_flight.erase(in_flight.begin());
        frontier_->Release(task, {.when = At(now)});
        group.completions.push_back(Done(task));
        ++done;
      }
      frontier_->Commit(std::move(group), At(now));
      while (auto task = Next(now, in_flight.size() < 30)) in_flight.emplace(now + 50, *task);
    }
    EXPECT_EQ(done, 300);
    // Ten rounds of 50 ms; who has been sent away to make room comes back after 2 s.
    EXPECT_LT(now, max_hosts > 300 ? 1000 : 4000);
  }
}

}  // namespace
}  // namespace crawld::frontier
