// Servers that break HTTP/2 (RFC 9113), each in one way: every fetch ends, with an outcome of the
// enum, holds no more than it may, and the next one, on a connection of its own, is well.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/fetcher/fetcher_fixture.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tls_server.h"

namespace crawld::fetcher {
namespace {

using namespace std::string_view_literals;
using test::Http2Frame;
using test::TlsAnswer;
using test::TlsRequest;
using test::TlsServer;

// Frame types and flags.
constexpr uint8_t kData = 0;
constexpr uint8_t kHeaders = 1;
constexpr uint8_t kReset = 3;
constexpr uint8_t kSettings = 4;
constexpr uint8_t kPushPromise = 5;
constexpr uint8_t kPing = 6;
constexpr uint8_t kGoaway = 7;
constexpr uint8_t kWindowUpdate = 8;
constexpr uint8_t kContinuation = 9;
constexpr uint8_t kUnknown = 0x77;
constexpr uint8_t kEndStream = 1;
constexpr uint8_t kEndHeaders = 4;

constexpr size_t kMaxBody = 64 << 10;

// HPACK (RFC 7541): fields without Huffman coding, and without a place in the table.
std::string Field(std::string_view name, std::string_view value) {
  return std::string(1, '\0') + static_cast<char>(name.size()) + std::string(name) +
         static_cast<char>(value.size()) + std::string(value);
}
const std::string kOk = "\x88";  // ":status: 200"
std::string Status(std::string_view text) {
  return std::string("\x08") + static_cast<char>(text.size()) + std::string(text);
}

std::string Headers(uint32_t stream, const std::string& block, uint8_t flags = kEndHeaders) {
  return Http2Frame(kHeaders, flags, stream, block);
}
std::string Data(uint32_t stream, const std::string& body, bool last) {
  return Http2Frame(kData, last ? kEndStream : 0, stream, body);
}
std::string Answer(uint32_t stream, const std::string& body = "whole") {
  return Headers(stream, kOk) + Data(stream, body, true);
}
// Of a GOAWAY without an error.
std::string LastStream(uint32_t stream) {
  return std::string(3, '\0') + static_cast<char>(stream) + std::string(4, '\0');
}
std::string Times(size_t n, const std::string& text) {
  std::string all;
  all.reserve(n * text.size());
  for (size_t i = 0; i < n; ++i) all += text;
  return all;
}

struct Breach {
  std::string name;
  std::function<std::string(uint32_t stream)> frames;
  std::vector<std::string> due;  // errors, by name; "": none
  bool close = false;            // the connection, after that

  friend std::ostream& operator<<(std::ostream& out, const Breach& breach) {
    return out << breach.name;
  }
};

std::vector<Breach> Breaches() {
  // As libcurl tells of it: nghttp2's own word, or that no more can be read.
  const std::vector<std::string> kBroken = {"http2", "empty_reply", "reset"};
  const std::vector<std::string> kTooMuch = {"http2", "head_too_large", "reset"};
  const std::vector<std::string> kCut = {"http2", "body_short", "reset", "idle_timeout"};
  const std::vector<std::string> kFlood = {"http2", "reset", ""};  // or it is borne
  return {
      {"Nothing", [](uint32_t s) { return Answer(s); }, {""}},
      {"Silence", [](uint32_t) { return std::string(); }, {"first_byte_timeout"}},
      {"Garbage", [](uint32_t) { return Times(1000, "\xFFgarbage"); }, kBroken},
      {"AnHttp1Answer", [](uint32_t) { return std::string("HTTP/1.1 200 OK\r\n\r\n"); }, kBroken},
      {"ABodyShorterThanItSays",
       [](uint32_t s) {
         return Headers(s, kOk + Field("content-length", "10")) + Data(s, "abc", true);
       },
       {"http2", "body_short"}},
      {"ABodyLongerThanItSays",
       [](uint32_t s) {
         return Headers(s, kOk + Field("content-length", "2")) + Data(s, "abc", true);
       },
       kBroken},
      {"DataBeforeHeaders", [](uint32_t s) { return Data(s, "abc", false) + Answer(s); }, kBroken},
      {"AFrameLargerThanAgreed",
       [](uint32_t s) { return Headers(s, kOk) + Data(s, std::string(20'000, 'x'), true); },
       kBroken},
      {"MoreThanTheWindow",
       [](uint32_t s) {
         return Headers(s, kOk) + Times(4000, Data(s, std::string(16'000, 'x'), false));
       },
       kFlood},
      {"AHeadThatNeverEnds",
       [](uint32_t s) {
         return Headers(s, kOk, 0) +
                Times(20'000, Http2Frame(kContinuation, 0, s, Field("x", std::string(100, 'x'))));
       },
       kTooMuch},
      {"AHugeHead",
       [](uint32_t s) {
         std::string frames = Headers(s, kOk, 0);
         for (int i = 0; i < 60; ++i) {
           frames += Http2Frame(kContinuation, i == 59 ? kEndHeaders : 0, s,
                                Times(100, Field("x", std::string(100, 'x'))));
         }
         return frames;
       },
       kTooMuch},
      {"ABombOfHpack",  // one field in the table, and 15,000 references to it
       [](uint32_t s) {
         const std::string entry = std::string("\x40\x01x\x7f\xa1\x1e", 6) + std::string(4000, 'x');
         return Headers(s, kOk + entry + std::string(12'000, '\xbe')) + Data(s, "abc", true);
       },
       kTooMuch},
      {"BrokenHpack", [](uint32_t s) { return Headers(s, "\xff\xff\xff\xff\xff\xff\xff"); },
       kBroken},
      {"NoStatus", [](uint32_t s) { return Headers(s, Field("x", "y")) + Data(s, "a", true); },
       kBroken},
      {"AStatusThatIsNoNumber",
       [](uint32_t s) { return Headers(s, Status("abc")) + Data(s, "a", true); }, kBroken},
      {"TwoStatuses", [](uint32_t s) { return Headers(s, kOk + kOk) + Data(s, "a", true); },
       kBroken},
      {"AFieldOfTheConnection",
       [](uint32_t s) {
         return Headers(s, kOk + Field("connection", "close")) + Data(s, "a", true);
       },
       kBroken},
      {"ANameInUpperCase",
       [](uint32_t s) { return Headers(s, kOk + Field("X-Name", "y")) + Data(s, "a", true); },
       kBroken},
      {"ALineBreakInAValue",
       [](uint32_t s) { return Headers(s, kOk + Field("x", "a\r\nb: c")) + Data(s, "a", true); },
       kFlood},
      {"AStormOf1xx",
       [](uint32_t s) { return Times(20'000, Headers(s, Status("103"))) + Answer(s); }, kTooMuch},
      {"AnAnswerToAnotherStream", [](uint32_t s) { return Answer(s + 100); }, kBroken},
      {"APushThatWasNotWanted",
       [](uint32_t s) {
         return Http2Frame(kPushPromise, kEndHeaders, s, "\0\0\0\2"sv) + Answer(s);
       },
       kBroken},
      {"AWindowThatOverflows",
       [](uint32_t s) {
         return Times(2, Http2Frame(kWindowUpdate, 0, s, "\x7f\xff\xff\xff"sv)) + Answer(s);
       },
       kBroken},
      {"SettingsOfAWrongLength", [](uint32_t) { return Http2Frame(kSettings, 0, 0, "abc"); },
       kBroken},
      {"AFloodOfSettings",
       [](uint32_t s) { return Times(20'000, Http2Frame(kSettings, 0, 0, "")) + Answer(s); },
       kFlood},
      {"AFloodOfPings",
       [](uint32_t s) { return Times(20'000, Http2Frame(kPing, 0, 0, "12345678")) + Answer(s); },
       kFlood},
      {"AFloodOfUnknownFrames",
       [](uint32_t s) { return Times(20'000, Http2Frame(kUnknown, 0, 0, "12345678")) + Answer(s); },
       kFlood},
      {"AFloodOfEmptyData",
       [](uint32_t s) {
         return Headers(s, kOk) + Times(20'000, Data(s, "", false)) + Data(s, "x", true);
       },
       kFlood},
      {"AReset", [](uint32_t s) { return Http2Frame(kReset, 0, s, "\0\0\0\2"sv); }, kBroken},
      {"AResetWithinTheBody",
       [](uint32_t s) {
         return Headers(s, kOk) + Data(s, "abc", false) + Http2Frame(kReset, 0, s, "\0\0\0\2"sv);
       },
       {"http2", "body_short", "reset"}},
      {"GarbageBehindTheHead",
       [](uint32_t s) { return Headers(s, kOk) + Times(1000, "\xFFgarbage"); }, kCut},
      {"DataOfAnotherStreamBehindTheHead",
       [](uint32_t s) { return Headers(s, kOk) + Data(s + 100, "abc", false); }, kCut},
      {"AnEmptyBody", [](uint32_t s) { return Headers(s, kOk, kEndHeaders | kEndStream); }, {""}},
      {"AGoodbyeBehindTheAnswer",
       [](uint32_t s) { return Answer(s) + Http2Frame(kGoaway, 0, 0, LastStream(s)); },
       {""}},
      {"AGoodbyeBeforeTheAnswer",
       [](uint32_t s) { return Http2Frame(kGoaway, 0, 0, LastStream(s)) + Answer(s); },
       {""}},
      {"GarbageWithinTheBody",
       [](uint32_t s) {
         return Headers(s, kOk) + Data(s, "abc", false) + Times(1000, "\xFFgarbage");
       },
       kCut},
      {"DataOfAnotherStreamWithinTheBody",
       [](uint32_t s) {
         return Headers(s, kOk) + Data(s, "abc", false) + Data(s + 100, "abc", false);
       },
       kCut},
      {"BrokenTrailersWithinTheBody",
       [](uint32_t s) {
         return Headers(s, kOk) + Data(s, "abc", false) + Headers(s, "\xff\xff\xff\xff\xff\xff");
       },
       kCut},
      {"TheEndWithinTheBody",
       [](uint32_t s) { return Headers(s, kOk) + Data(s, "abc", false); },
       {"http2", "body_short", "reset"},
       true},
      {"TheEndInsteadOfAnAnswer",
       [](uint32_t) { return std::string(); },
       {"http2", "empty_reply", "reset", "protocol"},
       true},
      {"AGoodbyeAndSilence",
       [](uint32_t) { return Http2Frame(kGoaway, 0, 0, "\0\0\0\0\0\0\0\0"sv); },
       {"http2", "reset", "first_byte_timeout"}},
      {"ABodyThatStops",
       [](uint32_t s) { return Headers(s, kOk) + Data(s, "abc", false); },
       {"idle_timeout"}},
      {"ABodyLargerThanMayBe",
       [](uint32_t s) {
         return Headers(s, kOk) + Times(20, Data(s, std::string(10'000, 'x'), false));
       },
       {""}},
      {"TrailersWithoutAnEnd",
       [](uint32_t s) {
         return Headers(s, kOk) + Data(s, "abc", false) +
                Times(5000, Headers(s, Field("x", std::string(100, 'x'))));
       },
       kTooMuch},
  };
}

class Http2HostileTest : public FetcherTest, public testing::WithParamInterface<Breach> {};

TEST_P(Http2HostileTest, EndsWithItsOutcomeAndHarmsNoOther) {
  const Breach& breach = GetParam();
  options_.first_byte_timeout = options_.idle_timeout = Millis(500);
  options_.total_timeout = Millis(20'000);
  options_.max_body_bytes = kMaxBody;
  TlsServer server(
      [&](const TlsRequest& request) {
        if (request.number != 1) return TlsAnswer{.body = "well"};
        TlsAnswer answer;
        answer.close = breach.close;
        answer.frames = breach.frames;
        return answer;
      },
      {.http2 = true});
  const test::TempDir dir;
  options_.ca_file = dir / "ca.pem";
  std::ofstream(options_.ca_file) << server.ca_pem();
  const FetchResult result = FetchUrl(server.Url("/"));
  const std::string error(result.error ? Name(*result.error) : "");
  EXPECT_THAT(breach.due, testing::Contains(error)) << result.detail << ", " << result.status;
  EXPECT_LE(result.body.size(), kMaxBody);
  if (error.empty()) {
    EXPECT_EQ(result.status, 200);
    EXPECT_THAT(result.body, testing::AnyOf("whole", "", "a", "x", std::string(kMaxBody, 'x')));
  }
  EXPECT_EQ(server.requests(), 1) << "nothing is sent twice within a try";
  FetchRequest again = RequestFor(server.Url("/"));
  again.fresh_connection = true;
  const FetchResult next = fetcher().Submit(std::move(again)).Take();
  EXPECT_FALSE(next.error) << next.detail;
  EXPECT_EQ(next.body, "well");
}

INSTANTIATE_TEST_SUITE_P(Breaches, Http2HostileTest, testing::ValuesIn(Breaches()),
                         [](const auto& it) { return it.param.name; });

}  // namespace
}  // namespace crawld::fetcher
