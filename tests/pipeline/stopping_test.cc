// A line that is told to stop.
#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "concurrency/threads.h"
#include "tests/pipeline/line_fixture.h"

namespace crawld::pipeline {
namespace {

using frontier::UrlState;
using test::ArchiveContents;
using test::HttpServer;
using test::Reply;
using test::Request;
using test::Site;
using testing::IsEmpty;

using End = Pipeline::End;

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

}  // namespace
}  // namespace crawld::pipeline
