#include "pipeline/seeder.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include <utility>

#include "base/error.h"
#include "config/seed_list.h"
#include "web/url.h"

namespace crawld::pipeline {
namespace {

constexpr size_t kBatch = 1000;
constexpr size_t kBatchBytes = 256 << 10;  // of URLs; a batch is put when it has either
constexpr uint64_t kBadLinesLogged = 100;  // per list; the rest is counted

constexpr std::chrono::seconds kSettles{1};

// What is noted of a list: what tells its version from the next one, and how far it was read.
struct ListNote {
  std::string version;      // as it was
  bool unfinished = false;  // there was something left to read
  std::optional<config::SeedListMark> mark;
};

ListNote ReadNote(const frontier::Frontier& frontier, const std::string& key) {
  ListNote note;
  const std::string text = frontier.ReadNote(key).value_or("");
  constexpr std::string_view kMark = " read=";
  const size_t at = std::min(text.find(kMark), text.size());
  note.unfinished = text.ends_with(" unfinished");
  note.version = text.substr(0, at);
  config::SeedListMark mark;
  if (std::sscanf(text.c_str() + at, " read=%" SCNu64 " line=%" SCNu64 " check=%" SCNu32,
                  &mark.offset, &mark.line, &mark.check) == 3) {
    note.mark = mark;
  }
  return note;
}

std::string TextOf(const ListNote& note) {
  const std::string_view end = note.unfinished ? " unfinished" : "";
  if (!note.mark) return fmt::format("{}{}", note.version, end);
  return fmt::format("{} read={} line={} check={}{}", note.version, note.mark->offset,
                     note.mark->line, note.mark->check, end);
}

// Whether the file is the same one, and longer: what was read of it may still be there.
bool HasGrown(const std::string& before, const std::string& now) {
  const auto read = [](const std::string& version, uint64_t& size, uint64_t& inode) {
    return std::sscanf(version.c_str(), "size=%" SCNu64 " mtime=%*[0-9.] inode=%" SCNu64, &size,
                       &inode) == 2;
  };
  uint64_t old_size = 0;
  uint64_t old_inode = 0;
  uint64_t size = 0;
  uint64_t inode = 0;
  return read(before, old_size, old_inode) && read(now, size, inode) && inode == old_inode &&
         size > old_size;
}

struct ListState {
  std::string version;  // empty: the file cannot be looked at
  bool settled = true;  // nobody has written to it for a while
};

ListState StateOf(const std::filesystem::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return {};
  ListState state;
  state.version = fmt::format("size={} mtime={}.{:09} inode={}", status.st_size,
                              status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ino);
  const auto written = std::chrono::system_clock::from_time_t(status.st_mtim.tv_sec) +
                       std::chrono::nanoseconds(status.st_mtim.tv_nsec);
  const auto age = std::chrono::system_clock::now() - written;
  state.settled = age >= kSettles || age < -kSettles;  // a clock of somebody else's tells nothing
  return state;
}

std::string NoteOf(const std::filesystem::path& path) { return "seed-list:" + path.string(); }

class ListReader {
 public:
  ListReader(const std::filesystem::path& path, const frontier::Scope& scope, const PutSeeds& put,
             SeedCount& count)
      : path_(path), scope_(scope), put_(put), count_(count) {}

  // `note`: of the last time. `settled`: a last line without a line feed is one.
  bool Read(ListNote note, const std::string& version, bool settled) {
    auto reader = config::SeedListReader::Open(path_, note.mark);
    if (!reader) throw FatalError(reader.error().message);
    note.version = version;
    note.unfinished = false;
    while (true) {
      const auto line = reader->Next();
      if (!line) throw FatalError(line.error().message);
      if (!*line) break;
      // Asked now: it may have begun to grow while it was read.
      if (!(*line)->nothing && !reader->LineIsWhole() && !(settled || IsSettled(version))) {
        note.unfinished = true;
        ++count_.unfinished;
        break;
      }
      Take(**line);
      if (batch_.seeds.size() >= kBatch || batch_bytes_ >= kBatchBytes) {
        batch_bytes_ = 0;
        if (!put_(std::exchange(batch_, {}))) return false;
      }
      if (++looked_ % kBatch == 0 && !put_({})) return false;
    }
    if (bad_ > kBadLinesLogged) {
      spdlog::warn("{}: {} more lines are no URLs", path_.string(), bad_ - kBadLinesLogged);
    }
    note.mark = reader->Mark();
    batch_.notes.emplace_back(NoteOf(path_), TextOf(note));
    return put_(std::move(batch_));
  }

 private:
  // Nobody writes to it, and nobody has since `version` was seen.
  bool IsSettled(const std::string& version) const {
    const ListState now = StateOf(path_);
    return now.settled && now.version == version;
  }

  void Take(const config::SeedLine& line) {
    if (line.nothing) return;
    std::string_view why;
    if (line.too_long) {
      why = "the line is too long";
    } else if (auto url = web::Url::Parse(line.text); !url) {
      why = web::Explain(url.error());
    } else if (!url->IsHttp()) {
      why = "neither http nor https";
    } else {
      url->DropFragment();
      batch_bytes_ += url->href().size();
      batch_.seeds.push_back(scope_.JudgeSeed(*std::move(url)));
      ++count_.good;
      return;
    }
    ++count_.bad;
    ++batch_.bad_lines;
    if (++bad_ <= kBadLinesLogged) {
      spdlog::warn("{}:{}: skipped '{}': {}", path_.string(), line.line,
                   web::WithoutCredentials(line.text).substr(0, 100), why);
    }
  }

  const std::filesystem::path& path_;
  const frontier::Scope& scope_;
  const PutSeeds& put_;
  SeedCount& count_;
  SeedBatch batch_;
  uint64_t bad_ = 0;
  uint64_t looked_ = 0;
  size_t batch_bytes_ = 0;
};

}  // namespace

SeedCount ReadInlineSeeds(const config::Config& config, const frontier::Frontier& frontier,
                          const PutSeeds& put) {
  SeedCount count;
  SeedBatch batch;
  const auto take = [&](const std::vector<config::SourceText>& seeds, frontier::TaskKind kind) {
    for (const config::SourceText& seed : seeds) {
      auto url = web::Url::Parse(seed.text);
      if (!url || !url->IsHttp()) {  // CheckAgainstRooms has refused it already
        ++count.bad;
        continue;
      }
      url->DropFragment();
      batch.seeds.push_back(frontier.scope().JudgeSeed(*std::move(url), kind));
      ++count.good;
    }
  };
  take(config.seeds.urls, frontier::TaskKind::kPage);
  take(config.seeds.sitemaps, frontier::TaskKind::kSitemap);
  if (!batch.seeds.empty()) (void)put(std::move(batch));
  return count;
}

namespace {

// False when the line is stopping.
bool ReadList(const std::filesystem::path& path, const frontier::Frontier& frontier, bool settled,
              const PutSeeds& put, SeedCount& count) {
  const ListState state = StateOf(path);
  ListNote note = ReadNote(frontier, NoteOf(path));
  ++count.lists;
  if (!state.version.empty() && note.version == state.version && !note.unfinished) {
    ++count.lists_known;
    return true;
  }
  const bool same = note.unfinished && note.version == state.version;
  if (!same && !HasGrown(note.version, state.version)) note.mark.reset();
  ListReader reader(path, frontier.scope(), put, count);
  return reader.Read(std::move(note), state.version, settled);
}

}  // namespace

SeedCount ReadLists(const std::vector<std::filesystem::path>& paths,
                    const frontier::Frontier& frontier, bool settled, const PutSeeds& put) {
  SeedCount count;
  for (const std::filesystem::path& path : paths) {
    if (!ReadList(path, frontier, settled, put, count)) break;
  }
  return count;
}

SeedCount ReadChangedList(const std::filesystem::path& path, const frontier::Frontier& frontier,
                          std::string& version, const PutSeeds& put) {
  SeedCount count;
  const std::string state = StateOf(path).version;
  const std::string now = state.empty() ? "cannot be looked at" : state;
  if (version == now) return count;
  version.clear();
  try {
    const bool read = ReadList(path, frontier, /*settled=*/false, put, count);
    if (read && count.unfinished == 0) version = now;
  } catch (const std::exception& e) {
    version = now;
    spdlog::warn("{}; the crawl goes on, and the list is read when it has changed", e.what());
  }
  return count;
}

SeedCount ReadSeeds(const config::Config& config, const frontier::Frontier& frontier,
                    const PutSeeds& put) {
  bool stopped = false;
  const PutSeeds go_on = [&](SeedBatch batch) {
    stopped = stopped || !put(std::move(batch));
    return !stopped;
  };
  SeedCount count = ReadInlineSeeds(config, frontier, go_on);
  if (stopped) return count;
  const SeedCount lists = ReadLists(config.seeds.paths, frontier, /*settled=*/true, go_on);
  count.good += lists.good;
  count.bad += lists.bad;
  count.lists = lists.lists;
  count.lists_known = lists.lists_known;
  return count;
}

}  // namespace crawld::pipeline
