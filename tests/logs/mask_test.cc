#include "logs/mask.h"

#include <gtest/gtest.h>

#include <string>

namespace crawld::logs {
namespace {

TEST(MaskerTest, UserAndPasswordOfAUrlAreMaskedAndTheRestStays) {
  const Masker masker;
  EXPECT_EQ(masker.Mask("at https://joe:s3cret@a.test/x@y?q=1 it failed"),
            "at https://***@a.test/x@y?q=1 it failed");
  EXPECT_EQ(masker.Mask("socks5h://u:p@h:1080"), "socks5h://***@h:1080");
  EXPECT_EQ(masker.Mask("http://a:b@c:d@e.test/"), "http://***@e.test/");
  EXPECT_EQ(masker.Mask("mail joe@a.test, http://a.test/@home"),
            "mail joe@a.test, http://a.test/@home");
}

TEST(MaskerTest, CredentialsInAQueryAreMaskedByTheirNames) {
  const Masker masker;
  EXPECT_EQ(masker.Mask("http://a.test/?id=7&Access_Token=abc&page=2#token=x"),
            "http://a.test/?id=7&Access_Token=***&page=2#token=***");
  EXPECT_EQ(masker.Mask("http://a.test/?token=&tokens=5&api_key=x;password=y"),
            "http://a.test/?token=&tokens=5&api_key=***;password=***");
}

TEST(MaskerTest, AUrlInAUrlIsMaskedToo) {
  EXPECT_EQ(Masker().Mask("<http://a.test/?u=https://joe:pw@b.test/>"),
            "<http://a.test/?u=https://***@b.test/>");
}

TEST(MaskerTest, WhatTheConfigKeepsSecretIsMaskedWhereverItStands) {
  const Masker masker({"hunter22", "hunter22-longer", "short", ""});
  EXPECT_EQ(masker.Mask("x hunter22 y hunter22-longer z short hunter22hunter22"),
            "x *** y *** z short ******");
}

TEST(MaskerTest, AnyBytesAreTaken) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  EXPECT_EQ(Masker().Mask(bytes), bytes);
  EXPECT_EQ(Masker().Mask("://"), "://");
  EXPECT_EQ(Masker().Mask("a://://b:c@d"), "a://://***@d");
}

}  // namespace
}  // namespace crawld::logs
