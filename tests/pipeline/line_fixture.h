// The line end to end, in this process: a real frontier, fetcher and archive, to be run against a
// real server.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "concurrency/event.h"
#include "pipeline/host_health.h"
#include "pipeline/pipeline.h"
#include "pipeline/seeder.h"
#include "service/wiring.h"
#include "tests/support/archive_reader.h"
#include "tests/support/http_server.h"
#include "tests/support/site.h"
#include "tests/support/temp_dir.h"

namespace crawld::pipeline {

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

  Pipeline::End Run() {
    return pipeline_->Run(
        [this](const std::function<bool(SeedBatch)>& put) { ReadSeeds(config_, *frontier_, put); });
  }
  void Stop() {
    stop_.Set();
    pipeline_->Wake();
  }
  Pipeline& pipeline() { return *pipeline_; }
  fetcher::Fetcher& fetcher() { return *fetcher_; }
  uint64_t CountOf(frontier::UrlState state) const {
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
  static std::string SeedOf(const test::HttpServer& server) {
    return "{urls: [\"" + server.Url("/") + "\"]}";
  }

  // The archive is sound, and holds every URL of the site exactly once.
  void ExpectHoldsAllOf(const test::Site& site, const test::HttpServer& server) const {
    const test::ArchiveContents contents = test::ReadArchive(data_);
    EXPECT_THAT(contents.problems, testing::IsEmpty());
    std::map<std::string, int> all;
    std::map<std::string, int> pages;
    for (const auto& [path, truth] : site.truth()) {
      const std::string url = server.Url(path);
      all[url] = 1;
      if (truth.kept == test::Kept::kPage) pages[url] = 1;
      const test::WarcRecord* record = contents.ResponseOf(url);
      ASSERT_NE(record, nullptr) << url;
      EXPECT_EQ(record->block.substr(0, 12), "HTTP/1.1 " + std::to_string(truth.status)) << url;
    }
    EXPECT_THAT(test::Differences(contents.ResponsesByUrl(), all), testing::IsEmpty());
    EXPECT_THAT(test::Differences(contents.IndexByUrl(), all), testing::IsEmpty());
    EXPECT_THAT(test::Differences(contents.PagesByUrl(), pages), testing::IsEmpty());
  }
  static void ExpectNothingForbiddenWasAsked(const test::Site& site,
                                             const test::HttpServer& server) {
    for (const std::string& path : site.forbidden()) EXPECT_EQ(server.CountOf(path), 0) << path;
  }

  const test::TempDir dir_;
  const std::filesystem::path data_ = dir_ / "data";
};

}  // namespace crawld::pipeline
