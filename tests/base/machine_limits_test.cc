#include "pipeline/base/machine_limits.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temp_dir.h"

namespace tacho {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

class MachineLimitsTest : public ::testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  MachineLimits Read() { return ReadMachineLimits(root_.path()); }

  void Version2(const std::string& group, const std::string& root = "/") {
    Write("proc/self/cgroup", "0::" + group + "\n");
    Write("proc/self/mountinfo",
          "30 24 0:26 / / rw - ext4 /dev/sda1 rw\n"
          "31 30 0:27 " +
              root +
              " /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 "
              "rw,nsdelegate\n");
  }
  void Version1(const std::string& group, const std::string& root = "/") {
    Write("proc/self/cgroup",
          "12:cpu,cpuacct:/elsewhere\n4:memory:" + group + "\n0::/\n");
    Write("proc/self/mountinfo",
          "31 30 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
          "32 30 0:28 " +
              root +
              " /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n"
              "33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  }

 private:
  TempDir root_;
};

TEST_F(MachineLimitsTest, AMachineThatSaysNothingHasNoLimits) {
  const MachineLimits limits = Read();

  EXPECT_EQ(limits.cgroup_bytes, MachineLimits::kNone);
  EXPECT_EQ(limits.physical_bytes, MachineLimits::kNone);
}

TEST_F(MachineLimitsTest, PhysicalMemoryIsMemTotal) {
  Write("proc/meminfo", "MemTotal:  2048 kB\nMemFree:  7 kB\n");
  EXPECT_EQ(Read().physical_bytes, 2 * kMiB);
}

TEST_F(MachineLimitsTest, TheSmallestAncestorCounts) {
  Version2("/pods/pod-1/main");
  Write("sys/fs/cgroup/pods/pod-1/main/memory.max", "max\n");
  Write("sys/fs/cgroup/pods/pod-1/memory.max", "268435456\n");
  Write("sys/fs/cgroup/pods/memory.max", "1073741824\n");

  const MachineLimits limits = Read();

  EXPECT_EQ(limits.cgroup_bytes, 256 * kMiB);
  EXPECT_EQ(limits.cgroup_file, "/sys/fs/cgroup/pods/pod-1/memory.max");
}

TEST_F(MachineLimitsTest, WhereTheKernelHoldsUpCountsAsWell) {
  Version2("/x.service");
  Write("sys/fs/cgroup/x.service/memory.max", "536870912\n");
  Write("sys/fs/cgroup/x.service/memory.high", "268435456\n");
  EXPECT_EQ(Read().cgroup_bytes, 256 * kMiB);
}

// A container with a namespace of its own sees its group as the root.
TEST_F(MachineLimitsTest, TheRootOfANamespaceIsLookedAt) {
  Version2("/");
  Write("sys/fs/cgroup/memory.max", "134217728\n");
  EXPECT_EQ(Read().cgroup_bytes, 128 * kMiB);
}

TEST_F(MachineLimitsTest, Version1IsReadToo) {
  Version1("/docker/abc");
  Write("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes",
        "9223372036854771712\n");
  Write("sys/fs/cgroup/memory/docker/memory.limit_in_bytes", "268435456\n");
  EXPECT_EQ(Read().cgroup_bytes, 256 * kMiB);
}

// Docker without namespaces: the group's own directory is what is mounted.
TEST_F(MachineLimitsTest, APathBelowTheMountedGroupIsFollowed) {
  Version1("/docker/abc/inner", "/docker/abc");
  Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n");
  Write("sys/fs/cgroup/memory/inner/memory.limit_in_bytes", "268435456\n");
  EXPECT_EQ(Read().cgroup_bytes, 256 * kMiB);
}

TEST_F(MachineLimitsTest, APathOutsideTheMountIsNotFollowed) {
  Version2("/../../other");
  Write("sys/fs/cgroup/memory.max", "268435456\n");
  EXPECT_EQ(Read().cgroup_bytes, 256 * kMiB);
}

TEST_F(MachineLimitsTest, NoLimitIsNone) {
  Version1("/");
  Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(Read().cgroup_bytes, MachineLimits::kNone);
}

TEST_F(MachineLimitsTest, RubbishIsNone) {
  Version2("/");
  Write("sys/fs/cgroup/memory.max", "monkeys");
  Write("proc/meminfo", "\xff\xfe");
  EXPECT_EQ(Read().cgroup_bytes, MachineLimits::kNone);
  EXPECT_EQ(Read().physical_bytes, MachineLimits::kNone);
}

TEST(OpenFilesTest, TheSoftLimitIsRaisedToTheHardOne) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = 256;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(ReadMachineLimits().open_files, 256u);

  EXPECT_TRUE(RaiseOpenFiles().ok());

  const MachineLimits limits = ReadMachineLimits();
  EXPECT_EQ(limits.open_files, limits.most_open_files);
  EXPECT_EQ(limits.most_open_files, before.rlim_max);
}

}  // namespace
}  // namespace tacho
