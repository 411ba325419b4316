#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <vector>

#include "attention/cpu/instruction_sets.h"
#include "attention/cpu/tile.h"
#include "attention/cpu/tile_steps.h"
#include "attention/cpu/vote_kernel.h"
#include "attention/oracle.h"

namespace snapkv::attention::cpu {
namespace {

using test::Random;

struct alignas(64) Line {
    std::array<float, 16> floats;
};

/// Every 16-bit pattern as a key of one element against the query 1: the logits are the elements themselves.
void check_widening(const TileSteps & steps, KvType type) {
    std::vector<Line> query(steps.row_step);
    std::vector<Line> keys(steps.tile * padded(1));
    std::vector<Line> logits(std::size_t{kStripRows} * steps.tile / 16);
    const float one = 1;
    steps.pack_query(&one, 1, 1.0F, reinterpret_cast<std::byte *>(query.data()));
    std::vector<std::uint16_t> elements(steps.tile);
    for (std::uint32_t base = 0; base < 0x10000U; base += steps.tile) {
        std::iota(elements.begin(), elements.end(), static_cast<std::uint16_t>(base));
        const auto * stored = reinterpret_cast<const std::byte *>(elements.data());
        steps.pack_keys({stored, steps.tile, 1, type, kv_row_bytes(type, 1)},
                        reinterpret_cast<std::byte *>(keys.data()));
        Strip strip;
        strip.queries = reinterpret_cast<const std::byte *>(query.data());
        strip.rows = steps.row_step;
        strip.last = steps.tile;
        strip.logits = logits.front().floats.data();
        steps.logits(strip, reinterpret_cast<const std::byte *>(keys.data()), 1);
        for (std::uint32_t i = 0; i < steps.tile; ++i) {
            const double expected = test::decode(stored + std::size_t{i} * 2, type);
            if (std::isfinite(expected)) {
                ASSERT_EQ(double{strip.logits[i]}, expected) << elements[i];
            }
        }
    }
}

TEST(TileSteps, WidenEveryFiniteHalfExactly) {
    for (const InstructionSet & set : instruction_sets()) {
        SCOPED_TRACE(set.name);
        const OnlySet only(set);
        check_widening(f32_steps(), KvType::F16);
        check_widening(f32_steps(), KvType::BF16);
    }
}

TEST(TileSteps, RoundToBfloat16AtMostOnce) {
    for (const InstructionSet & set : instruction_sets()) {
        const OnlySet only(set);
        EXPECT_EQ(bf16_steps() != nullptr, set.bf16);
        EXPECT_EQ(&steps_for(KvType::F32), &f32_steps());
        EXPECT_EQ(&steps_for(KvType::F16), set.bf16 ? bf16_steps() : &f32_steps());
        EXPECT_EQ(&steps_for(KvType::BF16), set.bf16 ? bf16_steps() : &f32_steps());
    }
}

TEST(TileSteps, FitTheirTiles) {
    for (const InstructionSet & set : instruction_sets()) {
        const OnlySet only(set);
        for (const TileSteps * steps : {&f32_steps(), &steps_for(KvType::F16)}) {
            EXPECT_EQ(steps->tile % steps->panel, 0U);
            EXPECT_EQ(kStripRows % steps->row_step, 0U);
        }
    }
}

TEST(AddWeights, TakesMinusInfinityForNothing) {
    Random random(700);
    for (const InstructionSet & set : instruction_sets()) {
        SCOPED_TRACE(set.name);
        const OnlySet only(set);
        for (const std::size_t count : {std::size_t{48}, std::size_t{192}}) {
            std::vector<float> logits = random.numbers(count, 20);
            for (std::size_t i = 0; i < count; i += 1 + random.below(3)) {
                logits[i] = kNothingSeen;
            }
            std::vector<float> columns = random.numbers(count);
            const std::vector<float> before = columns;
            add_weights(logits.data(), count, 15.0F, 0.25F, columns.data());
            for (std::size_t i = 0; i < count; ++i) {
                const double share = 0.25 * std::exp2(double{logits[i]} - 15.0);
                EXPECT_NEAR(columns[i], before[i] + share, 1e-6 * std::max(1.0, share));
            }
        }
    }
}

}  // namespace
}  // namespace snapkv::attention::cpu
