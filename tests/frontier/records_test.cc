#include "frontier/records.h"

#include <gtest/gtest.h>

namespace crawld::frontier {
namespace {

WallTime At(int64_t ms) { return WallTime(Millis(ms)); }

QueuePlace Place(uint64_t host, bool https, uint16_t port, uint32_t rank, uint64_t sequence) {
  return {host, {https, port}, rank, sequence};
}

TEST(RecordsTest, KeysSortAsTheirFieldsDo) {
  const std::vector<QueuePlace> ascending = {
      Place(1, false, 80, 0, 1),   Place(1, false, 80, 0, 255),       Place(1, false, 80, 0, 256),
      Place(1, false, 80, 1, 0),   Place(1, false, 8080, 0, 0),       Place(1, true, 443, 0, 0),
      Place(256, false, 80, 0, 0), Place(1ULL << 63, false, 80, 0, 0)};
  for (size_t i = 1; i < ascending.size(); ++i) {
    EXPECT_LT(ascending[i - 1], ascending[i]) << i;
    EXPECT_LT(EncodePlace(ascending[i - 1]), EncodePlace(ascending[i])) << i;
  }
  EXPECT_LT(EncodeTimedHost(At(1), 9), EncodeTimedHost(At(2), 1));
}

TEST(RecordsTest, WhatIsWrittenIsReadBack) {
  const QueuePlace place = Place(42, true, 8443, 7, 99);
  EXPECT_EQ(DecodePlace(EncodePlace(place)), place);
  const auto timed = DecodeTimedPlace(EncodeTimedPlace(At(5), place));
  ASSERT_TRUE(timed);
  EXPECT_EQ(timed->first, At(5));
  EXPECT_EQ(timed->second, place);

  QueueEntry entry{place, {TaskKind::kSitemap, 3, 2, 1, 17}, "http://a.test/"};
  QueueEntry read;
  ASSERT_TRUE(DecodeQueueValue(EncodeQueueValue(entry), read));
  EXPECT_EQ(read.url, entry.url);
  EXPECT_EQ(read.info.kind, TaskKind::kSitemap);
  EXPECT_EQ(read.info.depth, 3);
  EXPECT_EQ(read.info.redirects, 2);
  EXPECT_EQ(read.info.tries, 1);
  EXPECT_EQ(read.info.prefix_length, 17U);
  EXPECT_FALSE(read.info.hints.any());
  const size_t without_hints = EncodeQueueValue(entry).size();
  entry.info.hints = {At(86'400'000), ChangeFrequency::kWeekly, 80};
  ASSERT_TRUE(DecodeQueueValue(EncodeQueueValue(entry), read));
  EXPECT_EQ(read.info.hints, entry.info.hints);
  EXPECT_GT(EncodeQueueValue(entry).size(), without_hints)
      << "they cost those that have none nothing";
  EXPECT_EQ(read.reason, "");
  for (const SitemapHints& hints : {SitemapHints(), entry.info.hints}) {
    entry.info.hints = hints;
    entry.reason = "status_503";
    ASSERT_TRUE(DecodeQueueValue(EncodeQueueValue(entry), read));
    EXPECT_EQ(read.reason, "status_503");
    EXPECT_EQ(read.info.hints, hints);
  }

  UrlRecord url;
  url.state = UrlState::kFailed;
  url.status = 503;
  url.tries = 4;
  url.depth = 2;
  url.when = At(123);
  url.reason = "status_503";
  url.url = "http://a.test/x";
  const auto url_read = DecodeUrlRecord(Encode(url));
  ASSERT_TRUE(url_read);
  EXPECT_EQ(url_read->reason, "status_503");
  EXPECT_EQ(url_read->status, 503);
  EXPECT_EQ(url_read->when, At(123));
  EXPECT_EQ(url_read->url, url.url);
  EXPECT_FALSE(url_read->hints.any());
  url.hints = {At(1), ChangeFrequency::kNever, 0};
  EXPECT_EQ(DecodeUrlRecord(Encode(url))->hints, url.hints);

  HostRecord host;
  host.name = "a.test";
  host.origins = {{false, 80}, {true, 443}};
  host.queued = 5;
  host.hold_until = At(9);
  const auto host_read = DecodeHostRecord(Encode(host));
  ASSERT_TRUE(host_read);
  EXPECT_EQ(host_read->origins, host.origins);
  EXPECT_EQ(host_read->queued, 5U);
  EXPECT_EQ(host_read->hold_until, At(9));

  RobotsRecord robots;
  robots.kind = RobotsRecord::Kind::kRules;
  robots.body = "User-agent: *\nDisallow: /x\n";
  robots.failures = 2;
  const auto robots_read = DecodeRobotsRecord(Encode(robots));
  ASSERT_TRUE(robots_read);
  EXPECT_EQ(robots_read->body, robots.body);
  EXPECT_EQ(robots_read->failures, 2);

  const auto run = DecodeRunRecord(Encode(RunRecord{7, true}));
  ASSERT_TRUE(run);
  EXPECT_EQ(run->number, 7U);
  EXPECT_TRUE(run->clean);
  EXPECT_FALSE(DecodeRunRecord("abcd"));

  Counters counters;
  counters.by_state[0] = 3;
  counters.by_state[4] = 2;
  counters.excluded[1] = 2;
  counters.next_sequence = 77;
  const auto counters_read = DecodeCounters(Encode(counters));
  ASSERT_TRUE(counters_read);
  EXPECT_EQ(counters_read->seen(), 5U);
  EXPECT_EQ(counters_read->excluded[1], 2U);
  EXPECT_EQ(counters_read->next_sequence, 77U);
}

TEST(RecordsTest, ACutValueIsRefusedAndNeverReadPastItsEnd) {
  HostRecord host;
  host.name = "a.test";
  host.origins = {{false, 80}};
  const std::string whole = Encode(host);
  // Older crawlds wrote no more than this.
  const size_t older = whole.size() - 1 - sizeof(uint32_t);
  const size_t oldest = older - 3 * sizeof(uint32_t) - sizeof(int64_t);
  EXPECT_TRUE(DecodeHostRecord(std::string_view(whole).substr(0, older)));
  EXPECT_TRUE(DecodeHostRecord(std::string_view(whole).substr(0, oldest)));
  for (size_t size = 0; size < whole.size(); ++size) {
    if (size == older || size == oldest) continue;
    EXPECT_FALSE(DecodeHostRecord(std::string_view(whole).substr(0, size))) << size;
  }
  EXPECT_FALSE(DecodePlace("short"));
  EXPECT_FALSE(DecodeUrlRecord(""));
  EXPECT_FALSE(DecodeUrlRecord("\x09"));
}

TEST(RecordsTest, AnOlderStoresFewerVerdictsCountAsZero) {
  Counters counters;
  counters.by_state[2] = 9;
  std::string bytes = Encode(counters);
  bytes.resize(bytes.size() - 3 * sizeof(uint64_t));
  const auto read = DecodeCounters(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->by_state[2], 9U);
  EXPECT_EQ(read->excluded[kVerdicts - 1], 0U);
}

}  // namespace
}  // namespace crawld::frontier
