#include "service/seeder.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <utility>

#include "base/error.h"
#include "config/seed_list.h"
#include "web/url.h"

namespace crawld::service {
namespace {

constexpr size_t kBatch = 1000;
constexpr size_t kBatchBytes = 256 << 10;  // of URLs; a batch is put when it has either
constexpr uint64_t kBadLinesLogged = 100;  // per list; the rest is counted

// What tells one version of a list from the next.
std::string VersionOf(const std::filesystem::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return {};
  return fmt::format("size={} mtime={}.{:09} inode={}", status.st_size, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec, status.st_ino);
}

std::string NoteOf(const std::filesystem::path& path) { return "seed-list:" + path.string(); }

class ListReader {
 public:
  ListReader(const std::filesystem::path& path, const frontier::Scope& scope,
             const std::function<bool(SeedBatch)>& put, SeedCount& count)
      : path_(path), scope_(scope), put_(put), count_(count) {}

  bool Read(const std::string& version) {
    auto reader = config::SeedListReader::Open(path_);
    if (!reader) throw FatalError(reader.error().message);
    while (true) {
      const auto line = reader->Next();
      if (!line) throw FatalError(line.error().message);
      if (!*line) break;
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
    batch_.notes.emplace_back(NoteOf(path_), version);
    return put_(std::move(batch_));
  }

 private:
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
    if (++bad_ <= kBadLinesLogged) {
      spdlog::warn("{}:{}: skipped '{}': {}", path_.string(), line.line,
                   web::WithoutCredentials(line.text).substr(0, 100), why);
    }
  }

  const std::filesystem::path& path_;
  const frontier::Scope& scope_;
  const std::function<bool(SeedBatch)>& put_;
  SeedCount& count_;
  SeedBatch batch_;
  uint64_t bad_ = 0;
  uint64_t looked_ = 0;
  size_t batch_bytes_ = 0;
};

}  // namespace

SeedCount ReadSeeds(const config::Config& config, const frontier::Frontier& frontier,
                    const std::function<bool(SeedBatch)>& put) {
  SeedCount count;
  SeedBatch inline_seeds;
  const auto take = [&](const std::vector<config::SourceText>& seeds, frontier::TaskKind kind) {
    for (const config::SourceText& seed : seeds) {
      auto url = web::Url::Parse(seed.text);
      if (!url || !url->IsHttp()) {  // CheckAgainstRooms has refused it already
        ++count.bad;
        continue;
      }
      url->DropFragment();
      inline_seeds.seeds.push_back(frontier.scope().JudgeSeed(*std::move(url), kind));
      ++count.good;
    }
  };
  take(config.seeds.urls, frontier::TaskKind::kPage);
  take(config.seeds.sitemaps, frontier::TaskKind::kSitemap);
  if (!inline_seeds.seeds.empty() && !put(std::move(inline_seeds))) return count;
  for (const std::filesystem::path& path : config.seeds.paths) {
    const std::string version = VersionOf(path);
    ++count.lists;
    if (!version.empty() && frontier.ReadNote(NoteOf(path)) == version) {
      ++count.lists_known;
      continue;
    }
    if (!ListReader(path, frontier.scope(), put, count).Read(version)) return count;
  }
  return count;
}

}  // namespace crawld::service
