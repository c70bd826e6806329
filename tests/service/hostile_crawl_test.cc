// The program in a hostile web: it ends by itself, says what happened, keeps within its budgets,
// goes nowhere where it should not, and archives every page that is well.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "fetcher/fetch.h"
#include "tests/support/archive_reader.h"
#include "tests/support/dns_server.h"
#include "tests/support/hostile_server.h"
#include "tests/support/http_server.h"
#include "tests/support/process.h"
#include "tests/support/sanitized.h"
#include "tests/support/site.h"
#include "tests/support/temp_dir.h"

namespace crawld::test {
namespace {

namespace json = boost::json;
using testing::IsEmpty;

constexpr int kHealthyHosts = 3;
constexpr size_t kMaxTries = 2;
constexpr size_t kMaxSilences = 3;  // health.failures: then a host is probed, and parked
constexpr size_t kMaxRedirects = 5;
// 16 MiB of bodies, 12 MiB of the store, 30 of the program before it does anything; the rest is for
// pages that are being parsed. It takes some 80; a bomb that goes off takes gigabytes.
constexpr long kMaxResidentMib = 160;

std::string_view Text(const json::object& line, std::string_view key) {
  const json::value* value = line.if_contains({key.data(), key.size()});
  if (value == nullptr || !value->is_string()) return {};
  return {value->as_string().data(), value->as_string().size()};
}

// What crawl.log says of a URL, line by line.
using Lines = std::vector<const json::object*>;

class HostileCrawlTest : public testing::Test {
 protected:
  HostileCrawlTest() {
    for (int i = 0; i < kHealthyHosts; ++i) {
      sites_.push_back(std::make_unique<Site>(SiteOptions{.pages = 60}));
    }
    HostileServerOptions options;
    options.canary = canary_.Authority();
    options.healthy_hosts = kHealthyHosts;
    options.healthy = [this](int number, const Request& request) {
      return sites_[static_cast<size_t>(number)]->Handle(request);
    };
    server_ = std::make_unique<HostileServer>(options);
  }

  std::string Config() const {
    const int patience = kSanitized ? 4 : 1;
    const auto ms = [&](int time) { return std::to_string(time * patience) + "ms"; };
    std::string seeds = "\"" + server_->StartUrl() + "\"";
    for (int i = 0; i < kHealthyHosts; ++i) seeds += ", \"" + server_->HealthyHostUrl(i) + "\"";
    return dir_
        .Write(
            "c.yaml",
            "name: t\ndata_dir: data\n"
            "identity: {user_agent: \"t/1 (+https://example.org/)\"}\n"
            "politeness: {delay: 0, concurrency_per_host: 16,\n"
            "  robots_max_crawl_delay: 10ms}\n"
            "scope: {mode: any, max_depth: 8, nofollow: all}\n"
            "retry: {max_tries: 2, backoff: 10ms, max_backoff: 100ms}\n"
            "health: {backoff: 10ms}\n"
            "frontier: {cache: 8MiB, write_buffer: 4MiB, seen_cache: 1MiB}\n"
            "parser: {threads: 2, max_body: 1MiB, max_links: 1000}\n"
            "fetcher:\n  max_body: 64KiB\n  max_header: 32KiB\n"
            "  memory_budget: 16MiB\n  max_redirects: 5\n"
            "  first_byte_timeout: " +
                ms(500) + "\n  idle_timeout: " + ms(500) + "\n  total_timeout: " + ms(1500) +
                "\n  dns_servers: [\"" + dns_.address() +
                "\"]\n  allow_addresses: [\"127.0.0.0/8:" + std::to_string(server_->http().port()) +
                "\"]\n" + "seeds: {urls: [" + seeds + "]}\n")
        .string();
  }

  // Runs the program to its end, and reads what it has left behind.
  void Crawl() {
    const std::string config = Config();
    Process run({CRAWLD_BINARY, "run", "--once", "-c", config});
    EXPECT_EQ(run.Wait(), 0) << run.err();
    rusage usage{};
    getrusage(RUSAGE_CHILDREN, &usage);
    resident_mib_ = usage.ru_maxrss >> 10;
    contents_ = ReadArchive(dir_ / "data");
    for (const json::object& line : contents_.log)
      log_[std::string(Text(line, "url"))].push_back(&line);
    Process list({CRAWLD_BINARY, "frontier", "export", "-c", config});
    EXPECT_EQ(list.Wait(), 0) << list.err();
    export_ = list.out();
  }

  const Lines& LinesOf(const std::string& url) { return log_[url]; }

  // What came of the answer is in the archive, and marked where it was cut.
  void ExpectKept(const std::string& url, const Due& due) {
    const WarcRecord* record = contents_.ResponseOf(url);
    ASSERT_EQ(record != nullptr, due.status > 0);
    if (record == nullptr) return;
    if (due.or_errors.empty()) {
      EXPECT_EQ(record->Find("WARC-Truncated"), due.truncated);
    }
    if (due.body) {
      const size_t head = std::min(record->block.find("\r\n\r\n"), record->block.find("\n\n") - 2);
      EXPECT_EQ(record->block.size() - head - 4, *due.body);
    }
  }

  void ExpectDue(const Misbehaviour& entry) {
    SCOPED_TRACE(entry.name + " " + std::string(entry.what));
    const Due& due = entry.due;
    const bool host = entry.place == Place::kHost;
    const std::string url = host ? server_->UrlOf(entry, "/robots.txt") : server_->UrlOf(entry);
    const Lines& lines = LinesOf(url);
    ASSERT_FALSE(lines.empty()) << url;
    // A robots.txt that leads to itself is followed, like any other, so often and no more.
    const bool loops = entry.place == Place::kRobots && due.status == 302;
    const bool robots = host || entry.place == Place::kRobots;
    EXPECT_LE(lines.size(), loops ? kMaxRedirects + 1 : robots ? kMaxSilences : kMaxTries);
    const json::object& last = *lines.back();
    const std::string_view reason = Text(last, "reason");
    const bool alternative =
        std::find(due.or_errors.begin(), due.or_errors.end(), reason) != due.or_errors.end();
    EXPECT_EQ(last.at("status").as_int64(), due.status);
    if (entry.place == Place::kPath || entry.place == Place::kAlone) {
      EXPECT_EQ(Text(last, "outcome"), due.status > 0 ? "done" : "failed");
      if (!alternative) {
        EXPECT_EQ(reason, due.error);
        EXPECT_EQ(Text(last, "truncated"), due.truncated);
      }
      if (due.unread) {
        EXPECT_EQ(Text(last, "unread"), *due.unread);
      }
      ExpectKept(url, due);
      return;
    }
    if (!due.error.empty() && !alternative) {
      EXPECT_EQ(reason, due.error);
    }
    const auto taken = [&](const char* target) {
      return contents_.ResponsesByUrl().count(server_->UrlOf(entry, target)) == 1;
    };
    if (host) {
      EXPECT_FALSE(taken("/"));
    } else {
      EXPECT_EQ(taken("/page"), entry.taken != Taken::kNothing);
      EXPECT_EQ(taken("/forbidden"), entry.taken == Taken::kAll);
    }
  }

  const TempDir dir_;
  std::vector<std::unique_ptr<Site>> sites_;
  // Nobody may come here: its port is not allowed.
  HttpServer canary_{[](const Request&) { return Html("canary"); }};
  // Knows no name.
  DnsServer dns_{[](const DnsQuestion&) { return DnsAnswer{.code = 3}; }};
  std::unique_ptr<HostileServer> server_;

  ArchiveContents contents_;
  std::map<std::string, Lines> log_;
  std::string export_;
  long resident_mib_ = 0;
};

TEST_F(HostileCrawlTest, EndsSaysWhatHappenedAndKeepsEveryPageThatIsWell) {
  Crawl();
  EXPECT_THAT(contents_.problems, IsEmpty());

  // Each has the outcome that is due.
  for (const Misbehaviour& entry : Misbehaviours()) ExpectDue(entry);

  // What is well is there, once.
  std::map<std::string, int> expected;
  std::map<std::string, int> actual;
  const std::map<std::string, int> responses = contents_.ResponsesByUrl();
  const auto expect = [&](const std::string& url) {
    expected[url] = 1;
    if (const auto it = responses.find(url); it != responses.end()) actual[url] = it->second;
  };
  for (int i = 0; i < kHealthyHosts; ++i) {
    const std::string root = server_->HealthyHostUrl(i);
    for (const auto& [path, truth] : sites_[static_cast<size_t>(i)]->truth()) {
      expect(root.substr(0, root.size() - 1) + path);
    }
  }
  for (const Misbehaviour& entry : Misbehaviours()) {
    if (entry.place == Place::kPath) expect(server_->HealthyUrlOf(entry));
  }
  EXPECT_THAT(Differences(actual, expected), IsEmpty());
  for (const auto& [url, count] : responses) {
    EXPECT_TRUE(count == 1 || url.ends_with("/robots.txt")) << url << ": " << count;
  }

  // Every line says why, in words that are documented.
  std::set<std::string, std::less<>> reasons = {"broken_coding", "unknown_coding",
                                                "too_many_codings"};
  for (int i = 0; i < fetcher::kFetchErrors; ++i) {
    reasons.emplace(fetcher::Name(static_cast<fetcher::FetchError>(i)));
  }
  for (const json::object& line : contents_.log) {
    const std::string_view outcome = Text(line, "outcome");
    const std::string_view reason = Text(line, "reason");
    EXPECT_TRUE(outcome == "done" || outcome == "failed" || outcome == "retry") << line;
    EXPECT_TRUE(reason.empty() ? outcome == "done"
                               : reasons.contains(reason) || reason.starts_with("status_"))
        << line;
    EXPECT_NE(reason, "internal") << line;
  }

  // Hosts that never answered are parked, and keep what they have.
  std::set<std::string, std::less<>> unanswered;
  for (const auto& [url, lines] : log_) {
    if (Text(*lines.back(), "kind") != "robots" || Text(*lines.back(), "outcome") != "retry")
      continue;
    unanswered.emplace(web::Url::Parse(url)->host());
  }
  // No URL is left behind, or without a word.
  std::istringstream lines(export_);
  size_t urls = 0;
  for (std::string text; std::getline(lines, text); ++urls) {
    const json::object line = json::parse(text).as_object();
    const std::string_view state = Text(line, "state");
    if (state == "queued") {
      const std::string host(web::Url::Parse(Text(line, "url"))->host());
      EXPECT_TRUE(unanswered.contains(host)) << text;
      continue;
    }
    EXPECT_TRUE(state == "done" || state == "failed" || state == "excluded") << text;
    if (state != "done") {
      EXPECT_FALSE(Text(line, "reason").empty()) << text;
    }
  }
  EXPECT_GT(urls, Misbehaviours().size());

  // A redirect's target is fetched once, whoever leads there; loops and chains end.
  const HttpServer& http = server_->http();
  EXPECT_EQ(http.CountOf("/healthy/one-for-all"), 1);
  EXPECT_EQ(http.CountOf("/ToItself"), 1);
  EXPECT_EQ(http.CountOf("/ToAndFro/a"), 1);
  EXPECT_EQ(http.CountOf("/ToAndFro/b"), 1);
  EXPECT_EQ(http.CountOf("/Chain/5"), 1);
  EXPECT_EQ(http.CountOf("/Chain/6"), 0);

  // Nobody came where nobody should, and nobody asked for too much.
  EXPECT_EQ(canary_.connection_count(), 0U);
  EXPECT_EQ(dns_.asked("localhost"), 0U);
  RecordProperty("resident_mib", static_cast<int>(resident_mib_));
  if (!kSanitized) {
    EXPECT_LE(resident_mib_, kMaxResidentMib);
  }
}

}  // namespace
}  // namespace crawld::test
