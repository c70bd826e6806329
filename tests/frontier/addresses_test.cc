// Hosts that share an address.
#include <set>

#include "tests/frontier/frontier_fixture.h"

namespace crawld::frontier {
namespace {

TEST_F(FrontierAddressTest, TwoNamesOfOneAddressAreOneHostToBePoliteTo) {
  addresses_ = {{"a.test", "192.0.2.1"}, {"b.test", "192.0.2.1"}, {"c.test", "192.0.2.2"}};
  Open();
  CommitSeeds({"http://a.test/", "http://b.test/", "http://c.test/"});
  std::set<std::string> first;
  first.insert(AskUrl(0));
  first.insert(AskUrl(0));
  EXPECT_TRUE(first.contains("http://c.test/"));
  EXPECT_EQ(AskUrl(0), "");
  EXPECT_EQ(last_wait_.held_by, Hold::kAddress);
  EXPECT_EQ(asked_.size(), 3U);
  const std::string shared = first.contains("http://a.test/") ? "http://a.test/" : "http://b.test/";
  ASSERT_TRUE(first.contains(shared));
  frontier_->Release(leased_.at(shared), {.when = At(300), .address = "192.0.2.1"});
  EXPECT_EQ(AskUrl(1299), "");
  EXPECT_NE(AskUrl(1300), "");
}

TEST_F(FrontierAddressTest, NobodyIsAskedBeforeItIsKnownWhereHeIs) {
  Open();
  CommitSeeds({"http://a.test/"});
  const Decision decision = frontier_->Next(At(0));
  const auto* wanted = std::get_if<LookUp>(&decision);
  ASSERT_NE(wanted, nullptr);
  EXPECT_EQ(wanted->name, "a.test");
  EXPECT_FALSE(Next(0));
  EXPECT_EQ(last_wait_.reason, Wait::Reason::kInFlight);
  frontier_->NoteAddress(wanted->host, "");
  EXPECT_EQ(NextUrl(1), "http://a.test/") << "the fetch is to say what is wrong with its name";
}

TEST_F(FrontierAddressTest, WhereAFetchReallyWentCounts) {
  addresses_ = {{"a.test", "192.0.2.1"}, {"b.test", "192.0.2.2"}};
  Open();
  CommitSeeds({"http://a.test/"});
  ASSERT_EQ(AskUrl(0), "http://a.test/");
  frontier_->Release(leased_.at("http://a.test/"), {.when = At(10), .address = "192.0.2.2"});
  CommitSeeds({"http://b.test/"}, 10);
  EXPECT_EQ(AskUrl(11), "");
  EXPECT_EQ(AskUrl(1010), "http://b.test/");
}

}  // namespace
}  // namespace crawld::frontier
