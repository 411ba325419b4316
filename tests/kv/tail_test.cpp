#include "kv/tail.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "kv/rows.h"

namespace snapkv::kv {
namespace {

using test::append_marked;
using test::has_marks;

constexpr std::uint32_t kFirst = 1000;

/// Layers may differ in every respect.
std::vector<LayerShape> tail_shapes() {
    return {{.kv_heads = 3, .key_size = 5, .value_size = 3, .type = KvType::F16},
            {.kv_heads = 1, .key_size = 9, .value_size = 2, .type = KvType::F32},
            {.kv_heads = 2, .key_size = 1, .value_size = 1, .type = KvType::BF16},
            {.kv_heads = 0, .key_size = 4, .value_size = 4, .type = KvType::F16},
            {.kv_heads = 2, .key_size = 7, .value_size = 4, .type = KvType::F16, .values_in_keys = true}};
}

/// Checks that the views of every layer and head hold exactly the rows [0, rows) with their marks.
void expect_marked(const Tail & tail, std::uint32_t rows) {
    ASSERT_EQ(tail.rows(), rows);
    EXPECT_EQ(tail.next(), Position{kFirst + rows});
    for (std::uint32_t layer = 0; layer < tail.shapes().size(); ++layer) {
        const LayerShape & shape = tail.shapes()[layer];
        for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
            std::vector<HeadRows> views;
            tail.view(layer, head, views);
            std::uint32_t seen = 0;
            for (const HeadRows & view : views) {
                ASSERT_GT(view.rows, 0U);
                EXPECT_EQ(view.position(0), Position{kFirst + seen});
                for (std::uint32_t row = 0; row < view.rows; ++row, ++seen) {
                    ASSERT_TRUE(has_marks(view, shape, layer, head, row, kFirst + seen))
                        << layer << ' ' << head << ' ' << seen;
                }
            }
            EXPECT_EQ(seen, rows);
        }
    }
}

TEST(Tail, HoldsRowsAcrossBlockBorders) {
    for (const std::uint32_t rows : {1U, 255U, 256U, 257U, 511U, 512U, 513U}) {
        Arena arena;
        Tail whole(arena, tail_shapes(), Position{kFirst});
        append_marked(whole, rows);
        expect_marked(whole, rows);

        Tail piecewise(arena, tail_shapes(), Position{kFirst});
        append_marked(piecewise, rows / 2);
        append_marked(piecewise, rows - rows / 2 - 1);
        append_marked(piecewise, 0);
        append_marked(piecewise, 1);
        expect_marked(piecewise, rows);
    }
}

TEST(Tail, StartsEmpty) {
    Arena arena;
    const Tail tail(arena, tail_shapes(), Position{kFirst});
    EXPECT_EQ(tail.first(), Position{kFirst});
    EXPECT_EQ(tail.next(), Position{kFirst});
    EXPECT_EQ(arena.meter().alive(), 0U);
    std::vector<HeadRows> views;
    tail.view(0, 2, views);
    EXPECT_TRUE(views.empty());
}

TEST(Tail, PlaceCountsTheRowsLeftInItsBlock) {
    Arena arena;
    Tail tail(arena, tail_shapes(), Position{0});
    tail.append(300);
    EXPECT_EQ(tail.place(0, 0).count, 256U);
    EXPECT_EQ(tail.place(1, 255).count, 1U);
    EXPECT_EQ(tail.place(2, 256).count, 256U);
    EXPECT_EQ(tail.place(2, 299).count, 213U);
    const LayerShape & shape = tail.shapes()[0];
    EXPECT_EQ(tail.place(0, 1).keys, tail.place(0, 0).keys + shape.key_bytes());
    EXPECT_EQ(tail.place(0, 255).values, tail.place(0, 0).values + 255 * shape.value_bytes());
}

TEST(Tail, NeverMovesWhatIsThere) {
    Arena arena;
    Tail tail(arena, tail_shapes(), Position{kFirst});
    append_marked(tail, 1);
    const std::byte * keys = tail.place(1, 0).keys;
    append_marked(tail, 5000);
    EXPECT_EQ(tail.place(1, 0).keys, keys);
    expect_marked(tail, 5001);
}

TEST(Tail, ViewAppendsToWhatIsThere) {
    Arena arena;
    Tail tail(arena, tail_shapes(), Position{kFirst});
    append_marked(tail, 257);
    std::vector<HeadRows> views(1);
    views[0].rows = 77;
    tail.view(0, 1, views);
    ASSERT_EQ(views.size(), 3U);
    EXPECT_EQ(views[0].rows, 77U);
    EXPECT_EQ(views[1].rows, 256U);
    EXPECT_EQ(views[2].rows, 1U);
    EXPECT_EQ(views[2].first, Position{kFirst + 256});
}

TEST(Tail, TruncatesAndGrowsAgain) {
    Arena arena;
    Tail tail(arena, tail_shapes(), Position{kFirst});
    append_marked(tail, 600);
    for (const std::uint32_t rows : {600U, 513U, 512U, 511U, 257U, 256U, 255U, 1U, 0U}) {
        tail.truncate(rows);
        expect_marked(tail, rows);
        const std::uint64_t blocks = (rows + Tail::kBlockRows - 1) / Tail::kBlockRows;
        std::uint64_t block_bytes = 0;
        for (const LayerShape & shape : tail_shapes()) {
            block_bytes += shape.kv_heads * shape.row_bytes() * Tail::kBlockRows;
        }
        EXPECT_EQ(arena.meter().alive(), blocks * block_bytes) << "blocks past the end are given back";
    }
    append_marked(tail, 256);
    expect_marked(tail, 256);
    tail.truncate(200);
    append_marked(tail, 100);
    expect_marked(tail, 300);
}

TEST(Tail, CopiesAreIndependent) {
    for (const std::uint32_t rows : {0U, 255U, 256U, 257U}) {
        Arena arena;
        Tail tail(arena, tail_shapes(), Position{kFirst});
        append_marked(tail, rows);
        const std::uint64_t one = arena.meter().alive();
        {
            Tail copy = tail.copy();
            EXPECT_EQ(arena.meter().alive(), 2 * one);
            expect_marked(copy, rows);
            append_marked(copy, 3);
            expect_marked(copy, rows + 3);
            copy.place(0, 0).keys[0] ^= std::byte{0xff};
            expect_marked(tail, rows);
            tail.truncate(rows / 2);
            copy.place(0, 0).keys[0] ^= std::byte{0xff};
            expect_marked(copy, rows + 3);
        }
        tail.truncate(0);
        EXPECT_EQ(arena.meter().alive(), 0U);
    }
}

/// Two layers that slide, with windows of their own, between others.
const std::vector<std::uint32_t> windows{0, 300, 40, 0, 300};

TEST(Tail, OfALayerThatSlidesGivesBackWhatNoQuerySees) {
    Arena arena;
    Tail tail(arena, tail_shapes(), Position{kFirst}, windows);
    for (int step = 0; step < 400; ++step) {
        append_marked(tail, 7);
        for (std::uint32_t layer = 0; layer < windows.size(); ++layer) {
            const std::uint32_t first = tail.first_row(layer);
            if (windows[layer] == 0) {
                EXPECT_EQ(first, 0U);
                continue;
            }
            // What queries see that come after some rows were taken back, and no more than two blocks beside.
            EXPECT_LE(first + windows[layer] + Tail::kBlockRows,
                      std::max(tail.rows(), windows[layer] + Tail::kBlockRows));
            EXPECT_GE(first + windows[layer] + 2 * Tail::kBlockRows + 7, tail.rows());
        }
    }
    const Tail copy = tail.copy();
    for (const Tail * each : {&std::as_const(tail), &copy}) {
        for (std::uint32_t layer = 0; layer < windows.size(); ++layer) {
            const LayerShape & shape = tail.shapes()[layer];
            for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
                std::vector<HeadRows> views;
                each->view(layer, head, views);
                std::uint32_t position = kFirst + tail.first_row(layer);
                for (const HeadRows & view : views) {
                    EXPECT_EQ(view.position(0), Position{position});
                    for (std::uint32_t row = 0; row < view.rows; ++row, ++position) {
                        ASSERT_TRUE(has_marks(view, shape, layer, head, row, position));
                    }
                }
                EXPECT_EQ(position, kFirst + 2800);
            }
        }
    }
    const std::uint64_t both = arena.meter().alive();
    tail = Tail(arena, tail_shapes(), Position{kFirst}, windows);
    EXPECT_EQ(arena.meter().alive(), both / 2);
    tail.append(2800);
    EXPECT_GT(arena.meter().alive(), both) << "all of it is more";
}

TEST(Tail, OfALayerThatSlidesCanBeCutAsFarAsItsRowsGo) {
    Arena arena;
    Tail tail(arena, tail_shapes(), Position{kFirst}, windows);
    EXPECT_EQ(tail.least_rows(), 0U);
    for (int step = 0; step < 1000; ++step) {
        append_marked(tail, 1);
        ASSERT_LE(tail.least_rows() + Tail::kBlockRows, std::max(tail.rows(), Tail::kBlockRows)) << step;
    }
    const std::uint32_t least = tail.least_rows();
    EXPECT_GT(least, 0U);
    tail.truncate(least);
    for (std::uint32_t layer = 0; layer < windows.size(); ++layer) {
        EXPECT_LE(tail.first_row(layer) + (windows[layer] > 0 ? windows[layer] - 1 : 0), least);
    }
    append_marked(tail, 500);
    EXPECT_EQ(tail.rows(), least + 500);
}

}  // namespace
}  // namespace snapkv::kv
