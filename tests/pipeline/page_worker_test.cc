// What is found in a page, and what is written of it.
#include <boost/json/value.hpp>
#include <chrono>
#include <string>

#include "tests/pipeline/page_worker_fixture.h"
#include "tests/support/site.h"

namespace crawld::pipeline {
namespace {

namespace json = boost::json;
using fetcher::FetchError;
using fetcher::FetchResult;
using frontier::Discovery;
using frontier::Outcome;
using frontier::TaskKind;
using frontier::Verdict;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

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

// --- large pages

TEST_F(PageWorkerTest, ALargePageWaitsForItsTurnAndASmallOneDoesNot) {
  options_.max_small_tree_bytes = 2 << 20;
  int turns = 0;
  const auto take_turn = [&] {
    ++turns;
    return concurrency::Semaphore::Permit();
  };
  const auto scope = *frontier::Scope::Create(scope_options_);
  PageWorker worker(
      options_, *scope, [](const Discovery&) { return false; }, take_turn);
  const auto links_of = [&](const std::string& body) {
    turns = 0;
    const PageResult result =
        worker.Process(TaskFor(TaskKind::kPage, "http://a.test/"), HtmlPage(body), kNow);
    EXPECT_FALSE(PageRecord(result).contains("parsed_in_part"));
    return result.completion.found.size();
  };
  // An unclosed tag, so that it is a tree that is read.
  const std::string doubt = "<table><a href=/first>x";
  const std::string link = "<a href=/last>x</a>";
  EXPECT_EQ(links_of(doubt + link), 2U);
  EXPECT_EQ(turns, 0);
  EXPECT_EQ(links_of(doubt + std::string(PageWorker::kLargePageBytes, 'x') + link), 2U);
  EXPECT_EQ(turns, 1) << "by its length";
  std::string deep;
  for (int i = 0; i < 20'000; ++i) deep += "<p>x";
  EXPECT_EQ(links_of(doubt + deep + link), 2U) << "parsed once more, and whole";
  EXPECT_EQ(turns, 1) << "by its tree";
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
