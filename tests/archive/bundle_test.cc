#include "archive/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/archive_reader.h"
#include "tests/support/temp_dir.h"

namespace crawld::archive {
namespace {

using test::WarcFile;
using test::WarcRecord;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

WallTime At(int64_t ms) { return WallTime(Millis(ms)); }

class BundleTest : public testing::Test {
 protected:
  BundleTest() {
    exchange_.url = "http://a.test/x?y=1";
    exchange_.request_head = "GET /x?y=1 HTTP/1.1\r\nHost: a.test\r\n\r\n";
    exchange_.response_head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n";
    exchange_.body = "<p>body";
    exchange_.surt = "test,a)/x?y=1";
    exchange_.media_type = "text/html";
    exchange_.ip = "192.0.2.1";
    exchange_.protocol = "http/1.1";
    exchange_.status = 200;
    exchange_.begun = At(1'700'000'000'123);
  }

  // The records as an independent reader sees them, after the warcinfo that a file begins with.
  std::vector<WarcRecord> Build(const BundleOptions& options = {}) {
    BundleBuilder builder(options);
    bundle_ = {};
    builder.AddExchange(exchange_, bundle_);
    std::ofstream(dir_ / "t.warc.gz", std::ios::binary)
        << builder.Warcinfo("t.warc.gz", "agent/1", At(0)) << bundle_.warc;
    WarcFile file = test::ReadWarc(dir_ / "t.warc.gz");
    EXPECT_THAT(file.problems, IsEmpty());
    if (!file.records.empty()) file.records.erase(file.records.begin());
    return file.records;
  }

  const test::TempDir dir_;
  HttpExchange exchange_;
  Bundle bundle_;
};

TEST_F(BundleTest, AnExchangeIsAResponseAndItsRequestEachInAMemberOfItsOwn) {
  const auto records = Build();
  ASSERT_EQ(records.size(), 2U);
  const WarcRecord& response = records[0];
  EXPECT_EQ(response.type(), "response");
  EXPECT_EQ(response.uri(), exchange_.url);
  EXPECT_EQ(response.length, bundle_.response_bytes);
  EXPECT_EQ(response.block, std::string(exchange_.response_head) + std::string(exchange_.body));
  EXPECT_EQ(response.Find("WARC-Date"), "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(response.Find("WARC-IP-Address"), "192.0.2.1");
  EXPECT_EQ(response.Find("WARC-Protocol"), "http/1.1");
  EXPECT_EQ(response.Find("WARC-Truncated"), "");
  EXPECT_EQ(response.Find("Content-Type"), "application/http; msgtype=response");
  EXPECT_THAT(response.Find("WARC-Record-ID"), testing::MatchesRegex("<urn:uuid:[0-9a-f-]+>"));
  const WarcRecord& request = records[1];
  EXPECT_EQ(request.type(), "request");
  EXPECT_EQ(request.uri(), exchange_.url);
  EXPECT_EQ(request.block, exchange_.request_head);
  EXPECT_EQ(request.Find("WARC-Concurrent-To"), response.Find("WARC-Record-ID"));
  EXPECT_EQ(request.Find("Content-Type"), "application/http; msgtype=request");
}

TEST_F(BundleTest, DigestsAreOfTheBlockAndOfThePayload) {
  for (const Digest digest : {Digest::kSha1, Digest::kSha256}) {
    BundleOptions options;
    options.digest = digest;
    const auto records = Build(options);  // the reader recomputes them
    const std::string name = digest == Digest::kSha1 ? "sha1" : "sha256";
    EXPECT_EQ(records[0].Find("WARC-Payload-Digest"), test::DigestOf(name, exchange_.body));
    EXPECT_EQ(records[0].Find("WARC-Block-Digest"), test::DigestOf(name, records[0].block));
    EXPECT_EQ(records[1].Find("WARC-Block-Digest"), test::DigestOf(name, exchange_.request_head));
  }
  exchange_.body = "";
  EXPECT_EQ(Build()[0].Find("WARC-Payload-Digest"), "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ")
      << "of nothing, as every WARC tool knows it";
}

TEST_F(BundleTest, EveryLevelOfCompressionGivesTheSameRecord) {
  const std::string body(300'000, 'x');
  exchange_.body = body;
  for (int level = 0; level <= 12; ++level) {
    BundleOptions options;
    options.compression = level;
    EXPECT_EQ(Build(options)[0].block.size(), exchange_.response_head.size() + body.size());
  }
}

TEST_F(BundleTest, ABodyOfAnyBytesAndSizeIsKept) {
  std::string body("\0\r\n\r\nWARC/1.1\r\n\xff\x1f\x8b", 18);
  for (const size_t size : {18UL, 1UL << 16, 5UL << 20}) {
    while (body.size() < size) body += body;
    exchange_.body = body;
    EXPECT_TRUE(Build()[0].block == std::string(exchange_.response_head) + body);
  }
}

TEST_F(BundleTest, ABodyThatWasCutSaysWhy) {
  exchange_.truncated = Truncation::kLength;
  EXPECT_EQ(Build()[0].Find("WARC-Truncated"), "length");
  exchange_.truncated = Truncation::kTime;
  EXPECT_EQ(Build()[0].Find("WARC-Truncated"), "time");
  exchange_.truncated = Truncation::kDisconnect;
  EXPECT_EQ(Build()[0].Find("WARC-Truncated"), "disconnect");
}

TEST_F(BundleTest, WhatIsUnknownIsLeftOut) {
  exchange_.ip = "";
  exchange_.protocol = "";
  exchange_.media_type = "";
  const auto records = Build();
  for (const auto& [name, value] : records[0].fields) {
    EXPECT_NE(name, "WARC-IP-Address");
    EXPECT_NE(name, "WARC-Protocol");
  }
  EXPECT_THAT(bundle_.index, HasSubstr(R"("mime":"unk")"));
}

TEST_F(BundleTest, TheIndexLineHasItsKeyTimeAndFields) {
  exchange_.url = "http://a.test/\"quoted\"\\";
  exchange_.status = 404;
  Build();
  EXPECT_THAT(bundle_.index,
              testing::StartsWith("test,a)/x?y=1 20231114221320 "
                                  "{\"url\":\"http://a.test/\\\"quoted\\\"\\\\\","
                                  "\"mime\":\"text/html\",\"status\":\"404\",\"digest\":\"sha1:"));
}

TEST_F(BundleTest, ABuilderIsUsedAgainAndAgain) {
  BundleBuilder builder({});
  std::string all = builder.Warcinfo("t.warc.gz", "agent/1", At(0));
  for (int i = 0; i < 20; ++i) {
    const std::string body(static_cast<size_t>(i) * 400'000, 'x');
    exchange_.body = body;
    Bundle bundle;
    builder.AddExchange(exchange_, bundle);
    all += bundle.warc;
  }
  std::ofstream(dir_ / "t.warc.gz", std::ios::binary) << all;
  const WarcFile file = test::ReadWarc(dir_ / "t.warc.gz");
  EXPECT_THAT(file.problems, IsEmpty()) << "and no id twice";
  EXPECT_EQ(file.records.size(), 41U);
}

TEST_F(BundleTest, TheWarcinfoTellsWhoWroteTheFileAndHow) {
  BundleBuilder builder({});
  std::ofstream(dir_ / "t.warc.gz", std::ios::binary)
      << builder.Warcinfo("t.warc.gz", "agent/1 (+https://a.test/)", At(1'000));
  const WarcFile file = test::ReadWarc(dir_ / "t.warc.gz");
  EXPECT_THAT(file.problems, IsEmpty());
  ASSERT_EQ(file.records.size(), 1U);
  EXPECT_EQ(file.records[0].Find("WARC-Filename"), "t.warc.gz");
  EXPECT_EQ(file.records[0].Find("Content-Type"), "application/warc-fields");
  EXPECT_THAT(file.records[0].block,
              testing::AllOf(HasSubstr("software: crawld/"), HasSubstr("WARC File Format 1.1\r\n"),
                             HasSubstr("http-header-user-agent: agent/1 (+https://a.test/)\r\n")));
}

TEST(FormatTest, DatesAreUtcWithMilliseconds) {
  EXPECT_EQ(FormatDate(At(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatDate(At(951'782'399'999)), "2000-02-28T23:59:59.999Z");
  EXPECT_EQ(FormatDate(At(951'782'400'007)), "2000-02-29T00:00:00.007Z");
  EXPECT_EQ(FormatTimestamp(At(951'782'400'007)), "20000229000000");
  EXPECT_EQ(FormatDate(At(-1)), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace crawld::archive
