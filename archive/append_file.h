// AppendFile: a file that grows at its end, through a buffer, and says so when the disk does not
// take it.
//
// Not thread safe. Every failure is a FatalError naming the file, the reason and the remedy; after
// one the file's tail is undefined, and is cut back to the last committed size at the next start.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace crawld::archive {

class AppendFile {
 public:
  // Opens or creates the file and cuts it to `size` bytes. A file shorter than `size` has lost what
  // was committed to it: FatalError.
  AppendFile(std::filesystem::path path, uint64_t size);
  ~AppendFile();  // what was not flushed is dropped
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  void Append(std::string_view bytes);
  // Hands everything to the kernel, then to the disk (fdatasync) if anything was written since.
  void Flush();
  void Sync();

  uint64_t size() const { return written_ + buffer_.size(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  void WriteOut(std::string_view bytes);

  std::filesystem::path path_;
  int fd_ = -1;
  uint64_t written_ = 0;
  bool dirty_ = false;
  std::string buffer_;
};

// Makes creations, renames and removals in a directory durable.
void SyncDirectory(const std::filesystem::path& directory);

}  // namespace crawld::archive
