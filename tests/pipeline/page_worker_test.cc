#include "pipeline/page_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/http_server.h"
#include "tests/support/site.h"
#include "web/robots.h"

namespace crawld::pipeline {
namespace {

namespace json = boost::json;
using fetcher::FetchError;
using fetcher::FetchResult;
using frontier::Discovery;
using frontier::Outcome;
using frontier::RobotsResult;
using frontier::TaskKind;
using frontier::Verdict;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr WallTime kNow{Millis(1'700'000'000'000)};  // Tue, 14 Nov 2023 22:13:20 GMT
constexpr std::chrono::seconds kBackoff{5};
constexpr std::chrono::seconds kMaxBackoff{3600};

class PageWorkerTest : public testing::Test {
 protected:
  PageWorkerTest() {
    options_.follow = parser::KindBit(parser::LinkKind::kA);
    options_.max_tries = 4;
    options_.backoff = kBackoff;
    options_.max_backoff = kMaxBackoff;
    options_.robots_token = "crawld";
    scope_options_.max_redirects = 3;
  }

  static frontier::Task TaskFor(TaskKind kind, const std::string& url, uint16_t tries = 0) {
    frontier::Task task;
    task.url = *web::Url::Parse(url);
    task.info.kind = kind;
    task.info.tries = tries;
    if (kind == TaskKind::kRobots) task.robots_origin = task.url;
    return task;
  }
  static FetchResult Fetched(int status, test::Headers headers = {}, std::string body = "") {
    FetchResult result;
    result.status = status;
    result.request_head = "GET / HTTP/1.1\r\n\r\n";
    result.response_head = test::ResponseHead(status, headers);
    result.body = std::move(body);
    result.protocol = "http/1.1";
    result.ip = "127.0.0.1";
    result.begun = kNow;
    return result;
  }
  static FetchResult Failed(FetchError error) {
    FetchResult result;
    result.Fail(error);
    result.detail = "why";
    result.begun = kNow;
    return result;
  }
  static FetchResult HtmlPage(std::string body) {
    return Fetched(200, {{"Content-Type", "text/html"}}, std::move(body));
  }
  PageResult Process(frontier::Task task, FetchResult fetched) {
    scope_ = *frontier::Scope::Create(scope_options_);
    PageWorker worker(options_, *scope_, [this](const Discovery& found) {
      return seen_.contains(std::string(found.url.href()));
    });
    return worker.Process(std::move(task), std::move(fetched), kNow);
  }
  PageResult ProcessPage(FetchResult fetched, uint16_t tries = 0) {
    return Process(TaskFor(TaskKind::kPage, "http://a.test/dir/page", tries), std::move(fetched));
  }
  static std::vector<std::string> Urls(const PageResult& result,
                                       std::optional<Verdict> verdict = std::nullopt) {
    std::vector<std::string> urls;
    for (const Discovery& found : result.completion.found) {
      if (!verdict || found.verdict == *verdict) urls.emplace_back(found.url.href());
    }
    return urls;
  }
  static json::object PageRecord(const PageResult& result) {
    return json::parse(result.bundle.page + "}").as_object();
  }
  static json::object LogLine(const PageResult& result) {
    return json::parse(result.bundle.log).as_object();
  }

  PageWorkerOptions options_;
  frontier::ScopeOptions scope_options_;
  std::unique_ptr<frontier::Scope> scope_;
  std::set<std::string> seen_;
};

// --- what an answer means

struct Case {
  const char* name;
  int status;  // 0: `error` alone
  std::optional<FetchError> error;
  uint16_t tries;           // failed before
  const char* retry_after;  // "" if there is none
  Outcome outcome;
  bool archived;
  int64_t retry_s;  // after now; kRetry only
  int64_t hold_s;   // after now; -1: the host is not held
  const char* reason;
};

constexpr std::optional<FetchError> kNoError = std::nullopt;

const Case kCases[] = {
    {"an answer is done", 200, kNoError, 0, "", Outcome::kDone, true, 0, -1, ""},
    {"so is a missing page", 404, kNoError, 0, "", Outcome::kDone, true, 0, -1, ""},
    {"and a forbidden one", 403, kNoError, 0, "", Outcome::kDone, true, 0, -1, ""},
    {"and one that is gone", 410, kNoError, 0, "", Outcome::kDone, true, 0, -1, ""},
    {"not implemented stays so", 501, kNoError, 0, "", Outcome::kDone, true, 0, -1, ""},
    {"nothing changed", 304, kNoError, 0, "", Outcome::kDone, true, 0, -1, ""},
    {"a status out of the ordinary", 999, kNoError, 0, "", Outcome::kDone, true, 0, -1, ""},
    {"a server's error may pass", 500, kNoError, 0, "", Outcome::kRetry, false, 5, -1,
     "status_500"},
    {"and is asked for after twice the time", 500, kNoError, 1, "", Outcome::kRetry, false, 10, -1,
     "status_500"},
    {"and four times", 500, kNoError, 2, "", Outcome::kRetry, false, 20, -1, "status_500"},
    {"the last try is kept", 500, kNoError, 3, "", Outcome::kDone, true, 0, -1, ""},
    {"also after more tries than allowed", 500, kNoError, 9, "", Outcome::kDone, true, 0, -1, ""},
    {"408", 408, kNoError, 0, "", Outcome::kRetry, false, 5, -1, "status_408"},
    {"425", 425, kNoError, 0, "", Outcome::kRetry, false, 5, -1, "status_425"},
    {"502", 502, kNoError, 0, "", Outcome::kRetry, false, 5, -1, "status_502"},
    {"504", 504, kNoError, 0, "", Outcome::kRetry, false, 5, -1, "status_504"},
    {"too many requests hold the host", 429, kNoError, 0, "", Outcome::kRetry, false, 5, 5,
     "status_429"},
    {"so does unavailable", 503, kNoError, 1, "", Outcome::kRetry, false, 10, 10, "status_503"},
    {"at the last try too", 503, kNoError, 3, "", Outcome::kDone, true, 0, 40, ""},
    {"Retry-After in seconds", 503, kNoError, 0, "120", Outcome::kRetry, false, 120, 120,
     "status_503"},
    {"Retry-After as a date", 429, kNoError, 0, "Tue, 14 Nov 2023 22:14:50 GMT", Outcome::kRetry,
     false, 90, 90, "status_429"},
    {"Retry-After of now is a second, and the back-off holds", 429, kNoError, 0, "0",
     Outcome::kRetry, false, 5, 1, "status_429"},
    {"a date in the past is a second", 503, kNoError, 0, "Tue, 14 Nov 2023 22:00:00 GMT",
     Outcome::kRetry, false, 5, 1, "status_503"},
    {"Retry-After has a bound", 503, kNoError, 0, "99999999", Outcome::kRetry, false, 3600, 3600,
     "status_503"},
    {"garbage in Retry-After is the back-off", 503, kNoError, 0, "soon", Outcome::kRetry, false, 5,
     5, "status_503"},
    {"negative Retry-After is garbage", 503, kNoError, 0, "-5", Outcome::kRetry, false, 5, 5,
     "status_503"},
    {"Retry-After of another status holds nobody", 500, kNoError, 0, "120", Outcome::kRetry, false,
     5, -1, "status_500"},
    {"no connection may pass", 0, FetchError::kConnect, 0, "", Outcome::kRetry, false, 5, -1,
     "connect"},
    {"no name may pass", 0, FetchError::kDns, 2, "", Outcome::kRetry, false, 20, -1, "dns"},
    {"no answer at the last try is a failure", 0, FetchError::kFirstByteTimeout, 3, "",
     Outcome::kFailed, false, 0, -1, "first_byte_timeout"},
    {"garbage may pass", 0, FetchError::kProtocol, 0, "", Outcome::kRetry, false, 5, -1,
     "protocol"},
    {"no URL stays none", 0, FetchError::kBadUrl, 0, "", Outcome::kFailed, false, 0, -1, "bad_url"},
    {"a head beyond the limit stays so", 0, FetchError::kHeadTooLarge, 0, "", Outcome::kFailed,
     false, 0, -1, "head_too_large"},
    {"half a body is asked for again", 200, FetchError::kBodyShort, 0, "", Outcome::kRetry, false,
     5, -1, "body_short"},
    {"half a body at the last try is kept", 200, FetchError::kBodyShort, 3, "", Outcome::kDone,
     true, 0, -1, "body_short"},
    {"a stalled body at the last try is kept", 200, FetchError::kIdleTimeout, 3, "", Outcome::kDone,
     true, 0, -1, "idle_timeout"},
};

// Of a back-off up to a quarter is taken off, so that not all come back at once.
testing::AssertionResult IsBackoff(Millis wait, Millis whole) {
  if (wait <= whole && wait >= whole * 3 / 4) return testing::AssertionSuccess();
  return testing::AssertionFailure() << wait << " of " << whole;
}

TEST_F(PageWorkerTest, AnAnswerIsDoneAgainLaterOrGivenUp) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    test::Headers headers;
    if (*c.retry_after != '\0') headers.emplace_back("Retry-After", c.retry_after);
    FetchResult fetched = c.status != 0 ? Fetched(c.status, headers, "body") : Failed(*c.error);
    if (c.error) fetched.Fail(*c.error);
    const PageResult result = ProcessPage(std::move(fetched), c.tries);
    const frontier::Completion& completion = result.completion;
    EXPECT_EQ(completion.outcome, c.outcome);
    EXPECT_EQ(!result.bundle.warc.empty(), c.archived);
    EXPECT_EQ(!result.bundle.page.empty(), c.archived);
    EXPECT_EQ(completion.status, c.status);
    EXPECT_EQ(completion.reason, c.reason);
    if (c.outcome == Outcome::kRetry) {
      EXPECT_TRUE(IsBackoff(completion.retry_at - kNow, std::chrono::seconds(c.retry_s)));
      EXPECT_GE(completion.retry_at, completion.hold_host_until);
    }
    const bool asked_for = c.hold_s == 1 || c.hold_s >= 90;
    if (asked_for) {
      EXPECT_EQ(completion.hold_host_until - kNow, std::chrono::seconds(c.hold_s));
    } else if (c.hold_s >= 0) {
      EXPECT_TRUE(IsBackoff(completion.hold_host_until - kNow, std::chrono::seconds(c.hold_s)));
    } else {
      EXPECT_EQ(completion.hold_host_until, WallTime{});
    }
    EXPECT_EQ(completion.reach,
              c.status != 0                                       ? frontier::Reach::kAnswered
              : ContactOf(*c.error) == fetcher::Contact::kSilence ? frontier::Reach::kSilent
              : ContactOf(*c.error) == fetcher::Contact::kAnswer  ? frontier::Reach::kAnswered
                                                                  : frontier::Reach::kUnknown);
    EXPECT_EQ(LogLine(result).at("try").to_number<int>(), c.tries + 1);
  }
}

TEST_F(PageWorkerTest, AKeptConnectionThatBrokeIsTriedAgainWithoutBackOff) {
  FetchResult broken = Failed(FetchError::kReset);
  broken.retry = fetcher::RetryAdvice::kFresh;
  const PageResult again = ProcessPage(broken, 2);
  EXPECT_EQ(again.completion.outcome, Outcome::kRetry);
  EXPECT_EQ(again.completion.retry_at, kNow);
  EXPECT_EQ(ProcessPage(broken, 3).completion.outcome, Outcome::kFailed) << "it counts as a try";
}

TEST_F(PageWorkerTest, TheBackOffHasABound) {
  options_.max_tries = 100;
  EXPECT_TRUE(IsBackoff(ProcessPage(Fetched(500), 9).completion.retry_at - kNow,
                        std::chrono::seconds(2560)));
  for (const uint16_t tries : {10, 64, 98}) {
    EXPECT_TRUE(
        IsBackoff(ProcessPage(Fetched(500), tries).completion.retry_at - kNow, kMaxBackoff));
  }
  options_.backoff = Millis(0);
  EXPECT_EQ(ProcessPage(Fetched(500), 98).completion.retry_at, kNow);
}

TEST_F(PageWorkerTest, WithOneTryTheFirstIsTheLast) {
  options_.max_tries = 1;
  EXPECT_EQ(ProcessPage(Fetched(503)).completion.outcome, Outcome::kDone);
  EXPECT_EQ(ProcessPage(Failed(FetchError::kConnect)).completion.outcome, Outcome::kFailed);
}

TEST_F(PageWorkerTest, WhatWasCancelledIsGivenBackAndLeavesNoTrace) {
  for (const TaskKind kind : {TaskKind::kPage, TaskKind::kRobots, TaskKind::kSitemap}) {
    const PageResult result =
        Process(TaskFor(kind, "http://a.test/x", 2), Failed(FetchError::kCancelled));
    EXPECT_EQ(result.completion.outcome, Outcome::kGivenBack);
    EXPECT_EQ(result.completion.task.info.tries, 2);
    EXPECT_EQ(result.bundle.size(), 0U);
  }
}

// --- robots files (RFC 9309 section 2.3.1)

TEST_F(PageWorkerTest, ARobotsFileThatCannotBeReadIsNotOneWithoutRules) {
  const std::string robots = "User-agent: *\nDisallow: /x\n" + std::string(100'000, '#');
  const std::string packed = test::Gzip(robots);
  const auto process = [&](const char* coding, std::string body) {
    return Process(TaskFor(TaskKind::kRobots, "http://a.test/robots.txt"),
                   Fetched(200, {{"Content-Encoding", coding}}, std::move(body)));
  };
  for (const PageResult& result :
       {process("gzip", packed.substr(0, packed.size() / 2)), process("x-unheard-of", robots)}) {
    EXPECT_EQ(result.completion.robots->kind, RobotsResult::Kind::kUnreachable);
    EXPECT_EQ(result.completion.outcome, Outcome::kRetry);
    EXPECT_THAT(result.completion.reason, testing::AnyOf("broken_coding", "unknown_coding"));
    EXPECT_EQ(result.bundle.warc, "");
  }
  EXPECT_EQ(process("gzip", packed).completion.robots->kind, RobotsResult::Kind::kRules);
}

// RFC 9112 section 6.1.
TEST_F(PageWorkerTest, TransferCodingsLieOverContentCodings) {
  const std::string robots = "User-agent: *\nDisallow: /x\n";
  const auto kind = [&](const test::Headers& headers, std::string body) {
    return Process(TaskFor(TaskKind::kRobots, "http://a.test/robots.txt"),
                   Fetched(200, headers, std::move(body)))
        .completion.robots->kind;
  };
  constexpr auto kRules = RobotsResult::Kind::kRules;
  constexpr auto kUnreachable = RobotsResult::Kind::kUnreachable;
  const std::string packed = test::Gzip(robots);
  EXPECT_EQ(kind({{"Transfer-Encoding", "Chunked"}}, test::Chunked(robots, 3)), kRules);
  EXPECT_EQ(kind({{"Transfer-Encoding", "gzip, chunked"}}, test::Chunked(packed, 3)), kRules);
  EXPECT_EQ(kind({{"Transfer-Encoding", "gzip"}, {"Transfer-Encoding", "chunked"}},
                 test::Chunked(packed, 3)),
            kRules);
  EXPECT_EQ(kind({{"Transfer-Encoding", "gzip"}}, packed), kRules);
  EXPECT_EQ(kind({{"Transfer-Encoding", "chunked"}, {"Content-Encoding", "gzip"}},
                 test::Chunked(packed, 3)),
            kRules);
  EXPECT_EQ(
      kind({{"Transfer-Encoding", "chunked, chunked"}}, test::Chunked(test::Chunked(robots, 3), 5)),
      kRules);
  EXPECT_EQ(kind({{"Transfer-Encoding", "chunked, Chunked"}}, test::Chunked(robots, 3)), kRules);
  EXPECT_EQ(kind({{"Transfer-Encoding", "chunked, gzip"}}, test::Chunked(robots, 3)), kUnreachable);
  EXPECT_EQ(kind({{"Transfer-Encoding", "xchunked"}}, robots), kUnreachable);
  EXPECT_EQ(kind({{"Transfer-Encoding", "chunked"}}, "0x1e\r\n" + robots + "\r\n0\r\n\r\n"),
            kUnreachable);
}

TEST_F(PageWorkerTest, AnAnswerWhoseHeadCannotBeReadIsNone) {
  for (const TaskKind kind : {TaskKind::kRobots, TaskKind::kPage}) {
    FetchResult fetched = Fetched(301, {}, "x");
    fetched.response_head = "HTTP/1.1 301Moved\r\nLocation: /other\r\n\r\n";
    const PageResult result =
        Process(TaskFor(kind, "http://a.test/robots.txt"), std::move(fetched));
    EXPECT_EQ(result.completion.outcome, Outcome::kRetry);
    EXPECT_EQ(result.completion.reason, "protocol");
    EXPECT_EQ(result.error, FetchError::kProtocol);
    EXPECT_EQ(result.status, 0);
    if (result.completion.robots) {
      EXPECT_EQ(result.completion.robots->kind, RobotsResult::Kind::kUnreachable);
    }
  }
}

TEST_F(PageWorkerTest, ARobotsFileInUtf16HasItsRules) {
  const std::string text = "User-agent: *\r\nDisallow: /\xC3\xA9\r\n";
  std::string little;
  std::string big;
  for (const char16_t c : std::u16string(u"User-agent: *\r\nDisallow: /\u00E9\r\n")) {
    little += {static_cast<char>(c & 0xff), static_cast<char>(c >> 8)};
    big += {static_cast<char>(c >> 8), static_cast<char>(c & 0xff)};
  }
  for (const std::string& body : {little, big, "\xFF\xFE" + little, "\xFE\xFF" + big}) {
    const PageResult result = Process(TaskFor(TaskKind::kRobots, "http://a.test/robots.txt"),
                                      Fetched(200, {}, std::string(body)));
    ASSERT_EQ(result.completion.robots->kind, RobotsResult::Kind::kRules);
    const auto rules = web::RobotsRules::Parse(result.completion.robots->body, "crawld");
    EXPECT_FALSE(rules.Allows("/%C3%A9"));
    EXPECT_TRUE(rules.Allows("/e"));
    EXPECT_THAT(result.completion.robots->body, HasSubstr(text));
  }
}

TEST_F(PageWorkerTest, ARobotsFileThatWasCutAtItsLimitHasItsRules) {
  FetchResult fetched =
      Fetched(200, {}, "User-agent: *\nDisallow: /x\n" + std::string(600'000, '#'));
  fetched.truncated = fetcher::Truncation::kLength;
  const PageResult result =
      Process(TaskFor(TaskKind::kRobots, "http://a.test/robots.txt"), std::move(fetched));
  EXPECT_EQ(result.completion.robots->kind, RobotsResult::Kind::kRules);
  EXPECT_THAT(result.completion.robots->body, HasSubstr("Disallow: /x"));
}

TEST_F(PageWorkerTest, SitemapLinesThatAreNotTakenAreCounted) {
  std::string robots = "Sitemap: http://[/\nSitemap: ftp://a.test/\n";
  for (int i = 0; i < 1000; ++i) robots += "Sitemap: /" + std::to_string(i) + ".xml\n";
  const PageResult result = Process(TaskFor(TaskKind::kRobots, "http://a.test/robots.txt"),
                                    Fetched(200, {}, std::move(robots)));
  EXPECT_THAT(result.bundle.log,
              AllOf(HasSubstr("\"entries\":1000"), HasSubstr("\"entries_bad\":2"),
                    HasSubstr("\"entries_dropped\":2")));
}

TEST_F(PageWorkerTest, ARobotsAnswerIsRulesAllowanceRedirectOrUnreachable) {
  struct RobotsCase {
    int status;
    std::optional<FetchError> error;
    const char* location;
    RobotsResult::Kind kind;
    bool archived;
  };
  const RobotsCase cases[] = {
      {200, {}, "", RobotsResult::Kind::kRules, true},
      {204, {}, "", RobotsResult::Kind::kRules, true},
      {301, {}, "/other", RobotsResult::Kind::kRedirect, true},
      {308, {}, "https://b.test/robots.txt", RobotsResult::Kind::kRedirect, true},
      {302, {}, "", RobotsResult::Kind::kAllowAll, true},
      {302, {}, "mailto:a@b.test", RobotsResult::Kind::kAllowAll, true},
      {304, {}, "", RobotsResult::Kind::kAllowAll, true},
      {400, {}, "", RobotsResult::Kind::kAllowAll, true},
      {401, {}, "", RobotsResult::Kind::kAllowAll, true},
      {403, {}, "", RobotsResult::Kind::kAllowAll, true},
      {404, {}, "", RobotsResult::Kind::kAllowAll, true},
      {429, {}, "", RobotsResult::Kind::kUnreachable, false},
      {500, {}, "", RobotsResult::Kind::kUnreachable, false},
      {503, {}, "", RobotsResult::Kind::kUnreachable, false},
      {599, {}, "", RobotsResult::Kind::kUnreachable, false},
      {0, FetchError::kDns, "", RobotsResult::Kind::kUnreachable, false},
      {0, FetchError::kAddressForbidden, "", RobotsResult::Kind::kForbidden, false},
      {0, FetchError::kHeadTooLarge, "", RobotsResult::Kind::kUnreachable, false},
      {200, FetchError::kBodyShort, "", RobotsResult::Kind::kUnreachable, false},
  };
  for (const RobotsCase& c : cases) {
    SCOPED_TRACE(std::to_string(c.status) + c.location);
    test::Headers headers;
    if (*c.location != '\0') headers.emplace_back("Location", c.location);
    FetchResult fetched = c.status != 0
                              ? Fetched(c.status, headers, "User-agent: *\nDisallow: /x\n")
                              : Failed(*c.error);
    if (c.error) fetched.Fail(*c.error);
    const PageResult result =
        Process(TaskFor(TaskKind::kRobots, "http://a.test/robots.txt"), std::move(fetched));
    ASSERT_TRUE(result.completion.robots);
    EXPECT_EQ(result.completion.robots->kind, c.kind);
    EXPECT_EQ(result.completion.outcome, c.archived ? Outcome::kDone : Outcome::kRetry);
    EXPECT_EQ(!result.bundle.warc.empty(), c.archived);
    EXPECT_EQ(result.bundle.page, "") << "a robots file is no page";
    EXPECT_EQ(result.completion.robots->redirect_to.has_value(),
              c.kind == RobotsResult::Kind::kRedirect);
    EXPECT_THAT(result.completion.found, IsEmpty());
    if (c.status == 200 && !c.error) {
      EXPECT_EQ(result.completion.robots->body, "User-agent: *\nDisallow: /x\n");
    }
  }
}

TEST_F(PageWorkerTest, ARobotsFileIsDecodedAndNamesSitemaps) {
  const std::string robots =
      "Sitemap: https://b.test/map.xml#x\nSitemap: /relative.xml\nSitemap: ftp://a.test/no\n";
  const PageResult result =
      Process(TaskFor(TaskKind::kRobots, "http://a.test/robots.txt"),
              Fetched(200, {{"Content-Encoding", "gzip"}}, test::Gzip(robots)));
  EXPECT_EQ(result.completion.robots->body, robots);
  EXPECT_THAT(Urls(result), testing::Contains("http://a.test/relative.xml"));
  for (const Discovery& found : result.completion.found) {
    EXPECT_EQ(found.info.kind, TaskKind::kSitemap);
  }
  options_.follow_sitemaps = false;
  EXPECT_THAT(
      Process(TaskFor(TaskKind::kRobots, "http://a.test/robots.txt"), Fetched(200, {}, robots))
          .completion.found,
      IsEmpty());
}

TEST_F(PageWorkerTest, ARobotsFileOfAnySizeIsReadUpToItsLimit) {
  const std::string robots = "User-agent: *\nDisallow: /x\n#" + std::string(2 << 20, 'x');
  const PageResult result =
      Process(TaskFor(TaskKind::kRobots, "http://a.test/robots.txt"), Fetched(200, {}, robots));
  EXPECT_EQ(result.completion.robots->kind, RobotsResult::Kind::kRules);
  EXPECT_EQ(result.completion.robots->body.size(), 512U << 10);
}

// --- what is found

TEST_F(PageWorkerTest, LinksOfTheWantedKindsAreJudged) {
  const PageResult result = ProcessPage(
      HtmlPage("<link rel=canonical href=/canonical><a href=/a#top>a</a><a href=b?c>b</a>"
               "<a href=http://other.test/>o</a><a href=mailto:x@y.test>m</a><iframe src=/frame>"));
  EXPECT_THAT(Urls(result, Verdict::kAdmit),
              ElementsAre("http://a.test/a", "http://a.test/dir/b?c"));
  EXPECT_THAT(Urls(result, Verdict::kOtherHost), ElementsAre("http://other.test/"));
  options_.follow |= parser::KindBit(parser::LinkKind::kIframe);
  EXPECT_THAT(Urls(ProcessPage(HtmlPage("<iframe src=/frame></iframe>"))),
              ElementsAre("http://a.test/frame"));
}

TEST_F(PageWorkerTest, LinksThatWereSeenAreNotHandedOn) {
  seen_ = {"http://a.test/known"};
  EXPECT_THAT(Urls(ProcessPage(HtmlPage("<a href=/known>k</a><a href=/new>n</a>"))),
              ElementsAre("http://a.test/new"));
}

TEST_F(PageWorkerTest, NofollowIsHonouredAsConfigured) {
  const std::string link = "<a rel=nofollow href=/x>x</a>";
  const std::string page = "<meta name=robots content=nofollow><a href=/x>x</a>";
  EXPECT_THAT(Urls(ProcessPage(HtmlPage(link)), Verdict::kAdmit), ElementsAre("http://a.test/x"));
  EXPECT_THAT(Urls(ProcessPage(HtmlPage(page)), Verdict::kNofollow),
              ElementsAre("http://a.test/x"));
  options_.honour_rel = parser::kRelNofollow;
  EXPECT_THAT(Urls(ProcessPage(HtmlPage(link)), Verdict::kNofollow),
              ElementsAre("http://a.test/x"));
  options_.honour_page_nofollow = false;
  EXPECT_THAT(Urls(ProcessPage(HtmlPage(page)), Verdict::kAdmit), ElementsAre("http://a.test/x"));
}

TEST_F(PageWorkerTest, XRobotsTagSaysWhatMetaRobotsSays) {
  const auto with_tag = [](const char* value) {
    return Fetched(200, {{"Content-Type", "text/html"}, {"X-Robots-Tag", value}},
                   "<title>T</title><a href=/x>x</a>");
  };
  EXPECT_THAT(Urls(ProcessPage(with_tag("nofollow")), Verdict::kNofollow),
              ElementsAre("http://a.test/x"));
  EXPECT_THAT(Urls(ProcessPage(with_tag("other: nofollow")), Verdict::kAdmit),
              ElementsAre("http://a.test/x"));
  const json::object record =
      PageRecord(ProcessPage(with_tag("crawld: none, unavailable_after: 2023-11-15T00:00:00Z")));
  EXPECT_EQ(record.at("x_robots_tag").as_string(),
            "crawld: none, unavailable_after: 2023-11-15T00:00:00Z");
  EXPECT_TRUE(record.at("noindex").as_bool());
  EXPECT_TRUE(record.at("nofollow").as_bool());
  EXPECT_EQ(record.at("unavailable_after").as_string(), "2023-11-15T00:00:00.000Z");
}

TEST_F(PageWorkerTest, NoindexIsKeptWithANoteOrDroppedAsConfigured) {
  const FetchResult page =
      HtmlPage("<title>T</title><meta name=robots content=noindex><a href=/x>");
  PageResult kept = ProcessPage(FetchResult(page));
  EXPECT_NE(kept.bundle.warc, "");
  EXPECT_EQ(PageRecord(kept).at("title").as_string(), "T");
  EXPECT_TRUE(PageRecord(kept).at("noindex").as_bool());

  options_.drop_noindex = true;
  for (const PageResult& dropped :
       {ProcessPage(FetchResult(page)),
        ProcessPage(
            Fetched(200, {{"Content-Type", "image/png"}, {"X-Robots-Tag", "noindex"}}, "x")),
        ProcessPage(Fetched(200,
                            {{"Content-Type", "text/html"},
                             {"X-Robots-Tag", "unavailable_after: 2023-11-14T22:13:19Z"}},
                            "x"))}) {
    EXPECT_EQ(dropped.bundle.warc, "");
    EXPECT_EQ(dropped.completion.outcome, Outcome::kDone);
    const json::object record = PageRecord(dropped);
    EXPECT_EQ(record.at("dropped").as_string(), "noindex");
    EXPECT_EQ(record.if_contains("title"), nullptr);
  }
  EXPECT_THAT(Urls(ProcessPage(FetchResult(page))), ElementsAre("http://a.test/x"))
      << "noindex says nothing about links";
  EXPECT_NE(
      ProcessPage(Fetched(200, {{"X-Robots-Tag", "unavailable_after: 2023-11-14T22:13:20Z"}}, "x"))
          .bundle.warc,
      "");
}

TEST_F(PageWorkerTest, WhatABodyIsDecidesWhetherItIsReadNotItsLabel) {
  const std::string html = "<!doctype html><title>T</title><a href=/x>x</a>";
  for (const char* type : {"text/plain", "application/octet-stream", "*/*", "nonsense", ""}) {
    const PageResult result = ProcessPage(Fetched(200, {{"Content-Type", type}}, html));
    EXPECT_THAT(Urls(result), ElementsAre("http://a.test/x")) << type;
    EXPECT_EQ(PageRecord(result).at("sniffed_type").as_string(), "text/html") << type;
  }
  EXPECT_THAT(Urls(ProcessPage(Fetched(200, {}, html))), ElementsAre("http://a.test/x"));
  EXPECT_THAT(
      Urls(ProcessPage(Fetched(
          200, {{"Content-Type", "text/plain"}, {"X-Content-Type-Options", "NoSniff"}}, html))),
      IsEmpty());
  const PageResult image =
      ProcessPage(Fetched(200, {{"Content-Type", "text/html"}}, "GIF89a\x01\x02<a href=/x>x</a>"));
  EXPECT_THAT(image.completion.found, IsEmpty());
  EXPECT_EQ(PageRecord(image).at("sniffed_type").as_string(), "image/gif");
  EXPECT_EQ(PageRecord(image).if_contains("title"), nullptr);
}

TEST_F(PageWorkerTest, ARedirectLeadsToItsTarget) {
  for (const int status : {301, 302, 303, 307, 308}) {
    const PageResult result =
        ProcessPage(Fetched(status, {{"Location", "../up#part"}, {"Content-Type", "text/html"}},
                            "<a href=/not-read>x</a>"));
    EXPECT_THAT(Urls(result, Verdict::kAdmit), ElementsAre("http://a.test/up"));
    EXPECT_EQ(result.completion.found[0].info.redirects, 1);
    EXPECT_EQ(PageRecord(result).at("redirect").as_string(), "http://a.test/up");
  }
  EXPECT_THAT(ProcessPage(Fetched(302, {{"Location", "mailto:x@y.test"}})).completion.found,
              IsEmpty());
  EXPECT_THAT(ProcessPage(Fetched(302, {{"Location", "http://[bad"}})).completion.found, IsEmpty());
  EXPECT_THAT(ProcessPage(Fetched(302)).completion.found, IsEmpty());
  EXPECT_THAT(ProcessPage(Fetched(304, {{"Location", "/x"}})).completion.found, IsEmpty());
}

TEST_F(PageWorkerTest, RedirectsInARowHaveALimit) {
  frontier::Task task = TaskFor(TaskKind::kPage, "http://a.test/");
  task.info.redirects = 3;
  const PageResult result = Process(std::move(task), Fetched(302, {{"Location", "/x"}}));
  EXPECT_THAT(Urls(result, Verdict::kTooManyRedirects), ElementsAre("http://a.test/x"));
}

TEST_F(PageWorkerTest, WhatIsNoHtmlHasNoLinks) {
  for (const char* type : {"text/plain", "application/pdf", "image/png", "application/json"}) {
    const PageResult result =
        ProcessPage(Fetched(200, {{"Content-Type", type}}, "<a href=/x>x</a>"));
    EXPECT_THAT(result.completion.found, IsEmpty()) << type;
    const json::object record = PageRecord(result);
    EXPECT_EQ(record.at("type").as_string(), type);
    EXPECT_EQ(record.if_contains("title"), nullptr);
    EXPECT_EQ(record.if_contains("unread"), nullptr);
  }
}

TEST_F(PageWorkerTest, AnErrorPageIsArchivedAndNotFollowed) {
  const PageResult result =
      ProcessPage(Fetched(404, {{"Content-Type", "text/html"}}, "<a href=/x>x</a>"));
  EXPECT_THAT(result.completion.found, IsEmpty());
  EXPECT_EQ(PageRecord(result).at("status").to_number<int>(), 404);
}

TEST_F(PageWorkerTest, ACodedBodyIsReadAndABrokenOneSaysSo) {
  const std::string body = "<title>T</title><a href=/x>x</a>" + std::string(5000, ' ');
  const std::string gzip = test::Gzip(body);
  const auto coded = [](const char* coding, std::string bytes) {
    return Fetched(200, {{"Content-Type", "text/html"}, {"Content-Encoding", coding}},
                   std::move(bytes));
  };
  EXPECT_THAT(Urls(ProcessPage(coded("gzip", gzip))), ElementsAre("http://a.test/x"));
  PageResult result = ProcessPage(coded("gzip", gzip.substr(0, gzip.size() - 12)));
  EXPECT_EQ(PageRecord(result).at("unread").as_string(), "broken_coding");
  EXPECT_EQ(result.completion.outcome, Outcome::kDone);
  result = ProcessPage(coded("x-unheard-of", gzip));
  EXPECT_EQ(PageRecord(result).at("unread").as_string(), "unknown_coding");
  EXPECT_FALSE(result.bundle.warc.empty()) << "what cannot be read is kept all the same";
  options_.max_parse_bytes = 1024;
  result = ProcessPage(coded("gzip", gzip));
  EXPECT_EQ(PageRecord(result).at("unread").as_string(), "cut_at_limit");
  EXPECT_THAT(Urls(result), ElementsAre("http://a.test/x"))
      << "what comes before the limit is read";
}

TEST_F(PageWorkerTest, AChunkedBodyIsRead) {
  const PageResult result =
      ProcessPage(Fetched(200, {{"Content-Type", "text/html"}, {"Transfer-Encoding", "chunked"}},
                          test::Chunked("<a href=/x>x</a>", 3)));
  EXPECT_THAT(Urls(result), ElementsAre("http://a.test/x"));
}

TEST_F(PageWorkerTest, ASitemapLeadsToPagesAndToSitemaps) {
  const PageResult pages =
      Process(TaskFor(TaskKind::kSitemap, "http://a.test/map.xml"),
              Fetched(200, {},
                      "<urlset><url><loc>http://a.test/1</loc><lastmod>2023-01-02</lastmod>"
                      "<changefreq>weekly</changefreq><priority>0.8</priority></url>"
                      "<url><loc>/2</loc><lastmod>1960-01-01</lastmod></url>"
                      "<url><loc>ftp://a.test/3</loc></url></urlset>"));
  EXPECT_THAT(Urls(pages), ElementsAre("http://a.test/1", "http://a.test/2"));
  for (const Discovery& found : pages.completion.found) {
    EXPECT_EQ(found.info.kind, TaskKind::kPage);
  }
  const frontier::SitemapHints& hints = pages.completion.found[0].info.hints;
  EXPECT_EQ(hints.lastmod, WallTime(std::chrono::sys_days(std::chrono::year(2023) / 1 / 2)));
  EXPECT_EQ(hints.frequency, frontier::ChangeFrequency::kWeekly);
  EXPECT_EQ(hints.priority, 80);
  EXPECT_FALSE(pages.completion.found[1].info.hints.any());
  EXPECT_EQ(LogLine(pages).at("entries").as_int64(), 3);
  EXPECT_EQ(LogLine(pages).at("entries_bad").as_int64(), 1);
  EXPECT_EQ(pages.bundle.page, "") << "a sitemap is no page";
  EXPECT_NE(pages.bundle.warc, "");
  const PageResult index =
      Process(TaskFor(TaskKind::kSitemap, "http://a.test/map.xml"),
              Fetched(200, {},
                      "<sitemapindex><sitemap><loc>http://a.test/more.xml</loc></sitemap>"
                      "</sitemapindex>"));
  ASSERT_EQ(index.completion.found.size(), 1U);
  EXPECT_EQ(index.completion.found[0].info.kind, TaskKind::kSitemap);
  const PageResult none = Process(TaskFor(TaskKind::kSitemap, "http://a.test/map.xml"),
                                  Fetched(200, {}, "<html>no sitemap</html>"));
  EXPECT_THAT(none.completion.found, IsEmpty());
  EXPECT_EQ(none.completion.outcome, Outcome::kDone);
}

// --- what is written

TEST_F(PageWorkerTest, APageRecordTellsWhatAPageIs) {
  options_.want_text = true;
  FetchResult fetched = HtmlPage(
      "<html lang=de><title> A  title </title><meta name=description content=D>"
      "<meta name=robots content=noarchive><link rel=canonical href=/c><h1>H</h1><p>text");
  const size_t bytes = fetched.body.size();
  const PageResult result = ProcessPage(std::move(fetched));
  const json::object record = PageRecord(result);
  EXPECT_EQ(record.at("url").as_string(), "http://a.test/dir/page");
  EXPECT_EQ(record.at("title").as_string(), "A title");
  EXPECT_EQ(record.at("description").as_string(), "D");
  EXPECT_EQ(record.at("language").as_string(), "de");
  EXPECT_EQ(record.at("robots").as_string(), "noarchive");
  EXPECT_EQ(record.at("canonical").as_string(), "http://a.test/c");
  EXPECT_EQ(record.at("encoding").as_string(), "utf-8");
  EXPECT_EQ(record.at("encoding_from").as_string(), "utf8");
  EXPECT_EQ(record.if_contains("noindex"), nullptr);
  EXPECT_EQ(record.if_contains("sniffed_type"), nullptr);
  EXPECT_EQ(record.at("headings").as_array().size(), 1U);
  EXPECT_EQ(record.at("bytes").to_number<uint64_t>(), bytes);
  EXPECT_EQ(record.at("fetched").as_string(), "2023-11-14T22:13:20.000Z");
  EXPECT_THAT(std::string(record.at("text").as_string()), HasSubstr("text"));
}

TEST_F(PageWorkerTest, ACutBodySaysSoEverywhere) {
  FetchResult fetched = HtmlPage("<title>half");
  fetched.truncated = fetcher::Truncation::kLength;
  const PageResult result = ProcessPage(std::move(fetched));
  EXPECT_EQ(PageRecord(result).at("truncated").as_string(), "length");
  EXPECT_EQ(LogLine(result).at("truncated").as_string(), "length");
}

TEST_F(PageWorkerTest, EveryFetchHasALogLine) {
  const PageResult failed = ProcessPage(Failed(FetchError::kConnect));
  const json::object line = LogLine(failed);
  EXPECT_EQ(line.at("url").as_string(), "http://a.test/dir/page");
  EXPECT_EQ(line.at("outcome").as_string(), "retry");
  EXPECT_EQ(line.at("reason").as_string(), "connect");
  EXPECT_EQ(line.at("detail").as_string(), "why");
  EXPECT_EQ(line.at("retry_at").as_string(), archive::FormatDate(failed.completion.retry_at));
  EXPECT_EQ(failed.bundle.log.find('\n'), std::string::npos);
}

TEST_F(PageWorkerTest, BytesFromOutsideDoNotBreakTheLines) {
  const PageResult result = ProcessPage(
      Fetched(200, {{"Content-Type", "text/html;\xff\"\\"}}, "<title>\xff\n\"\\</title>"));
  EXPECT_EQ(result.bundle.log.find('\n'), std::string::npos);
  EXPECT_EQ(result.bundle.page.find('\n'), std::string::npos);
  LogLine(result);
  PageRecord(result);
}

TEST_F(PageWorkerTest, PartsThatAreOffAreNotBuilt) {
  options_.write_warc = false;
  PageResult result = ProcessPage(HtmlPage("x"));
  EXPECT_EQ(result.bundle.warc, "");
  EXPECT_EQ(result.bundle.index, "");
  EXPECT_NE(result.bundle.page, "");
  options_.write_warc = true;
  options_.write_pages = false;
  result = ProcessPage(HtmlPage("x"));
  EXPECT_NE(result.bundle.warc, "");
  EXPECT_EQ(result.bundle.page, "");
}

}  // namespace
}  // namespace crawld::pipeline
