#include "frontier/traps.h"

#include <gmock/gmock.h>

#include "tests/frontier/frontier_fixture.h"

namespace crawld::frontier {
namespace {

using testing::ElementsAre;

std::vector<std::string> HostsOf(const std::vector<TrapSigns>& traps) {
  std::vector<std::string> hosts;
  for (const TrapSigns& signs : traps) hosts.push_back(signs.host);
  return hosts;
}

TEST(TrapsTest, WhoHasTheMostUrlsComesFirst) {
  Traps traps;
  EXPECT_TRUE(traps.Most(10).empty());
  traps.Note("a.test", Verdict::kTooDeep, "http://a.test/1", At(1));
  traps.Note("b.test", Verdict::kUrlTooLong, "http://b.test/1", At(2));
  traps.Note("b.test", Verdict::kHostLimit, "http://b.test/2", At(3));
  traps.Note("c.test", Verdict::kRobotsDisallowed, "http://c.test/", At(4));
  const auto most = traps.Most(10);
  ASSERT_THAT(HostsOf(most), ElementsAre("b.test", "a.test")) << "robots.txt is no sign";
  EXPECT_EQ(most[0].urls, 2U);
  EXPECT_EQ(most[0].by_reason[static_cast<size_t>(Verdict::kUrlTooLong)], 1U);
  EXPECT_EQ(most[0].by_reason[static_cast<size_t>(Verdict::kHostLimit)], 1U);
  EXPECT_EQ(most[0].last_url, "http://b.test/2");
  EXPECT_EQ(most[0].last, At(3));
  EXPECT_THAT(HostsOf(traps.Most(1)), ElementsAre("b.test"));
}

TEST(TrapsTest, ItHoldsABoundedNumberAndTheActiveStay) {
  Traps traps;
  for (size_t i = 0; i < 3 * Traps::kHosts; ++i) {
    traps.Note("trap.test", Verdict::kTooDeep, "http://trap.test/", At(0));
    traps.Note(std::to_string(i) + ".test", Verdict::kTooDeep, std::string(100'000, 'x'), At(0));
  }
  const auto most = traps.Most(10 * Traps::kHosts);
  EXPECT_EQ(most.size(), Traps::kHosts);
  EXPECT_EQ(most[0].host, "trap.test");
  EXPECT_EQ(most[0].urls, 3 * Traps::kHosts);
  EXPECT_EQ(most[1].last_url.size(), Traps::kMaxUrlBytes);
  // Of a host of any length, and a character that is cut.
  traps.Note(std::string(1000, 'h'), Verdict::kTooDeep,
             std::string(Traps::kMaxUrlBytes - 1, 'x') + "\xC3\xA9", At(0));
  traps.Note(std::string(1000, 'h'), Verdict::kTooDeep, "http://h.test/", At(0));
  EXPECT_THAT(traps.Most(2)[1].host, testing::SizeIs(Traps::kMaxHostBytes));
}

class TrapsFoundTest : public FrontierTest {};

TEST_F(TrapsFoundTest, AUrlIsCountedOnceAsItIsWrittenOff) {
  options_.scope.max_url_length = 64;
  options_.max_pages_per_host = 2;
  Open();
  const std::string longer = "http://a.test/" + std::string(64, 'x');
  for (int i = 0; i < 3; ++i) {
    CommitSeeds(
        {longer, "http://a.test/1", "http://a.test/2", "http://a.test/3", "http://b.test/1"});
  }
  const auto found = frontier_->TrapsFound(10);
  ASSERT_THAT(HostsOf(found), ElementsAre("a.test"));
  EXPECT_EQ(found[0].urls, 2U);
  EXPECT_EQ(found[0].by_reason[static_cast<size_t>(Verdict::kUrlTooLong)], 1U);
  EXPECT_EQ(found[0].by_reason[static_cast<size_t>(Verdict::kHostLimit)], 1U);
}

}  // namespace
}  // namespace crawld::frontier
