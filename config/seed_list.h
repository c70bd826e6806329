// Seed lists: files of URLs, one a line, of any length.
//
//     # a comment: '#' at the beginning of a line, or after white space
//     https://example.org/          # the fragment of https://example.org/#top is no comment
//
// Plain or gzip, told apart by the first two bytes, whatever the name; several gzip members in a
// row are one text (RFC 1952 section 2.2). A byte order mark, CR LF, blank lines and white space
// around a line are taken away. Whether a line is a URL is for the caller to judge.
//
// Limits: a line of more than kMaxSeedLineBytes (without its line feed) is reported as too long,
// and skipped. Memory is constant: a few buffers of 64 KiB, and nothing is allocated after the
// first lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace crawld::config {

inline constexpr size_t kMaxSeedLineBytes = 64 << 10;

// What a line has beside white space and a comment.
[[nodiscard]] std::string_view SeedLineContent(std::string_view line);

struct SeedLine {
  uint64_t line = 0;      // from 1; blank lines and comments count
  std::string_view text;  // good until the next call of Next(); empty only with `nothing`
  bool too_long = false;  // `text` is only the line's beginning, for a message
  bool nothing = false;   // blank lines and comments for a while: a chance to stop reading
};

// How far a list has been read, to go on from there when lines were added to its end. `check` tells
// whether what was read is still there: it is of the first and the last 4 KiB of that, as they were
// read.
struct SeedListMark {
  uint64_t offset = 0;  // of a line's beginning
  uint64_t line = 0;    // lines before it
  uint32_t check = 0;
};

// One thread at a time. Movable.
class SeedListReader {
 public:
  // From `mark` on, if what is before it has not changed; else from the beginning. The error names
  // the file.
  [[nodiscard]] static Result<SeedListReader> Open(const std::filesystem::path& path,
                                                   const std::optional<SeedListMark>& mark = {});

  SeedListReader(SeedListReader&&) noexcept;
  SeedListReader& operator=(SeedListReader&&) noexcept;
  ~SeedListReader();

  // The next line that has something on it; nullopt at the end. The error (unreadable, corrupt or
  // truncated gzip) names file and line; what was read before it is good, and the next call says
  // the same again.
  [[nodiscard]] Result<std::optional<SeedLine>> Next();

  // Behind the last line that ended with a line feed. nullopt of a gzip file.
  [[nodiscard]] std::optional<SeedListMark> Mark() const;
  // Whether the line that Next() has just given had a line feed at its end: the last one may still
  // be being written.
  [[nodiscard]] bool LineIsWhole() const;

 private:
  class Impl;
  explicit SeedListReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The files that `pattern` stands for, relative to `base_dir` unless it is absolute: a file, every
// file of a folder (not below it, none that begins with a dot), or the matches of a glob (7), files
// and folders alike. Sorted. None, if there is a folder that may get one; the error says why there
// cannot be any.
[[nodiscard]] Result<std::vector<std::filesystem::path>> ExpandSeedPattern(
    const std::string& pattern, const std::filesystem::path& base_dir);

// The folders that are there and in which something may come to be that it stands for: itself, if
// it is one, else that of its files; with wildcards in its folders all of these, and those that new
// ones may come to be in.
std::set<std::filesystem::path> FoldersOfSeedPattern(const std::string& pattern,
                                                     const std::filesystem::path& base_dir);

// The folder `path`, or the one that is there and in which it, or what leads to it, may come to be.
std::filesystem::path NearestFolder(std::filesystem::path path);

// The path that the pattern begins with, up to its first part with a wildcard; all of it if there
// is none.
std::filesystem::path FixedPartOfSeedPattern(const std::string& pattern,
                                             const std::filesystem::path& base_dir);

// Whether `file` is one of the files that the pattern stands for, or would be if it were there.
bool SeedPatternTakes(const std::string& pattern, const std::filesystem::path& base_dir,
                      const std::filesystem::path& file);

// The folders that hold the symbolic links by which `path` is reached, and those that they lead
// to (NearestFolder): where something happens when one is made to lead elsewhere, or what it leads
// to comes back. None: no link is on the way.
std::set<std::filesystem::path> FoldersOfLinks(const std::filesystem::path& path);

// The same for many, in order, each file once; the first error.
[[nodiscard]] Result<std::vector<std::filesystem::path>> ExpandSeedFiles(
    const std::vector<std::string>& patterns, const std::filesystem::path& base_dir);

}  // namespace crawld::config
