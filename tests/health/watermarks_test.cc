#include "health/watermarks.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace crawld::health {
namespace {

TEST(WatermarkTest, ItGoesOnAboveTheLimitAndOffBelowTheLowerOne) {
  Watermark mark;
  EXPECT_FALSE(mark.Look(90, 90, 80));
  EXPECT_TRUE(mark.Look(91, 90, 80));
  EXPECT_TRUE(mark.Look(85, 90, 80)) << "it does not flutter";
  EXPECT_TRUE(mark.Look(80, 90, 80));
  EXPECT_FALSE(mark.Look(79, 90, 80));
  EXPECT_FALSE(mark.Look(85, 90, 80));
}

TEST(WatermarkTest, TheLeastLimitOfAControlGroupAndThoseAboveItCounts) {
  const test::TempDir root;
  std::filesystem::create_directories(root / "user.slice/x.service");
  const auto write = [&](const char* path, const char* text) {
    std::ofstream(root / path) << text << "\n";
  };
  EXPECT_FALSE(ControlGroupMemory(root.path(), "0::/user.slice/x.service\n"));
  write("user.slice/x.service/memory.max", "max");
  EXPECT_FALSE(ControlGroupMemory(root.path(), "0::/user.slice/x.service\n"));
  write("user.slice/memory.max", "5000");
  EXPECT_EQ(ControlGroupMemory(root.path(), "0::/user.slice/x.service\n"), 5000U);
  write("user.slice/x.service/memory.max", "7000");
  EXPECT_EQ(ControlGroupMemory(root.path(), "0::/user.slice/x.service\n"), 5000U);
  write("memory.max", "300");
  EXPECT_EQ(ControlGroupMemory(root.path(), "1:name=x:/y\n0::/user.slice/x.service\n"), 300U);
  EXPECT_EQ(ControlGroupMemory(root.path(), "0::/\n"), 300U);
  EXPECT_FALSE(ControlGroupMemory(root.path(), ""));
  write("user.slice/x.service/memory.high", "250");
  EXPECT_EQ(ControlGroupMemory(root.path(), "0::/user.slice/x.service\n"), 250U)
      << "above it the kernel slows down all threads";
  // Of version 1, in a container: its own group is the root that it sees.
  std::filesystem::create_directories(root / "memory");
  write("memory/memory.limit_in_bytes", "200");
  EXPECT_EQ(ControlGroupMemory(root.path(), "5:pids:/a\n4:memory:/docker/x\n"), 200U);
  std::filesystem::create_directories(root / "memory/docker/x");
  write("memory/docker/x/memory.limit_in_bytes", "100");
  EXPECT_EQ(ControlGroupMemory(root.path(), "5:pids:/a\n4:memory:/docker/x\n"), 100U);
}

}  // namespace
}  // namespace crawld::health
