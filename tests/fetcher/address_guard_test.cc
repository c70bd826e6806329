#include "fetcher/address_guard.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <string>
#include <vector>

namespace crawld::fetcher {
namespace {

using testing::HasSubstr;

AddressKind Kind(const std::string& text) { return KindOf(*IpAddress::Parse(text)); }

TEST(AddressGuardTest, Rfc6890_SpecialIPv4AddressesAreNotPublic) {
  for (const char* const text : {"0.0.0.0", "0.255.255.255"}) {
    EXPECT_EQ(Kind(text), AddressKind::kThisNetwork) << text;
  }
  for (const char* const text : {"127.0.0.1", "127.255.255.254"}) {
    EXPECT_EQ(Kind(text), AddressKind::kLoopback) << text;
  }
  for (const char* const text : {"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255",
                                 "192.168.0.0", "192.168.255.255"}) {
    EXPECT_EQ(Kind(text), AddressKind::kPrivate) << text;
  }
  for (const char* const text : {"100.64.0.0", "100.127.255.255"}) {
    EXPECT_EQ(Kind(text), AddressKind::kShared) << text;
  }
  EXPECT_EQ(Kind("169.254.169.254"), AddressKind::kLinkLocal);
  for (const char* const text : {"224.0.0.1", "239.255.255.255", "255.255.255.255"}) {
    EXPECT_EQ(Kind(text), AddressKind::kMulticast) << text;
  }
  for (const char* const text : {"192.0.2.1", "198.51.100.1", "203.0.113.255"}) {
    EXPECT_EQ(Kind(text), AddressKind::kDocumentation) << text;
  }
  for (const char* const text :
       {"192.0.0.1", "192.88.99.1", "198.18.0.0", "198.19.255.255", "240.0.0.0", "254.0.0.1"}) {
    EXPECT_EQ(Kind(text), AddressKind::kReserved) << text;
  }
}

TEST(AddressGuardTest, TheirNeighboursArePublic) {
  for (const char* const text :
       {"1.0.0.0",        "9.255.255.255",   "11.0.0.0",        "100.63.255.255",
        "100.128.0.0",    "126.255.255.255", "128.0.0.0",       "169.253.255.255",
        "169.255.0.0",    "172.15.255.255",  "172.32.0.0",      "191.255.255.255",
        "192.0.1.0",      "192.0.3.0",       "192.167.255.255", "192.169.0.0",
        "198.17.255.255", "198.20.0.0",      "223.255.255.255", "2001:4860:4860::8888",
        "2600::",         "2001:200::",      "3ffe::1",         "2a00::1"}) {
    EXPECT_EQ(Kind(text), AddressKind::kPublic) << text;
  }
}

TEST(AddressGuardTest, Rfc6890_SpecialIPv6AddressesAreNotPublic) {
  EXPECT_EQ(Kind("::"), AddressKind::kThisNetwork);
  EXPECT_EQ(Kind("::1"), AddressKind::kLoopback);
  EXPECT_EQ(Kind("fe80::1"), AddressKind::kLinkLocal);
  EXPECT_EQ(Kind("ff02::1"), AddressKind::kMulticast);
  for (const char* const text : {"fc00::", "fdff::1", "fec0::1"}) {
    EXPECT_EQ(Kind(text), AddressKind::kPrivate) << text;
  }
  for (const char* const text : {"2001:db8::1", "3fff::1"}) {
    EXPECT_EQ(Kind(text), AddressKind::kDocumentation) << text;
  }
  for (const char* const text : {"100::1", "2001::1", "2001:10::1", "64:ff9b:1::1", "5f00::1",
                                 "4000::1", "::2", "::127.0.0.1"}) {
    EXPECT_EQ(Kind(text), AddressKind::kReserved) << text;
  }
}

TEST(AddressGuardTest, AnAddressThatHoldsAnotherIsWhatTheOtherIs) {
  EXPECT_EQ(Kind("::ffff:127.0.0.1"), AddressKind::kLoopback);
  EXPECT_EQ(Kind("::ffff:a9fe:a9fe"), AddressKind::kLinkLocal);
  EXPECT_EQ(Kind("::ffff:8.8.8.8"), AddressKind::kPublic);
  EXPECT_EQ(Kind("64:ff9b::10.0.0.1"), AddressKind::kPrivate);  // RFC 6052
  EXPECT_EQ(Kind("64:ff9b::8.8.8.8"), AddressKind::kPublic);
  EXPECT_EQ(Kind("2002:7f00:1::"), AddressKind::kLoopback);  // RFC 3056
  EXPECT_EQ(Kind("2002:a9fe:a9fe::1"), AddressKind::kLinkLocal);
  EXPECT_EQ(Kind("2002:808:808::1"), AddressKind::kPublic);
}

bool Allows(const std::vector<std::string>& ranges, const std::string& address, uint16_t port) {
  std::vector<AddressRange> allowed;
  for (const std::string& range : ranges) allowed.push_back(*AddressRange::Parse(range));
  return !AddressGuard(allowed).Refusal(*IpAddress::Parse(address), port);
}

TEST(AddressGuardTest, OnlyPublicAddressesAreAllowedByDefault) {
  EXPECT_TRUE(Allows({}, "8.8.8.8", 80));
  EXPECT_FALSE(Allows({}, "127.0.0.1", 80));
  EXPECT_FALSE(Allows({}, "::1", 80));
  EXPECT_FALSE(Allows({}, "169.254.169.254", 80));
}

TEST(AddressGuardTest, RangesOpenTheirAddressesAndPorts) {
  EXPECT_TRUE(Allows({"10.0.0.0/8"}, "10.1.2.3", 1));
  EXPECT_TRUE(Allows({"10.0.0.0/8"}, "::ffff:10.1.2.3", 1));
  EXPECT_FALSE(Allows({"10.0.0.0/8"}, "127.0.0.1", 1));
  EXPECT_TRUE(Allows({"127.0.0.1:8080"}, "127.0.0.1", 8080));
  EXPECT_FALSE(Allows({"127.0.0.1:8080"}, "127.0.0.1", 8081));
  EXPECT_FALSE(Allows({"127.0.0.1:8080"}, "127.0.0.2", 8080));
  EXPECT_TRUE(Allows({"127.0.0.0/8:8000-8999"}, "127.9.9.9", 8999));
  EXPECT_FALSE(Allows({"127.0.0.0/8:8000-8999"}, "127.9.9.9", 9000));
  EXPECT_TRUE(Allows({"[fd00::]/8:443"}, "fdff::1", 443));
  EXPECT_FALSE(Allows({"[fd00::]/8:443"}, "fdff::1", 80));
  EXPECT_TRUE(Allows({"fd00::/8"}, "fd12::1", 80));
  EXPECT_TRUE(Allows({"::1"}, "::1", 80));
  EXPECT_TRUE(Allows({"172.16.0.0/12"}, "172.31.0.1", 80));
  EXPECT_FALSE(Allows({"172.16.0.0/13"}, "172.31.0.1", 80));
}

TEST(AddressGuardTest, IPv4RangesSayNothingOfIPv6) {
  EXPECT_FALSE(Allows({"0.0.0.0/0"}, "::1", 80));
  EXPECT_FALSE(Allows({"::/0"}, "127.0.0.1", 80));
  EXPECT_TRUE(Allows({"0.0.0.0/0"}, "127.0.0.1", 80));
  EXPECT_TRUE(Allows({"::/0"}, "::1", 80));
}

TEST(AddressGuardTest, WhatASocketIsToBeConnectedToIsJudged) {
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(80);
  six.sin6_addr = in6addr_loopback;
  sockaddr any{};
  any.sa_family = AF_UNIX;
  const AddressGuard guard;
  EXPECT_EQ(guard.Refusal(reinterpret_cast<const sockaddr&>(six)), AddressKind::kLoopback);
  EXPECT_EQ(guard.Refusal(any), AddressKind::kReserved);
  const AddressGuard open({*AddressRange::Parse("[::1]:80")});
  EXPECT_EQ(open.Refusal(reinterpret_cast<const sockaddr&>(six)), std::nullopt);
}

TEST(AddressGuardTest, ARangeThatIsNoneSaysWhy) {
  const auto why = [](const char* text) {
    const auto range = AddressRange::Parse(text);
    return range ? std::string("fine") : range.error();
  };
  EXPECT_THAT(why("localhost"), HasSubstr("'localhost' is no address"));
  EXPECT_THAT(why("10.0.0.0/33"), HasSubstr("prefix that is not 0 to 32"));
  EXPECT_THAT(why("fd00::/129"), HasSubstr("prefix that is not 0 to 128"));
  EXPECT_THAT(why("10.0.0.1/8"), HasSubstr("bits behind its prefix"));
  EXPECT_THAT(why("10.0.0.0/8:0-70000"), HasSubstr("port"));
  EXPECT_THAT(why("10.0.0.0/8:9-8"), HasSubstr("port"));
  EXPECT_THAT(why("[fd00::/8"), HasSubstr("no ]"));
  EXPECT_THAT(why("[::1]x"), HasSubstr("behind the address"));
  EXPECT_THAT(why(""), HasSubstr("is no address"));
}

TEST(AddressGuardTest, OurOwnAddressIsRefusedWhateverIsAllowed) {
  const AddressGuard guard(AllAddresses(), {*AddressRange::Parse("127.0.0.1:8080"),
                                            *AddressRange::Parse("198.51.100.7:8080")});
  const auto refusal = [&](const char* address, uint16_t port) {
    return guard.Refusal(*IpAddress::Parse(address), port);
  };
  EXPECT_EQ(refusal("127.0.0.1", 8080), AddressKind::kOwn);
  EXPECT_EQ(refusal("::ffff:127.0.0.1", 8080), AddressKind::kOwn);
  EXPECT_EQ(refusal("198.51.100.7", 8080), AddressKind::kOwn);
  EXPECT_EQ(refusal("127.0.0.1", 8081), std::nullopt);
  EXPECT_EQ(refusal("127.0.0.2", 8080), std::nullopt);
}

}  // namespace
}  // namespace crawld::fetcher
