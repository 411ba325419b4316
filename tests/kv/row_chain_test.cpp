#include "kv/row_chain.h"

#include <gtest/gtest.h>

#include <vector>

#include "kv/rows.h"

namespace snapkv::kv {
namespace {

std::vector<LayerShape> chain_shapes() {
    return {{.kv_heads = 2, .key_size = 3, .value_size = 5, .type = KvType::F16},
            {.kv_heads = 1, .key_size = 9, .value_size = 6, .type = KvType::F32, .values_in_keys = true}};
}

/// Marks rows up to `end` in the part that is written.
void write_up_to(RowChain & chain, std::uint32_t end) {
    LayerRows & rows = chain.last();
    const std::uint32_t first = index_of(rows.first());
    for (std::uint32_t head = 0; head < chain.shape().kv_heads; ++head) {
        for (std::uint32_t row = rows.rows(); row < end - first; ++row) {
            test::write_marks(rows.key_row(head, row), rows.value_row(head, row), chain.shape(), 0, head, first + row);
        }
    }
    rows.set_rows(end - first);
}

/// The views hold the marked rows at positions first to end - 1, one after another, in parts that end at anchors.
void expect_marked(const RowChain & chain, std::uint32_t first, std::uint32_t end) {
    EXPECT_EQ(chain.end(), Position{end});
    const auto views = chain.views();
    for (std::uint32_t head = 0; head < views.size(); ++head) {
        std::uint32_t position = first;
        for (const HeadRows & view : views[head]) {
            EXPECT_TRUE(view.rows == 0 || position % kAnchorRows == 0) << position;
            for (std::uint32_t row = 0; row < view.rows; ++row) {
                EXPECT_EQ(view.position(row), Position{position});
                EXPECT_TRUE(test::has_marks(view, chain.shape(), 0, head, row, position)) << position;
                ++position;
            }
        }
        EXPECT_EQ(position, end);
    }
}

RowChain chain_of(Arena & arena, const LayerShape & shape, std::uint32_t first, std::uint32_t end) {
    RowChain chain(arena, shape, Position{first}, Position{end});
    write_up_to(chain, end);
    return chain;
}

TEST(RowChain, IsContinuedWithWholeStretchesShared) {
    for (const LayerShape & shape : chain_shapes()) {
        for (const std::uint32_t from : {0U, 1U, 767U, 768U, 769U, 1536U, 1700U}) {
            SCOPED_TRACE(from);
            Arena arena;
            const RowChain document = chain_of(arena, shape, 0, 1700);
            const std::uint64_t before = arena.meter().alive();
            RowChain question = document.continued(arena, Position{from}, Position{from + 50});
            const std::uint32_t copied = from % kAnchorRows;
            EXPECT_LE(arena.meter().alive() - before, LayerRows::dense_bytes(shape, copied + 50));
            write_up_to(question, from + 50);
            expect_marked(question, 0, from + 50);
            expect_marked(document, 0, 1700);
            RowChain further = question.continued(arena, question.end(), Position{from + 2000});
            write_up_to(further, from + 2000);
            expect_marked(further, 0, from + 2000);
            EXPECT_LE(further.parts().size(), 3U);
        }
    }
}

TEST(RowChain, OfALayerThatSlidesBeginsLater) {
    for (const LayerShape & shape : chain_shapes()) {
        Arena arena;
        const RowChain document = chain_of(arena, shape, 768, 2000);
        for (const std::uint32_t from : {768U, 1000U, 1536U, 2000U}) {
            RowChain question = document.continued(arena, Position{from}, Position{2100});
            EXPECT_EQ(question.parts().size(), from < 1536 ? 1U : 2U);
            write_up_to(question, 2100);
            expect_marked(question, 768, 2100);
        }
    }
}

TEST(RowChain, GivesAStretchOfItself) {
    for (const LayerShape & shape : chain_shapes()) {
        Arena arena;
        RowChain chain = chain_of(arena, shape, 0, 800).continued(arena, Position{800}, Position{1800});
        write_up_to(chain, 1800);
        const std::uint64_t before = arena.meter().alive();
        expect_marked(chain.between(arena, Position{0}, Position{1800}), 0, 1800);
        expect_marked(chain.between(arena, Position{0}, Position{1000}), 0, 1000);
        expect_marked(chain.between(arena, Position{0}, Position{700}), 0, 700);
        EXPECT_EQ(arena.meter().alive(), before) << "none of these is a copy";
        expect_marked(chain.between(arena, Position{768}, Position{1700}), 768, 1700);
        const RowChain copy = chain.between(arena, Position{768}, Position{1700});
        EXPECT_GT(arena.meter().alive(), before);
        chain = RowChain();
        expect_marked(copy, 768, 1700);
    }
}

TEST(RowChain, KeepsOnlyWhatSomebodyHolds) {
    Arena arena;
    {
        RowChain document = chain_of(arena, chain_shapes()[0], 0, 700);
        const RowChain question = document.continued(arena, Position{700}, Position{701});
        document = RowChain();
        EXPECT_EQ(arena.meter().alive(), LayerRows::dense_bytes(chain_shapes()[0], 701)) << "no row of it is shared";
    }
    EXPECT_EQ(arena.meter().alive(), 0U);
}

}  // namespace
}  // namespace snapkv::kv
