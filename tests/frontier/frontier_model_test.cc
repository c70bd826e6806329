// The frontier against a naive model: random crawls of a random web, with failures, restarts and
// shutdowns. The model knows only what must come out; politeness is checked from what was leased.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "frontier/frontier.h"
#include "tests/support/temp_dir.h"

namespace crawld::frontier {
namespace {

WallTime At(int64_t ms) { return WallTime(Millis(1'000'000'000 + ms)); }

class FrontierModelTest : public testing::TestWithParam<int> {
 protected:
  FrontierModelTest() : random_(static_cast<uint32_t>(GetParam())) {}

  uint32_t Draw(uint32_t below) { return random_() % below; }
  bool Chance(uint32_t percent) { return Draw(100) < percent; }

  std::mt19937 random_;
};

TEST_P(FrontierModelTest, EveryUrlIsDoneExactlyOnceAndNoHostIsAskedTooOften) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  constexpr Order kOrders[] = {Order::kBreadthFirst, Order::kDepthFirst, Order::kPriority};
  FrontierOptions options;
  options.order = kOrders[Draw(3)];
  options.scope.mode = ScopeMode::kAny;
  options.seen_cache_bytes = 1 << 12;  // small: the store is asked
  options.retry_backoff = Millis(10);
  options.scheduler.max_hosts = Chance(50) ? 16 : 4096;
  options.scheduler.quantum = 3;
  options.scheduler.max_buffer = 4;
  options.scheduler.give_up_robots = false;
  PolitenessOptions& politeness = options.scheduler.politeness;
  politeness.robots = Chance(50);
  politeness.delay = Millis(Chance(50) ? 0 : 1 + Draw(50));
  politeness.concurrency_per_host = 1 + Draw(3);
  if (Chance(50)) politeness.address = {Millis(Draw(20)), Draw(4)};
  options.scheduler.health.failures = Draw(4);
  std::vector<GatedHost> gated;
  std::vector<HostId> probes;  // that may begin
  options.on_gate = [&](GatedHost host) { gated.push_back(std::move(host)); };
  options.on_probe = [&](HostId host) { probes.push_back(host); };

  // A restart reads everything anew, and would hide what a schedule forgets.
  const bool dies = Chance(50);

  // A web of pages, each with links to others; some on the same hosts, with several origins.
  const uint32_t pages = 50 + Draw(150);
  const uint32_t hosts = 1 + Draw(40);
  const uint32_t addresses = 1 + Draw(10);
  const auto address_of = [&](HostId host) {
    return "192.0.2." + std::to_string(host % addresses);
  };
  std::vector<std::string> urls;
  for (uint32_t i = 0; i < pages; ++i) {
    std::string deep;
    for (uint32_t k = Draw(4); k > 0; --k) deep += "/d" + std::to_string(k);
    urls.push_back("http://h" + std::to_string(Draw(hosts)) +
                   ".test:" + std::to_string(8000 + Draw(2)) + deep + "/p" + std::to_string(i));
  }
  std::vector<std::vector<uint32_t>> links(pages);
  for (uint32_t i = 0; i < pages; ++i) {
    if (i + 1 < pages) links[i].push_back(i + 1);  // all are reachable from the first
    for (uint32_t k = Draw(5); k > 0; --k) links[i].push_back(Draw(pages));
  }
  std::map<std::string, uint32_t> index;
  for (uint32_t i = 0; i < pages; ++i) index[urls[i]] = i;

  test::TempDir dir;
  auto frontier = std::make_unique<Frontier>(dir / "frontier", options);
  int64_t now = 1;
  {
    CommitGroup group;
    group.seeds.push_back(frontier->scope().JudgeSeed(*web::Url::Parse(urls[0])));
    frontier->Commit(std::move(group), At(now));
  }

  std::map<uint32_t, int> done;
  std::vector<Task> fetching;         // leased, not ended
  std::vector<Completion> to_commit;  // ended, not committed
  std::map<HostId, int64_t> ended_at;
  std::map<HostId, uint32_t> in_flight;
  std::map<std::string, uint32_t> in_flight_at;  // by address
  std::map<std::string, int64_t> ended_at_address;
  std::set<std::string> leased;
  const auto end_fetch = [&](size_t at) {
    Completion completion;
    completion.task = std::move(fetching[at]);
    fetching.erase(fetching.begin() + static_cast<std::ptrdiff_t>(at));
    const HostId host = completion.task.place.host;
    FetchEnd end{.when = At(now), .address = address_of(host)};
    const bool silent = Chance(15);
    completion.reach = end.reach = silent ? Reach::kSilent : Reach::kAnswered;
    completion.status = silent ? 0 : 200;
    frontier->Release(completion.task, end);
    --in_flight[host];
    --in_flight_at[address_of(host)];
    ended_at[host] = now;
    ended_at_address[address_of(host)] = now;
    if (completion.task.info.kind == TaskKind::kRobots) {
      completion.robots = RobotsResult{RobotsResult::Kind::kAllowAll, "", std::nullopt};
      if (silent || Chance(20)) completion.robots->kind = RobotsResult::Kind::kUnreachable;
    } else {
      const uint32_t page = index.at(std::string(completion.task.url.href()));
      const uint32_t fate = Draw(10);
      if (fate == 0 || silent) {
        completion.outcome = Outcome::kRetry;
        completion.retry_at = At(now + Draw(100));
      } else if (fate == 1) {
        completion.outcome = Outcome::kGivenBack;
      } else {
        for (const uint32_t target : links[page]) {
          completion.found.push_back(frontier->scope().JudgeLink(
              *web::Url::Parse(urls[target]), completion.task.url, completion.task.info));
        }
      }
    }
    to_commit.push_back(std::move(completion));
  };
  const auto commit = [&] {
    CommitGroup group;
    for (Completion& completion : to_commit) {
      if (completion.task.info.kind == TaskKind::kPage) {
        const std::string url(completion.task.url.href());
        leased.erase(url);
        if (completion.outcome == Outcome::kDone) ++done[index.at(url)];
      }
      group.completions.push_back(std::move(completion));
    }
    to_commit.clear();
    frontier->Commit(std::move(group), At(now));
  };

  for (int step = 0; done.size() < pages || !frontier->Drained(); ++step) {
    ASSERT_LT(step, 60'000) << "the crawl hangs with " << done.size() << " of " << pages;
    now += Draw(5);
    if (dies && Chance(1)) {
      // The process dies: what was not committed is forgotten.
      // Politeness is not: what was under way has reached its host.
      frontier.reset();
      for (const Task& task : fetching) {
        ended_at[task.place.host] = now;
        ended_at_address[address_of(task.place.host)] = now;
      }
      fetching.clear();
      to_commit.clear();
      in_flight.clear();
      in_flight_at.clear();
      leased.clear();
      gated.clear();
      probes.clear();
      frontier = std::make_unique<Frontier>(dir / "frontier", options);
    }
    if (!gated.empty() && Chance(20)) frontier->WantProbe(gated.back().host);
    Decision decision = frontier->Next(At(now));
    for (const HostId host : std::exchange(probes, {})) {
      // A probe is a fetch; this one ends at once.
      const std::string address = address_of(host);
      if (ended_at.contains(host)) {
        ASSERT_GE(now, ended_at[host] + politeness.delay.count());
      }
      if (politeness.address.concurrency > 0) {
        ASSERT_LT(in_flight_at[address], politeness.address.concurrency);
      }
      if (politeness.address.any() && ended_at_address.contains(address)) {
        ASSERT_GE(now, ended_at_address[address] + politeness.address.delay.count());
      }
      ended_at[host] = ended_at_address[address] = now;
      frontier->EndProbe(host, {.when = At(now), .address = address});
      const auto dead = std::find_if(gated.begin(), gated.end(),
                                     [&](const GatedHost& one) { return one.host == host; });
      ASSERT_NE(dead, gated.end());
      const uint32_t fate = Draw(3);
      if (fate == 0) continue;
      if (fate == 1) {
        dead->gate->Set();
        frontier->OpenGate(host, At(now));
      } else {
        frontier->Park(host, At(now + Draw(100)));
      }
      gated.erase(dead);
    }
    if (const auto* wanted = std::get_if<LookUp>(&decision)) {
      ASSERT_TRUE(politeness.address.any());
      frontier->NoteAddress(wanted->host, address_of(wanted->host));
      continue;
    }
    if (auto* task = std::get_if<Task>(&decision)) {
      const HostId host = task->place.host;
      ASSERT_LE(++in_flight[host], politeness.concurrency_per_host);
      if (ended_at.contains(host)) {
        ASSERT_GE(now, ended_at[host] + politeness.delay.count());
      }
      const std::string address = address_of(host);
      ++in_flight_at[address];
      if (politeness.address.concurrency > 0) {
        ASSERT_LE(in_flight_at[address], politeness.address.concurrency);
      }
      if (politeness.address.any() && ended_at_address.contains(address)) {
        ASSERT_GE(now, ended_at_address[address] + politeness.address.delay.count());
      }
      for (const GatedHost& dead : gated) ASSERT_NE(dead.host, host) << "its gate is shut";
      if (task->info.kind == TaskKind::kPage) {
        ASSERT_TRUE(leased.insert(std::string(task->url.href())).second) << "leased twice";
      }
      fetching.push_back(std::move(*task));
    }
    if (!fetching.empty() && Chance(60)) end_fetch(Draw(static_cast<uint32_t>(fetching.size())));
    const bool due = !to_commit.empty() || frontier->NextChore(At(now)) <= At(now);
    if (due && Chance(30)) commit();
    if (!due && fetching.empty() && std::holds_alternative<Wait>(decision)) now += Draw(40);
  }
  const Counters counters = frontier->stats().counters;
  EXPECT_EQ(done.size(), pages);
  for (const auto& [page, times] : done) EXPECT_EQ(times, 1) << urls[page];
  EXPECT_EQ(counters.seen(), pages);
}

INSTANTIATE_TEST_SUITE_P(Seeds, FrontierModelTest, testing::Range(1, 25));

}  // namespace
}  // namespace crawld::frontier
