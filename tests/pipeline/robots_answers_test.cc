// What the answer to a robots task means (RFC 9309 section 2.3.1).
#include <optional>
#include <string>

#include "tests/pipeline/page_worker_fixture.h"
#include "tests/support/site.h"
#include "web/robots.h"

namespace crawld::pipeline {
namespace {

using fetcher::FetchError;
using fetcher::FetchResult;
using frontier::Discovery;
using frontier::Outcome;
using frontier::RobotsResult;
using frontier::TaskKind;
using testing::HasSubstr;
using testing::IsEmpty;

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

}  // namespace
}  // namespace crawld::pipeline
