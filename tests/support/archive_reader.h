// An independent reader of what archive/ writes: WARC files member by member with zlib, digests
// recomputed with OpenSSL, the index, the page records and the log line by line. It shares no code
// with the writer, and complains about everything it does not expect.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace crawld::test {

struct WarcRecord {
  uint64_t offset = 0;  // of its gzip member
  uint64_t length = 0;  // of its gzip member
  std::vector<std::pair<std::string, std::string>> fields;
  std::string block;

  std::string Find(std::string_view name) const;  // "" if there is none
  std::string type() const { return Find("WARC-Type"); }
  std::string uri() const { return Find("WARC-Target-URI"); }
};

struct WarcFile {
  std::filesystem::path path;
  std::vector<WarcRecord> records;
  std::vector<std::string> problems;  // each with file and offset
};

// Reads a file to its end, or to the first member that cannot be inflated (a problem).
WarcFile ReadWarc(const std::filesystem::path& path);

struct IndexLine {
  std::string surt;
  std::string timestamp;
  boost::json::object json;
};

struct ArchiveContents {
  std::vector<WarcFile> warcs;  // by name
  std::vector<IndexLine> index;
  std::vector<boost::json::object> pages;
  std::vector<boost::json::object> log;
  std::vector<std::string> problems;  // those of the files too; empty for a sound archive

  // How often each URL stands there.
  std::map<std::string, int> ResponsesByUrl() const;
  std::map<std::string, int> IndexByUrl() const;
  std::map<std::string, int> PagesByUrl() const;
  const WarcRecord* ResponseOf(std::string_view url) const;
};

// Everything below data_dir, checked against each other: index lines point at the member of their
// response, and as many of them as there are responses; page records name theirs.
ArchiveContents ReadArchive(const std::filesystem::path& data_dir);

// What `actual` has too much or too little of, a line each ("URL: 2 instead of 1").
std::vector<std::string> Differences(const std::map<std::string, int>& actual,
                                     const std::map<std::string, int>& expected);

std::string ReadFile(const std::filesystem::path& path);
// "sha1:..." or "sha256:..." of the bytes, in base 32 without padding.
std::string DigestOf(std::string_view algorithm, std::string_view bytes);

}  // namespace crawld::test
