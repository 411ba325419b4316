#include "kv/slot_rows.h"

#include <gtest/gtest.h>

#include <vector>

#include "kv/rows.h"
#include "support/random.h"

namespace snapkv::kv {
namespace {

/// Checks that a head has just these rows, whatever their order, each with its marks.
void expect_rows(const SlotRows & slots, std::uint32_t head, std::vector<std::uint32_t> expected) {
    const HeadRows view = slots.head(head);
    ASSERT_EQ(view.rows, expected.size());
    std::vector<std::uint32_t> found;
    for (std::uint32_t row = 0; row < view.rows; ++row) {
        found.push_back(index_of(view.position(row)));
        EXPECT_TRUE(test::has_marks(view, slots.shape(), 0, head, row, found.back())) << found.back();
    }
    std::sort(found.begin(), found.end());
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(found, expected);
}

TEST(SlotRows, KeepsEachRowAsItIsWhateverGoesAndComes) {
    for (const LayerShape & shape :
         {LayerShape{.kv_heads = 3, .key_size = 5, .value_size = 3, .type = KvType::F16},
          LayerShape{.kv_heads = 2, .key_size = 7, .value_size = 4, .type = KvType::F16, .values_in_keys = true}}) {
        Arena arena;
        SlotRows slots(arena, shape, 8);
        snapkv::test::Random random(3);
        std::vector<std::vector<std::uint32_t>> held(shape.kv_heads);
        const LayerRows all = test::marked_rows(arena, shape, 300, 0, 300);
        for (std::uint32_t position = 0; position < 300; ++position) {
            for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
                HeadRows row = all.head(head);
                row.keys += position * shape.key_bytes();
                row.values += position * shape.value_stride();
                row.rows = 1;
                row.first = Position{position};
                slots.reserve(arena, slots.rows(head) + 1);
                slots.append(head, row);
                held[head].push_back(position);
                if (slots.rows(head) > 20 + head) {
                    const auto slot = static_cast<std::uint32_t>(random.tokens(1)[0]) % slots.rows(head);
                    const auto gone = index_of(slots.positions(head)[slot]);
                    slots.remove(head, slot);
                    std::erase(held[head], gone);
                }
            }
        }
        const SlotRows copy = slots.copy(arena);
        for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
            expect_rows(slots, head, held[head]);
            expect_rows(copy, head, held[head]);
            EXPECT_TRUE(std::equal(copy.positions(head).begin(), copy.positions(head).end(),
                                   slots.positions(head).begin(), slots.positions(head).end()));
        }
    }
}

}  // namespace
}  // namespace snapkv::kv
