#include "fetcher/cookie_jar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>

#include "tests/fetcher/fetcher_fixture.h"
#include "tests/support/dns_server.h"
#include "tests/support/temp_dir.h"

namespace crawld::fetcher {
namespace {

using test::Request;
using testing::HasSubstr;
using testing::Not;

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class CookieTest : public FetcherTest {
 protected:
  CookieTest()
      : dns_([](const test::DnsQuestion& question) {
          if (question.v6) return test::DnsAnswer{};
          return test::DnsAnswer{.addresses = {"127.0.0.1"}};
        }) {
    options_.cookies = true;
    options_.cookie_file = dir_ / "cookies.txt";
    options_.resolver.servers = {dns_.address()};
    // "/set?a=1;Domain=x" sets that.
    Serve([](const Request& request) {
      const std::string set = request.target.substr(request.target.find('?') + 1);
      if (!request.target.starts_with("/set")) return test::Html("x");
      return test::Answer(200, "x", {{"Set-Cookie", set}});
    });
  }
  std::string UrlOf(const std::string& host, const std::string& target) const {
    return "http://" + host + ":" + std::to_string(server_->port()) + target;
  }
  // The request that the server has read.
  std::string Ask(const std::string& host, const std::string& target = "/") {
    const FetchResult result = FetchUrl(UrlOf(host, target));
    EXPECT_FALSE(result.error) << result.detail;
    EXPECT_THAT(result.request_head, Not(HasSubstr("Cookie")));
    return server_->requests().back().raw_head;
  }

  const test::TempDir dir_;
  test::DnsServer dns_;
};

TEST_F(CookieTest, WithoutTheOptionNoneIsTaken) {
  options_.cookies = false;
  Ask("a.example.com", "/set?a=1");
  EXPECT_THAT(Ask("a.example.com"), Not(HasSubstr("Cookie")));
  fetcher().SaveCookies();
  EXPECT_FALSE(std::filesystem::exists(dir_ / "cookies.txt"));
}

TEST_F(CookieTest, AHostsCookieIsSentToThatHostByAllLoops) {
  options_.threads = 2;
  Ask("a.example.com", "/set?a=1");
  for (const uint64_t pin : {0, 1}) {
    EXPECT_EQ(FetchUrl(UrlOf("a.example.com", "/"), pin).status, 200);
    EXPECT_THAT(server_->requests().back().raw_head, HasSubstr("Cookie: a=1\r\n")) << pin;
  }
  EXPECT_THAT(Ask("b.example.com"), Not(HasSubstr("Cookie")));
}

TEST_F(CookieTest, ACookieForAPublicSuffixIsRefused) {
  Ask("a.example.com", "/set?good=1;Domain=example.com");
  Ask("a.example.com", "/set?evil=1;Domain=com");
  Ask("a.example.co.uk", "/set?evil=1;Domain=.co.uk");
  EXPECT_THAT(Ask("b.example.com"), HasSubstr("Cookie: good=1\r\n"));
  EXPECT_THAT(Ask("b.other.com"), Not(HasSubstr("Cookie")));
  EXPECT_THAT(Ask("b.other.co.uk"), Not(HasSubstr("Cookie")));
}

TEST_F(CookieTest, CookiesOutliveTheFetcherInAFileForItsOwnerAlone) {
  Ask("a.example.com", "/set?kept=1;Max-Age=9999");
  Ask("a.example.com", "/set?session=1;HttpOnly");
  fetcher().SaveCookies();
  struct stat status {};
  ASSERT_EQ(stat((dir_ / "cookies.txt").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  fetcher_.reset();
  const std::string sent = Ask("a.example.com");
  EXPECT_THAT(sent, HasSubstr("kept=1"));
  EXPECT_THAT(sent, HasSubstr("session=1"));
}

TEST_F(CookieTest, AFileThatIsNoneIsNotReadAndReplaced) {
  for (const std::string& bad :
       {std::string("garbage"), std::string(), std::string("# Netscape HTTP Cookie File\nhalf"),
        "# Netscape HTTP Cookie File\na.example.com\tFALSE\t/\tFALSE\t0\tgood\t1\nhalf\n" +
            std::string(100, '\xff')}) {
    dir_.Write("cookies.txt", bad);
    fetcher_.reset();
    EXPECT_THAT(Ask("a.example.com"), Not(HasSubstr("Cookie")));
    Ask("a.example.com", "/set?a=1");
    fetcher().SaveCookies();
    EXPECT_THAT(ReadAll(dir_ / "cookies.txt"),
                HasSubstr("a.example.com\tFALSE\t/\tFALSE\t0\ta\t1\n"));
  }
}

TEST_F(CookieTest, AnAnswerWithMoreCookiesThanLibcurlTakesIsWhole) {
  test::Headers many;
  for (int i = 0; i < 120; ++i) many.emplace_back("Set-Cookie", "c" + std::to_string(i) + "=1");
  Serve([many](const Request&) { return test::Answer(200, "whole", many); });
  const FetchResult result = FetchUrl(UrlOf("a.example.com", "/"));
  EXPECT_FALSE(result.error) << result.detail;
  EXPECT_EQ(result.body, "whole");
  EXPECT_THAT(Ask("a.example.com"), HasSubstr("Cookie: "));
}

// As an answer would.
void SetCookie(CookieJar& jar, int number) {
  CURL* const easy = curl_easy_init();
  curl_easy_setopt(easy, CURLOPT_SHARE, jar.share());
  const std::string cookie =
      "a.example.com\tFALSE\t/\tFALSE\t4102444800\tc" + std::to_string(number) + "\t1";
  curl_easy_setopt(easy, CURLOPT_COOKIELIST, cookie.c_str());
  jar.NoteCookie();
  curl_easy_cleanup(easy);
}

TEST(CookieJarTest, AWriteThatFailedIsDoneTheNextTime) {
  const test::TempDir dir;
  CookieJar jar(dir / "later" / "cookies.txt");
  SetCookie(jar, 1);
  jar.Save();
  std::filesystem::create_directory(dir / "later");
  jar.Save();
  EXPECT_THAT(ReadAll(dir / "later" / "cookies.txt"), HasSubstr("\tc1\t1\n"));
}

TEST(CookieJarTest, NothingIsWrittenThroughALink) {
  const test::TempDir dir;
  std::ofstream(dir / "precious") << "mine";
  std::filesystem::create_symlink(dir / "precious", dir / "cookies.txt.new");
  CookieJar jar(dir / "cookies.txt");
  SetCookie(jar, 1);
  jar.Save();
  EXPECT_EQ(ReadAll(dir / "precious"), "mine");
  EXPECT_THAT(ReadAll(dir / "cookies.txt"), HasSubstr("\tc1\t1\n"));
}

TEST(CookieJarTest, TwoWhoSaveAtOnceLeaveOneWholeFile) {
  const test::TempDir dir;
  CookieJar jar(dir / "cookies.txt");
  constexpr int kCookies = 40;
  for (int round = 0; round < kCookies; ++round) {
    SetCookie(jar, round);
    std::thread other([&jar] { jar.Save(); });
    jar.Save();
    other.join();
    const std::string text = ReadAll(dir / "cookies.txt");
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'),
              std::count(text.begin(), text.end(), '\t') / 6 + 1);
    EXPECT_THAT(text, HasSubstr("\tc" + std::to_string(round) + "\t1\n"));
    EXPECT_FALSE(std::filesystem::exists(dir / "cookies.txt.new"));
  }
}

TEST(CookieJarTest, OfAFileWithMoreThanThereIsRoomForTheFirstAreRead) {
  const test::TempDir dir;
  std::string text = "# Netscape HTTP Cookie File\n";
  for (int i = 0; i < 100; ++i) {
    text += "a.example.com\tFALSE\t/\tFALSE\t4102444800\tc" + std::to_string(i) + "\t1\n";
  }
  dir.Write("cookies.txt", text);
  CookieJar jar(dir / "cookies.txt", 50);
  EXPECT_EQ(jar.Count(), 50U);
  jar.Trim();
  EXPECT_EQ(jar.Count(), 50U) << "there is no news";
  SetCookie(jar, 1000);
  jar.Trim();
  EXPECT_EQ(jar.Count(), 0U) << "what was read counts for the limit";
}

TEST(CookieJarTest, BeyondTheLimitSessionsGoFirstAndThenEverything) {
  CookieJar jar("", 100);
  CURL* const easy = curl_easy_init();
  curl_easy_setopt(easy, CURLOPT_SHARE, jar.share());
  int number = 0;
  const auto add = [&](int count, const char* expiry) {
    for (int i = 0; i < count; ++i) {
      const std::string cookie = std::string(".example.com\tTRUE\t/\tFALSE\t") + expiry + "\tc" +
                                 std::to_string(number++) + "\t1";
      curl_easy_setopt(easy, CURLOPT_COOKIELIST, cookie.c_str());
      jar.NoteCookie();
    }
    jar.Trim();
  };
  add(60, "4102444800");
  add(39, "0");
  EXPECT_EQ(jar.Count(), 99U);
  add(1, "0");
  EXPECT_EQ(jar.Count(), 60U) << "those of sessions are gone";
  add(39, "4102444800");
  EXPECT_EQ(jar.Count(), 99U);
  add(1, "4102444800");
  EXPECT_EQ(jar.Count(), 0U);
  curl_easy_cleanup(easy);
}

}  // namespace
}  // namespace crawld::fetcher
