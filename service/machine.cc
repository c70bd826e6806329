#include "service/machine.h"

#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <system_error>
#include <thread>

#include "fetcher/fetcher.h"
#include "health/watermarks.h"

namespace crawld::service {
namespace {

namespace fs = std::filesystem;

bool OthersCanRead(const fs::path& path) {
  struct stat found {};
  return stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) &&
         (found.st_mode & S_IROTH) != 0;
}

// It, or the nearest folder above it that is there.
fs::path Standing(fs::path folder) {
  std::error_code error;
  while (!fs::exists(folder, error) && folder.has_relative_path()) folder = folder.parent_path();
  return folder;
}

}  // namespace

uint64_t DescriptorsNeeded(const config::Config& config) {
  constexpr uint64_t kOwn = 512;  // of the store, the archive, logs
  return config.fetcher.concurrency + config.frontier.hosts_in_memory / 8 +
         config.fetcher.threads * fetcher::kDescriptorsPerThread + kOwn;
}

std::string FileSystemOf(const fs::path& folder) {
  struct statfs found {};
  if (statfs(Standing(folder).c_str(), &found) != 0) return "";
  constexpr uint64_t kCifs = 0xff534d42;
  switch (static_cast<uint64_t>(static_cast<uint32_t>(found.f_type))) {
    case TMPFS_MAGIC:
      return "tmpfs";
    case RAMFS_MAGIC:
      return "ramfs";
    case OVERLAYFS_SUPER_MAGIC:
      return "overlay";
    case NFS_SUPER_MAGIC:
      return "nfs";
    case SMB_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC:
    case kCifs:
      return "cifs";
    case V9FS_MAGIC:
      return "9p";
    default:
      return "";
  }
}

config::Machine LookAtMachine(const config::Config& config) {
  config::Machine machine;
  machine.memory_bytes =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  machine.memory_limit = "this machine has";
  if (const auto group = health::ControlGroupMemory(); group && *group < machine.memory_bytes) {
    machine.memory_bytes = *group;
    machine.memory_limit = "its control group allows";
  }
  machine.cores = std::thread::hardware_concurrency();
  rlimit descriptors{};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
    machine.max_descriptors = descriptors.rlim_max;  // crawld raises the other one itself
  }
  machine.needed_descriptors = DescriptorsNeeded(config) + config.fetcher.max_slow;
  machine.data_dir_file_system = FileSystemOf(config.data_dir);
  std::error_code error;
  const auto space = fs::space(Standing(config.data_dir), error);
  if (!error) machine.data_dir_free_bytes = space.available;
  machine.others_can_read = OthersCanRead;
  return machine;
}

}  // namespace crawld::service
