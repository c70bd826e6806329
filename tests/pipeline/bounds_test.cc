// What a line keeps to: what is in flight, hosts that ask to be left alone, memory; and what it
// counts.
#include <atomic>
#include <fstream>
#include <memory>
#include <string>

#include "concurrency/threads.h"
#include "tests/pipeline/line_fixture.h"
#include "tests/support/dns_server.h"

namespace crawld::pipeline {
namespace {

using frontier::UrlState;
using test::HttpServer;
using test::Reply;
using test::Request;

using End = Pipeline::End;

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
