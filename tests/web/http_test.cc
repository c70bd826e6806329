#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "web/date.h"
#include "web/http_head.h"
#include "web/media_type.h"
#include "web/utf8.h"

namespace crawld::web {
namespace {

using std::chrono::seconds;
using std::chrono::system_clock;

const system_clock::time_point kNow = std::chrono::sys_days(std::chrono::year(2024) / 6 / 1);
const system_clock::time_point kExample = system_clock::time_point(seconds(784111777));

TEST(HttpDateTest, Rfc9110_5_6_7_AllThreeForms) {
  EXPECT_EQ(ParseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT", kNow), kExample);
  EXPECT_EQ(ParseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT", kNow), kExample);
  EXPECT_EQ(ParseHttpDate("Sun Nov  6 08:49:37 1994", kNow), kExample);
  EXPECT_EQ(ParseHttpDate("Sun, 06-Nov-1994 08:49:37 GMT", kNow), kExample);
  EXPECT_TRUE(ParseHttpDate("Fri, 31 Dec 9999 23:59:59 GMT", kNow));
  for (const std::string_view bad :
       {"", "0", "Sun, 06 Nov 1994", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 PST", "Sun, 06 Nov 94 08:49:37 GMT"}) {
    EXPECT_FALSE(ParseHttpDate(bad, kNow)) << bad;
  }
}

TEST(HttpDateTest, TwoDigitYearsAreAtMostFiftyYearsAhead) {
  const auto year = [](std::string_view two) {
    const auto date = ParseHttpDate("Sunday, 06-Nov-" + std::string(two) + " 08:49:37 GMT", kNow);
    return static_cast<int>(
        std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(*date)).year());
  };
  EXPECT_EQ(year("74"), 2074);
  EXPECT_EQ(year("75"), 1975);
}

TEST(HttpDateTest, Rfc9110_10_2_3_RetryAfter) {
  EXPECT_EQ(ParseRetryAfter("120", kNow), seconds(120));
  EXPECT_EQ(ParseRetryAfter(" 0 ", kNow), seconds(0));
  EXPECT_EQ(ParseRetryAfter("99999999999999999999999", kNow), kMaxRetryAfter);
  EXPECT_EQ(ParseRetryAfter("Sat, 01 Jun 2024 00:01:00 GMT", kNow), seconds(60));
  EXPECT_EQ(ParseRetryAfter("Fri, 31 May 2024 00:01:00 GMT", kNow), seconds(0));
  EXPECT_EQ(ParseRetryAfter("1.5", kNow), std::nullopt);
  EXPECT_EQ(ParseRetryAfter("-1", kNow), std::nullopt);
  EXPECT_EQ(ParseRetryAfter("soon", kNow), std::nullopt);
}

TEST(DateTest, DatesAsPeopleWriteThem) {
  const auto date = [](std::string_view text) -> std::string {
    const auto read = ParseDate(text, kNow);
    if (!read) return "none";
    const auto day = std::chrono::floor<std::chrono::days>(*read);
    const std::chrono::year_month_day ymd(day);
    const std::chrono::hh_mm_ss time(std::chrono::floor<seconds>(*read - day));
    char out[64];
    std::snprintf(out, sizeof out, "%d-%u-%u %ld:%ld:%ld", static_cast<int>(ymd.year()),
                  static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()),
                  static_cast<long>(time.hours().count()),
                  static_cast<long>(time.minutes().count()),
                  static_cast<long>(time.seconds().count()));
    return out;
  };
  EXPECT_EQ(date("2024"), "2024-1-1 0:0:0");
  EXPECT_EQ(date("2024-06"), "2024-6-1 0:0:0");
  EXPECT_EQ(date(" 2024-06-07 "), "2024-6-7 0:0:0");
  EXPECT_EQ(date("2024-06-07T08:09Z"), "2024-6-7 8:9:0");
  EXPECT_EQ(date("2024-06-07T08:09:10.123+05:30"), "2024-6-7 2:39:10");
  EXPECT_EQ(date("2024-06-07 08:09:10 -0100"), "2024-6-7 9:9:10");
  EXPECT_EQ(date("7 June 2024 08:09 EST"), "2024-6-7 13:9:0");
  EXPECT_EQ(date("Fri, 7 Jun 24 08:09:10 +0200"), "2024-6-7 6:9:10");
  EXPECT_EQ(date("Sun Nov  6 08:49:37 1994"), "1994-11-6 8:49:37");
  for (const std::string_view bad :
       {"", "soon", "2024-13-01", "2024-02-30", "2024-06-07T25:00Z", "20240607", "7/6/2024",
        "2024-06-07T08:09 XYZ", "1 Foo 2024", "99999999999999999999"}) {
    EXPECT_EQ(date(bad), "none") << bad;
  }
}

TEST(HttpHeadTest, StatusLineFieldsAndTheirQuirks) {
  const auto head = HttpHead::Parse(
      "HTTP/1.1 200 Very  Well\r\nContent-Type: text/html\r\nX : a\n  folded\n\tmore\r\n"
      "no colon here\r\nSet-Cookie: 1\r\nset-cookie:2\r\n\r\nbody");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->reason, "Very  Well");
  ASSERT_NE(head->Find("content-type"), nullptr);
  EXPECT_EQ(*head->Find("CONTENT-TYPE"), "text/html");
  EXPECT_EQ(*head->Find("x"), "a folded more");
  EXPECT_EQ(head->Find("absent"), nullptr);
  EXPECT_EQ(head->All("Set-Cookie"), (std::vector<std::string_view>{"1", "2"}));
  EXPECT_EQ(head->bytes + 4,
            std::string_view("HTTP/1.1 200 Very  Well\r\nContent-Type: text/html\r\n"
                             "X : a\n  folded\n\tmore\r\nno colon here\r\n"
                             "Set-Cookie: 1\r\nset-cookie:2\r\n\r\nbody")
                .size());
  EXPECT_EQ(HttpHead::Parse("HTTP/2 404\n\n")->status, 404);
  EXPECT_EQ(HttpHead::Parse("HTTP/1.0 301 \r\n")->reason, "");
}

TEST(HttpHeadTest, BadStatusLines) {
  for (const std::string_view bad : {"", "\r\n", "HTTP/1.1", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK",
                                     "HTTP/1.1 abc", "ICY 200 OK", "HTTP/1.1 099 x", "HTTP/ 200"}) {
    ASSERT_FALSE(HttpHead::Parse(bad)) << bad;
    EXPECT_EQ(HttpHead::Parse(bad).error(), HttpHeadError::kBadStatusLine);
  }
}

TEST(HttpHeadTest, LimitsAreMetAndOnePastThemIsRefused) {
  std::string head = "HTTP/1.1 200 OK\r\n";
  for (size_t i = 0; i < kMaxHttpFields; ++i) head += "A: b\r\n";
  EXPECT_TRUE(HttpHead::Parse(head + "\r\n"));
  EXPECT_EQ(HttpHead::Parse(head + "A: b\r\n\r\n").error(), HttpHeadError::kTooManyFields);
  const std::string start = "HTTP/1.1 200 OK\r\nA: ";
  const std::string full =
      start + std::string(kMaxHttpHeadBytes - start.size() - 4, 'x') + "\r\n\r\n";
  EXPECT_TRUE(HttpHead::Parse(full));
  EXPECT_EQ(HttpHead::Parse(start + "x" + full.substr(start.size())).error(),
            HttpHeadError::kTooLong);
}

TEST(MediaTypeTest, ParsingAMimeType) {
  const auto type =
      ParseMediaType(" Text/HTML ; a=b; Charset = x ; charset=\"UTF\\-8\" ;charset=z ");
  ASSERT_TRUE(type);
  EXPECT_EQ(type->essence, "text/html");
  EXPECT_EQ(type->charset, "UTF-8");
  EXPECT_EQ(ParseMediaType("text/html;charset=utf-8 ")->charset, "utf-8");
  EXPECT_EQ(ParseMediaType("text/html;charset=\"a;b\"x;y=1")->charset, "a;b");
  EXPECT_EQ(ParseMediaType("text/html;charset")->charset, "");
  EXPECT_EQ(ParseMediaType("text/html;charset=;charset=b")->charset, "b");
  EXPECT_EQ(ParseMediaType("text/html;;;charset=b")->charset, "b");
  for (const std::string_view bad : {"", "text", "/html", "text/", "te xt/html", "text/h,tml"}) {
    EXPECT_FALSE(ParseMediaType(bad)) << bad;
  }
  EXPECT_TRUE(IsHtml("application/xhtml+xml"));
  EXPECT_FALSE(IsHtml("text/plain"));
  EXPECT_TRUE(IsXml("application/rss+xml"));
}

TEST(Utf8Test, MaximalIllFormedPartsBecomeOneReplacementEach) {
  EXPECT_TRUE(IsValidUtf8("plain ASCII that is longer than a word"));
  EXPECT_TRUE(IsValidUtf8("\xF4\x8F\xBF\xBF\xEF\xBF\xBF\xC2\x80"));
  EXPECT_EQ(ValidUtf8Prefix("abcdefgh\xC0\x80"), 8U);
  constexpr std::string_view kR = "\xEF\xBF\xBD";
  const auto times = [&](int n) {
    std::string text;
    for (int i = 0; i < n; ++i) text += kR;
    return text;
  };
  EXPECT_EQ(ReplaceInvalidUtf8("\xC0\x80"), times(2));
  EXPECT_EQ(ReplaceInvalidUtf8("\xF0\x9F\x92"), times(1));
  EXPECT_EQ(ReplaceInvalidUtf8("\xF0\x9F\x92z"), times(1) + "z");
  EXPECT_EQ(ReplaceInvalidUtf8("\xED\xA0\x80"), times(3));
  EXPECT_EQ(ReplaceInvalidUtf8("\xF4\x90\x80\x80"), times(4));
  EXPECT_EQ(ReplaceInvalidUtf8("\xE0\x9F\xBF"), times(3));
}

}  // namespace
}  // namespace crawld::web
