// Archive: the crawl's durable bytes below data_dir, appended group by group.
//
//   warc/NAME-TIMESTAMP-SERIAL.warc.gz   WARC/1.1, `.open` at the end of its name while written
//   pages/NAME-TIMESTAMP-SERIAL.jsonl    a page record a line; rotates with the WARC of its serial
//   index.cdxj                           a line a response; `LC_ALL=C sort` makes it an index
//   crawl.log                            a line a fetch, failures included
//
// The contract with the frontier's commit: Append() any number of bundles, then Sync(), which
// returns the archive's position once every byte before it is on the disk; the position goes into
// the frontier's batch; when that batch is durable, Committed() finishes a rotation. Opened with
// the last committed position, the archive is cut back to it: longer files are truncated, files
// begun since are removed, a rotation that was committed is finished.
//
// One thread (the committer) owns it. Every failing write is a FatalError; nothing that was
// committed is touched by it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "archive/append_file.h"
#include "archive/bundle.h"
#include "base/time.h"

namespace crawld::archive {

struct ArchiveOptions {
  std::string name;        // of the crawl, first part of file names
  std::string user_agent;  // for the warcinfo record
  bool warc = true;
  bool pages = true;
  bool crawl_log = true;
  uint64_t max_file_bytes = 1ULL << 30;  // a WARC (or pages) file is closed once it has this size
  BundleOptions bundle;
};

class Archive {
 public:
  // `position`: what the last commit recorded, empty for a new crawl. A new crawl must not find an
  // old one's files: FatalError.
  Archive(std::filesystem::path data_dir, const ArchiveOptions& options, std::string_view position);
  ~Archive();

  void Append(const Bundle& bundle, WallTime now);

  // Everything appended is on the disk; returns the position to commit. With `close`, or when the
  // file is full, the position says that the current files are finished.
  std::string Sync(bool close = false);
  // The position returned by the last Sync() has been committed.
  void Committed();

  uint64_t warc_bytes() const { return warc_bytes_; }  // appended since the start

 private:
  struct Position;
  void RefuseForeignFiles() const;
  void Recover(const Position& position);
  void OpenFiles(WallTime now);
  void Finish(const std::string& base);
  std::filesystem::path WarcPath(const std::string& base, bool open) const;
  std::filesystem::path PagesPath(const std::string& base) const;

  const std::filesystem::path data_dir_;
  const ArchiveOptions options_;
  BundleBuilder warcinfo_;
  std::unique_ptr<AppendFile> index_;
  std::unique_ptr<AppendFile> log_;
  std::unique_ptr<AppendFile> warc_;  // null until the first append after a rotation
  std::unique_ptr<AppendFile> pages_;
  std::string base_;        // NAME-TIMESTAMP-SERIAL of the open files, or empty
  std::string finishing_;   // files that the next Committed() closes
  bool new_files_ = false;  // created since the last Sync()
  uint64_t serial_ = 0;     // of the open files, or of the next ones
  uint64_t warc_bytes_ = 0;
};

}  // namespace crawld::archive
