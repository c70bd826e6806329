#include "pipeline/activity.h"

#include <gtest/gtest.h>

#include <string>

namespace crawld::pipeline {
namespace {

FetchNote Note(const std::string& url, uint16_t status, std::string_view error = {},
               uint64_t bytes = 1) {
  static int64_t time = 0;
  return {.when = WallTime(Millis(++time)),
          .url = url,
          .status = status,
          .error = error,
          .took = Millis(5),
          .bytes = bytes};
}

TEST(ActivityTest, FetchesComeNewestFirstOfOneHostOrOfAllAndByTheirEnd) {
  Activity activity;
  activity.Note("a.test", Note("http://a.test/1", 200));
  activity.Note("b.test", Note("http://b.test/2", 503));
  activity.Note("a.test", Note("http://a.test/3", 0, "reset"));
  const auto all = activity.Fetches("", false, 10);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].url, "http://a.test/3");
  EXPECT_EQ(activity.Fetches("a.test", false, 10).size(), 2U);
  EXPECT_EQ(activity.Fetches("", true, 10).size(), 2U);
  EXPECT_EQ(activity.Fetches("", false, 1).size(), 1U);
  EXPECT_TRUE(activity.Fetches("c.test", false, 10).empty());
}

TEST(ActivityTest, HostsHaveSumsAndAreFoundByAPartOfTheirNames) {
  Activity activity;
  activity.Note("a.test", Note("http://a.test/1", 200, {}, 100));
  activity.Note("a.test", Note("http://a.test/1", 404));
  activity.Note("b.test", Note("http://b.test/1", 0, "dns"));
  activity.Note("b.test", Note("http://b.test/1", 0, "dns"));
  activity.Note("b.test", Note("http://b.test/1", 0, "dns"));
  const auto by_errors = activity.Hosts(Activity::By::kErrors, "", 10);
  ASSERT_EQ(by_errors.size(), 2U);
  EXPECT_EQ(by_errors[0].name, "b.test");
  EXPECT_EQ(by_errors[0].errors, 3U);
  EXPECT_EQ(by_errors[1].refused, 1U);
  EXPECT_EQ(activity.Hosts(Activity::By::kBytes, "", 1)[0].name, "a.test");
  EXPECT_EQ(activity.Hosts(Activity::By::kFetches, "b.", 10).size(), 1U);
  EXPECT_EQ(*ActivityOrder("bytes"), Activity::By::kBytes);
  EXPECT_FALSE(ActivityOrder("size"));
}

TEST(ActivityTest, ItKeepsSoMuchAndNoMore) {
  Activity activity;
  for (size_t i = 0; i < Activity::kFetches + Activity::kHosts + 7; ++i) {
    const std::string host = "h" + std::to_string(i) + ".test";
    activity.Note(host, Note("http://" + host + "/" + std::string(2000, 'x'), 200));
  }
  const auto all = activity.Fetches("", false, 1'000'000);
  EXPECT_EQ(all.size(), Activity::kFetches);
  EXPECT_EQ(all[0].url.size(), Activity::kMaxUrlBytes);
  EXPECT_TRUE(all[0].url.starts_with(
      "http://h" + std::to_string(Activity::kFetches + Activity::kHosts + 6) + ".test/"));
  EXPECT_EQ(activity.Hosts(Activity::By::kFetches, "", 1'000'000).size(), Activity::kHosts);
  EXPECT_TRUE(activity.Fetches("h1.test", false, 10).empty()) << "it has made room";
}

}  // namespace
}  // namespace crawld::pipeline
