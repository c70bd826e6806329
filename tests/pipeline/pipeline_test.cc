// Whole runs of the line, and what ends one.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>

#include "tests/pipeline/line_fixture.h"

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
using testing::HasSubstr;

using End = Pipeline::End;

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

}  // namespace
}  // namespace crawld::pipeline
