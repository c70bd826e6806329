#include "archive/gzip_member.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>
#include <string>

namespace crawld::archive {
namespace {

// zlib's reading of one whole member; fails the test on anything but its clean end.
std::string Unpack(std::string_view member) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string out;
  std::string buffer(1 << 16, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(member.data()));
  stream.avail_in = static_cast<uInt>(member.size());
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(buffer.size());
    status = inflate(&stream, Z_NO_FLUSH);
    out.append(buffer, 0, buffer.size() - stream.avail_out);
  }
  EXPECT_EQ(status, Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0U) << "nothing follows the member";
  inflateEnd(&stream);
  return out;
}

class GzipMemberTest : public testing::TestWithParam<int> {};

TEST_P(GzipMemberTest, GivesBackAnyBytesOfAnySize) {
  GzipMember gzip(GetParam());
  std::mt19937 random(7);  // NOLINT: the same bytes every time
  for (const size_t size :
       {0UL, 1UL, 100UL, 65'534UL, 65'535UL, 65'536UL, 131'070UL, 131'071UL, 1'000'003UL}) {
    std::string noise(size, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    std::string text(size, 'x');
    for (size_t i = 0; i < size; i += 7) text[i] = static_cast<char>('a' + random() % 20);
    for (const std::string& bytes : {noise, text}) {
      std::string out = "before";
      const uint64_t member = gzip.Append(bytes, out);
      ASSERT_EQ(out.size(), 6 + member) << "appended";
      ASSERT_TRUE(Unpack(std::string_view(out).substr(6)) == bytes) << size;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, GzipMemberTest, testing::Range(0, GzipMember::kMaxLevel + 1));

TEST(GzipMemberTest, ACompressibleTextGetsSmallAtEveryLevelButNone) {
  std::string html;
  for (int i = 0; i < 1000; ++i) html += "<li><a href=\"page" + std::to_string(i) + "\">Page</a>\n";
  for (int level = 0; level <= GzipMember::kMaxLevel; ++level) {
    std::string out;
    GzipMember(level).Append(html, out);
    EXPECT_EQ(out.size() < html.size() / 3, level > 0) << level;
  }
}

}  // namespace
}  // namespace crawld::archive
