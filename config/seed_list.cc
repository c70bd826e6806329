#include "config/seed_list.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>
#include <system_error>
#include <utility>

#include "base/check.h"

namespace crawld::config {
namespace {

constexpr size_t kBufferBytes = 64 << 10;
constexpr int kMaxSkipped = 1000;    // lines without content that Next() passes over at once
constexpr size_t kShownBytes = 200;  // of a line that is too long

std::string SystemError(int error) { return std::generic_category().message(error); }

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\v\f";
  const size_t begin = std::min(text.find_first_not_of(kBlank), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(kBlank) + 1);
}

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) close(fd_);
  }

  int fd() const { return fd_; }

  // As read(2), but for interruptions.
  ssize_t Read(char* to, size_t size) const {
    for (;;) {
      const ssize_t got = read(fd_, to, size);
      if (got >= 0 || errno != EINTR) return got;
    }
  }

 private:
  const int fd_;
};

// The file's text, a piece at a time: as it is, or unpacked.
class TextSource {
 public:
  explicit TextSource(int fd) : file_(fd) {}
  TextSource(const TextSource&) = delete;
  TextSource& operator=(const TextSource&) = delete;
  ~TextSource() {
    if (inflating_) inflateEnd(&zlib_);
  }

  // The file itself is read from `offset` on, and is no gzip.
  void BeginPlainAt(uint64_t offset) {
    lseek(file_.fd(), static_cast<off_t>(offset), SEEK_SET);
    begun_ = true;
  }
  bool inflating() const { return inflating_; }
  int fd() const { return file_.fd(); }

  // The next piece, good until the next call; empty at the end.
  Result<std::string_view> Next() {
    if (!begun_) {
      if (auto begun = Begin(); !begun) return Err(begun.error());
    }
    return inflating_ ? NextInflated() : NextPlain();
  }

 private:
  // Two bytes decide; a pipe may give one at a time.
  Result<void> Begin() {
    while (input_.size() < 2 && !at_end_) {
      if (auto filled = Fill(); !filled) return filled;
    }
    begun_ = true;
    inflating_ = input_.starts_with("\x1f\x8b");
    if (!inflating_) return {};
    constexpr int kGzipOnly = 16;
    if (inflateInit2(&zlib_, MAX_WBITS + kGzipOnly) != Z_OK) {
      inflating_ = false;
      return Err(Error{"no memory to unpack gzip"});
    }
    return {};
  }

  // Appends to what is left of the input.
  Result<void> Fill() {
    std::copy(input_.begin(), input_.end(), raw_.begin());
    const ssize_t got = file_.Read(raw_.data() + input_.size(), raw_.size() - input_.size());
    if (got < 0) return Err(Error{"cannot be read: " + SystemError(errno)});
    at_end_ = got == 0;
    input_ = std::string_view(raw_.data(), input_.size() + static_cast<size_t>(got));
    return {};
  }

  Result<std::string_view> NextPlain() {
    if (input_.empty() && !at_end_) {
      if (auto filled = Fill(); !filled) return Err(filled.error());
    }
    return std::exchange(input_, {});
  }

  Result<std::string_view> NextInflated() {
    for (;;) {
      if (input_.empty() && !at_end_) {
        if (auto filled = Fill(); !filled) return Err(filled.error());
      }
      if (between_members_) {
        if (input_.empty()) return std::string_view();
        if (inflateReset(&zlib_) != Z_OK) return Err(Error{"corrupt gzip"});
        between_members_ = false;
      }
      if (input_.empty()) return Err(Error{"truncated gzip"});
      auto inflated = Inflate();
      if (!inflated || !inflated->empty()) return inflated;
    }
  }

  Result<std::string_view> Inflate() {
    // zlib's C interface asks for bytes that it will not change.
    zlib_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input_.data()));
    zlib_.avail_in = static_cast<uInt>(input_.size());
    zlib_.next_out = reinterpret_cast<Bytef*>(text_.data());
    zlib_.avail_out = static_cast<uInt>(text_.size());
    const int result = inflate(&zlib_, Z_NO_FLUSH);
    input_.remove_prefix(input_.size() - zlib_.avail_in);
    if (result == Z_STREAM_END) {
      between_members_ = true;
    } else if (result != Z_OK) {
      return Err(Error{"corrupt gzip: " + std::string(zlib_.msg != nullptr ? zlib_.msg : "?")});
    }
    return std::string_view(text_.data(), text_.size() - zlib_.avail_out);
  }

  File file_;
  bool begun_ = false;
  bool at_end_ = false;
  bool inflating_ = false;
  bool between_members_ = false;  // the last member ended; another may follow
  z_stream zlib_{};
  std::string_view input_;  // what is left of raw_
  std::array<char, kBufferBytes> raw_ = {};
  std::array<char, kBufferBytes> text_ = {};
};

// What was read of a list, as far as a mark vouches for it: the first and the last bytes before its
// offset. Of the bytes that were read, not of those that the file has when the mark is made.
class ReadBytes {
 public:
  // It is read on from `offset`; what is before is in the file. False: it is not.
  bool BeginAt(int fd, uint64_t offset) {
    const size_t size = std::min<uint64_t>(kEach, offset);
    first_.resize(size);
    last_.resize(size);
    begin_ = offset - size;
    return ReadAt(fd, first_, 0) && ReadAt(fd, last_, begin_);
  }

  // What comes next; of what came before, all lines up to `whole` have ended.
  void Take(std::string_view piece, uint64_t whole) {
    first_.append(piece.substr(0, kEach - std::min(kEach, first_.size())));
    const uint64_t wanted = whole - std::min<uint64_t>(kEach, whole);
    if (wanted > begin_) {
      const size_t past = std::min<uint64_t>(wanted - begin_, last_.size());
      last_.erase(0, past);
      begin_ += past;
    }
    if (last_.size() > kMost) {  // a line without an end
      begin_ += last_.size();
      last_.clear();
    }
    last_ += piece;
  }

  std::optional<uint32_t> CheckAt(uint64_t offset) const {
    const uint64_t size = std::min<uint64_t>(kEach, offset);
    if (offset < begin_ + size || offset - begin_ > last_.size() || first_.size() < size) {
      return std::nullopt;
    }
    uLong check = crc32(0, nullptr, 0);
    for (const char* bytes : {first_.data(), last_.data() + (offset - size - begin_)}) {
      check = crc32(check, reinterpret_cast<const Bytef*>(bytes), static_cast<uInt>(size));
    }
    return static_cast<uint32_t>(check);
  }

 private:
  static constexpr size_t kEach = 4096;
  static constexpr size_t kMost = 1 << 20;

  static bool ReadAt(int fd, std::string& to, uint64_t from) {
    const ssize_t got = pread(fd, to.data(), to.size(), static_cast<off_t>(from));
    return got >= 0 && static_cast<size_t>(got) == to.size();
  }

  std::string first_;
  std::string last_;
  uint64_t begin_ = 0;  // of last_
};

}  // namespace

std::string_view SeedLineContent(std::string_view line) {
  line = Trim(line);
  for (size_t at = line.find('#'); at != std::string_view::npos; at = line.find('#', at + 1)) {
    if (at == 0 || line[at - 1] == ' ' || line[at - 1] == '\t') return Trim(line.substr(0, at));
  }
  return line;
}

class SeedListReader::Impl {
 public:
  Impl(std::string name, int fd) : name_(std::move(name)), source_(fd) {
    long_line_.reserve(kMaxSeedLineBytes + 1);
  }

  // Whether what is before the mark is what was there when it was made.
  bool GoTo(const SeedListMark& mark) {
    ReadBytes before;
    if (mark.offset == 0 || !before.BeginAt(source_.fd(), mark.offset) ||
        before.CheckAt(mark.offset) != mark.check) {
      return false;
    }
    bytes_ = std::move(before);
    source_.BeginPlainAt(mark.offset);
    whole_ = mark.offset;
    whole_lines_ = line_ = mark.line;
    return true;
  }

  std::optional<SeedListMark> Mark() const {
    if (source_.inflating()) return std::nullopt;
    const auto check = bytes_.CheckAt(whole_);
    if (!check) return std::nullopt;
    return SeedListMark{whole_, whole_lines_, *check};
  }

  bool LineIsWhole() const { return line_is_whole_; }

  Result<std::optional<SeedLine>> Next() {
    if (failed_) return Err(*failed_);
    for (int skipped = 0;; ++skipped) {
      if (skipped == kMaxSkipped) return SeedLine{.line = line_, .text = {}, .nothing = true};
      auto line = NextLine();
      if (!line) {
        failed_ = Error{name_ + ':' + std::to_string(line_ + 1) + ": " + line.error().message};
        return Err(*failed_);
      }
      if (!*line) return std::nullopt;
      std::string_view text = **line;
      if (line_ == 1 && text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
      if (too_long_) {
        return SeedLine{.line = line_, .text = text.substr(0, kShownBytes), .too_long = true};
      }
      text = SeedLineContent(text);
      if (!text.empty()) return SeedLine{.line = line_, .text = text};
    }
  }

 private:
  // The next line without its line feed; nullopt at the end. Sets line_ and too_long_.
  Result<std::optional<std::string_view>> NextLine() {
    long_line_.clear();
    too_long_ = false;
    line_is_whole_ = false;
    bool any = false;
    for (;;) {
      if (piece_.empty()) {
        auto piece = source_.Next();
        if (!piece) return Err(piece.error());
        piece_ = *piece;
        if (!source_.inflating()) bytes_.Take(piece_, whole_);
        if (piece_.empty()) {
          if (!any) return std::nullopt;
          ++line_;
          return long_line_;
        }
      }
      any = true;
      const size_t end = piece_.find('\n');
      const std::string_view part = piece_.substr(0, end);
      piece_.remove_prefix(end == std::string_view::npos ? piece_.size() : end + 1);
      taken_ += part.size() + (end == std::string_view::npos ? 0 : 1);
      if (end != std::string_view::npos) {
        whole_ += std::exchange(taken_, 0);
        whole_lines_ = line_ + 1;
        line_is_whole_ = true;
      }
      if (end != std::string_view::npos && long_line_.empty()) {
        ++line_;
        too_long_ = part.size() > kMaxSeedLineBytes;
        return part;
      }
      Append(part);
      if (end != std::string_view::npos) {
        ++line_;
        return long_line_;
      }
    }
  }

  // Keeps one byte more than the limit, by which it is seen to be exceeded.
  void Append(std::string_view part) {
    const size_t room = kMaxSeedLineBytes + 1 - long_line_.size();
    long_line_.append(part.substr(0, room));
    too_long_ = long_line_.size() > kMaxSeedLineBytes;
  }

  const std::string name_;
  TextSource source_;
  ReadBytes bytes_;         // of a plain list
  std::string_view piece_;  // what is left of the source's last piece
  std::string long_line_;   // a line that goes over the end of a piece
  bool too_long_ = false;
  uint64_t line_ = 0;
  uint64_t taken_ = 0;        // bytes of a line that has not ended
  uint64_t whole_ = 0;        // bytes before it
  uint64_t whole_lines_ = 0;  // likewise lines
  bool line_is_whole_ = false;
  std::optional<Error> failed_;
};

SeedListReader::SeedListReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SeedListReader::SeedListReader(SeedListReader&&) noexcept = default;
SeedListReader& SeedListReader::operator=(SeedListReader&&) noexcept = default;
SeedListReader::~SeedListReader() = default;

Result<SeedListReader> SeedListReader::Open(const std::filesystem::path& path,
                                            const std::optional<SeedListMark>& mark) {
  // Not blocking: a FIFO nobody writes to would hold up the open, and then the stop of the daemon.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Err(Error{path.string() + ": cannot be opened: " + SystemError(errno)});
  struct stat status {};
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(fd);
    return Err(Error{path.string() + ": is no regular file; write the list to one"});
  }
  auto impl = std::make_unique<Impl>(path.string(), fd);
  if (mark) impl->GoTo(*mark);
  return SeedListReader(std::move(impl));
}

std::optional<SeedListMark> SeedListReader::Mark() const { return impl_->Mark(); }

bool SeedListReader::LineIsWhole() const { return impl_->LineIsWhole(); }

Result<std::optional<SeedLine>> SeedListReader::Next() {
  CRAWLD_CHECK(impl_ != nullptr, "a reader that was moved away reads nothing");
  return impl_->Next();
}

namespace {

// For a folder's name that has characters which glob would take for its own.
std::string EscapeGlob(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (std::string_view("*?[]\\").find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

constexpr const char* kWildcards = "*?[";

// What glob(3) takes.
std::string FullPattern(const std::string& pattern, const std::filesystem::path& base_dir) {
  if (std::filesystem::path(pattern).is_absolute() || base_dir.empty()) return pattern;
  return EscapeGlob(base_dir.string()) + '/' + pattern;
}

Result<std::vector<std::filesystem::path>> Glob(const std::string& full, int flags) {
  glob_t matches{};
  // A file among folders, or what is gone meanwhile, is no folder with a match; others are errors.
  const auto go_on = [](const char*, int error) {
    return error == ENOTDIR || error == ENOENT ? 0 : 1;
  };
  // NOLINTNEXTLINE(concurrency-mt-unsafe): unsafe only for "~", which is not expanded here.
  const int result = glob(full.c_str(), flags, go_on, &matches);
  std::vector<std::filesystem::path> found;
  for (size_t i = 0; result == 0 && i < matches.gl_pathc; ++i) {
    found.emplace_back(matches.gl_pathv[i]);
  }
  globfree(&matches);
  if (result != 0 && result != GLOB_NOMATCH) {
    return Err(Error{"a folder of '" + full + "' cannot be read"});
  }
  return found;
}

Result<std::vector<std::filesystem::path>> FilesOf(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::error_code ignored;  // a file that is gone meanwhile is no file
    const bool hidden = entry->path().filename().string().starts_with('.');
    if (!hidden && entry->is_regular_file(ignored)) files.push_back(entry->path());
  }
  if (error) {
    return Err(Error{"'" + folder.string() + "' cannot be read: " + error.message()});
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

Result<std::vector<std::filesystem::path>> ExpandSeedPattern(
    const std::string& pattern, const std::filesystem::path& base_dir) {
  std::error_code error;
  const auto plain = base_dir / pattern;
  if (std::filesystem::is_directory(plain, error)) return FilesOf(plain);
  if (std::filesystem::exists(plain, error)) return std::vector{plain};
  if (pattern.find_first_of(kWildcards) == std::string::npos) {
    return Err(Error{"'" + plain.string() + "' is missing"});
  }
  const std::string full = FullPattern(pattern, base_dir);
  auto found = Glob(full, 0);
  if (!found) return found;
  if (found->empty() && FoldersOfSeedPattern(pattern, base_dir).empty()) {
    return Err(Error{"no file matches '" + full + "', nor is there a folder for one"});
  }
  std::vector<std::filesystem::path> files;
  for (const auto& path : *found) {
    if (!std::filesystem::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    auto below = FilesOf(path);
    if (!below) return below;
    files.insert(files.end(), below->begin(), below->end());
  }
  return files;
}

std::set<std::filesystem::path> FoldersOfSeedPattern(const std::string& pattern,
                                                     const std::filesystem::path& base_dir) {
  std::error_code ignored;
  const std::filesystem::path plain = base_dir / pattern;
  if (std::filesystem::is_directory(plain, ignored)) return {plain};
  std::set<std::filesystem::path> folders;
  const auto take = [&folders](const std::filesystem::path& folder) {
    std::error_code error;
    if (std::filesystem::is_directory(folder.empty() ? "." : folder, error)) folders.insert(folder);
  };
  const bool relative = !std::filesystem::path(pattern).is_absolute();
  std::filesystem::path fixed = relative ? base_dir : std::filesystem::path();
  std::string begin = relative ? EscapeGlob(base_dir.string()) : "";
  bool wild = false;
  for (const std::filesystem::path& part : std::filesystem::path(pattern).parent_path()) {
    if (!wild && part.string().find_first_of(kWildcards) != std::string::npos) {
      take(fixed);  // in which new ones may come to be
      wild = true;
    }
    if (!begin.empty() && !begin.ends_with('/')) begin += '/';
    begin += part.string();
    if (!wild) {
      fixed /= part;
    } else if (const auto found = Glob(begin, GLOB_ONLYDIR | GLOB_NOSORT)) {
      for (const std::filesystem::path& folder : *found) take(folder);
    }
  }
  const std::string last = std::filesystem::path(pattern).filename().string();
  if (last.find_first_of(kWildcards) != std::string::npos) {
    if (const auto found = Glob(FullPattern(pattern, base_dir), GLOB_ONLYDIR | GLOB_NOSORT)) {
      for (const std::filesystem::path& folder : *found) take(folder);
    }
  }
  if (!wild) take(fixed);
  return folders;
}

std::filesystem::path NearestFolder(std::filesystem::path path) {
  std::error_code error;
  while (path.has_relative_path() && !std::filesystem::is_directory(path, error)) {
    path = path.parent_path();
  }
  return path;
}

std::filesystem::path FixedPartOfSeedPattern(const std::string& pattern,
                                             const std::filesystem::path& base_dir) {
  std::error_code ignored;
  auto plain = base_dir / pattern;
  if (std::filesystem::exists(plain, ignored)) return plain;
  std::filesystem::path fixed = std::filesystem::path(pattern).is_absolute() ? "" : base_dir;
  for (const std::filesystem::path& part : std::filesystem::path(pattern)) {
    if (part.string().find_first_of(kWildcards) != std::string::npos) break;
    fixed /= part;
  }
  return fixed;
}

bool SeedPatternTakes(const std::string& pattern, const std::filesystem::path& base_dir,
                      const std::filesystem::path& file) {
  std::error_code error;
  // As the system has it, whether it is there or not.
  const auto real = [&error](const std::filesystem::path& path) {
    const auto absolute = std::filesystem::absolute(path, error);
    const auto whole = std::filesystem::weakly_canonical(absolute, error);
    const auto normal = (error ? absolute : whole).lexically_normal();
    return normal.has_filename() ? normal : normal.parent_path();
  };
  const std::filesystem::path wanted = real(file);
  const bool hidden = wanted.filename().string().starts_with('.');
  // A folder stands for its files.
  const auto is_it = [&](const std::filesystem::path& path) {
    if (!std::filesystem::is_directory(path, error)) return real(path) == wanted;
    return !hidden && real(path) == wanted.parent_path();
  };
  // By another name, too.
  if (const auto found = ExpandSeedPattern(pattern, base_dir);
      found && std::ranges::any_of(*found, [&](const std::filesystem::path& path) {
        return std::filesystem::equivalent(path, file, error);
      })) {
    return true;
  }
  if (std::filesystem::exists(base_dir / pattern, error) ||
      pattern.find_first_of(kWildcards) == std::string::npos) {
    return is_it(base_dir / pattern);
  }
  if (const auto found = Glob(FullPattern(pattern, base_dir), GLOB_NOSORT);
      found && std::ranges::any_of(*found, is_it)) {
    return true;
  }
  // What would match if it were there: itself, or its folder.
  const std::filesystem::path fixed = FixedPartOfSeedPattern(pattern, base_dir);
  std::string rest;
  bool wild = false;
  for (const std::filesystem::path& part : std::filesystem::path(pattern)) {
    wild = wild || part.string().find_first_of(kWildcards) != std::string::npos;
    if (wild) rest += "/" + part.string();
  }
  const std::string full = EscapeGlob(real(fixed).string()) + rest;
  const auto matches = [&full](const std::filesystem::path& path) {
    return fnmatch(full.c_str(), path.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0;
  };
  return matches(wanted) || (!hidden && matches(wanted.parent_path()));
}

std::set<std::filesystem::path> FoldersOfLinks(const std::filesystem::path& path) {
  constexpr size_t kMostLinks = 40;  // as the kernel follows (path_resolution(7))
  std::set<std::filesystem::path> folders;
  std::set<std::filesystem::path> links;
  std::error_code error;
  std::vector<std::filesystem::path> ways = {std::filesystem::absolute(path, error)};
  while (!ways.empty() && links.size() < kMostLinks) {
    const std::filesystem::path way = std::move(ways.back());
    ways.pop_back();
    std::filesystem::path at;
    for (const std::filesystem::path& part : way) {
      at /= part;
      if (!std::filesystem::is_symlink(at, error) || !links.insert(at).second) continue;
      const auto target = at.parent_path() / std::filesystem::read_symlink(at, error);
      if (error) continue;
      folders.insert(at.parent_path());
      folders.insert(NearestFolder(target.parent_path()));
      ways.push_back(target);
    }
  }
  return folders;
}

Result<std::vector<std::filesystem::path>> ExpandSeedFiles(const std::vector<std::string>& patterns,
                                                           const std::filesystem::path& base_dir) {
  std::vector<std::filesystem::path> files;
  std::set<std::filesystem::path> seen;
  for (const std::string& pattern : patterns) {
    auto expanded = ExpandSeedPattern(pattern, base_dir);
    if (!expanded) return expanded;
    for (auto& file : *expanded) {
      if (seen.insert(file).second) files.push_back(std::move(file));
    }
  }
  return files;
}

}  // namespace crawld::config
