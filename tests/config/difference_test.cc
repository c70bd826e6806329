#include "config/difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace crawld::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Config Parse(const std::string& more) {
  return LoadString(
      "name: t\ndata_dir: data\nidentity: {user_agent: \"t/1 (+https://example.org/)\"}\n"
      "seeds: {urls: [\"http://a.test/\"]}\n" +
          more,
      "c.yaml", [](const std::string&) { return std::nullopt; });
}

TEST(DifferenceTest, OfEqualConfigsThereIsNone) {
  EXPECT_THAT(Differences(Parse("politeness: {delay: 1s}"), Parse("")), IsEmpty())
      << "a default that is written down is none";
}

TEST(DifferenceTest, EachKeyHasBothValuesAndWhetherAReloadTakesItUp) {
  EXPECT_THAT(Differences(Parse(""), Parse("politeness: {delay: 5s}\nfetcher: {threads: 2}")),
              ElementsAre(Difference{"politeness.delay", "1s", "5s", true},
                          Difference{"fetcher.threads", "1", "2", false}));
  EXPECT_THAT(Differences(Parse("scope: {max_depth: 3}"), Parse("scope: {exclude: [a, b]}")),
              ElementsAre(Difference{"scope.exclude", "[]", "[a, b]", true},
                          Difference{"scope.max_depth", "3", "null", true}));
}

TEST(DifferenceTest, SecretsAreNotShown) {
  const auto differences =
      Differences(Parse("fetcher: {proxy: \"http://u:secret@p.test:1\"}"),
                  Parse("fetcher: {proxy: \"http://u:other@p.test:1\"}\n"
                        "hosts: [{match: a.test, username: u, password: hunter22}]"));
  EXPECT_THAT(differences, ElementsAre(Difference{"fetcher.proxy", "***", "***", false},
                                       Difference{"hosts[a.test].username", "null", "***", false},
                                       Difference{"hosts[a.test].password", "null", "***", false}));
}

TEST(DifferenceTest, EntriesOfHostsBelongTogetherByTheirMatch) {
  const Config before = Parse("hosts: [{match: a.test, delay: 1s}, {match: [b.test, c.test]}]");
  EXPECT_THAT(
      Differences(before, Parse("hosts: [{match: a.test, delay: 2s}, {match: [b.test, c.test], "
                                "verify_tls: false}, {match: d.test, concurrency: 4}]")),
      ElementsAre(Difference{"hosts[a.test].delay", "1s", "2s", true},
                  Difference{"hosts[b.test, c.test].verify_tls", "true", "false", false},
                  Difference{"hosts[d.test].concurrency", "null", "4", true}));
  EXPECT_THAT(Differences(before, Parse("hosts: [{match: [b.test, c.test]}, {match: a.test, "
                                        "delay: 1s}]")),
              ElementsAre(Difference{"hosts", "in this order", "in another", true}));
}

// Found in a review: the order was taken up, was said to need a restart, and was not named again.
TEST(DifferenceTest, AnOrderOfHostsIsTakenUpUnlessItCountsForWhatIsNotLive) {
  const auto order = [](const Config& config) {
    std::string names;
    for (const HostRule& rule : config.hosts) names += rule.match.front().text + " ";
    return names;
  };
  const Config running = Parse("hosts: [{match: a.test, delay: 1s}, {match: '*.test', delay: 2s}]");
  const Config turned = Parse("hosts: [{match: '*.test', delay: 2s}, {match: a.test, delay: 1s}]");
  EXPECT_THAT(Differences(running, turned),
              ElementsAre(Difference{"hosts", "in this order", "in another", true}));
  EXPECT_EQ(order(Reloaded(running, turned)), "*.test a.test ");
  EXPECT_THAT(Differences(Reloaded(running, turned), turned), IsEmpty());

  const Config more =
      Parse("hosts: [{match: a.test, delay: 1s}, {match: '*.test', delay: 2s, http2: false}]");
  const Config turned_more = Parse(
      "hosts: [{match: b.test, delay: 3s}, {match: '*.test', delay: 4s, http2: false},"
      " {match: a.test, delay: 1s}]");
  const Config after = Reloaded(more, turned_more);
  EXPECT_EQ(order(after), "a.test b.test *.test ") << "b.test has its delay at once";
  EXPECT_EQ(after.hosts[2].delay, std::chrono::seconds(4));
  EXPECT_THAT(Differences(after, turned_more),
              ElementsAre(Difference{"hosts", "in this order", "in another", false}))
      << "it is named again";
}

// Found in a review: it was said to hold, and stood behind what it was an exception of.
TEST(DifferenceTest, ANewEntryStandsBeforeWhatItIsAnExceptionOf) {
  const Config running = Parse("hosts: [{match: '*.test', delay: 2s, http2: false}]");
  const Config next = Parse(
      "hosts: [{match: a.test, delay: 30s}, {match: '*.test', delay: 2s, http2: false},"
      " {match: b.example, delay: 3s}]");
  const Config after = Reloaded(running, next);
  ASSERT_EQ(after.hosts.size(), 3U);
  EXPECT_EQ(after.hosts[0].delay, std::chrono::seconds(30));
  EXPECT_EQ(after.hosts[2].delay, std::chrono::seconds(3));
  EXPECT_THAT(Differences(after, next), IsEmpty());
}

TEST(DifferenceTest, WhatAReloadTakesUpIsThereAndTheRestStillDiffers) {
  const Config running = Parse(
      "fetcher: {threads: 1}\nhosts: [{match: a.test, delay: 1s, verify_tls: false},"
      " {match: b.test, delay: 1s}, {match: c.test, http2: false}]");
  const Config next = Parse(
      "fetcher: {threads: 2}\npoliteness: {delay: 9s}\n"
      "hosts: [{match: a.test, delay: 2s}, {match: d.test, delay: 3s, http2: false}]");
  const Config after = Reloaded(running, next);
  EXPECT_EQ(after.fetcher.threads, 1U);
  EXPECT_EQ(after.politeness.delay, std::chrono::seconds(9));
  ASSERT_EQ(after.hosts.size(), 3U) << "b.test had nothing but a delay";
  EXPECT_EQ(after.hosts[0].delay, std::chrono::seconds(2));
  EXPECT_FALSE(after.hosts[0].verify_tls) << "as long as there is no restart";
  EXPECT_EQ(after.hosts[1].delay, std::chrono::seconds(3));
  EXPECT_FALSE(after.hosts[1].http2);
  EXPECT_EQ(after.hosts[2].http2, false);
  for (const Difference& difference : Differences(after, next)) {
    EXPECT_FALSE(difference.live) << difference.key;
  }
  EXPECT_EQ(Differences(after, next).size(), 4U);
}

}  // namespace
}  // namespace crawld::config
