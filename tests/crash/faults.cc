// faults: an LD_PRELOAD library that makes a disk fail, and one that remembers what a disk would
// still hold after a power cut. For files below CRAWLD_FAULT_DIR only; everything else is
// untouched.
//
// Failing calls:
//   CRAWLD_FAULT_CALLS        which: any of write,fsync,rename,ftruncate,open (comma separated);
//                             write is also pwrite and writev, fsync also fdatasync, open is
//                             open with O_CREAT of a file that is not there
//   CRAWLD_FAULT_ERRNO        ENOSPC, EIO or EDQUOT
//   CRAWLD_FAULT_AFTER_CALLS  so many of those calls succeed first
//   CRAWLD_FAULT_AFTER_BYTES  so many bytes are written first; the write that crosses it is short
//   CRAWLD_FAULT_MATCH        only files whose path contains this
//   CRAWLD_FAULT_SHORT        writes take at most so many bytes each, and do not fail
// A disk that has failed keeps failing, until the process ends.
//
// Power cut: with CRAWLD_POWER_SHADOW=DIR, a folder on the same file system, that folder holds at
// any instant, also after kill -9, what would surely be there after a power cut:
//   DIR/content/INODE   a file's bytes when it was last synced (none: never synced)
//   DIR/names/INODE     a folder's entries when it was last synced: "INODE<TAB>d|f<TAB>NAME" lines
//   DIR/live/INODE      a hard link to the file itself, so that no inode number comes twice
// What is there when the first process begins counts as synced. crash_lib.py rebuilds a folder from
// it. Strict: POSIX promises a new name after an fsync of its folder, and so does this.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <string_view>

namespace {

template <typename F>
F Next(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

using OpenFn = int (*)(const char*, int, ...);
using OpenAtFn = int (*)(int, const char*, int, ...);
using WriteFn = ssize_t (*)(int, const void*, size_t);
using PwriteFn = ssize_t (*)(int, const void*, size_t, off64_t);
using WritevFn = ssize_t (*)(int, const iovec*, int);
using SyncFn = int (*)(int);
using RenameFn = int (*)(const char*, const char*);
using TruncateFn = int (*)(int, off64_t);

const std::string& Env(const char* name, std::string& cache) {
  const char* value = std::getenv(name);
  cache = value == nullptr ? "" : value;
  return cache;
}

int64_t Number(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? -1 : std::strtoll(value, nullptr, 10);
}

struct Settings {
  std::string dir;
  std::string calls;
  std::string match;
  std::string shadow;
  int error = EIO;
  int64_t short_bytes = -1;

  Settings() {
    std::string text;
    dir = Env("CRAWLD_FAULT_DIR", text);
    calls = "," + Env("CRAWLD_FAULT_CALLS", text) + ",";
    match = Env("CRAWLD_FAULT_MATCH", text);
    shadow = Env("CRAWLD_POWER_SHADOW", text);
    Env("CRAWLD_FAULT_ERRNO", text);
    error = text == "ENOSPC" ? ENOSPC : text == "EDQUOT" ? EDQUOT : EIO;
    short_bytes = Number("CRAWLD_FAULT_SHORT");
  }
  bool Hits(std::string_view call) const {
    return calls.find("," + std::string(call) + ",") != std::string::npos;
  }
};

const Settings& Get() {
  static const Settings* const settings = new Settings;  // outlives everything
  return *settings;
}

std::atomic<int64_t>& CallsLeft() {
  static std::atomic<int64_t> left = Number("CRAWLD_FAULT_AFTER_CALLS");
  return left;
}

std::atomic<int64_t>& BytesLeft() {
  static std::atomic<int64_t> left = Number("CRAWLD_FAULT_AFTER_BYTES");
  return left;
}

bool Below(std::string_view path) {
  const Settings& settings = Get();
  return !settings.dir.empty() && path.starts_with(settings.dir) &&
         (path.size() == settings.dir.size() || path[settings.dir.size()] == '/');
}

std::string PathOf(int fd) {
  char link[64];
  char path[PATH_MAX];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, path, sizeof path);
  return n > 0 ? std::string(path, static_cast<size_t>(n)) : std::string();
}

std::string Absolute(int folder, const char* path) {
  if (path[0] == '/') return path;
  if (folder != AT_FDCWD) return PathOf(folder) + "/" + path;
  char cwd[PATH_MAX];
  return getcwd(cwd, sizeof cwd) == nullptr ? path : std::string(cwd) + "/" + path;
}

bool Matches(std::string_view path) {
  return Below(path) && (Get().match.empty() || path.find(Get().match) != std::string_view::npos);
}

// True if this call is one that fails; errno is set.
bool Fails(std::string_view call, std::string_view path) {
  if (!Get().Hits(call) || !Matches(path)) return false;
  if (CallsLeft().load() < 0) return false;
  if (CallsLeft().load() > 0 && CallsLeft().fetch_sub(1) > 0) return false;
  CallsLeft().store(0);
  errno = Get().error;
  return true;
}

// How many of `size` bytes a write may take; -1 for an error (errno is set).
ssize_t Allowance(int fd, size_t size) {
  const Settings& settings = Get();
  if (settings.dir.empty() || (settings.calls == ",," && settings.short_bytes < 0)) {
    return static_cast<ssize_t>(size);
  }
  const std::string path = PathOf(fd);
  if (!Matches(path)) return static_cast<ssize_t>(size);
  if (Fails("write", path)) return -1;
  if (settings.short_bytes >= 0)
    return std::min<ssize_t>(static_cast<ssize_t>(size), settings.short_bytes);
  if (settings.Hits("write") && BytesLeft().load() >= 0) {
    const int64_t before = BytesLeft().fetch_sub(static_cast<int64_t>(size));
    if (before < static_cast<int64_t>(size)) {
      BytesLeft().store(0);
      if (before <= 0) {
        errno = settings.error;
        return -1;
      }
      return static_cast<ssize_t>(before);
    }
  }
  return static_cast<ssize_t>(size);
}

// --- the shadow of what is durable

std::mutex& ShadowMutex() {
  static auto* const mutex = new std::mutex;
  return *mutex;
}

std::string Shadow(const char* kind, ino_t inode) {
  return Get().shadow + "/" + kind + "/" + std::to_string(inode);
}

void WriteWhole(const std::string& path, const std::string& bytes) {
  const std::string temporary = path + ".tmp";
  const int fd =
      Next<OpenFn>("open")(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return;
  size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t n = Next<WriteFn>("write")(fd, bytes.data() + at, bytes.size() - at);
    if (n <= 0) break;
    at += static_cast<size_t>(n);
  }
  close(fd);
  // A process that is killed here leaves the shadow of before: the sync had not returned.
  Next<RenameFn>("rename")(temporary.c_str(), path.c_str());
}

void KeepAlive(const std::string& path, ino_t inode) {
  link(path.c_str(), Shadow("live", inode).c_str());
}

void RememberFile(const std::string& path, ino_t inode) {
  const int fd = Next<OpenFn>("open")(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  std::string bytes;
  char buffer[65536];
  ssize_t n = 0;
  while ((n = read(fd, buffer, sizeof buffer)) > 0) bytes.append(buffer, static_cast<size_t>(n));
  close(fd);
  WriteWhole(Shadow("content", inode), bytes);
}

void RememberFolder(const std::string& path, ino_t inode, bool and_all_below) {
  DIR* folder = opendir(path.c_str());
  if (folder == nullptr) return;
  std::string lines;
  while (const dirent* entry = readdir(folder)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    const std::string child = path + "/" + std::string(name);
    struct stat status {};
    if (lstat(child.c_str(), &status) != 0) continue;
    const bool is_folder = S_ISDIR(status.st_mode);
    lines +=
        std::to_string(status.st_ino) + (is_folder ? "\td\t" : "\tf\t") + std::string(name) + "\n";
    if (!is_folder) KeepAlive(child, status.st_ino);
    if (!and_all_below) continue;
    if (is_folder) {
      RememberFolder(child, status.st_ino, true);
    } else {
      RememberFile(child, status.st_ino);
    }
  }
  closedir(folder);
  WriteWhole(Shadow("names", inode), lines);
}

void NoteOpened(int fd, const std::string& path) {
  if (Get().shadow.empty() || fd < 0 || !Below(path)) return;
  struct stat status {};
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) KeepAlive(path, status.st_ino);
}

void NoteSynced(int fd, const std::string& path) {
  if (Get().shadow.empty() || !Below(path)) return;
  const std::lock_guard<std::mutex> lock(ShadowMutex());
  struct stat status {};
  if (fstat(fd, &status) != 0) return;
  if (S_ISDIR(status.st_mode)) {
    RememberFolder(path, status.st_ino, false);
  } else if (S_ISREG(status.st_mode)) {
    // By its live link: the name may be another's by now.
    RememberFile(Shadow("live", status.st_ino), status.st_ino);
  }
}

[[gnu::constructor]] void Begin() {
  const std::string shadow = Get().shadow;
  if (shadow.empty()) return;
  struct stat status {};
  if (stat((shadow + "/begun").c_str(), &status) == 0) return;
  for (const char* kind : {"", "/content", "/names", "/live"}) mkdir((shadow + kind).c_str(), 0755);
  if (stat(Get().dir.c_str(), &status) == 0) RememberFolder(Get().dir, status.st_ino, true);
  WriteWhole(shadow + "/begun", "");
}

int OpenChecked(int folder, const char* path, int flags, mode_t mode) {
  const bool interesting = (flags & (O_CREAT | O_WRONLY | O_RDWR)) != 0 && !Get().dir.empty();
  const std::string absolute = interesting ? Absolute(folder, path) : std::string();
  if (interesting && (flags & O_CREAT) != 0) {
    struct stat status {};
    if (stat(absolute.c_str(), &status) != 0 && Fails("open", absolute)) return -1;
  }
  const int fd = Next<OpenAtFn>("openat")(folder, path, flags, mode);
  if (interesting) NoteOpened(fd, absolute);
  return fd;
}

mode_t ModeOf(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? static_cast<mode_t>(va_arg(arguments, int)) : 0;
}

int SyncChecked(const char* name, int fd) {
  const std::string path = Get().dir.empty() ? std::string() : PathOf(fd);
  if (Fails("fsync", path)) return -1;
  const int result = Next<SyncFn>(name)(fd);
  if (result == 0) NoteSynced(fd, path);
  return result;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  return OpenChecked(AT_FDCWD, path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  return OpenChecked(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

int openat(int folder, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  return OpenChecked(folder, path, flags, mode);
}

ssize_t write(int fd, const void* bytes, size_t size) {
  const ssize_t allowed = Allowance(fd, size);
  if (allowed < 0) return -1;
  return Next<WriteFn>("write")(fd, bytes, static_cast<size_t>(allowed));
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  const ssize_t allowed = Allowance(fd, size);
  if (allowed < 0) return -1;
  return Next<PwriteFn>("pwrite")(fd, bytes, static_cast<size_t>(allowed), at);
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  const ssize_t allowed = Allowance(fd, size);
  if (allowed < 0) return -1;
  return Next<PwriteFn>("pwrite64")(fd, bytes, static_cast<size_t>(allowed), at);
}

ssize_t writev(int fd, const iovec* pieces, int count) {
  if (count > 0 && Allowance(fd, 0) < 0) return -1;
  return Next<WritevFn>("writev")(fd, pieces, count);
}

int fsync(int fd) { return SyncChecked("fsync", fd); }

int fdatasync(int fd) { return SyncChecked("fdatasync", fd); }

int rename(const char* from, const char* to) {
  if (Fails("rename", Absolute(AT_FDCWD, to))) return -1;
  return Next<RenameFn>("rename")(from, to);
}

int ftruncate(int fd, off_t size) {
  if (!Get().dir.empty() && Fails("ftruncate", PathOf(fd))) return -1;
  return Next<TruncateFn>("ftruncate")(fd, size);
}

int ftruncate64(int fd, off64_t size) {
  if (!Get().dir.empty() && Fails("ftruncate", PathOf(fd))) return -1;
  return Next<TruncateFn>("ftruncate64")(fd, size);
}

}  // extern "C"
