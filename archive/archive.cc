#include "archive/archive.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_to.hpp>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/error.h"

namespace crawld::archive {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::string_view kOpenSuffix = ".open";
constexpr std::string_view kWarcSuffix = ".warc.gz";
constexpr std::string_view kPagesSuffix = ".jsonl";

void MakeDirectory(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw FatalError(fmt::format("cannot make {}: {}", path.string(), error.message()));
}

void Remove(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
  if (error) throw FatalError(fmt::format("cannot remove {}: {}", path.string(), error.message()));
}

// SERIAL of NAME-TIMESTAMP-SERIAL, if the file is one of this crawl's.
std::optional<uint64_t> SerialOf(std::string_view file, std::string_view name) {
  if (!file.starts_with(name) || file.size() < name.size() + 17) return std::nullopt;
  std::string_view rest = file.substr(name.size());
  if (rest[0] != '-' || rest[15] != '-') return std::nullopt;
  rest.remove_prefix(16);
  uint64_t serial = 0;
  size_t digits = 0;
  for (; digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9'; ++digits) {
    serial = serial * 10 + static_cast<uint64_t>(rest[digits] - '0');
  }
  if (digits == 0 || digits > 12) return std::nullopt;
  return serial;
}

}  // namespace

// As recorded in the frontier: JSON, so that a person can read it there.
struct Archive::Position {
  std::string name;  // of the crawl that wrote the files since
  uint64_t serial = 0;
  std::string base;      // open files, or empty
  std::string finished;  // files this commit closed, or empty
  uint64_t warc = 0;
  uint64_t pages = 0;
  uint64_t index = 0;
  uint64_t log = 0;

  std::string Serialize() const {
    return json::serialize(json::object{{"name", name},
                                        {"serial", serial},
                                        {"base", base},
                                        {"finished", finished},
                                        {"warc", warc},
                                        {"pages", pages},
                                        {"index", index},
                                        {"log", log}});
  }
  static Position Parse(std::string_view text) {
    try {
      const json::object o = json::parse({text.data(), text.size()}).as_object();
      Position p;
      if (const json::value* name = o.if_contains("name")) {
        p.name = json::value_to<std::string>(*name);
      }
      p.serial = o.at("serial").to_number<uint64_t>();
      p.base = json::value_to<std::string>(o.at("base"));
      p.finished = json::value_to<std::string>(o.at("finished"));
      p.warc = o.at("warc").to_number<uint64_t>();
      p.pages = o.at("pages").to_number<uint64_t>();
      p.index = o.at("index").to_number<uint64_t>();
      p.log = o.at("log").to_number<uint64_t>();
      return p;
    } catch (const std::exception& e) {
      throw FatalError(fmt::format(
          "the frontier's archive position is unreadable ({}): restore the frontier from a backup "
          "or choose a new data_dir",
          e.what()));
    }
  }
};

Archive::Archive(fs::path data_dir, const ArchiveOptions& options, std::string_view position)
    : data_dir_(std::move(data_dir)), options_(options), warcinfo_(options.bundle) {
  MakeDirectory(data_dir_ / "warc");
  MakeDirectory(data_dir_ / "pages");
  if (position.empty()) RefuseForeignFiles();
  Recover(position.empty() ? Position{} : Position::Parse(position));
}

Archive::~Archive() = default;

fs::path Archive::WarcPath(const std::string& base, bool open) const {
  return data_dir_ / "warc" /
         (base + std::string(kWarcSuffix) + std::string(open ? kOpenSuffix : ""));
}

fs::path Archive::PagesPath(const std::string& base) const {
  return data_dir_ / "pages" / (base + std::string(kPagesSuffix));
}

// A new crawl must not cut or remove what another one has written.
void Archive::RefuseForeignFiles() const {
  const auto refuse = [this](const fs::path& found) {
    throw FatalError(
        fmt::format("{} belongs to an archive, but the frontier beside it is new: it cannot tell "
                    "what was fetched; restore {} or choose a new data_dir",
                    found.string(), (data_dir_ / "frontier").string()));
  };
  for (const char* file : {"index.cdxj", "crawl.log"}) {
    std::error_code error;
    if (fs::file_size(data_dir_ / file, error) > 0 && !error) refuse(data_dir_ / file);
  }
  for (const char* folder : {"warc", "pages"}) {
    for (const auto& entry : fs::directory_iterator(data_dir_ / folder)) {
      if (SerialOf(entry.path().filename().string(), options_.name)) refuse(entry.path());
    }
  }
}

void Archive::Recover(const Position& position) {
  if (!position.finished.empty()) Finish(position.finished);
  serial_ = position.serial;
  // Files begun since the commit: the open one it names stays, with later ones unknown to it.
  for (const char* folder : {"warc", "pages"}) {
    for (const auto& entry : fs::directory_iterator(data_dir_ / folder)) {
      const std::string file = entry.path().filename().string();
      // The crawl may have had another name then.
      auto serial = SerialOf(file, options_.name);
      if (!serial && !position.name.empty()) serial = SerialOf(file, position.name);
      if (!serial || *serial < position.serial) continue;
      const bool open_file = !position.base.empty() && file.starts_with(position.base);
      if (!open_file) Remove(entry.path());
    }
  }
  index_ = std::make_unique<AppendFile>(data_dir_ / "index.cdxj", position.index);
  log_ = std::make_unique<AppendFile>(data_dir_ / "crawl.log", position.log);
  if (!position.base.empty()) {
    base_ = position.base;
    if (options_.warc || position.warc > 0) {
      warc_ = std::make_unique<AppendFile>(WarcPath(base_, true), position.warc);
    }
    if (options_.pages || position.pages > 0) {
      pages_ = std::make_unique<AppendFile>(PagesPath(base_), position.pages);
    }
  }
  new_files_ = true;
}

void Archive::OpenFiles(WallTime now) {
  base_ = fmt::format("{}-{}-{:06}", options_.name, FormatTimestamp(now), serial_);
  if (options_.warc) warc_ = std::make_unique<AppendFile>(WarcPath(base_, true), 0);
  if (options_.pages) pages_ = std::make_unique<AppendFile>(PagesPath(base_), 0);
  new_files_ = true;
}

void Archive::Append(const Bundle& bundle, WallTime now) {
  CRAWLD_CHECK(finishing_.empty(), "Committed() follows every Sync()");
  if (base_.empty() && (!bundle.warc.empty() || !bundle.page.empty())) OpenFiles(now);
  std::string place;
  if (warc_ && !bundle.warc.empty()) {
    // Not in OpenFiles: a WARC also begins beside open pages when a restart has switched it on.
    if (warc_->size() == 0) {
      const std::string info =
          warcinfo_.Warcinfo(base_ + std::string(kWarcSuffix), options_.user_agent, now);
      warc_->Append(info);
      warc_bytes_ += info.size();
    }
    place = fmt::format(R"(,"offset":"{}","filename":"{}{}"}})", warc_->size(), base_, kWarcSuffix);
    warc_->Append(bundle.warc);
    warc_bytes_ += bundle.warc.size();
    index_->Append(bundle.index);
    index_->Append(place);
    index_->Append("\n");
  }
  if (pages_ && !bundle.page.empty()) {
    pages_->Append(bundle.page);
    if (place.empty()) {
      pages_->Append("}\n");
    } else {
      pages_->Append(fmt::format(R"(,"warc":"{}{}","offset":{}}})"
                                 "\n",
                                 base_, kWarcSuffix, warc_->size() - bundle.warc.size()));
    }
  }
  if (options_.crawl_log && !bundle.log.empty()) {
    log_->Append(bundle.log);
    log_->Append("\n");
  }
}

std::string Archive::Sync(bool close) {
  for (AppendFile* file : {warc_.get(), pages_.get(), index_.get(), log_.get()}) {
    if (file != nullptr) file->Sync();
  }
  if (new_files_) {
    for (const fs::path& folder : {data_dir_ / "warc", data_dir_ / "pages", data_dir_}) {
      SyncDirectory(folder);
    }
    new_files_ = false;
  }
  Position position;
  position.name = options_.name;
  const bool full = (warc_ && warc_->size() >= options_.max_file_bytes) ||
                    (pages_ && pages_->size() >= options_.max_file_bytes);
  if (!base_.empty() && (close || full)) {
    finishing_ = base_;
    position.serial = serial_ + 1;
    position.finished = base_;
  } else {
    position.serial = serial_;
    position.base = base_;
    position.warc = warc_ ? warc_->size() : 0;
    position.pages = pages_ ? pages_->size() : 0;
  }
  position.index = index_->size();
  position.log = log_->size();
  return position.Serialize();
}

void Archive::Committed() {
  if (finishing_.empty()) return;
  warc_.reset();
  pages_.reset();
  base_.clear();
  ++serial_;
  Finish(std::exchange(finishing_, {}));
}

// Takes `.open` off the name. Done again after a crash, it finds nothing to do.
void Archive::Finish(const std::string& base) {
  std::error_code error;
  if (!fs::exists(WarcPath(base, true), error)) return;
  fs::rename(WarcPath(base, true), WarcPath(base, false), error);
  if (error) {
    throw FatalError(
        fmt::format("cannot rename {}: {}", WarcPath(base, true).string(), error.message()));
  }
  SyncDirectory(data_dir_ / "warc");
}

}  // namespace crawld::archive
