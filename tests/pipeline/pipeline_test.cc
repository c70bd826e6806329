// The line end to end, in this process: a real frontier, fetcher and archive against a real server.
#include "pipeline/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "base/error.h"
#include "concurrency/threads.h"
#include "pipeline/host_health.h"
#include "pipeline/seeder.h"
#include "service/wiring.h"
#include "tests/support/archive_reader.h"
#include "tests/support/dns_server.h"
#include "tests/support/http_server.h"
#include "tests/support/site.h"
#include "tests/support/temp_dir.h"

namespace crawld::pipeline {
namespace {

namespace fs = std::filesystem;
using frontier::UrlState;
using test::ArchiveContents;
using test::HttpServer;
using test::Kept;
using test::Reply;
using test::Request;
using test::Site;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;

using End = Pipeline::End;

struct LineOptions {
  frontier::FrontierOptions frontier;
  archive::ArchiveOptions archive;
  fetcher::FetcherOptions fetcher;
  PipelineOptions pipeline;
  std::optional<Millis> park = {};  // instead of health.park
};

// All rooms of one run, as `crawld run --once` puts them together.
class Line {
 public:
  Line(const config::Config& config, const std::function<void(LineOptions&)>& change)
      : config_(config),
        options_{service::FrontierOptionsOf(config), service::ArchiveOptionsOf(config),
                 service::FetcherOptionsOf(config), service::PipelineOptionsOf(config, true)} {
    options_.frontier.forget_parking = true;
    options_.frontier.on_probe = [this](frontier::HostId host) { health_->Probe(host); };
    options_.frontier.on_gate = [this](frontier::GatedHost host) {
      health_->Watch(std::move(host));
    };
    options_.frontier.on_schedule_change = [this] {
      if (Pipeline* pipeline = running_.load()) pipeline->Wake();
    };
    options_.frontier.on_chores = [this] {
      if (Pipeline* pipeline = running_.load()) pipeline->Chores();
    };
    if (change) change(options_);
    frontier_ =
        std::make_unique<frontier::Frontier>(config_.data_dir / "frontier", options_.frontier);
    archive_ = std::make_unique<archive::Archive>(config_.data_dir, options_.archive,
                                                  frontier_->archive_position());
    fetcher_ = std::make_unique<fetcher::Fetcher>(options_.fetcher);
    pipeline_ = std::make_unique<Pipeline>(options_.pipeline, clock_, stop_, *frontier_, *fetcher_,
                                           *archive_);
    running_.store(pipeline_.get());
    HostHealthOptions health = service::HostHealthOptionsOf(config);
    health.park = options_.park.value_or(health.park);
    health_ = std::make_unique<HostHealth>(health, clock_, *fetcher_, *frontier_);
  }
  ~Line() { running_.store(nullptr); }

  End Run() {
    return pipeline_->Run(
        [this](const std::function<bool(SeedBatch)>& put) { ReadSeeds(config_, *frontier_, put); });
  }
  void Stop() {
    stop_.Set();
    pipeline_->Wake();
  }
  Pipeline& pipeline() { return *pipeline_; }
  fetcher::Fetcher& fetcher() { return *fetcher_; }
  uint64_t CountOf(UrlState state) const {
    return frontier_->stats().counters.by_state[static_cast<int>(state)];
  }
  uint64_t parked_urls() const { return frontier_->stats().parked_urls; }
  HostHealthStats health() const { return health_->stats(); }
  size_t in_flight() const { return frontier_->stats().scheduler.in_flight; }

 private:
  const config::Config config_;
  LineOptions options_;
  const Clock clock_;
  concurrency::Event stop_;
  std::atomic<Pipeline*> running_ = nullptr;
  std::unique_ptr<frontier::Frontier> frontier_;
  std::unique_ptr<archive::Archive> archive_;
  std::unique_ptr<fetcher::Fetcher> fetcher_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<HostHealth> health_;  // last: it uses all of the above
};

class PipelineTest : public testing::Test {
 protected:
  // A run over `seeds` (YAML), with what else the config shall say.
  std::unique_ptr<Line> Prepare(const std::string& seeds, const std::string& more = "",
                                const std::function<void(LineOptions&)>& change = {}) const {
    const std::string text = "name: t\ndata_dir: " + data_.string() +
                             "\n"
                             "identity: {user_agent: \"t/1 (+https://example.org/)\"}\n"
                             "politeness: {delay: 0, concurrency_per_host: 16}\n"
                             "scope: {nofollow: all}\n"
                             "fetcher: {allow_addresses: [127.0.0.0/8]}\n"
                             "retry: {backoff: 10ms}\n"
                             "health: {backoff: 10ms}\n"
                             "seeds: " +
                             seeds + "\n" + more;
    std::ofstream(dir_ / "c.yaml") << text;
    return std::make_unique<Line>(config::Load(dir_ / "c.yaml"), change);
  }
  static std::string SeedOf(const HttpServer& server) {
    return "{urls: [\"" + server.Url("/") + "\"]}";
  }

  // The archive is sound, and holds every URL of the site exactly once.
  void ExpectHoldsAllOf(const Site& site, const HttpServer& server) const {
    const ArchiveContents contents = test::ReadArchive(data_);
    EXPECT_THAT(contents.problems, IsEmpty());
    std::map<std::string, int> all;
    std::map<std::string, int> pages;
    for (const auto& [path, truth] : site.truth()) {
      const std::string url = server.Url(path);
      all[url] = 1;
      if (truth.kept == Kept::kPage) pages[url] = 1;
      const test::WarcRecord* record = contents.ResponseOf(url);
      ASSERT_NE(record, nullptr) << url;
      EXPECT_EQ(record->block.substr(0, 12), "HTTP/1.1 " + std::to_string(truth.status)) << url;
    }
    EXPECT_THAT(test::Differences(contents.ResponsesByUrl(), all), IsEmpty());
    EXPECT_THAT(test::Differences(contents.IndexByUrl(), all), IsEmpty());
    EXPECT_THAT(test::Differences(contents.PagesByUrl(), pages), IsEmpty());
  }
  static void ExpectNothingForbiddenWasAsked(const Site& site, const HttpServer& server) {
    for (const std::string& path : site.forbidden()) EXPECT_EQ(server.CountOf(path), 0) << path;
  }

  const test::TempDir dir_;
  const fs::path data_ = dir_ / "data";
};

TEST_F(PipelineTest, EveryReachableUrlStandsExactlyOnceInWarcIndexAndPages) {
  Site site({.pages = 250});
  HttpServer server([&](const Request& request) { return site.Handle(request); });
  {
    const auto line = Prepare(SeedOf(server));
    EXPECT_EQ(line->Run(), End::kDrained);
    EXPECT_EQ(line->CountOf(UrlState::kQueued), 0U);
    EXPECT_EQ(line->CountOf(UrlState::kFailed), 0U);
    EXPECT_EQ(line->pipeline().stats().held_bytes, 0U);
  }
  ExpectHoldsAllOf(site, server);
  ExpectNothingForbiddenWasAsked(site, server);
  const ArchiveContents contents = test::ReadArchive(data_);
  EXPECT_EQ(contents.log.size(), server.request_count()) << "a line a fetch, failures included";
  for (const auto& [target, count] : server.CountsByTarget()) {
    EXPECT_EQ(count, target.starts_with("/flaky/") ? 2 : 1) << target;
  }
  // A page that is neither chunked nor compressed stands there byte for byte, on either side.
  EXPECT_THAT(contents.ResponseOf(server.Url("/p/3"))->block,
              testing::EndsWith("\r\n\r\n" + site.BodyOf("/p/3")));
  for (const test::WarcFile& file : contents.warcs) {
    for (const test::WarcRecord& record : file.records) {
      if (record.type() != "request" || record.uri() != server.Url("/p/3")) continue;
      for (const Request& request : server.requests()) {
        if (request.target == "/p/3") {
          EXPECT_EQ(record.block, request.raw_head);
        }
      }
    }
  }
}

TEST_F(PipelineTest, ItCountsAndTimesWhatItHasDone) {
  std::atomic<int> tries = 0;
  HttpServer server([&](const Request& request) {
    if (request.target == "/robots.txt") return test::Answer(404, "");
    if (request.target == "/flaky" && ++tries == 1) return Reply().Reset();
    if (request.target == "/moved") return test::RedirectTo("/");
    return test::Html("<a href=/flaky>1</a><a href=/moved>2</a>");
  });
  const auto line = Prepare(SeedOf(server));
  EXPECT_EQ(line->Run(), End::kDrained);
  const PipelineMetrics& metrics = line->pipeline().metrics();
  constexpr uint64_t kFetches = 5;  // robots.txt, /, /flaky twice, /moved
  EXPECT_EQ(metrics.fetch.Read().total(), kFetches);
  EXPECT_EQ(metrics.parse.Read().total(), kFetches);
  EXPECT_EQ(metrics.total.Read().total(), kFetches);
  EXPECT_EQ(metrics.committed(), kFetches);
  EXPECT_EQ(metrics.commit.Read().total(), metrics.commits());
  EXPECT_GE(metrics.total.Read().sum, metrics.fetch.Read().sum);
  EXPECT_EQ(metrics.errors(fetcher::FetchError::kReset), 1U);
  EXPECT_EQ(metrics.statuses(2), 2U);
  EXPECT_EQ(metrics.statuses(3), 1U);
  EXPECT_EQ(metrics.statuses(4), 1U);
  EXPECT_EQ(metrics.statuses(0) + metrics.statuses(5), 0U);
  std::chrono::microseconds idle{0};
  std::set<std::string_view> names;
  for (int i = 0; i < kIdleReasons; ++i) {
    idle += metrics.idle(static_cast<IdleReason>(i));
    names.insert(Name(static_cast<IdleReason>(i)));
  }
  EXPECT_GT(idle.count(), 0) << "the retry waits for its back-off";
  EXPECT_EQ(names.size(), static_cast<size_t>(kIdleReasons));
}

TEST_F(PipelineTest, ASecondRunOfACompleteCrawlFetchesNothing) {
  Site site({.pages = 50});
  HttpServer server([&](const Request& request) { return site.Handle(request); });
  EXPECT_EQ(Prepare(SeedOf(server))->Run(), End::kDrained);
  const uint64_t requests = server.request_count();
  EXPECT_EQ(Prepare(SeedOf(server))->Run(), End::kDrained);
  EXPECT_EQ(server.request_count(), requests);
  ExpectHoldsAllOf(site, server);
}

TEST_F(PipelineTest, RotationAndSmallCommitsLoseNothing) {
  Site site({.pages = 120});
  HttpServer server([&](const Request& request) { return site.Handle(request); });
  EXPECT_EQ(Prepare(SeedOf(server), "",
                    [](LineOptions& options) {
                      options.archive.max_file_bytes = 20'000;
                      options.pipeline.commit_pages = 3;
                      options.pipeline.parser_threads = 3;
                      options.fetcher.threads = 2;
                    })
                ->Run(),
            End::kDrained);
  ExpectHoldsAllOf(site, server);
  const ArchiveContents contents = test::ReadArchive(data_);
  EXPECT_GT(contents.warcs.size(), 3U);
  for (const test::WarcFile& file : contents.warcs) EXPECT_EQ(file.path.extension(), ".gz");
}

TEST_F(PipelineTest, ARunWithoutAnythingToFetchEnds) {
  std::ofstream(dir_ / "empty.txt") << "# nothing\n";
  EXPECT_EQ(Prepare("{files: [empty.txt]}")->Run(), End::kDrained);
}

TEST_F(PipelineTest, WithoutAGateAHostThatIsNotThereEndsInFailures) {
  std::string url;
  {
    HttpServer server([](const Request&) { return Reply(); });
    url = server.Url("/");
  }
  const auto line = Prepare("{urls: [\"" + url + "\"]}", "", [](LineOptions& options) {
    options.frontier.scheduler.politeness.robots = false;
    options.frontier.scheduler.health.failures = 0;
  });
  EXPECT_EQ(line->Run(), End::kDrained);
  EXPECT_EQ(line->CountOf(UrlState::kFailed), 1U);
  EXPECT_EQ(test::ReadArchive(data_).log.size(), 4U) << "four tries, a line each";
}

TEST_F(PipelineTest, AHostThatIsNotThereIsParkedTheRunEndsAndTheNextOneTriesItAgain) {
  int port = 0;
  {
    const HttpServer server([](const Request&) { return Reply(); });
    port = server.port();
  }
  const std::string url = "http://127.0.0.1:" + std::to_string(port) + "/";
  {
    const auto line = Prepare("{urls: [\"" + url + "\"]}");
    EXPECT_EQ(line->Run(), End::kDrained);
    EXPECT_EQ(line->CountOf(UrlState::kQueued), 1U);
    EXPECT_EQ(line->parked_urls(), 1U);
    EXPECT_EQ(line->health().probes, 3U);
    EXPECT_EQ(line->health().parked, 1U);
    EXPECT_EQ(test::ReadArchive(data_).log.size(), 3U) << "three tries of its robots.txt";
  }
  test::HttpServerOptions options;
  options.port = port;
  const HttpServer server([](const Request&) { return test::Html("here"); }, options);
  const auto line = Prepare("{urls: [\"" + url + "\"]}");
  EXPECT_EQ(line->Run(), End::kDrained);
  EXPECT_EQ(line->CountOf(UrlState::kDone), 1U);
  EXPECT_EQ(line->parked_urls(), 0U);
}

// Else, of many such hosts, there is always one that is being tried.
TEST_F(PipelineTest, ARunIsOverWhenOnlyParkedHostsAreLeftHoweverOftenTheyWouldBeTried) {
  constexpr int kDead = 12;
  std::atomic<int> served = 0;
  const HttpServer dead([](const Request&) { return Reply().Reset(); },
                        {.addresses = kDead + 1, .port = 0, .greeting = ""});
  HttpServer server([&](const Request& request) {
    if (request.target == "/robots.txt") return test::Answer(404, "");
    // A page each 20 ms, each with a link to another dead host.
    const int number = ++served;
    std::this_thread::sleep_for(Millis(20));
    if (number > kDead) return test::Html("the end");
    return test::Html("<a href='" + dead.Url("/", 1 + number) + "'>x</a><a href=/" +
                      std::to_string(number) + ">on</a>");
  });
  const auto line = Prepare(SeedOf(server), "", [](LineOptions& options) {
    options.frontier.scope.mode = frontier::ScopeMode::kAny;
    options.park = Millis(30);
  });
  EXPECT_EQ(line->Run(), End::kDrained);
  EXPECT_EQ(line->CountOf(UrlState::kDone), static_cast<uint64_t>(kDead + 1));
  EXPECT_EQ(line->parked_urls(), static_cast<uint64_t>(kDead));
}

TEST_F(PipelineTest, AHostThatComesBackIsCrawledOnAtOnce) {
  std::atomic<int> refused = 0;
  const HttpServer server([&](const Request&) {
    // Three fetches and one probe find nobody.
    return refused++ < 4 ? Reply().Reset() : test::Html("here");
  });
  const auto line = Prepare(SeedOf(server));
  EXPECT_EQ(line->Run(), End::kDrained);
  EXPECT_EQ(line->CountOf(UrlState::kDone), 1U);
  EXPECT_EQ(line->health().opened, 1U);
  EXPECT_EQ(line->health().probes, 2U);
}

// --- stopping

class StoppedPipelineTest : public PipelineTest {
 protected:
  // Runs until `in_flight` fetches hang, then stops with this much grace.
  void RunUntilStopped(HttpServer& server, int in_flight, Millis grace,
                       const std::function<void()>& after_stop = {}) {
    const auto line = Prepare(SeedOf(server), "", [&](LineOptions& options) {
      options.pipeline.concurrency = static_cast<uint32_t>(in_flight);
      options.pipeline.grace = grace;
    });
    End end{};
    {
      concurrency::NamedThread run("dispatch", [&] { end = line->Run(); });
      ASSERT_TRUE(server.AwaitInFlight(in_flight));
      line->Stop();
      if (after_stop) after_stop();
    }
    EXPECT_EQ(end, End::kStopped);
    EXPECT_EQ(line->pipeline().stats().in_flight, 0U);
    EXPECT_GT(line->CountOf(UrlState::kQueued), 0U);
    done_ = line->CountOf(UrlState::kDone);
  }

  uint64_t done_ = 0;
};

TEST_F(StoppedPipelineTest, AStopUnderFullLoadGivesBackWhatIsInFlightAndTheNextRunFetchesIt) {
  Site site({.pages = 150});
  std::shared_ptr<test::Gate> gate;
  std::atomic<int> free = 60;  // answered at once; the rest hangs until the gate opens
  HttpServer server([&](const Request& request) {
    if (free.fetch_sub(1) > 0) return site.Handle(request);
    return Reply().WaitFor(gate).Close();
  });
  gate = server.MakeGate();
  RunUntilStopped(server, 8, Millis(0));
  const ArchiveContents half = test::ReadArchive(data_);
  EXPECT_THAT(half.problems, IsEmpty());
  EXPECT_EQ(half.PagesByUrl().size() + 2, done_ + 1) << "pages, robots.txt and the sitemap";
  for (const auto& line : half.log) EXPECT_NE(line.at("outcome").as_string(), "given_back");
  free = 1 << 30;
  gate->Open();
  EXPECT_EQ(Prepare(SeedOf(server))->Run(), End::kDrained);
  ExpectHoldsAllOf(site, server);
}

TEST_F(StoppedPipelineTest, WhatEndsWithinTheGraceIsKept) {
  std::shared_ptr<test::Gate> gate;
  std::atomic<int> served = 0;
  HttpServer server([&](const Request&) {
    Reply reply;
    if (served.fetch_add(1) >= 40) reply.WaitFor(gate);
    return reply.Send(
        test::ResponseBytes(200, "<title>x</title>", {{"Content-Type", "text/html"}}));
  });
  std::string seeds = "{urls: [";
  for (int i = 0; i < 100; ++i) seeds += "\"" + server.Url("/" + std::to_string(i)) + "\",";
  gate = server.MakeGate();
  const auto line = Prepare(seeds + "]}", "", [](LineOptions& options) {
    options.pipeline.concurrency = 8;
    options.pipeline.grace = std::chrono::hours(1);
  });
  End end{};
  {
    concurrency::NamedThread run("dispatch", [&] { end = line->Run(); });
    ASSERT_TRUE(server.AwaitInFlight(8));
    line->Stop();
    gate->Open();
  }
  EXPECT_EQ(end, End::kStopped);
  const ArchiveContents contents = test::ReadArchive(data_);
  EXPECT_THAT(contents.problems, IsEmpty());
  EXPECT_EQ(contents.log.size(), server.request_count()) << "nothing that was asked for is lost";
  EXPECT_EQ(contents.ResponsesByUrl().size(), server.request_count());
}

TEST_F(StoppedPipelineTest, ALineThatIsStoppedBeforeItBeginsFetchesNothing) {
  HttpServer server([](const Request&) { return test::Html("x"); });
  const auto line = Prepare(SeedOf(server));
  line->Stop();
  EXPECT_EQ(line->Run(), End::kStopped);
  EXPECT_EQ(server.request_count(), 0U);
}

TEST_F(StoppedPipelineTest, StoppedAgainAndAgainItLosesNothingAndRepeatsNothing) {
  Site site({.pages = 150});
  std::atomic<int> served = 0;
  HttpServer server([&](const Request& request) {
    ++served;
    return site.Handle(request);
  });
  End end = End::kStopped;
  int runs = 0;
  for (; end == End::kStopped && runs < 100; ++runs) {
    const auto line = Prepare(SeedOf(server), "", [&](LineOptions& options) {
      options.pipeline.grace = Millis(0);
      options.pipeline.commit_pages = 1 + static_cast<uint32_t>(runs) % 7;
    });
    const uint64_t target = server.request_count() + 25;
    concurrency::Event over;
    {
      concurrency::NamedThread run("dispatch", [&] {
        end = line->Run();
        over.Set();
      });
      while (server.request_count() < target && !over.WaitFor(std::chrono::milliseconds(1))) {
      }
      line->Stop();
    }
    EXPECT_THAT(test::ReadArchive(data_).problems, IsEmpty());
  }
  EXPECT_EQ(end, End::kDrained);
  EXPECT_GT(runs, 3);
  ExpectHoldsAllOf(site, server);
}

// --- failing

TEST_F(PipelineTest, AFailingWriteEndsTheRunWithItsReasonAndTheNextRunGoesOn) {
  Site site({.pages = 150});
  HttpServer server([&](const Request& request) { return site.Handle(request); });
  for (const char* name : {"crawl.log", "index.cdxj"}) {
    fs::remove_all(data_);
    fs::create_directories(data_);
    fs::create_symlink("/dev/full", data_ / name);
    // Producers that would wait for the committer for ever: full queues on either side.
    std::ofstream list(dir_ / "list.txt");
    for (int i = 0; i < 100; ++i) {
      for (const auto& [path, truth] : site.truth()) {
        if (truth.kept == Kept::kPage) list << server.Url(path) << "\n";
      }
    }
    list.close();
    {
      const auto line = Prepare("{files: [list.txt]}", "", [](LineOptions& options) {
        options.pipeline.commit_pages = 2;
        options.pipeline.concurrency = 16;
      });
      EXPECT_EQ(line->Run(), End::kFailed);
      EXPECT_THAT(line->pipeline().failure(), HasSubstr((data_ / name).string()));
      EXPECT_THAT(line->pipeline().failure(), HasSubstr("No space left on device"));
    }
    fs::remove(data_ / name);
    EXPECT_EQ(Prepare("{files: [list.txt], urls: [\"" + server.Url("/") + "\"]}")->Run(),
              End::kDrained);
    ExpectHoldsAllOf(site, server);
  }
}

TEST_F(PipelineTest, AFailureWhileManyTransfersEndLeavesNobodyBehind) {
  for (int round = 0; round < 10; ++round) {
    fs::remove_all(data_);
    fs::create_directories(data_);
    fs::create_symlink("/dev/full", data_ / "crawl.log");
    HttpServer server([&](const Request&) { return test::Html("x"); });
    std::string seeds = "{urls: [";
    for (int i = 0; i < 300; ++i) seeds += "\"" + server.Url("/" + std::to_string(i)) + "\",";
    const auto line = Prepare(seeds + "]}", "", [](LineOptions& options) {
      options.pipeline.commit_pages = 1;
      options.pipeline.concurrency = 64;
      options.fetcher.threads = 2;
      options.frontier.scheduler.politeness.concurrency_per_host = 64;
    });
    EXPECT_EQ(line->Run(), End::kFailed);
  }
}

TEST_F(PipelineTest, AListThatCannotBeReadFailsTheRunWithItsName) {
  const std::string gzip = test::Gzip(std::string(100'000, '#'));
  std::ofstream(dir_ / "list.gz", std::ios::binary) << gzip.substr(0, gzip.size() / 2);
  const auto line = Prepare("{files: [list.gz]}");
  EXPECT_EQ(line->Run(), End::kFailed);
  EXPECT_THAT(line->pipeline().failure(), HasSubstr("list.gz"));
}

// --- bounds

TEST_F(PipelineTest, NeverMoreIsInFlightThanConfiguredInAllAndPerHost) {
  constexpr int kHosts = 4;
  std::shared_ptr<test::Gate> gate;
  HttpServer server(
      [&](const Request& request) {
        Reply reply;
        if (request.target != "/robots.txt") reply.WaitFor(gate);
        return reply.Send(test::ResponseBytes(404, ""));
      },
      {.addresses = kHosts, .port = 0, .greeting = ""});
  gate = server.MakeGate();
  std::string seeds = "{urls: [";
  for (int i = 0; i < 40; ++i) {
    seeds += "\"" + server.Url("/" + std::to_string(i), 1 + i % kHosts) + "\",";
  }
  const auto line = Prepare(seeds + "]}", "", [](LineOptions& options) {
    options.pipeline.concurrency = 7;
    options.frontier.scheduler.politeness.concurrency_per_host = 3;
  });
  End end{};
  {
    concurrency::NamedThread run("dispatch", [&] { end = line->Run(); });
    EXPECT_TRUE(server.AwaitInFlight(7));
    gate->Open();
  }
  EXPECT_EQ(end, End::kDrained);
  EXPECT_EQ(server.max_in_flight(), 7);
  for (int i = 1; i <= kHosts; ++i) EXPECT_LE(server.MaxInFlight(server.Authority(i)), 3);
  EXPECT_EQ(server.request_count(), 44U);
}

TEST_F(PipelineTest, ServersThatAreSilentKeepNoOtherFromBeingAsked) {
  constexpr int kSilent = 6;
  test::HttpServerOptions addresses;
  addresses.addresses = 1 + kSilent;
  const HttpServer server(
      [&](const Request& request) {
        if (!request.host.starts_with("127.0.0.1:")) return Reply().Stall();
        if (request.target == "/robots.txt") return test::Answer(404, "");
        return test::Html("here");
      },
      addresses);
  std::string seeds = "{urls: [";
  for (int i = 2; i <= 1 + kSilent; ++i) seeds += "\"" + server.Url("/", i) + "\",";
  for (int i = 0; i < 10; ++i) seeds += "\"" + server.Url("/" + std::to_string(i)) + "\",";
  const auto line = Prepare(seeds + "]}", "", [](LineOptions& options) {
    options.pipeline.concurrency = 2;
    options.pipeline.max_slow = kSilent + 2;
    options.pipeline.patience = Millis(10);
    options.pipeline.grace = Millis(0);
  });
  End end{};
  {
    concurrency::NamedThread run("dispatch", [&] { end = line->Run(); });
    EXPECT_TRUE(server.AwaitRequests(kSilent + 11)) << "the silent ones, robots.txt, and ten pages";
    EXPECT_GE(line->pipeline().stats().slow, kSilent);
    line->Stop();
  }
  EXPECT_EQ(end, End::kStopped);
  EXPECT_EQ(line->pipeline().stats().slow, 0U);
}

// A crash must not forget it.
TEST_F(PipelineTest, ThatAHostAsksToBeLeftAloneIsCommittedAtOnce) {
  std::shared_ptr<test::Gate> gate;
  std::atomic<bool> asked = false;
  HttpServer server(
      [&](const Request& request) {
        if (request.target == "/robots.txt") return test::Answer(404, "");
        if (request.target == "/limited") {
          asked = true;
          return test::Answer(429, "", {{"Retry-After", "1000"}});
        }
        if (asked) return Reply().WaitFor(gate).Send(test::ResponseBytes(200, ""));
        return test::Html("<a href='" + request.target + "x'>");  // until it is /limited's turn
      },
      {.addresses = 2, .port = 0, .greeting = ""});
  gate = server.MakeGate();
  const std::string seeds =
      "{urls: [\"" + server.Url("/limited", 1) + "\", \"" + server.Url("/a", 2) + "\"]}";
  const auto line = Prepare(seeds, "", [](LineOptions& options) {
    options.pipeline.concurrency = 1;
    options.pipeline.max_slow = 0;
    options.pipeline.grace = Millis(0);
    options.pipeline.commit_interval = Millis(3'600'000);
  });
  concurrency::NamedThread run("dispatch", [&] { line->Run(); });
  for (int i = 0; i < 2000 && line->CountOf(UrlState::kLater) == 0; ++i) {
    std::this_thread::sleep_for(Millis(5));
  }
  EXPECT_EQ(line->CountOf(UrlState::kLater), 1U);
  EXPECT_TRUE(server.AwaitInFlight(1)) << "the crawl is not idle";
  line->Stop();
}

// RFC 9112 section 7: names of codings are the same in either case.
TEST_F(PipelineTest, RulesInChunksAreReadWhateverTheCodingCallsItself) {
  HttpServer server([](const Request& request) {
    if (request.target == "/robots.txt") {
      return Reply().Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n" +
                          test::Chunked("User-agent: *\nDisallow: /private\n", 18));
    }
    return test::Html("<a href=/private/x>no</a><a href=/public>yes</a>");
  });
  EXPECT_EQ(Prepare(SeedOf(server))->Run(), End::kDrained);
  EXPECT_EQ(server.CountOf("/public"), 1);
  EXPECT_EQ(server.CountOf("/private/x"), 0);
}

TEST_F(PipelineTest, WithoutARetryAfterTheBackOffHoldsTheHostAtOnce) {
  HttpServer server([](const Request& request) {
    if (request.target == "/robots.txt") return test::Answer(404, "");
    return test::Answer(503, "");
  });
  std::string seeds = "{urls: [";
  for (int i = 0; i < 50; ++i) seeds += "\"" + server.Url("/" + std::to_string(i)) + "\",";
  const auto line = Prepare(seeds + "]}", "", [](LineOptions& options) {
    options.pipeline.worker.backoff = Millis(3'600'000);
    options.frontier.scheduler.politeness.concurrency_per_host = 1;
    options.pipeline.commit_interval = Millis(2000);
    options.pipeline.concurrency = 1;
    options.pipeline.grace = Millis(0);
  });
  concurrency::NamedThread run("dispatch", [&] { line->Run(); });
  for (int i = 0; i < 2000 && line->CountOf(UrlState::kLater) == 0; ++i) {
    std::this_thread::sleep_for(Millis(5));
  }
  EXPECT_EQ(server.request_count(), 2U) << "robots.txt, and one page";
  line->Stop();
}

TEST_F(PipelineTest, WhileTheMemoryBudgetIsSpentNothingMoreIsAskedFor) {
  HttpServer server([&](const Request& request) {
    if (request.target == "/robots.txt") return test::Answer(404, "");
    return test::Html(std::string(100'000, 'x'));
  });
  std::string seeds = "{urls: [";
  for (int i = 0; i < 20; ++i) seeds += "\"" + server.Url("/" + std::to_string(i)) + "\",";
  const auto line = Prepare(seeds + "]}", "", [](LineOptions& options) {
    options.fetcher.memory_budget_bytes = 250'000;
  });
  line->fetcher().budget().Add(250'000);
  End end{};
  {
    concurrency::Event over;
    concurrency::NamedThread run("dispatch", [&] {
      end = line->Run();
      over.Set();
    });
    const auto waits_for_memory = [] {
      for (const auto& thread : concurrency::ListThreads()) {
        if (thread.name == "dispatch" && thread.note.starts_with("waits for memory")) return true;
      }
      return false;
    };
    while (!waits_for_memory() && !over.WaitFor(std::chrono::milliseconds(1))) {
    }
    EXPECT_FALSE(over.IsSet());
    EXPECT_EQ(server.request_count(), 0U);
    line->fetcher().budget().Sub(250'000);
  }
  EXPECT_EQ(end, End::kDrained);
  EXPECT_EQ(server.request_count(), 21U);
  EXPECT_EQ(line->CountOf(UrlState::kDone), 20U) << "paused in between, and whole in the end";
  EXPECT_EQ(line->pipeline().stats().held_bytes, 0U);
}

TEST_F(PipelineTest, WaitingForNameServersCountsAsThat) {
  test::DnsServer names([](const test::DnsQuestion&) { return test::DnsAnswer{.silent = true}; });
  for (const uint32_t max_slow : {0U, 4U}) {
    const auto line = Prepare("{urls: [\"http://a.example/\", \"http://b.example/\"]}", "",
                              [&](LineOptions& options) {
                                options.fetcher.resolver.servers = {names.address()};
                                options.pipeline.concurrency = 1;
                                options.pipeline.max_slow = max_slow;
                                options.pipeline.grace = Millis(0);
                              });
    End end{};
    {
      concurrency::NamedThread run("dispatch", [&] { end = line->Run(); });
      concurrency::Event never;
      while (line->pipeline().metrics().idle(IdleReason::kDns).count() == 0) {
        never.WaitFor(std::chrono::milliseconds(1));
      }
      line->Stop();
    }
    EXPECT_EQ(end, End::kStopped);
  }
}

TEST_F(PipelineTest, WhatIsCutOrNotTakenIsCounted) {
  HttpServer server([&](const Request& request) {
    if (request.target == "/robots.txt") return test::Answer(404, "");
    if (request.target == "/") {
      return test::Html("<a href=a>a</a><a href=b>b</a><a href=c>c</a>" + std::string(10'000, 'x'));
    }
    return test::Html("");
  });
  std::ofstream(dir_ / "list.txt") << server.Url("/") << "\nno url\nftp://host/\n";
  const auto line = Prepare("{files: [list.txt]}", "parser: {max_links: 2}\n",
                            [](LineOptions& options) { options.fetcher.max_body_bytes = 5000; });
  EXPECT_EQ(line->Run(), End::kDrained);
  const PipelineMetrics& metrics = line->pipeline().metrics();
  EXPECT_EQ(metrics.truncated(fetcher::Truncation::kLength), 1U);
  EXPECT_EQ(metrics.truncated(fetcher::Truncation::kTime), 0U);
  EXPECT_EQ(metrics.dropped_links(), 1U);
  EXPECT_EQ(metrics.seeds(), 1U);
  EXPECT_EQ(metrics.bad_seed_lines(), 2U);
}

}  // namespace
}  // namespace crawld::pipeline
