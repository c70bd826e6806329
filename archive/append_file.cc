#include "archive/append_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace crawld::archive {
namespace {

constexpr size_t kBufferBytes = 1 << 20;

[[noreturn]] void Fail(std::string_view doing, const std::filesystem::path& path, int error) {
  std::string_view remedy = "mend the cause";
  if (error == ENOSPC || error == EDQUOT) remedy = "free some space";
  if (error == EACCES || error == EPERM || error == EROFS)
    remedy = "give crawld the right to write";
  throw FatalError(fmt::format(
      "{} {}: {}; nothing is lost: {} and start again, the crawl goes on from its last commit",
      doing, path.string(), std::generic_category().message(error), remedy));
}

}  // namespace

AppendFile::AppendFile(std::filesystem::path path, uint64_t size) : path_(std::move(path)) {
  fd_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) Fail("opening", path_, errno);
  struct stat status {};
  if (fstat(fd_, &status) != 0) {
    const int error = errno;
    close(fd_);
    Fail("looking at", path_, error);
  }
  const auto found = static_cast<uint64_t>(status.st_size);
  if (found < size) {
    close(fd_);
    throw FatalError(fmt::format(
        "{} has {} bytes, the last commit left {} in it: the file was changed or the disk has lost "
        "data; restore it, or choose a new data_dir",
        path_.string(), found, size));
  }
  if (found > size) {
    if (ftruncate(fd_, static_cast<off_t>(size)) != 0) {
      const int error = errno;
      close(fd_);
      Fail("cutting the uncommitted tail off", path_, error);
    }
    dirty_ = true;
  }
  if (lseek(fd_, static_cast<off_t>(size), SEEK_SET) < 0) {
    const int error = errno;
    close(fd_);
    Fail("seeking in", path_, error);
  }
  written_ = size;
}

AppendFile::~AppendFile() {
  if (fd_ >= 0) close(fd_);
}

void AppendFile::Append(std::string_view bytes) {
  if (buffer_.size() + bytes.size() > kBufferBytes) Flush();
  if (bytes.size() > kBufferBytes) {
    WriteOut(bytes);
  } else {
    buffer_.append(bytes);
  }
}

void AppendFile::Flush() {
  if (buffer_.empty()) return;
  WriteOut(buffer_);
  buffer_.clear();
}

void AppendFile::WriteOut(std::string_view bytes) {
  dirty_ = true;
  while (!bytes.empty()) {
    const ssize_t n = write(fd_, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      Fail("writing", path_, errno);
    }
    written_ += static_cast<uint64_t>(n);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

void AppendFile::Sync() {
  Flush();
  if (!dirty_) return;
  if (fdatasync(fd_) != 0) Fail("syncing", path_, errno);
  dirty_ = false;
}

void SyncDirectory(const std::filesystem::path& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) Fail("opening", directory, errno);
  const int failed = fsync(fd) != 0 ? errno : 0;
  close(fd);
  if (failed != 0) Fail("syncing", directory, failed);
}

}  // namespace crawld::archive
