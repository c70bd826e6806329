#include "service/admin_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "service/metrics.h"
#include "tests/support/temp_dir.h"

namespace crawld::service {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

class AdminApiTest : public testing::Test {
 protected:
  AdminApiTest()
      : api_({.crawl = "t",
              .data_dir = dir_.path(),
              .started = WallTime(Millis(1'700'000'000'000)),
              .snapshot = [this] { return now_; },
              .host_health = [this] { return health_; },
              .stopping = [this] { return stopping_; },
              .pipeline = &pipeline_}) {}

  HttpResponse Get(const std::string& path) const {
    return api_.Handle({.method = "GET", .path = path, .query = {}, .body = ""});
  }
  // Of the series, by name and labels.
  std::map<std::string, double> Series() const {
    std::map<std::string, double> series;
    std::istringstream text(Get("/metrics").body);
    for (std::string line; std::getline(text, line);) {
      if (line.starts_with('#')) continue;
      const size_t space = line.rfind(' ');
      series[line.substr(0, space)] = std::stod(line.substr(space + 1));
    }
    return series;
  }

  const test::TempDir dir_;
  Snapshot now_;
  HostHealthStats health_;
  bool stopping_ = false;
  PipelineMetrics pipeline_;
  const AdminApi api_;
};

TEST_F(AdminApiTest, MetricsTellWhatWasCounted) {
  now_.pipeline.fetches = 7;
  now_.pipeline.held_bytes = 1 << 20;
  now_.fetcher.in_flight = 5;
  now_.fetcher.resolving = 2;
  now_.fetcher.paused = 1;
  now_.frontier.counters.by_state[static_cast<int>(frontier::UrlState::kQueued)] = 40;
  now_.frontier.counters.excluded[static_cast<int>(frontier::Verdict::kOtherHost)] = 3;
  health_.parked = 2;
  pipeline_.CountError(fetcher::FetchError::kReset);
  pipeline_.CountStatus(404);
  pipeline_.CountStatus(999);
  pipeline_.AddIdle(IdleReason::kMemory, std::chrono::milliseconds(1500));
  pipeline_.fetch.Observe(std::chrono::milliseconds(20));
  pipeline_.fetch.Observe(std::chrono::minutes(10));
  EXPECT_EQ(Get("/metrics").content_type, kMetricsContentType);
  const auto series = Series();
  const std::map<std::string, double> due = {
      {"crawld_fetches_total", 7},
      {"crawld_held_bytes", 1 << 20},
      {"crawld_in_flight{state=\"resolving\"}", 2},
      {"crawld_in_flight{state=\"paused\"}", 1},
      {"crawld_in_flight{state=\"transferring\"}", 2},
      {"crawld_urls{state=\"queued\"}", 40},
      {"crawld_excluded_urls{reason=\"other_host\"}", 3},
      {"crawld_hosts_parked_total", 2},
      {"crawld_fetch_errors_total{error=\"reset\"}", 1},
      {"crawld_fetch_errors_total{error=\"dns\"}", 0},
      {"crawld_responses_total{class=\"4xx\"}", 1},
      {"crawld_responses_total{class=\"other\"}", 1},
      {"crawld_idle_seconds_total{reason=\"memory\"}", 1.5},
      {"crawld_stage_duration_seconds_bucket{stage=\"fetch\",le=\"0.01\"}", 0},
      {"crawld_stage_duration_seconds_bucket{stage=\"fetch\",le=\"0.025\"}", 1},
      {"crawld_stage_duration_seconds_bucket{stage=\"fetch\",le=\"120\"}", 1},
      {"crawld_stage_duration_seconds_bucket{stage=\"fetch\",le=\"+Inf\"}", 2},
      {"crawld_stage_duration_seconds_count{stage=\"fetch\"}", 2},
      {"crawld_stage_duration_seconds_sum{stage=\"fetch\"}", 600.02},
      {"process_start_time_seconds", 1'700'000'000},
  };
  for (const auto& [name, value] : due) {
    ASSERT_TRUE(series.contains(name)) << name;
    EXPECT_DOUBLE_EQ(series.at(name), value) << name;
  }
  EXPECT_GT(series.at("process_resident_memory_bytes"), 1e6);
  EXPECT_GT(series.at("process_open_fds"), 2);
}

TEST_F(AdminApiTest, TheNumberOfSeriesDoesNotGrowWithTheCrawl) {
  const size_t before = Series().size();
  now_.frontier.counters.hosts = 1'000'000;
  now_.pipeline.fetches = 1'000'000'000;
  EXPECT_EQ(Series().size(), before);
  EXPECT_LT(before, 300U);
}

TEST_F(AdminApiTest, EveryMetricHasAHelpATypeAndAPlaceInTheDocument) {
  std::ifstream file(CRAWLD_SOURCE_DIR "/docs/metrics.md");
  const std::string document{std::istreambuf_iterator<char>(file), {}};
  ASSERT_FALSE(document.empty());
  std::istringstream text(Get("/metrics").body);
  std::set<std::string> helped;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("# HELP ")) {
      helped.insert(line.substr(7, line.find(' ', 7) - 7));
    } else if (line.starts_with("# TYPE ")) {
      const std::string name = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(helped.contains(name)) << name;
      EXPECT_THAT(document, HasSubstr("`" + name + "`"));
      EXPECT_EQ(name.ends_with("_total"), line.ends_with(" counter")) << name;
    }
  }
}

TEST_F(AdminApiTest, AThreadThatHangsIsNamedWithWhatItDoes) {
  using std::chrono::seconds;
  const concurrency::ThreadInfo works{"parse-0", 11, seconds(3), "parses a page", false};
  const concurrency::ThreadInfo waits{"parse-1", 12, seconds(9000), "waits for a page", true};
  EXPECT_TRUE(CheckThreads({works, waits}).good);
  const HealthCheck stuck =
      CheckThreads({works, waits, {"commit", 13, seconds(75), "writes the archive", false}});
  EXPECT_FALSE(stuck.good);
  EXPECT_THAT(stuck.detail, HasSubstr("commit (13) has been at 'writes the archive' for 1m 15s"));
  EXPECT_THAT(stuck.detail, testing::Not(HasSubstr("parse-")));
}

TEST_F(AdminApiTest, WhoStopsIsAliveAndNotReady) {
  EXPECT_EQ(Get("/healthz").status, 200);
  HttpResponse ready = Get("/readyz");
  EXPECT_EQ(ready.status, 200) << ready.body;
  EXPECT_EQ(json::parse(ready.body).as_object().at("checks").as_array().size(), 4U);
  stopping_ = true;
  EXPECT_EQ(Get("/healthz").status, 200);
  ready = Get("/readyz");
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr("it stops"));
}

TEST_F(AdminApiTest, TheStatusIsJsonWithWhatAPersonAsks) {
  now_.pipeline.pages = 12;
  now_.frontier.counters.by_state[static_cast<int>(frontier::UrlState::kDone)] = 12;
  const json::object status = json::parse(Get("/api/v1/status").body).as_object();
  EXPECT_EQ(status.at("crawl").as_string(), "t");
  EXPECT_EQ(status.at("state").as_string(), "running");
  EXPECT_EQ(status.at("pages").to_number<int>(), 12);
  EXPECT_EQ(status.at("urls").at("done").to_number<int>(), 12);
  EXPECT_EQ(status.at("started").as_string(), "2023-11-14T22:13:20.000Z");
}

TEST_F(AdminApiTest, OtherPathsAndMethodsAreRefusedWithWhatThereIs) {
  EXPECT_EQ(Get("/").status, 404);
  EXPECT_THAT(Get("/x").body, HasSubstr("/api/v1/status"));
  const HttpResponse post =
      api_.Handle({.method = "POST", .path = "/metrics", .query = {}, .body = ""});
  EXPECT_EQ(post.status, 405);
  EXPECT_EQ(post.allow, "GET, HEAD");
}

}  // namespace
}  // namespace crawld::service
