#include "base/block.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "snapkv/error.h"

namespace snapkv {
namespace {

TEST(Block, IsCountedWhileItLives) {
    const auto meter = std::make_shared<Meter>();
    {
        const Block first(1000, meter);
        EXPECT_EQ(first.size(), 1000U);
        EXPECT_EQ(meter->alive(), 1000U);
        {
            const Block second(500, meter);
            EXPECT_EQ(meter->alive(), 1500U);
        }
        EXPECT_EQ(meter->alive(), 1000U);
    }
    EXPECT_EQ(meter->alive(), 0U);
    EXPECT_EQ(meter->peak(), 1500U);
}

TEST(Block, GivesBackWhatLiesBehindItsFirstBytes) {
    const auto meter = std::make_shared<Meter>();
    Block block(5 * 65536, meter);
    std::fill_n(block.data(), block.size(), std::byte{3});
    const std::byte * const data = block.data();
    for (const std::size_t bytes :
         {std::size_t{5} * 65536 - 1, std::size_t{2} * 65536 + 1, std::size_t{65536}, std::size_t{7}}) {
        block.shrink(bytes);
        EXPECT_EQ(block.size(), bytes);
        EXPECT_EQ(block.data(), data);
        EXPECT_EQ(meter->alive(), bytes);
        EXPECT_EQ(std::count(block.data(), block.data() + bytes, std::byte{3}), bytes);
    }
    block.shrink(0);
    EXPECT_EQ(block.data(), nullptr);
    EXPECT_EQ(meter->alive(), 0U);
    Block of_sizes(1000, std::make_shared<Meter>(std::vector<std::shared_ptr<Meter>>(), true));
    of_sizes.shrink(10);
    EXPECT_EQ(of_sizes.size(), 10U);
}

TEST(Block, IsZeroedPageAlignedAndWritableToTheLastByte) {
    const auto meter = std::make_shared<Meter>();
    Block block(12345, meter);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.data()) % 4096, 0U);
    EXPECT_TRUE(
        std::all_of(block.data(), block.data() + block.size(), [](std::byte value) { return value == std::byte{0}; }));
    block.data()[12344] = std::byte{7};
    EXPECT_EQ(std::as_const(block).data()[12344], std::byte{7});
    block.floats()[3] = 1.5F;
    EXPECT_EQ(std::as_const(block).floats()[3], 1.5F);
}

TEST(Block, OfNothingIsEmpty) {
    const auto meter = std::make_shared<Meter>();
    const Block none;
    const Block zero(0, meter);
    EXPECT_EQ(none.size(), 0U);
    EXPECT_EQ(none.data(), nullptr);
    EXPECT_EQ(zero.size(), 0U);
    EXPECT_EQ(zero.data(), nullptr);
    EXPECT_EQ(meter->alive(), 0U);
}

TEST(Block, MoveConstructionPassesTheMemoryOn) {
    const auto meter = std::make_shared<Meter>();
    Block from(100, meter);
    const std::byte * memory = from.data();
    const Block to(std::move(from));
    EXPECT_EQ(to.data(), memory);
    EXPECT_EQ(to.size(), 100U);
    // What a moved-from block is, is promised.
    EXPECT_EQ(from.data(), nullptr);  // NOLINT(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
    EXPECT_EQ(from.size(), 0U);
    EXPECT_EQ(meter->alive(), 100U);
}

TEST(Block, MoveAssignmentGivesTheOldMemoryBackAtOnce) {
    const auto meter = std::make_shared<Meter>();
    const auto other_meter = std::make_shared<Meter>();
    Block to(100, meter);
    Block from(70, other_meter);
    to = std::move(from);
    EXPECT_EQ(to.size(), 70U);
    EXPECT_EQ(meter->alive(), 0U);
    EXPECT_EQ(other_meter->alive(), 70U);
    to = Block();
    EXPECT_EQ(to.data(), nullptr);
    EXPECT_EQ(other_meter->alive(), 0U);
}

TEST(Block, SurvivesAssignmentToItself) {
    const auto meter = std::make_shared<Meter>();
    Block block(64, meter);
    Block & same = block;
    block.data()[5] = std::byte{9};
    block = std::move(same);
    ASSERT_EQ(block.size(), 64U);
    EXPECT_EQ(block.data()[5], std::byte{9});
    EXPECT_EQ(meter->alive(), 64U);
}

TEST(Block, MovesWithinAVectorThatGrowsAndShrinks) {
    const auto meter = std::make_shared<Meter>();
    std::vector<Block> blocks;
    for (std::uint64_t i = 1; i <= 20; ++i) {
        blocks.emplace_back(i, meter);
    }
    EXPECT_EQ(meter->alive(), 210U);
    blocks.resize(4);
    EXPECT_EQ(meter->alive(), 10U);
    blocks.erase(blocks.begin());
    EXPECT_EQ(meter->alive(), 9U);
    blocks.clear();
    EXPECT_EQ(meter->alive(), 0U);
    static_assert(std::is_nothrow_move_constructible_v<Block> && !std::is_copy_constructible_v<Block>);
}

TEST(Block, RefusedMemoryIsAMachineErrorThatNamesTheSize) {
    const auto meter = std::make_shared<Meter>();
    try {
        const Block block(std::size_t{1} << 60U, meter);
        FAIL() << "an exbibyte was granted";
    } catch (const Error & error) {
        EXPECT_EQ(error.kind(), ErrorKind::Machine);
        EXPECT_STREQ(error.what(), "the system refused 1099511627776 MiB of memory");
    }
    EXPECT_EQ(meter->alive(), 0U);
    EXPECT_EQ(meter->peak(), 0U);
}

TEST(Block, OfASizeHasNoMemory) {
    constexpr std::size_t kMoreThanThereIs = std::size_t{1} << 60U;
    const auto meter = std::make_shared<Meter>(std::vector<std::shared_ptr<Meter>>(), true);
    {
        Block block(kMoreThanThereIs, meter);
        EXPECT_EQ(block.data(), nullptr);
        EXPECT_EQ(block.size(), kMoreThanThereIs);
        const Block moved = std::move(block);
        EXPECT_EQ(meter->alive(), kMoreThanThereIs);
    }
    EXPECT_EQ(meter->alive(), 0U);
    EXPECT_EQ(meter->peak(), kMoreThanThereIs);
}

}  // namespace
}  // namespace snapkv
