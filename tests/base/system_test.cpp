#include <gtest/gtest.h>
#include <sched.h>

#include <cstdint>
#include <memory>
#include <thread>

#include "base/block.h"
#include "base/resident.h"
#include "base/threads.h"
#include "snapkv/position.h"

namespace snapkv {
namespace {

TEST(Threads, AtLeastOneCoreIsUsable) {
    const std::uint32_t count = usable_cores();
    EXPECT_GE(count, 1U);
    if (std::thread::hardware_concurrency() > 0) {
        EXPECT_LE(count, std::thread::hardware_concurrency());
    }
}

TEST(Threads, FollowTheAffinityMask) {
    cpu_set_t before;
    ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_EQ(usable_cores(), 1U);
    ASSERT_EQ(::sched_setaffinity(0, sizeof before, &before), 0);
}

TEST(Resident, IsWithinReason) {
    const Resident resident = resident_memory();
    EXPECT_GT(resident.anonymous, std::uint64_t{64} << 10U);
    EXPECT_GE(resident.peak, resident.anonymous);
    EXPECT_LT(resident.peak, std::uint64_t{1} << 44U);
}

TEST(Resident, FollowsTouchedBlocks) {
    constexpr std::size_t kBytes = std::size_t{32} << 20U;
    constexpr std::uint64_t kSlack = std::uint64_t{4} << 20U;
    const std::uint64_t before = resident_memory().anonymous;
    {
        Block block(kBytes, std::make_shared<Meter>());
        EXPECT_LT(resident_memory().anonymous, before + kSlack) << "untouched memory is not resident";
        for (std::size_t at = 0; at < block.size(); at += 4096) {
            block.data()[at] = std::byte{1};
        }
        EXPECT_GT(resident_memory().anonymous, before + kBytes - kSlack);
    }
    EXPECT_LT(resident_memory().anonymous, before + kSlack) << "dropped memory is given back";
    EXPECT_GE(resident_memory().peak, before + kBytes - kSlack);
}

TEST(Resident, SomeMemoryIsAvailable) {
    EXPECT_GT(available_memory(), std::uint64_t{1} << 20U);
}

TEST(Position, CountsOnAndCompares) {
    EXPECT_EQ(index_of(Position{7} + 5), 12U);
    EXPECT_LT(Position{3}, Position{4});
    static_assert(Position{2} + 0 == Position{2});
}

}  // namespace
}  // namespace snapkv
