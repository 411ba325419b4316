#include "base/control_group.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/temporary_folder.h"

namespace snapkv {
namespace {

/// A tree as a process sees it: its groups, what is mounted, and the groups' files.
class Tree {
public:
    Tree(const std::string & groups, const std::string & mounts) {
        file("proc/self/cgroup", groups);
        file("proc/self/mountinfo", mounts);
    }
    Tree & file(const std::string & path, const std::string & text) {
        std::filesystem::create_directories((folder_.path() / path).parent_path());
        std::ofstream(folder_.path() / path) << text;
        return *this;
    }
    [[nodiscard]] GroupLimits limits() const { return group_limits(folder_.path()); }

private:
    test::TemporaryFolder folder_;
};

const std::string kSecond =
    "22 1 0:21 / /proc rw,relatime shared:5 - proc proc rw\n"
    "30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
const std::string kFirst =
    "31 22 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "32 22 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";

TEST(ControlGroup, NothingIsReadNothingLimits) {
    const Tree nothing("", "");
    EXPECT_FALSE(nothing.limits().processors);
    EXPECT_FALSE(nothing.limits().memory);
    EXPECT_FALSE(group_limits("/nowhere").memory);
    const Tree damaged("0::/a\nno colons\n::\n", "1 2\n30 22 0:26 / /sys/fs/cgroup rw - cgroup2\n");
    EXPECT_FALSE(damaged.limits().memory);
}

TEST(ControlGroup, TheTightestOnTheWayUpCounts) {
    Tree tree("0::/outer/inner\n", kSecond);
    tree.file("sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n")
        .file("sys/fs/cgroup/outer/inner/memory.max", "3000000\n")
        .file("sys/fs/cgroup/outer/inner/memory.current", "500000\n");
    EXPECT_FALSE(tree.limits().processors);
    EXPECT_EQ(tree.limits().memory, 2500000U);
    tree.file("sys/fs/cgroup/outer/cpu.max", "150000 100000\n")
        .file("sys/fs/cgroup/outer/memory.max", "4000000\n")
        .file("sys/fs/cgroup/outer/memory.current", "3000000\n")
        .file("sys/fs/cgroup/outer/memory.stat", "anon 1\nactive_file 100000\ninactive_file 200000\nfile 999\n");
    EXPECT_EQ(tree.limits().processors, 1.5);
    EXPECT_EQ(tree.limits().memory, 1300000U) << "file pages give way";
    tree.file("sys/fs/cgroup/cpu.max", "50000 100000\n").file("sys/fs/cgroup/memory.max", "max\n");
    EXPECT_EQ(tree.limits().processors, 0.5) << "the root of what is mounted, as in a container";
    EXPECT_EQ(tree.limits().memory, 1300000U);
    tree.file("sys/fs/cgroup/outer/memory.current", "4500000\n");
    EXPECT_EQ(tree.limits().memory, 0U) << "more is used than may be";
}

TEST(ControlGroup, ControllersOfTheFirstVersionHaveGroupsOfTheirOwn) {
    Tree tree("12:memory:/a/b\n4:cpu,cpuacct:/c\n1:name=systemd:/x\n", kFirst);
    EXPECT_FALSE(tree.limits().processors);
    tree.file("sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", "-1\n")
        .file("sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us", "100000\n")
        .file("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
    EXPECT_FALSE(tree.limits().processors);
    EXPECT_FALSE(tree.limits().memory) << "what stands for no limit";
    tree.file("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "300000\n")
        .file("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n")
        .file("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "7000000\n")
        .file("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "2000000\n")
        .file("sys/fs/cgroup/memory/a/memory.stat", "active_file 9\ntotal_active_file 300000\ntotal_inactive_file 1\n");
    EXPECT_EQ(tree.limits().processors, 3.0);
    EXPECT_EQ(tree.limits().memory, 5300001U);
}

TEST(ControlGroup, BothVersionsTogetherLimit) {
    Tree tree("4:cpu,cpuacct:/c\n0::/a\n", kFirst + kSecond);
    tree.file("sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", "200000\n")
        .file("sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us", "100000\n")
        .file("sys/fs/cgroup/a/memory.max", "1000\n");
    EXPECT_EQ(tree.limits().processors, 2.0);
    EXPECT_EQ(tree.limits().memory, 1000U);
}

TEST(ControlGroup, AnotherGroupsFolderThatIsMountedTooDoesNotLimit) {
    Tree tree("0::/ours\n", kSecond + "33 22 0:26 /theirs /mnt/watched rw - cgroup2 cgroup2 rw\n");
    tree.file("mnt/watched/memory.max", "1000\n").file("sys/fs/cgroup/ours/memory.max", "5000\n");
    EXPECT_EQ(tree.limits().memory, 5000U);
}

/// A container without a namespace of groups: its group is what is mounted; and one that sees groups above as "..".
TEST(ControlGroup, AGroupThatIsMountedItselfIsFound) {
    Tree tree("9:memory:/docker/abc\n",
              "32 22 0:28 /docker/abc /sys/fs/cgroup/memory\\040files ro - cgroup cgroup rw,memory\n");
    tree.file("sys/fs/cgroup/memory files/memory.limit_in_bytes", "4096\n");
    EXPECT_EQ(tree.limits().memory, 4096U);
    tree.file("proc/self/cgroup", "9:memory:/docker/abc/child\n")
        .file("sys/fs/cgroup/memory files/child/memory.limit_in_bytes", "1024\n");
    EXPECT_EQ(tree.limits().memory, 1024U);
    for (const char * outside : {"9:memory:/docker/abcdef\n", "9:memory:/../other\n", "9:memory:/\n"}) {
        tree.file("proc/self/cgroup", outside);
        EXPECT_EQ(tree.limits().memory, 4096U) << outside;
    }
}

}  // namespace
}  // namespace snapkv
