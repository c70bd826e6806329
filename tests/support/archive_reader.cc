#include "tests/support/archive_reader.h"

#include <openssl/evp.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>

namespace crawld::test {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

std::vector<std::string> LinesOf(const fs::path& path, std::vector<std::string>& problems) {
  std::vector<std::string> lines;
  const std::string text = ReadFile(path);
  size_t at = 0;
  while (at < text.size()) {
    const size_t end = text.find('\n', at);
    if (end == std::string::npos) {
      problems.push_back(path.string() + ": does not end with a line feed");
      break;
    }
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::optional<json::object> ParseObject(std::string_view text) {
  json::error_code error;
  const json::value value = json::parse({text.data(), text.size()}, error);
  if (error || !value.is_object()) return std::nullopt;
  return value.as_object();
}

std::string TextOf(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains({key.data(), key.size()});
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
}

// Up to and with its empty line, whether lines end with CR LF or with LF alone (RFC 9112 section
// 2.2); 0: it is none.
size_t HeadSize(std::string_view response) {
  if (!response.starts_with("HTTP/")) return 0;
  size_t at = 0;
  while (true) {
    const size_t end = response.find('\n', at);
    if (end == std::string_view::npos) return 0;
    const std::string_view line = response.substr(at, end - at);
    at = end + 1;
    if (line.empty() || line == "\r") return at;
  }
}

// One gzip member from `at`; the number of its bytes, or 0.
size_t Inflate(std::string_view bytes, size_t at, std::string& out) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return 0;
  std::string in(bytes.substr(at));
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  std::array<char, 65536> buffer;
  int code = Z_OK;
  while (code == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = buffer.size();
    code = inflate(&stream, Z_NO_FLUSH);
    out.append(buffer.data(), buffer.size() - stream.avail_out);
  }
  const size_t used = in.size() - stream.avail_in;
  inflateEnd(&stream);
  return code == Z_STREAM_END ? used : 0;
}

class RecordParser {
 public:
  RecordParser(const fs::path& path, uint64_t offset, std::vector<std::string>& problems)
      : where_(path.filename().string() + "@" + std::to_string(offset)), problems_(problems) {}

  void Parse(std::string_view text, WarcRecord& record) {
    const size_t end = text.find("\r\n\r\n");
    if (!text.starts_with("WARC/1.1\r\n") || end == std::string_view::npos) {
      return Complain("is no WARC/1.1 record");
    }
    std::string_view head = text.substr(10, end + 2 - 10);
    while (!head.empty()) {
      const size_t line_end = head.find("\r\n");
      const std::string_view line = head.substr(0, line_end);
      const size_t colon = line.find(": ");
      if (colon == std::string_view::npos || line.find_first_of("\r\n") != std::string_view::npos) {
        Complain("has a broken field: " + std::string(line));
      } else {
        record.fields.emplace_back(line.substr(0, colon), line.substr(colon + 2));
      }
      head.remove_prefix(line_end + 2);
    }
    for (const char* name : {"WARC-Type", "WARC-Record-ID", "WARC-Date", "Content-Length"}) {
      if (record.Find(name).empty()) Complain(std::string("has no ") + name);
    }
    const std::string_view rest = text.substr(end + 4);
    const size_t length = std::strtoull(record.Find("Content-Length").c_str(), nullptr, 10);
    if (rest.size() != length + 4 || rest.substr(length) != "\r\n\r\n") {
      return Complain("is not its Content-Length and two CRLF long");
    }
    record.block = rest.substr(0, length);
    CheckDigest(record, "WARC-Block-Digest", record.block);
    if (record.type() == "response") {
      const size_t body = HeadSize(record.block);
      if (body == 0) {
        Complain("holds no HTTP response");
      } else {
        CheckDigest(record, "WARC-Payload-Digest", std::string_view(record.block).substr(body));
      }
    }
  }

 private:
  void CheckDigest(const WarcRecord& record, std::string_view field, std::string_view bytes) {
    const std::string stated = record.Find(field);
    const std::string algorithm = stated.substr(0, stated.find(':'));
    if (stated.empty() || DigestOf(algorithm, bytes) != stated) {
      Complain("has a wrong " + std::string(field));
    }
  }
  void Complain(const std::string& what) { problems_.push_back(where_ + " " + what); }

  const std::string where_;
  std::vector<std::string>& problems_;
};

void CheckStructure(WarcFile& file) {
  const std::string name = file.path.filename().string();
  const auto complain = [&](const WarcRecord& record, const std::string& what) {
    file.problems.push_back(name + "@" + std::to_string(record.offset) + " " + what);
  };
  std::set<std::string> ids;
  std::map<std::string, std::string> responses;  // id -> URI
  for (const WarcRecord& record : file.records) {
    if ((record.type() == "warcinfo") != (record.offset == 0)) {
      complain(record, "warcinfo is the first record and no other");
    }
    if (record.type() == "warcinfo" && !name.starts_with(record.Find("WARC-Filename"))) {
      complain(record, "names another file");
    }
    if (!ids.insert(record.Find("WARC-Record-ID")).second) complain(record, "repeats an id");
    if (record.type() == "response") responses[record.Find("WARC-Record-ID")] = record.uri();
  }
  std::set<std::string> joined;
  for (const WarcRecord& record : file.records) {
    if (record.type() != "request") continue;
    const std::string partner = record.Find("WARC-Concurrent-To");
    if (!responses.contains(partner) || responses.at(partner) != record.uri() ||
        !joined.insert(partner).second) {
      complain(record, "is a request without a response of its own");
    }
  }
  if (joined.size() != responses.size()) {
    file.problems.push_back(name + ": a response has no request");
  }
}

void CheckIndex(ArchiveContents& archive) {
  std::map<std::string, const WarcFile*> by_name;
  size_t responses = 0;
  for (const WarcFile& file : archive.warcs) {
    std::string name = file.path.filename().string();
    if (name.ends_with(".open")) name.resize(name.size() - 5);
    by_name[name] = &file;
    responses += static_cast<size_t>(
        std::count_if(file.records.begin(), file.records.end(),
                      [](const WarcRecord& record) { return record.type() == "response"; }));
  }
  if (responses != archive.index.size()) {
    archive.problems.push_back("index.cdxj has " + std::to_string(archive.index.size()) +
                               " lines for " + std::to_string(responses) + " responses");
  }
  const auto response_at = [&](const std::string& name, uint64_t offset) -> const WarcRecord* {
    if (!by_name.contains(name)) return nullptr;
    for (const WarcRecord& record : by_name.at(name)->records) {
      if (record.offset == offset && record.type() == "response") return &record;
    }
    return nullptr;
  };
  for (const IndexLine& line : archive.index) {
    const std::string url = TextOf(line.json, "url");
    const WarcRecord* record =
        response_at(TextOf(line.json, "filename"),
                    std::strtoull(TextOf(line.json, "offset").c_str(), nullptr, 10));
    if (record == nullptr || record->uri() != url ||
        std::to_string(record->length) != TextOf(line.json, "length") ||
        record->Find("WARC-Payload-Digest") != TextOf(line.json, "digest") ||
        record->block.substr(9, 3) != TextOf(line.json, "status")) {
      archive.problems.push_back("index.cdxj: the line of " + url + " does not fit its response");
    }
  }
  for (const json::object& page : archive.pages) {
    if (!page.contains("warc")) continue;
    const std::string url = TextOf(page, "url");
    const WarcRecord* record =
        response_at(TextOf(page, "warc"), page.at("offset").to_number<uint64_t>());
    if (record == nullptr || record->uri() != url) {
      archive.problems.push_back("pages: the record of " + url + " does not lead to its response");
    }
  }
}

}  // namespace

std::string ReadFile(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string DigestOf(std::string_view algorithm, std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  const EVP_MD* md = algorithm == "sha1"     ? EVP_sha1()
                     : algorithm == "sha256" ? EVP_sha256()
                                             : nullptr;
  if (md == nullptr ||
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, md, nullptr) != 1)
    return "unknown algorithm";
  std::string bits;
  for (unsigned i = 0; i < size; ++i) {
    for (int bit = 7; bit >= 0; --bit) bits.push_back((digest[i] >> bit & 1) != 0 ? '1' : '0');
  }
  while (bits.size() % 5 != 0) bits.push_back('0');
  std::string text = std::string(algorithm) + ":";
  for (size_t i = 0; i < bits.size(); i += 5) {
    text.push_back("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[std::stoi(bits.substr(i, 5), nullptr, 2)]);
  }
  return text;
}

std::string WarcRecord::Find(std::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return {};
}

WarcFile ReadWarc(const fs::path& path) {
  WarcFile file;
  file.path = path;
  const std::string bytes = ReadFile(path);
  size_t at = 0;
  while (at < bytes.size()) {
    std::string text;
    const size_t used = Inflate(bytes, at, text);
    if (used == 0) {
      file.problems.push_back(path.filename().string() + "@" + std::to_string(at) +
                              " is no gzip member");
      break;
    }
    WarcRecord record;
    record.offset = at;
    record.length = used;
    RecordParser(path, at, file.problems).Parse(text, record);
    file.records.push_back(std::move(record));
    at += used;
  }
  CheckStructure(file);
  return file;
}

std::map<std::string, int> ArchiveContents::ResponsesByUrl() const {
  std::map<std::string, int> counts;
  for (const WarcFile& file : warcs) {
    for (const WarcRecord& record : file.records) {
      if (record.type() == "response") ++counts[record.uri()];
    }
  }
  return counts;
}

std::map<std::string, int> ArchiveContents::IndexByUrl() const {
  std::map<std::string, int> counts;
  for (const IndexLine& line : index) ++counts[TextOf(line.json, "url")];
  return counts;
}

std::map<std::string, int> ArchiveContents::PagesByUrl() const {
  std::map<std::string, int> counts;
  for (const json::object& page : pages) ++counts[TextOf(page, "url")];
  return counts;
}

const WarcRecord* ArchiveContents::ResponseOf(std::string_view url) const {
  for (const WarcFile& file : warcs) {
    for (const WarcRecord& record : file.records) {
      if (record.type() == "response" && record.uri() == url) return &record;
    }
  }
  return nullptr;
}

std::vector<std::string> Differences(const std::map<std::string, int>& actual,
                                     const std::map<std::string, int>& expected) {
  std::map<std::string, std::pair<int, int>> counts;
  for (const auto& [key, count] : actual) counts[key].first = count;
  for (const auto& [key, count] : expected) counts[key].second = count;
  std::vector<std::string> differences;
  for (const auto& [key, both] : counts) {
    if (both.first == both.second) continue;
    differences.push_back(key + ": " + std::to_string(both.first) + " instead of " +
                          std::to_string(both.second));
  }
  return differences;
}

ArchiveContents ReadArchive(const fs::path& data_dir) {
  ArchiveContents archive;
  std::set<fs::path> warcs;
  std::set<fs::path> pages;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(data_dir / "warc", ignored)) {
    warcs.insert(entry.path());
  }
  for (const auto& entry : fs::directory_iterator(data_dir / "pages", ignored)) {
    pages.insert(entry.path());
  }
  for (const fs::path& path : warcs) {
    archive.warcs.push_back(ReadWarc(path));
    const auto& problems = archive.warcs.back().problems;
    archive.problems.insert(archive.problems.end(), problems.begin(), problems.end());
  }
  const auto read_objects = [&](const fs::path& path, std::vector<json::object>& out) {
    for (const std::string& line : LinesOf(path, archive.problems)) {
      if (auto object = ParseObject(line)) {
        out.push_back(*std::move(object));
      } else {
        archive.problems.push_back(path.filename().string() + ": no JSON object: " + line);
      }
    }
  };
  for (const fs::path& path : pages) read_objects(path, archive.pages);
  read_objects(data_dir / "crawl.log", archive.log);
  for (const std::string& line : LinesOf(data_dir / "index.cdxj", archive.problems)) {
    IndexLine parsed;
    std::istringstream words(line);
    words >> parsed.surt >> parsed.timestamp;
    const size_t brace = line.find(" {");
    auto object = brace == std::string::npos ? std::nullopt : ParseObject(line.substr(brace + 1));
    if (!object || parsed.timestamp.size() != 14) {
      archive.problems.push_back("index.cdxj: no CDXJ line: " + line);
      continue;
    }
    parsed.json = *std::move(object);
    archive.index.push_back(std::move(parsed));
  }
  CheckIndex(archive);
  return archive;
}

}  // namespace crawld::test
