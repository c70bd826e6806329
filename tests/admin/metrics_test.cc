#include "admin/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>

namespace crawld::admin {
namespace {

using testing::HasSubstr;

class MetricsTest : public testing::Test {
 protected:
  std::string Text() const {
    return RenderMetrics({.now = now_,
                          .pipeline = pipeline_,
                          .health = health_,
                          .resources = resources_,
                          .log = log_,
                          .memory = memory_,
                          .checks = checks_,
                          .reloads = reloads_,
                          .holds = 5,
                          .server = server_,
                          .limits = {.concurrency = 64, .total_timeout = Millis(90'000)},
                          .started = WallTime(Millis(1'700'000'000'000))});
  }
  // Of the series, by name and labels.
  std::map<std::string, double> Series() const {
    std::map<std::string, double> series;
    std::istringstream text(Text());
    for (std::string line; std::getline(text, line);) {
      if (line.starts_with('#')) continue;
      const size_t space = line.rfind(' ');
      series[line.substr(0, space)] = std::stod(line.substr(space + 1));
    }
    return series;
  }

  pipeline::Snapshot now_;
  pipeline::PipelineMetrics pipeline_;
  pipeline::HostHealthStats health_;
  health::ResourceUse resources_;
  logs::LogStats log_;
  frontier::FrontierMemory memory_;
  std::vector<health::HealthCheck> checks_ = {{"threads", true, ""}, {"disk", true, ""}};
  ReloadStats reloads_;
  HttpCounters server_;
};

TEST_F(MetricsTest, MetricsTellWhatWasCounted) {
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
  pipeline_.AddIdle(pipeline::IdleReason::kMemory, std::chrono::milliseconds(1500));
  pipeline_.fetch.Observe(std::chrono::milliseconds(20));
  pipeline_.fetch.Observe(std::chrono::minutes(10));
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

TEST_F(MetricsTest, MetricsTellOfChecksReloadsAndRequests) {
  checks_[1].good = false;
  reloads_ = {.taken_up = 3, .refused = 2, .last_refused = true, .pending = 4};
  server_.answers[4] = 7;
  pipeline_.CountTruncated(fetcher::Truncation::kNone);
  pipeline_.CountTruncated(fetcher::Truncation::kTime);
  pipeline_.CountDroppedLinks(12);
  pipeline_.CountSeeds(100, 3);
  const auto series = Series();
  const std::map<std::string, double> due = {
      {"crawld_check{check=\"threads\"}", 1},
      {"crawld_check{check=\"disk\"}", 0},
      {"crawld_config_reloads_total{result=\"taken_up\"}", 3},
      {"crawld_config_reloads_total{result=\"refused\"}", 2},
      {"crawld_config_last_reload_successful", 0},
      {"crawld_config_keys_pending", 4},
      {"crawld_operator_holds", 5},
      {"crawld_admin_requests_total{class=\"4xx\"}", 7},
      {"crawld_concurrency", 64},
      {"crawld_fetch_timeout_seconds", 90},
      {"crawld_truncated_bodies_total{reason=\"time\"}", 1},
      {"crawld_truncated_bodies_total{reason=\"length\"}", 0},
      {"crawld_dropped_links_total", 12},
      {"crawld_seed_lines_total{result=\"taken\"}", 100},
      {"crawld_seed_lines_total{result=\"bad\"}", 3},
  };
  for (const auto& [name, value] : due) {
    ASSERT_TRUE(series.contains(name)) << name;
    EXPECT_DOUBLE_EQ(series.at(name), value) << name;
  }
}

// A kept connection was not made, and what needed no name looked none up.
TEST_F(MetricsTest, AFetchCountsInTheStagesThatItHad) {
  using std::chrono::microseconds;
  fetcher::FetchResult fetched;
  fetched.status = 200;
  fetched.lookup = microseconds(30'000);
  fetched.connect = microseconds(50'000);
  fetched.first_byte = microseconds(150'000);
  pipeline_.ObserveFetch(fetched, microseconds(200'000));
  fetched.reused = true;
  fetched.lookup.reset();
  fetched.connect = microseconds(10);
  pipeline_.ObserveFetch(fetched, microseconds(200'000));
  const auto series = Series();
  const auto of = [&series](const std::string& what, const std::string& stage) {
    return series.at("crawld_stage_duration_seconds_" + what + "{stage=\"" + stage + "\"}");
  };
  EXPECT_DOUBLE_EQ(of("count", "lookup"), 1);
  EXPECT_DOUBLE_EQ(of("sum", "lookup"), 0.03);
  EXPECT_DOUBLE_EQ(of("count", "connect"), 1);
  EXPECT_DOUBLE_EQ(of("sum", "connect"), 0.02);
  EXPECT_DOUBLE_EQ(of("count", "first_byte"), 2);
  EXPECT_DOUBLE_EQ(of("sum", "first_byte"), 0.1 + 0.14999);
  EXPECT_DOUBLE_EQ(of("count", "fetch"), 2);
}

TEST_F(MetricsTest, TheNumberOfSeriesDoesNotGrowWithTheCrawl) {
  const size_t before = Series().size();
  now_.frontier.counters.hosts = 1'000'000;
  now_.pipeline.fetches = 1'000'000'000;
  EXPECT_EQ(Series().size(), before);
  EXPECT_LT(before, 400U);
}

TEST_F(MetricsTest, EveryMetricHasAHelpATypeAndAPlaceInTheDocument) {
  std::ifstream file(CRAWLD_SOURCE_DIR "/docs/metrics.md");
  const std::string document{std::istreambuf_iterator<char>(file), {}};
  ASSERT_FALSE(document.empty());
  std::istringstream text(Text());
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

TEST_F(MetricsTest, TheOwnersOfMemoryAddUpToTheProcess) {
  now_.pipeline.held_bytes = 10;
  memory_ = {20, 30, 40};
  resources_.memory_bytes = 1000;
  const auto series = Series();
  double sum = 0;
  for (const auto& [name, value] : series) {
    if (name.starts_with("crawld_memory_bytes{")) sum += value;
  }
  EXPECT_DOUBLE_EQ(sum, 1000);
  EXPECT_DOUBLE_EQ(series.at("crawld_memory_bytes{owner=\"other\"}"), 900);
}

TEST_F(MetricsTest, ABrakeIsOneWhileItIsOn) {
  now_.pipeline.brakes = 1U << static_cast<int>(pipeline::Brake::kDisk);
  const auto series = Series();
  EXPECT_DOUBLE_EQ(series.at("crawld_brake{reason=\"disk\"}"), 1);
  EXPECT_DOUBLE_EQ(series.at("crawld_brake{reason=\"operator\"}"), 0);
}

}  // namespace
}  // namespace crawld::admin
