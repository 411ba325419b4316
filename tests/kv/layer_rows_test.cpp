#include "kv/layer_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "kv/rows.h"
#include "kv/segment.h"
#include "support/positions.h"

namespace snapkv::kv {
namespace {

using test::has_marks;
using test::marked_rows;

std::vector<LayerShape> shapes() {
    return {{.kv_heads = 1, .key_size = 1, .value_size = 1, .type = KvType::F16},
            {.kv_heads = 3, .key_size = 5, .value_size = 7, .type = KvType::BF16},
            {.kv_heads = 2, .key_size = 64, .value_size = 64, .type = KvType::F32},
            {.kv_heads = 4, .key_size = 31, .value_size = 33, .type = KvType::F32},
            {.kv_heads = 1, .key_size = 576, .value_size = 512, .type = KvType::F16},
            {.kv_heads = 2, .key_size = 9, .value_size = 6, .type = KvType::F16, .values_in_keys = true}};
}

/// For each head the views of both parts: the trunk's, then the suffix's.
std::vector<std::vector<HeadRows>> views_of(const LayerRows & trunk, const LayerRows & suffix) {
    std::vector<std::vector<HeadRows>> views;
    for (std::uint32_t head = 0; head < trunk.shape().kv_heads; ++head) {
        views.push_back({trunk.head(head), suffix.head(head)});
    }
    return views;
}

TEST(LayerShape, KnowsItsBytes) {
    const LayerShape shape{.kv_heads = 2, .key_size = 5, .value_size = 3, .type = KvType::F32};
    EXPECT_EQ(shape.key_bytes(), 20U);
    EXPECT_EQ(shape.value_bytes(), 12U);
    EXPECT_EQ(shape.row_bytes(), 32U);
    EXPECT_EQ((LayerShape{.kv_heads = 2, .key_size = 5, .value_size = 3, .type = KvType::BF16}).row_bytes(), 16U);
    LayerShape latent = shape;
    latent.values_in_keys = true;
    EXPECT_EQ(latent.value_bytes(), 0U);
    EXPECT_EQ(latent.value_stride(), latent.key_bytes());
    EXPECT_EQ(latent.row_bytes(), 20U);
    EXPECT_EQ(ggml_type_of(KvType::F32), GGML_TYPE_F32);
    EXPECT_EQ(ggml_type_of(KvType::F16), GGML_TYPE_F16);
    EXPECT_EQ(ggml_type_of(KvType::BF16), GGML_TYPE_BF16);
}

TEST(LayerRows, PackedLetGoOfRowsInTheMemoryThatTheyHave) {
    for (const LayerShape & shape : shapes()) {
        Arena arena;
        const LayerRows trunk = marked_rows(arena, shape, 400, 0, 400);
        const LayerRows suffix = marked_rows(arena, shape, 1, 400, 1);
        const auto sources = views_of(trunk, suffix);
        const std::uint64_t before = arena.meter().alive();
        std::vector<std::vector<Position>> kept(shape.kv_heads, positions_from(Position{0}, 401));
        LayerRows rows = LayerRows::packed(arena, shape, sources, kept);
        const std::byte * const data = rows.head(0).keys;
        std::uint64_t expected_bytes = 0;
        for (const std::uint32_t step : {2U, 3U, 50U}) {  // fewer and fewer, in each head its own
            for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
                std::vector<Position> some;
                for (std::size_t at = head; at < kept[head].size(); at += step + head) {
                    some.push_back(kept[head][at]);
                }
                kept[head] = some;
            }
            rows.keep(kept);
            const LayerRows expected = LayerRows::packed(arena, shape, sources, kept);
            for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
                const HeadRows found = rows.head(head);
                ASSERT_EQ(found.rows, kept[head].size());
                EXPECT_TRUE(std::equal(kept[head].begin(), kept[head].end(), found.positions));
                EXPECT_EQ(std::memcmp(found.keys, expected.head(head).keys, found.rows * shape.key_bytes()), 0);
                EXPECT_EQ(std::memcmp(found.values, expected.head(head).values, found.rows * shape.value_bytes()), 0);
            }
            EXPECT_EQ(rows.head(0).keys, data);
            expected_bytes = (arena.meter().alive() - before) / 2;
        }
        EXPECT_EQ(arena.meter().alive() - before, expected_bytes) << "as much as if it had been packed so";
        rows.keep(std::vector<std::vector<Position>>(shape.kv_heads));
        EXPECT_EQ(rows.total_rows(), 0U);
        EXPECT_EQ(arena.meter().alive(), before);
    }
}

TEST(LayerRows, DenseKeepsEveryHeadsRowsApart) {
    for (const LayerShape & shape : shapes()) {
        Arena arena;
        const LayerRows rows = marked_rows(arena, shape, 11, 40, 9);
        EXPECT_EQ(rows.capacity(), 11U);
        EXPECT_EQ(rows.shape(), shape);
        EXPECT_EQ(rows.total_rows(), 9U * shape.kv_heads);
        for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
            const HeadRows view = rows.head(head);
            ASSERT_EQ(view.rows, 9U);
            EXPECT_EQ(view.positions, nullptr);
            EXPECT_EQ(view.first, Position{40});
            for (std::uint32_t row = 0; row < 9; ++row) {
                EXPECT_TRUE(has_marks(view, shape, 0, head, row, 40 + row)) << head << ' ' << row;
            }
        }
    }
}

TEST(LayerRows, DenseShowsOnlyRowsDeclaredValid) {
    Arena arena;
    const LayerShape shape = shapes()[1];
    LayerRows rows = LayerRows::dense(arena, shape, 5, Position{2});
    EXPECT_EQ(rows.head(2).rows, 0U);
    EXPECT_EQ(rows.total_rows(), 0U);
    rows.set_rows(4);
    EXPECT_EQ(rows.head(2).rows, 4U);
    EXPECT_EQ(LayerRows::dense(arena, shape, 0, Position{0}).total_rows(), 0U);
}

TEST(LayerRows, PackedGathersFromTrunkAndSuffixWithRaggedHeads) {
    for (const LayerShape & shape : shapes()) {
        Arena arena;
        const LayerRows trunk = marked_rows(arena, shape, 20, 0, 20);
        const LayerRows suffix = marked_rows(arena, shape, 8, 20, 6);
        std::vector<std::vector<Position>> kept{snapkv::test::positions({0, 7, 19, 20, 25}),
                                                snapkv::test::positions({}), snapkv::test::positions({21}),
                                                snapkv::test::positions({3})};
        kept.resize(shape.kv_heads);
        const LayerRows packed = LayerRows::packed(arena, shape, views_of(trunk, suffix), kept);
        std::uint64_t total = 0;
        for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
            const HeadRows view = packed.head(head);
            ASSERT_EQ(view.rows, kept[head].size());
            total += view.rows;
            for (std::uint32_t row = 0; row < view.rows; ++row) {
                EXPECT_EQ(view.position(row), kept[head][row]);
                EXPECT_TRUE(has_marks(view, shape, 0, head, row, index_of(kept[head][row]))) << head << ' ' << row;
            }
        }
        EXPECT_EQ(packed.total_rows(), total);
    }
}

TEST(LayerRows, PackedOfEverythingEqualsTheSource) {
    Arena arena;
    const LayerShape shape = shapes()[2];
    const LayerRows trunk = marked_rows(arena, shape, 300, 0, 300);
    const LayerRows suffix = marked_rows(arena, shape, 1, 300, 1);
    std::vector<std::uint32_t> all(301);
    for (std::uint32_t position = 0; position < all.size(); ++position) {
        all[position] = position;
    }
    const std::vector<std::vector<Position>> kept(shape.kv_heads, snapkv::test::positions(all));
    const LayerRows packed = LayerRows::packed(arena, shape, views_of(trunk, suffix), kept);
    for (const std::uint32_t position : all) {
        EXPECT_TRUE(has_marks(packed.head(1), shape, 0, 1, position, position)) << position;
    }
}

TEST(LayerRows, PackedGathersFromPackedRowsAndRowsAfterThem) {
    Arena arena;
    const LayerShape shape = shapes()[1];
    const LayerRows trunk = marked_rows(arena, shape, 50, 0, 50);
    const LayerRows suffix = marked_rows(arena, shape, 10, 50, 10);
    const std::vector<std::vector<Position>> once{snapkv::test::positions({1, 2, 30, 49}), snapkv::test::positions({}),
                                                  snapkv::test::positions({10, 40, 41, 42})};
    const LayerRows first = LayerRows::packed(arena, shape, views_of(trunk, suffix), once);
    const std::vector<std::vector<Position>> twice{snapkv::test::positions({2, 49, 50}),
                                                   snapkv::test::positions({50, 59}), snapkv::test::positions({41})};
    const LayerRows second = LayerRows::packed(arena, shape, views_of(first, suffix), twice);
    for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
        ASSERT_EQ(second.head(head).rows, twice[head].size());
        for (std::uint32_t row = 0; row < twice[head].size(); ++row) {
            EXPECT_TRUE(has_marks(second.head(head), shape, 0, head, row, index_of(twice[head][row])));
        }
    }
}

TEST(LayerRows, PackedGathersFromSeveralPackedParts) {
    Arena arena;
    const LayerShape shape{.kv_heads = 1, .key_size = 4, .value_size = 6, .type = KvType::F16};
    const LayerRows source = marked_rows(arena, shape, 100, 0, 100);
    const std::vector<std::vector<HeadRows>> all{{source.head(0)}};
    const std::vector<std::vector<Position>> early{snapkv::test::positions({3, 4, 9, 20})};
    const std::vector<std::vector<Position>> late{snapkv::test::positions({50, 51, 70})};
    const LayerRows first = LayerRows::packed(arena, shape, all, early);
    const LayerRows second = LayerRows::packed(arena, shape, all, late);
    const std::vector<std::vector<HeadRows>> parts{{first.head(0), second.head(0)}};
    const std::vector<std::vector<Position>> kept{snapkv::test::positions({9, 50, 70})};
    const LayerRows packed = LayerRows::packed(arena, shape, parts, kept);
    for (std::uint32_t row = 0; row < 3; ++row) {
        EXPECT_TRUE(has_marks(packed.head(0), shape, 0, 0, row, index_of(kept[0][row])));
    }
}

TEST(LayerRows, PackedEmptyIsFilledThroughItsRows) {
    Arena arena;
    const LayerShape shape{.kv_heads = 2, .key_size = 3, .value_size = 5, .type = KvType::F16};
    LayerRows rows = LayerRows::packed_empty(arena, shape, {{Position{4}, Position{9}}, {Position{2}}});
    EXPECT_EQ(rows.total_rows(), 3U);
    test::write_marks(rows.key_row(0, 1), rows.value_row(0, 1), shape, 0, 0, 9);
    test::write_marks(rows.key_row(1, 0), rows.value_row(1, 0), shape, 0, 1, 2);
    EXPECT_TRUE(has_marks(rows.head(0), shape, 0, 0, 1, 9));
    EXPECT_TRUE(has_marks(rows.head(1), shape, 0, 1, 0, 2));
    EXPECT_EQ(LayerRows::packed_empty(arena, shape, {{}, {}}).head(1).rows, 0U);
}

TEST(LayerRows, GivesItsMemoryBackAtOnce) {
    Arena arena;
    const LayerShape shape = shapes()[2];
    auto working = std::make_unique<LayerRows>(marked_rows(arena, shape, 1000, 0, 1000));
    const std::uint64_t full = arena.meter().alive();
    EXPECT_GE(full, 1000 * 2 * shape.row_bytes());
    EXPECT_LE(full, 1000 * 2 * shape.row_bytes() + std::uint64_t{4} * 64) << "at most a line of padding a part";
    std::vector<std::vector<HeadRows>> views{{working->head(0)}, {working->head(1)}};
    const std::vector<std::vector<Position>> kept{snapkv::test::positions({5, 6}), snapkv::test::positions({7})};
    const LayerRows packed = LayerRows::packed(arena, shape, views, kept);
    EXPECT_EQ(arena.meter().peak(), arena.meter().alive());
    working.reset();
    EXPECT_LE(arena.meter().alive(), 3 * shape.row_bytes() + std::uint64_t{4} * 64);
    EXPECT_TRUE(has_marks(packed.head(1), shape, 0, 1, 0, 7));
}

TEST(Segment, SharesItsLayersUntilTheLastHolderIsGone) {
    Arena arena;
    const LayerShape shape = shapes()[1];
    const auto layer = std::make_shared<const LayerRows>(marked_rows(arena, shape, 10, 0, 10));
    auto first = std::make_unique<Segment>();
    auto second = std::make_unique<Segment>();
    first->add_layer(layer);
    second->add_layer(layer);
    second->add_layer(std::make_shared<const LayerRows>(marked_rows(arena, shape, 3, 0, 3)));
    EXPECT_EQ(first->layers(), 1U);
    EXPECT_EQ(second->layers(), 2U);
    EXPECT_EQ(&first->layer(0), &second->layer(0));
    const std::uint64_t both = arena.meter().alive();
    first.reset();
    EXPECT_EQ(arena.meter().alive(), both) << "the other segment still holds the rows";
    EXPECT_TRUE(has_marks(second->layer(0).head(2), shape, 0, 2, 9, 9));
    second.reset();
    EXPECT_LT(arena.meter().alive(), both) << "layer 1 had no other holder";
    EXPECT_GT(arena.meter().alive(), 0U);
}

TEST(Arena, BlocksOutliveIt) {
    auto arena = std::make_unique<Arena>();
    LayerRows rows = marked_rows(*arena, shapes()[1], 4, 0, 4);
    arena.reset();
    EXPECT_TRUE(has_marks(rows.head(0), rows.shape(), 0, 0, 3, 3));
    const LayerRows moved = std::move(rows);
    EXPECT_TRUE(has_marks(moved.head(2), moved.shape(), 0, 2, 0, 0));
}

}  // namespace
}  // namespace snapkv::kv
