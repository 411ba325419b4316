#include "kv/row_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "kv/rows.h"
#include "support/positions.h"

namespace snapkv::kv {
namespace {

constexpr std::uint32_t kBegin = 100;
constexpr std::uint32_t kSlides = 40;

/// Of the second layer, which slides.
std::vector<std::uint32_t> store_windows() {
    return {0, kSlides, 0};
}

std::vector<LayerShape> store_shapes() {
    return {{.kv_heads = 2, .key_size = 5, .value_size = 3, .type = KvType::F16},
            {.kv_heads = 1, .key_size = 9, .value_size = 2, .type = KvType::F32},
            {.kv_heads = 2, .key_size = 7, .value_size = 4, .type = KvType::F16, .values_in_keys = true}};
}

using test::append_marked;

/// All rows carry the marks of their positions; returns these.
std::vector<Position> marked(const std::vector<HeadRows> & views, const LayerShape & shape, std::uint32_t layer,
                             std::uint32_t head) {
    std::vector<Position> positions;
    for (const HeadRows & view : views) {
        for (std::uint32_t row = 0; row < view.rows; ++row) {
            positions.push_back(view.position(row));
            EXPECT_TRUE(test::has_marks(view, shape, layer, head, row, index_of(positions.back())))
                << index_of(positions.back());
        }
    }
    EXPECT_TRUE(std::is_sorted(positions.begin(), positions.end()));
    return positions;
}

TEST(Tail, IsCopiedFromAnyRow) {
    for (const std::uint32_t rows : {1U, 255U, 256U, 257U, 700U, 1500U}) {
        for (const std::uint32_t piece : {1500U, 100U}) {
            Arena arena;
            Tail tail(arena, store_shapes(), Position{kBegin}, store_windows());
            for (std::uint32_t done = 0; done < rows; done += std::min(piece, rows - done)) {
                append_marked(tail, std::min(piece, rows - done));
            }
            for (const std::uint32_t from : {0U, 1U, rows / 2, rows - 1, rows}) {
                const Tail copy = tail.copy_from(from);
                EXPECT_EQ(copy.first(), Position{kBegin + from});
                EXPECT_EQ(copy.next(), tail.next());
                for (std::uint32_t layer = 0; layer < store_shapes().size(); ++layer) {
                    const LayerShape shape = store_shapes()[layer];
                    for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
                        std::vector<HeadRows> views;
                        copy.view(layer, head, views);
                        const std::size_t count = marked(views, shape, layer, head).size();
                        EXPECT_EQ(count, rows - from - copy.first_row(layer));
                        EXPECT_GE(count, std::min(rows - from, layer == 1 ? kSlides : rows)) << "what is still seen";
                    }
                }
            }
        }
    }
}

class Stored : public ::testing::Test {
protected:
    Arena arena_;
    RowStore store_ = [&] {
        Tail tail(arena_, store_shapes(), Position{kBegin}, store_windows());
        append_marked(tail, 300);
        return RowStore{{}, std::move(tail)};
    }();
    std::vector<std::vector<std::vector<std::uint32_t>>> kept_{{{100, 107}, {150, 299}}, {{260, 261}}, {{101}, {}}};

    void freeze(std::uint32_t rows, const std::vector<std::vector<std::vector<std::uint32_t>>> & kept) {
        auto segment = std::make_shared<Segment>();
        for (std::uint32_t layer = 0; layer < kept.size(); ++layer) {
            std::vector<std::vector<Position>> of_layer;
            std::transform(kept[layer].begin(), kept[layer].end(), std::back_inserter(of_layer),
                           snapkv::test::positions);
            segment->add_layer(std::make_shared<const LayerRows>(
                LayerRows::packed(arena_, store_.shape(layer), store_.views(layer), of_layer)));
        }
        store_.freeze(arena_, store_.segments.size(), std::move(segment), rows);
    }
};

TEST_F(Stored, AreFrozen) {
    freeze(200, kept_);
    ASSERT_EQ(store_.segments.size(), 1U);
    EXPECT_EQ(store_.tail.first(), Position{300});
    EXPECT_EQ(store_.tail.rows(), 100U);
    for (std::uint32_t layer = 0; layer < store_shapes().size(); ++layer) {
        const auto views = store_.views(layer);
        for (std::uint32_t head = 0; head < views.size(); ++head) {
            std::vector<Position> expected = snapkv::test::positions(kept_[layer][head]);
            for (std::uint32_t position = 300; position < 400; ++position) {
                expected.push_back(Position{position});
            }
            EXPECT_EQ(marked(views[head], store_shapes()[layer], layer, head), expected);
        }
    }
    append_marked(store_.tail, 10);
    EXPECT_EQ(positions_in(store_.views(0)[1]).back(), Position{409});
}

TEST_F(Stored, AreCopiedWithTheirSegmentsShared) {
    freeze(200, kept_);
    const RowStore copy = store_.copy();
    EXPECT_EQ(copy.segments, store_.segments);
    append_marked(store_.tail, 1);
    EXPECT_EQ(copy.tail.rows() + 1, store_.tail.rows());
    EXPECT_EQ(positions_in(copy.views(2)[0]).size(), 101U);
}

TEST_F(Stored, StayWhereMemoryIsShort) {
    arena_.set_limit(arena_.meter().alive());
    EXPECT_ANY_THROW(freeze(200, kept_));
    EXPECT_TRUE(store_.segments.empty());
    EXPECT_EQ(store_.tail.rows(), 300U);
}

TEST_F(Stored, LetGoOfWhatSlidingLayersSeeNoMore) {
    freeze(100, {{{100}, {101}}, {{160, 199}}, {{120}, {121}}});
    const std::shared_ptr<const Segment> first = store_.segments.front();
    freeze(30, {{{200}, {201}}, {{229}}, {{220}, {221}}});
    ASSERT_EQ(store_.segments.size(), 2U);
    EXPECT_EQ(store_.segments.front(), first) << "position 230 - 40 + 1 is before its last";
    freeze(10, {{{230}, {231}}, {{239}}, {{230}, {231}}});
    EXPECT_EQ(store_.segments.front()->layer(1).total_rows(), 0U) << "240 - 40 is behind it";
    EXPECT_EQ(&store_.segments.front()->layer(0), &first->layer(0)) << "the rest is shared";
    EXPECT_EQ(first->layer(1).total_rows(), 2U) << "others may have it";
    EXPECT_EQ(marked(store_.views(1)[0], store_shapes()[1], 1, 0).front(), Position{229});
}

TEST_F(Stored, KnowWhatSlidingLayersStillSee) {
    EXPECT_EQ(store_.least_rows(), kBegin + kSlides - 1 - kBegin) << "the first row is not the text's first";
    freeze(200, {{{100}, {100}}, {{259, 260, 261, 290, 291, 292, 293, 294, 295, 296, 297, 298, 299}}, {{100}, {100}}});
    EXPECT_EQ(store_.least_rows(), 290 + kSlides - 1 - 300) << "behind the gap";
    append_marked(store_.tail, 400);
    EXPECT_EQ(store_.tail.first_row(1), 0U);
    append_marked(store_.tail, 100);
    EXPECT_EQ(store_.tail.first_row(1), 0U);
    append_marked(store_.tail, 1);
    EXPECT_EQ(store_.tail.first_row(1), 256U);
    EXPECT_EQ(store_.least_rows(), 256 + kSlides - 1);
    EXPECT_EQ(store_.least_rows(), store_.tail.least_rows());
}

TEST_F(Stored, AreMergedLikeDigitsOfACounter) {
    // Each turn's rows are frozen with those of as many turns as it outweighs.
    std::size_t most = 0;
    std::uint64_t copied = 0;
    constexpr std::uint32_t kTurns = 256;
    for (std::uint32_t turn = 0; turn < kTurns; ++turn) {
        const Position position = store_.tail.first();
        const std::size_t merged = store_.first_merged(Position{kBegin}, 2);
        std::vector<std::vector<Position>> kept(2);
        for (std::size_t index = merged; index < store_.segments.size(); ++index) {
            for (std::uint32_t head = 0; head < 2; ++head) {
                const std::vector<HeadRows> views{store_.segments[index]->layer(0).head(head)};
                for (const Position at : positions_in(views)) {
                    kept[head].push_back(at);
                }
            }
        }
        kept[0].push_back(position);
        kept[1].push_back(position);
        copied += 2 * kept[0].size();
        auto segment = std::make_shared<Segment>();
        segment->add_layer(
            std::make_shared<const LayerRows>(LayerRows::packed(arena_, store_.shape(0), store_.views(0), kept)));
        for (std::uint32_t layer = 1; layer < store_shapes().size(); ++layer) {
            segment->add_layer(
                std::make_shared<const LayerRows>(LayerRows::dense(arena_, store_.shape(layer), 0, Position{0})));
        }
        store_.freeze(arena_, merged, std::move(segment), 1);
        append_marked(store_.tail, 1);
        most = std::max(most, store_.segments.size());
    }
    EXPECT_LE(most, 9U);
    EXPECT_LE(copied, std::uint64_t{2} * kTurns * 9);
    EXPECT_EQ(positions_in(store_.views(0)[0]).size(), kTurns + 300U);
    EXPECT_EQ(store_.first_merged(store_.tail.first(), 1U << 20U), store_.segments.size()) << "those are the prompt's";
}

}  // namespace
}  // namespace snapkv::kv
