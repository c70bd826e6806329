#include "config/seed_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/stat.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/temp_dir.h"

namespace crawld::config {
namespace {

using test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

std::string Gzip(std::string_view text) {
  z_stream zlib{};
  EXPECT_EQ(deflateInit2(&zlib, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&zlib, text.size()), '\0');
  std::string input(text);
  zlib.next_in = reinterpret_cast<Bytef*>(input.data());
  zlib.avail_in = static_cast<uInt>(input.size());
  zlib.next_out = reinterpret_cast<Bytef*>(packed.data());
  zlib.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&zlib, Z_FINISH), Z_STREAM_END);
  packed.resize(zlib.total_out);
  deflateEnd(&zlib);
  return packed;
}

struct Read {
  std::vector<std::pair<uint64_t, std::string>> lines;
  std::vector<uint64_t> too_long;
  std::string error;
};

Read ReadList(const std::filesystem::path& path) {
  Read read;
  auto reader = SeedListReader::Open(path);
  if (!reader) return {.lines = {}, .too_long = {}, .error = reader.error().message};
  for (;;) {
    const auto line = reader->Next();
    if (!line) {
      read.error = line.error().message;
      EXPECT_EQ(reader->Next().error(), line.error());
      return read;
    }
    if (!*line) return read;
    if ((*line)->nothing) continue;
    if ((*line)->too_long) {
      read.too_long.push_back((*line)->line);
    } else {
      read.lines.emplace_back((*line)->line, (*line)->text);
    }
  }
}

// Each test sees the same text plain and packed.
class SeedListTest : public ::testing::TestWithParam<bool> {
 protected:
  Read ReadText(std::string_view text) {
    return ReadList(dir_.Write("list", GetParam() ? Gzip(text) : std::string(text)));
  }
  TempDir dir_;
};

TEST_P(SeedListTest, GivesLinesWithTheirNumbers) {
  EXPECT_THAT(ReadText("http://a/\nhttp://b/\n").lines,
              ElementsAre(Pair(1, "http://a/"), Pair(2, "http://b/")));
  EXPECT_THAT(ReadText("http://a/\nhttp://b/").lines,
              ElementsAre(Pair(1, "http://a/"), Pair(2, "http://b/")));
}

TEST_P(SeedListTest, AnEmptyListHasNoLines) {
  for (const char* text :
       {"", "\n", "\r\n", "#", "  \n\t\n# x\n", "\xef\xbb\xbf", "\xef\xbb\xbf\n"}) {
    const Read read = ReadText(text);
    EXPECT_TRUE(read.lines.empty()) << text;
    EXPECT_EQ(read.error, "");
  }
}

TEST_P(SeedListTest, TakesByteOrderMarkCrLfAndWhiteSpaceAway) {
  EXPECT_THAT(ReadText("\xef\xbb\xbfhttp://a/\r\n\r\n \thttp://b/ \t\r\n").lines,
              ElementsAre(Pair(1, "http://a/"), Pair(3, "http://b/")));
}

TEST_P(SeedListTest, ACommentBeginsALineOrFollowsWhiteSpace) {
  EXPECT_THAT(ReadText("# all\n"
                       "http://a/#top\n"
                       "http://b/ # note\n"
                       "  # indented\n"
                       "http://c/#x\t#y\n"
                       "http://d/##\n")
                  .lines,
              ElementsAre(Pair(2, "http://a/#top"), Pair(3, "http://b/"), Pair(5, "http://c/#x"),
                          Pair(6, "http://d/##")));
}

TEST_P(SeedListTest, ALineAtTheLimitIsReadAndOnePastItSkipped) {
  const std::string fits(kMaxSeedLineBytes, 'a');
  const Read read =
      ReadText(fits + "\nx\n" + fits + "a\ny\n" + std::string(500'000, 'b') + "\nz\n" + fits + "a");
  EXPECT_THAT(read.lines, ElementsAre(Pair(1, fits), Pair(2, "x"), Pair(4, "y"), Pair(6, "z")));
  EXPECT_THAT(read.too_long, ElementsAre(3, 5, 7));
  EXPECT_EQ(read.error, "");
}

// Wherever the buffers' ends fall.
TEST_P(SeedListTest, LinesOfAnyLengthArriveWhole) {
  std::string text;
  std::vector<std::pair<uint64_t, std::string>> expected;
  for (uint64_t i = 1; i <= 400; ++i) {
    std::string line = "http://" + std::to_string(i) + '/' + std::string(i * i % 3001, 'x');
    text += line + (i % 2 == 0 ? "\n" : "\r\n");
    expected.emplace_back(i, std::move(line));
  }
  EXPECT_EQ(ReadText(text).lines, expected);
}

TEST_P(SeedListTest, BytesThatAreNoTextArriveAsTheyAre) {
  EXPECT_THAT(ReadText(std::string_view("\0\xff\x80\n\x01", 5)).lines,
              ElementsAre(Pair(1, std::string("\0\xff\x80", 3)), Pair(2, "\x01")));
}

INSTANTIATE_TEST_SUITE_P(PlainAndGzip, SeedListTest, ::testing::Bool(),
                         [](const auto& param) { return param.param ? "Gzip" : "Plain"; });

TEST(SeedListErrorTest, AFileThatIsMissingOrAFolderIsAnErrorThatNamesIt) {
  const TempDir dir;
  EXPECT_EQ(ReadList(dir.path() / "none").error,
            (dir.path() / "none").string() + ": cannot be opened: No such file or directory");
  EXPECT_EQ(ReadList(dir.path()).error,
            dir.path().string() + ": is no regular file; write the list to one");
}

TEST(SeedListErrorTest, TruncatedGzipGivesWhatItHasAndThenTheError) {
  const TempDir dir;
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "http://" + std::to_string(i * 7919 % 99991) + "/\n";
  const std::string packed = Gzip(text);
  for (const size_t size : {size_t{2}, size_t{10}, packed.size() / 2, packed.size() - 1}) {
    const auto file = dir.Write("cut.gz", packed.substr(0, size));
    const Read read = ReadList(file);
    EXPECT_EQ(read.error.substr(0, file.string().size() + 1), file.string() + ":");
    EXPECT_THAT(read.error, HasSubstr("truncated gzip"));
    EXPECT_EQ(read.lines.empty(), size < 100) << size;
  }
}

TEST(SeedListErrorTest, CorruptGzipIsAnErrorWithTheLine) {
  const TempDir dir;
  std::string packed = Gzip("http://a/\nhttp://b/\n");
  packed[packed.size() - 6] = static_cast<char>(packed[packed.size() - 6] ^ 1);  // the checksum
  const auto file = dir.Write("bad.gz", packed);
  EXPECT_THAT(ReadList(file).error, HasSubstr(file.string() + ":"));
  EXPECT_THAT(ReadList(file).error, HasSubstr("corrupt gzip"));
  EXPECT_THAT(ReadList(dir.Write("tail.gz", Gzip("a\n") + "garbage")).error,
              HasSubstr(":2: corrupt gzip"));
}

TEST(SeedListErrorTest, Rfc1952_2_2_MembersInARowAreOneText) {
  const TempDir dir;
  EXPECT_THAT(
      ReadList(dir.Write("two.gz", Gzip("http://a/\nhttp:") + Gzip("") + Gzip("//b/\n"))).lines,
      ElementsAre(Pair(1, "http://a/"), Pair(2, "http://b/")));
}

// What the program has from malloc. Sanitizers bring their own malloc, and this stays the same.
size_t HeapBytes() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(SeedListMemoryTest, TwoMillionLinesTakeNoMoreMemoryThanOne) {
  const TempDir dir;
  constexpr uint64_t kLines = 2'000'000;
  const auto path = dir.path() / "large.gz";
  gzFile file = gzopen(path.c_str(), "wb1");
  ASSERT_NE(file, nullptr);
  std::string block;
  for (uint64_t i = 1; i <= kLines; ++i) {
    block += "https://host-" + std::to_string(i % 1000) + ".example/" + std::to_string(i) + '\n';
    if (i % 10'000 == 0) {
      ASSERT_GT(gzwrite(file, block.data(), static_cast<unsigned>(block.size())), 0);
      block.clear();
    }
  }
  ASSERT_EQ(gzclose(file), Z_OK);

  auto reader = SeedListReader::Open(path);
  ASSERT_TRUE(reader.has_value());
  ASSERT_TRUE((*reader->Next()).has_value());
  const size_t before = HeapBytes();
  uint64_t lines = 1;
  for (;;) {
    const auto line = reader->Next();
    if (!line || !*line) break;
    if (++lines % 100'000 == 0) {
      EXPECT_EQ(HeapBytes(), before) << "at line " << lines;
    }
  }
  EXPECT_EQ(lines, kLines);
}

TEST(ExpandSeedFilesTest, AFileAPatternOrAFolder) {
  const TempDir dir;
  for (const char* name :
       {"b.txt", "a.txt", "c.gz", "sub/2", "sub/1", "sub/.hidden", "sub/deep/3"}) {
    dir.Write(name, "");
  }
  const auto at = [&](const char* name) { return dir.path() / name; };
  EXPECT_THAT(*ExpandSeedPattern("c.gz", dir.path()), ElementsAre(at("c.gz")));
  EXPECT_THAT(*ExpandSeedPattern("*.txt", dir.path()), ElementsAre(at("a.txt"), at("b.txt")));
  EXPECT_THAT(*ExpandSeedPattern("sub", dir.path()), ElementsAre(at("sub/1"), at("sub/2")));
  EXPECT_THAT(*ExpandSeedPattern("s?b", dir.path()), ElementsAre(at("sub/1"), at("sub/2")));
  EXPECT_THAT(*ExpandSeedPattern(at("[ab].txt").string(), "/nowhere"),
              ElementsAre(at("a.txt"), at("b.txt")));
  EXPECT_THAT(*ExpandSeedFiles({"c.gz", "*.txt", "a.txt"}, dir.path()),
              ElementsAre(at("c.gz"), at("a.txt"), at("b.txt")));
}

TEST(ExpandSeedFilesTest, WhatCannotStandForAFileIsAnError) {
  const TempDir dir;
  EXPECT_THAT(ExpandSeedPattern("none", dir.path()).error().message, HasSubstr("is missing"));
  EXPECT_THAT(ExpandSeedPattern("none/*.gz", dir.path()).error().message,
              HasSubstr("nor is there a folder"));
  EXPECT_FALSE(ExpandSeedFiles({"none"}, dir.path()).has_value());
}

TEST(ExpandSeedFilesTest, WhatMayStandForAFileLaterStandsForNoneNow) {
  const TempDir dir;
  std::filesystem::create_directory(dir.path() / "empty");
  for (const char* pattern : {"empty", "*.gz", "empty/*.gz", "empty/*/x"}) {
    const auto files = ExpandSeedPattern(pattern, dir.path());
    ASSERT_TRUE(files) << pattern;
    EXPECT_THAT(*files, IsEmpty()) << pattern;
  }
}

// A file where a folder might be spoiled the whole pattern.
TEST(ExpandSeedFilesTest, AFileBesideFoldersIsPassedOver) {
  const TempDir dir;
  dir.Write("file", "");
  dir.Write("sub/a.txt", "");
  EXPECT_THAT(*ExpandSeedPattern("*/*.txt", dir.path()), ElementsAre(dir.path() / "sub/a.txt"));
}

TEST(FoldersOfSeedPatternTest, FoldersThatMayGetAFile) {
  const TempDir dir;
  dir.Write("[x]/file", "");
  dir.Write("[x]/sub/deep/a.txt", "");
  const std::filesystem::path base = dir.path() / "[x]";
  const auto of = [&](const std::string& pattern) { return FoldersOfSeedPattern(pattern, base); };
  EXPECT_THAT(of("file"), ElementsAre(base));
  EXPECT_THAT(of("sub"), ElementsAre(base / "sub"));
  EXPECT_THAT(of("*.txt"), ElementsAre(base));
  EXPECT_THAT(of("sub/*.txt"), ElementsAre(base / "sub"));
  EXPECT_THAT(of("*/*/a.txt"), ElementsAre(base, base / "sub", base / "sub/deep"));
  EXPECT_THAT(of("none/*.txt"), IsEmpty());
  EXPECT_THAT(of("s*"), ElementsAre(base, base / "sub")) << "every file of the folder is meant";
  EXPECT_THAT(FoldersOfSeedPattern((dir.path() / "*/sub/a.txt").string(), "/nowhere"),
              ElementsAre(dir.path(), base, base / "sub"));
}

TEST(SeedPatternTakesTest, WhatIsThereAndWhatIsNot) {
  const TempDir dir;
  dir.Write("[x]/sub/a.txt", "");
  const std::filesystem::path base = dir.path() / "[x]";
  const auto takes = [&](const std::string& pattern, const char* file) {
    return SeedPatternTakes(pattern, base, base / file);
  };
  EXPECT_TRUE(takes("sub", "sub/new"));
  EXPECT_TRUE(takes("sub/", "sub/new"));
  EXPECT_TRUE(takes("./sub/../sub", "sub/new"));
  EXPECT_TRUE(takes("sub/*", "sub/new"));
  EXPECT_TRUE(takes("s*", "sub/new")) << "every file of the folder is meant";
  EXPECT_TRUE(takes("sub/new", "sub/new"));
  EXPECT_TRUE(takes((base / "sub").string(), "sub/new"));
  EXPECT_FALSE(takes("sub", "sub/.new"));
  EXPECT_FALSE(takes("sub", "sub/below/new"));
  EXPECT_FALSE(takes("sub/*.txt", "sub/new"));
  EXPECT_FALSE(takes("*", "sub/below/new"));
  EXPECT_FALSE(takes("none", "sub/new"));
  std::filesystem::create_symlink(base / "sub", base / "link");
  EXPECT_TRUE(takes("link", "sub/new"));
  EXPECT_TRUE(takes("link/*", "sub/new"));
  EXPECT_TRUE(takes("./sub/*", "sub/new"));
  EXPECT_TRUE(takes("sub/*", "./sub/new"));
  EXPECT_TRUE(takes("*", "not_there_yet/new")) << "it stands for the folder, which will be there";
  EXPECT_TRUE(takes("n*", "not_there_yet/new"));
  EXPECT_FALSE(takes("m*", "not_there_yet/new"));
  EXPECT_FALSE(takes("n*/x/*", "not_there_yet/new"));
  dir.Write("[x]/logs/there.log", "");
  std::filesystem::create_symlink("../logs/there.log", base / "sub/b.txt");
  std::filesystem::create_hard_link(base / "logs/there.log", base / "sub/c.txt");
  EXPECT_TRUE(takes("sub/b.txt", "logs/there.log"));
  EXPECT_TRUE(takes("sub/c*", "logs/there.log"));
  EXPECT_TRUE(takes("sub", "logs/there.log"));
}

TEST(FoldersOfLinksTest, WhereLinksLieAndWhereTheyLead) {
  const TempDir dir;
  const std::filesystem::path root = std::filesystem::canonical(dir.path());
  dir.Write("v1/a.txt", "");
  dir.Write("mount/kept", "");
  EXPECT_THAT(FoldersOfLinks(root / "v1/a.txt"), IsEmpty());
  std::filesystem::create_symlink("../v1", root / "mount/..data");
  std::filesystem::create_symlink("..data/a.txt", root / "mount/a.txt");
  EXPECT_THAT(FoldersOfLinks(root / "mount/a.txt"),
              ElementsAre(root / "mount", root / "mount/..", root / "mount/..data"));
  std::filesystem::create_symlink("round", root / "round");
  EXPECT_THAT(FoldersOfLinks(root / "round"), ElementsAre(root)) << "it ends";
}

TEST(ExpandSeedFilesTest, AFoldersOwnNameIsNoPattern) {
  const TempDir dir;
  dir.Write("[x]*/a.txt", "");
  EXPECT_THAT(*ExpandSeedPattern("*.txt", dir.path() / "[x]*"),
              ElementsAre(dir.path() / "[x]*/a.txt"));
  dir.Write("we[i]rd.txt", "");
  EXPECT_THAT(*ExpandSeedPattern("we[i]rd.txt", dir.path()),
              ElementsAre(dir.path() / "we[i]rd.txt"));
}

// As `rsync --inplace` writes: the same file, other lines, a little longer.
TEST(SeedListReaderTest, AMarkVouchesForWhatWasReadNotForWhatTheFileHasByThen) {
  const TempDir dir;
  const auto path = dir.path() / "list.txt";
  std::string before;
  std::string after;
  for (int i = 0; i < 20'000; ++i) {
    before += "http://old.test/" + std::to_string(i) + '\n';
    after += "http://new.test/" + std::to_string(i) + '\n';
  }
  std::ofstream(path) << before;
  auto reader = SeedListReader::Open(path);
  ASSERT_TRUE(reader);
  ASSERT_EQ((*reader->Next())->text, "http://old.test/0");
  std::fstream(path, std::ios::in | std::ios::out) << after;
  while (*reader->Next()) {
  }
  const auto mark = reader->Mark();
  ASSERT_TRUE(mark);
  auto again = SeedListReader::Open(path, mark);
  ASSERT_TRUE(again);
  EXPECT_EQ((*again->Next())->text, "http://new.test/0") << "all of it is read again";
}

TEST(SeedListReaderTest, ALineWithoutAnEndCostsTheMarkAndNoMemory) {
  const TempDir dir;
  const auto path = dir.path() / "list.txt";
  std::ofstream(path) << "http://a.test/\n" << std::string(3'000'000, 'x');
  auto reader = SeedListReader::Open(path);
  ASSERT_TRUE(reader);
  while (*reader->Next()) {
  }
  EXPECT_FALSE(reader->Mark());
  std::ofstream(path, std::ios::app) << "\nhttp://b.test/\n";
  reader = SeedListReader::Open(path);
  ASSERT_TRUE(reader);
  while (*reader->Next()) {
  }
  const auto mark = reader->Mark();
  ASSERT_TRUE(mark) << "behind it there is one again";
  auto again = SeedListReader::Open(path, mark);
  EXPECT_FALSE(*again->Next());
}

TEST(SeedListReaderTest, ManyLinesOfNothingGiveTheReaderAChanceToStop) {
  const TempDir dir;
  const auto path = dir.path() / "blank.txt";
  std::ofstream(path) << std::string(2500, '\n') << "http://a.test/\n";
  auto reader = SeedListReader::Open(path);
  ASSERT_TRUE(reader);
  int chances = 0;
  while (true) {
    const auto line = reader->Next();
    ASSERT_TRUE(line);
    ASSERT_TRUE(*line);
    if (!(*line)->nothing) {
      EXPECT_EQ((*line)->text, "http://a.test/");
      EXPECT_EQ((*line)->line, 2501U);
      break;
    }
    ++chances;
  }
  EXPECT_EQ(chances, 2);
}

TEST(SeedListReaderTest, AListMustBeARegularFile) {
  const TempDir dir;
  const auto path = dir.path() / "fifo";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const auto reader = SeedListReader::Open(path);
  ASSERT_FALSE(reader) << "and not wait for somebody to write";
  EXPECT_NE(reader.error().message.find("no regular file"), std::string::npos);
}

// What is left of a list from a mark on.
std::vector<std::string> TextsFrom(const std::filesystem::path& path,
                                   const std::optional<SeedListMark>& mark,
                                   std::optional<SeedListMark>* next = nullptr) {
  std::vector<std::string> texts;
  auto reader = SeedListReader::Open(path, mark);
  EXPECT_TRUE(reader);
  while (const auto line = *reader->Next()) {
    if (!line->nothing) texts.emplace_back(line->text);
  }
  if (next != nullptr) *next = reader->Mark();
  return texts;
}

TEST(SeedListMarkTest, AListThatHasGrownIsReadOnFromItsMark) {
  const TempDir dir;
  const std::string filler(9000, '#');  // more than a mark's check looks at
  auto path = dir.Write("list", filler + "\na\nb\nc");
  std::optional<SeedListMark> mark;
  EXPECT_THAT(TextsFrom(path, {}, &mark), ElementsAre("a", "b", "c"));
  ASSERT_TRUE(mark);
  EXPECT_EQ(mark->line, 3U) << "the last line has not ended";
  dir.Write("list", filler + "\na\nb\nc2\nd\n");
  EXPECT_THAT(TextsFrom(path, mark), ElementsAre("c2", "d"));
}

TEST(SeedListMarkTest, AListThatWasRewrittenIsReadFromItsBeginning) {
  const TempDir dir;
  const auto path = dir.Write("list", "a\nb\n");
  std::optional<SeedListMark> mark;
  EXPECT_THAT(TextsFrom(path, {}, &mark), ElementsAre("a", "b"));
  dir.Write("list", "x\nb\nc\n");
  EXPECT_THAT(TextsFrom(path, mark), ElementsAre("x", "b", "c"));
  dir.Write("list", "a\n");
  EXPECT_THAT(TextsFrom(path, mark), ElementsAre("a")) << "it is shorter now";
}

TEST(SeedListMarkTest, APackedListHasNoMark) {
  const TempDir dir;
  const auto path = dir.Write("list", Gzip("a\n"));
  std::optional<SeedListMark> mark;
  EXPECT_THAT(TextsFrom(path, {}, &mark), ElementsAre("a"));
  EXPECT_FALSE(mark);
}

}  // namespace
}  // namespace crawld::config
