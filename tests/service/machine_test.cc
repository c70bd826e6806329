#include "service/machine.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/temp_dir.h"

namespace crawld::service {
namespace {

using test::TempDir;

TEST(MachineTest, TheDefaultsNeedWhatTheDocumentationSays) {
  const config::Config config;
  EXPECT_EQ(DescriptorsNeeded(config) + config.fetcher.max_slow, 5264U);  // docs/operations.md
}

TEST(MachineTest, AFolderThatIsNotThereYetIsOnTheFileSystemOfThatAboveIt) {
  EXPECT_EQ(FileSystemOf("/dev/shm/none/such"), FileSystemOf("/dev/shm"));
  EXPECT_EQ(FileSystemOf("/proc/none/such"), "");
}

TEST(MachineTest, LooksAtThisOne) {
  const TempDir dir;
  config::Config config;
  config.data_dir = dir / "data";
  const config::Machine machine = LookAtMachine(config);
  EXPECT_GT(machine.memory_bytes, 1U << 24);
  EXPECT_FALSE(machine.memory_limit.empty());
  EXPECT_GT(machine.cores, 0U);
  EXPECT_GT(machine.max_descriptors, 0U);
  EXPECT_EQ(machine.needed_descriptors, 5264U);
  EXPECT_LT(machine.data_dir_free_bytes, UINT64_MAX);
  EXPECT_FALSE(std::filesystem::exists(config.data_dir));

  const auto file = dir.Write("secret", "x");
  std::filesystem::permissions(file, std::filesystem::perms(0640));
  EXPECT_FALSE(machine.others_can_read(file));
  std::filesystem::permissions(file, std::filesystem::perms(0644));
  EXPECT_TRUE(machine.others_can_read(file));
  EXPECT_FALSE(machine.others_can_read(dir / "none"));
}

}  // namespace
}  // namespace crawld::service
