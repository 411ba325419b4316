#include "kv/row_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "kv/convert.h"
#include "kv/rotate.h"
#include "kv/rows.h"
#include "support/random.h"

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
std::vector<std::uint32_t> marked(const std::vector<HeadRows> & views, const LayerShape & shape, std::uint32_t layer,
                                  std::uint32_t head) {
    std::vector<std::uint32_t> positions;
    for (const HeadRows & view : views) {
        for (std::uint32_t row = 0; row < view.rows; ++row) {
            positions.push_back(index_of(view.position(row)));
            EXPECT_TRUE(test::has_marks(view, shape, layer, head, row, positions.back())) << positions.back();
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
};

TEST_F(Stored, AreFrozen) {
    store_.freeze(arena_, 200, kept_);
    ASSERT_EQ(store_.segments.size(), 1U);
    EXPECT_EQ(store_.tail.first(), Position{300});
    EXPECT_EQ(store_.tail.rows(), 100U);
    for (std::uint32_t layer = 0; layer < store_shapes().size(); ++layer) {
        const auto views = store_.views(layer);
        for (std::uint32_t head = 0; head < views.size(); ++head) {
            std::vector<std::uint32_t> expected = kept_[layer][head];
            for (std::uint32_t position = 300; position < 400; ++position) {
                expected.push_back(position);
            }
            EXPECT_EQ(marked(views[head], store_shapes()[layer], layer, head), expected);
        }
    }
    append_marked(store_.tail, 10);
    EXPECT_EQ(positions_in(store_.views(0)[1]).back(), Position{409});
}

TEST_F(Stored, AreCopiedWithTheirSegmentsShared) {
    store_.freeze(arena_, 200, kept_);
    const RowStore copy = store_.copy();
    EXPECT_EQ(copy.segments, store_.segments);
    append_marked(store_.tail, 1);
    EXPECT_EQ(copy.tail.rows() + 1, store_.tail.rows());
    EXPECT_EQ(positions_in(copy.views(2)[0]).size(), 101U);
}

TEST_F(Stored, StayWhereMemoryIsShort) {
    arena_.set_limit(arena_.meter().alive());
    EXPECT_ANY_THROW(store_.freeze(arena_, 200, kept_));
    EXPECT_TRUE(store_.segments.empty());
    EXPECT_EQ(store_.tail.rows(), 300U);
}

TEST(Conversion, ReadsQuantisedRowsBack) {
    constexpr std::uint32_t kConverted = 5;
    for (const bool rotated : {true, false}) {
        for (const KvType type : {KvType::Q8_0, KvType::Q4_0}) {
            Arena arena;
            const LayerShape exact{.kv_heads = 1, .key_size = 64, .value_size = 96, .type = KvType::F32};
            LayerShape stored = exact;
            stored.type = type;
            stored.rotated = rotated;
            LayerRows rows = LayerRows::dense(arena, exact, kConverted, Position{0});
            snapkv::test::Random random(1);
            const auto fill = [&](std::byte * at, std::uint32_t size) {
                const std::vector<float> numbers = random.numbers(size, 0, 1);
                std::copy(numbers.begin(), numbers.end(), reinterpret_cast<float *>(at));
            };
            for (std::uint32_t row = 0; row < kConverted; ++row) {
                fill(rows.key_row(0, row), exact.key_size);
                fill(rows.value_row(0, row), exact.value_size);
            }
            rows.set_rows(kConverted);
            const std::vector<HeadRows> views{rows.head(0)};
            LayerRows quantised = LayerRows::dense(arena, stored, kConverted, Position{0});
            convert_rows(exact, views, quantised, 0);
            quantised.set_rows(kConverted);
            LayerRows back = LayerRows::dense(arena, exact, kConverted, Position{0});
            convert_rows(stored, std::vector{quantised.head(0)}, back, 0);
            double error = 0;
            double size = 0;
            for (std::uint32_t i = 0; i < kConverted * exact.key_size; ++i) {
                const float expected = reinterpret_cast<const float *>(rows.key_row(0, 0))[i];
                error += std::pow(reinterpret_cast<const float *>(back.key_row(0, 0))[i] - expected, 2);
                size += std::pow(expected, 2);
            }
            EXPECT_LT(error / size, type == KvType::Q8_0 ? 1e-4 : 2e-2) << rotated;
            EXPECT_GT(error, 0);
        }
    }
}

}  // namespace
}  // namespace snapkv::kv
