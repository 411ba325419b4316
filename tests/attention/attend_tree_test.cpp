// Tokens that continue a sequence as a tree, on the project's kernels: each has what it has in a chain of its path.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "attention/attend_check.h"

namespace snapkv::attention {
namespace {

/// Appends row `row` of `from`.
void append_row(OwnedRows & to, const OwnedRows & from, std::uint32_t row, const kv::LayerShape & shape) {
    const auto copy = [row](std::vector<std::byte> & into, const std::vector<std::byte> & rows, std::size_t bytes) {
        const std::span<const std::byte> taken = std::span(rows).subspan(row * bytes, bytes);
        into.insert(into.end(), taken.begin(), taken.end());
    };
    copy(to.keys, from.keys, shape.key_bytes());
    if (!shape.values_in_keys) {
        copy(to.values, from.values, shape.value_bytes());
    }
    ++to.rows;
}

/// A sequence's ragged segment and its tail, whose last view takes `room` rows more, and a tree behind it.
class TreeCase {
public:
    TreeCase(const LayerUnit & unit, Random & random, const std::vector<std::int32_t> & parents, std::uint32_t tail,
             std::uint32_t room)
        : unit_(unit), tree_(parents), room_(room), first_(Position{400 + tail}) {
        for (std::uint32_t head = 0; head < unit.spec.kv_heads; ++head) {
            std::vector<OwnedRows> & views = heads_.emplace_back();
            if (head > 0) {
                views.push_back(test::random_packed(random, unit.shape, head, 50 * head));
            }
            if (tail > 0) {
                views.push_back(test::random_rows(random, unit.shape, 400, tail));
            }
            rows_.push_back(test::random_rows(random, unit.shape, 0, tree_.size()));
        }
    }

    [[nodiscard]] const TokenTree & tree() const { return tree_; }

    [[nodiscard]] QuerySpan span(std::uint32_t row) const {
        QuerySpan span{.row = row, .count = tree_.size(), .first = first_, .rows = views(heads_)};
        span.tree = TreeRows{.tree = &tree_, .rows = {}, .room = room_};
        for (const OwnedRows & rows : rows_) {
            span.tree->rows.push_back(rows.view());
        }
        return span;
    }

    /// The rows that `token` sees, as those of a chain; the span refers to them.
    [[nodiscard]] std::vector<std::vector<OwnedRows>> chain(std::uint32_t token) const {
        std::vector<std::vector<OwnedRows>> heads = heads_;
        const std::span<const std::uint32_t> path = tree_.path(token);
        for (std::uint32_t head = 0; head < heads.size(); ++head) {
            for (std::uint32_t at = 0; at < path.size(); ++at) {
                if (at == room_) {
                    heads[head].emplace_back().first = first_ + at;
                }
                append_row(heads[head].back(), rows_[head], path[at], unit_.shape);
            }
        }
        return heads;
    }
    [[nodiscard]] QuerySpan chain_span(const std::vector<std::vector<OwnedRows>> & chain, std::uint32_t token) const {
        return {.row = 0, .count = 1, .first = first_ + tree_.depth(token), .rows = views(chain)};
    }

private:
    static std::vector<std::vector<kv::HeadRows>> views(const std::vector<std::vector<OwnedRows>> & heads) {
        std::vector<std::vector<kv::HeadRows>> views;
        for (const std::vector<OwnedRows> & head : heads) {
            std::vector<kv::HeadRows> & of_head = views.emplace_back();
            for (const OwnedRows & rows : head) {
                of_head.push_back(rows.view());
            }
        }
        return views;
    }

    const LayerUnit & unit_;
    TokenTree tree_;
    std::uint32_t room_;
    Position first_;
    std::vector<std::vector<OwnedRows>> heads_;
    std::vector<OwnedRows> rows_;  ///< of the tree
};

std::vector<std::int32_t> random_parents(Random & random) {
    std::vector<std::int32_t> parents(1 + random.below(TokenTree::kMost));
    for (std::size_t i = 0; i < parents.size(); ++i) {
        parents[i] = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(i) + 1)) - 1;
    }
    return parents;
}

/// With every instruction set: near the oracle for any number of threads, and each token with the bits that it has
/// alone behind its path.
void check_tree(LayerUnit unit, const std::vector<std::int32_t> & parents, std::uint32_t tail, std::uint32_t room) {
    SCOPED_TRACE(testing::Message() << parents.size() << " tokens behind " << tail << " rows, room for " << room);
    Random random(41);
    const TreeCase tree(unit, random, parents, tail, room);
    const std::uint32_t count = tree.tree().size();
    unit.queries = {tree.span(0)};
    check(unit, count, 42);
    const std::size_t q_size = std::size_t{unit.spec.heads} * unit.spec.key_size;
    const std::size_t out_size = std::size_t{unit.spec.heads} * unit.spec.value_size;
    const std::vector<float> q = random.numbers(count * q_size);
    for (const cpu::InstructionSet & set : cpu::instruction_sets()) {
        SCOPED_TRACE(set.name);
        const cpu::OnlySet only(set);
        unit.queries = {tree.span(0)};
        const std::vector<float> together = run(unit, count, q, 2);
        for (std::uint32_t token = 0; token < count; ++token) {
            const std::vector<std::vector<OwnedRows>> chain = tree.chain(token);
            unit.queries = {tree.chain_span(chain, token)};
            const float * own = q.data() + token * q_size;
            const std::vector<float> alone = run(unit, 1, {own, own + q_size}, 1);
            EXPECT_EQ(std::memcmp(alone.data(), together.data() + token * out_size, out_size * sizeof(float)), 0)
                << "token " << token;
        }
    }
}

const std::vector<std::int32_t> kBush{-1, 0, 0, 2, -1, 1, 3, 6};
const std::vector<std::int32_t> kChain{-1, 0, 1, 2, 3, 4, 5, 6};

class AttendTree : public testing::TestWithParam<KvType> {};
INSTANTIATE_TEST_SUITE_P(Types, AttendTree,
                         testing::Values(KvType::F32, KvType::F16, KvType::BF16, KvType::Q8_0, KvType::Q4_0),
                         test::type_name);

TEST_P(AttendTree, HasTheBitsOfItsChainsWhereverTheTailEnds) {
    const LayerUnit unit = unit_of(spec_of(2, 3, 64, 32), GetParam());
    struct Tail {
        std::uint32_t rows;
        std::uint32_t room;
    };
    for (const auto & [rows, room] : {Tail{0, 0},
                                      {1, 255},
                                      {15, 241},
                                      {16, 240},
                                      {60, 196},
                                      {64, 192},
                                      {191, 65},
                                      {249, 7},
                                      {253, 3},
                                      {255, 1},
                                      {256, 0},
                                      {700, 5}}) {
        check_tree(unit, kBush, rows, room);
    }
    check_tree(unit, kChain, 251, 5);
}

TEST_P(AttendTree, WithEveryFieldOfTheSpecification) {
    for (const std::uint32_t window : {0U, 2U, 3U, 70U}) {
        AttentionSpec spec = spec_of(2, 5, 96, 64);
        spec.sliding_window = window;
        spec.soft_cap = 20;
        const std::vector<float> sinks(spec.heads, 0.5F);
        const std::vector<float> slopes(spec.heads, 0.01F);
        spec.sinks = sinks;
        spec.alibi_slopes = slopes;
        check_tree(unit_of(spec, GetParam()), kBush, 254, 2);
        check_tree(unit_of(spec, GetParam()), kBush, 90, 166);
    }
}

TEST_P(AttendTree, WithValuesInKeys) {
    LayerUnit unit = unit_of(spec_of(1, 20, 96, 64), GetParam());
    unit.shape.values_in_keys = true;
    check_tree(unit, kBush, 254, 2);
    check_tree(unit, kBush, 37, 219);
}

TEST(AttendTrees, OfAnyForm) {
    Random random(43);
    for (int i = 0; i < 20; ++i) {
        const std::uint32_t group = 1 + random.below(9);
        const std::uint32_t tail = random.below(257);
        check_tree(unit_of(spec_of(2, group, 1 + random.below(70), 1 + random.below(70)), KvType::F16),
                   random_parents(random), tail, tail == 0 ? 0 : 256 - tail);
    }
}

TEST(AttendTrees, BesideOtherSequences) {
    LayerUnit unit = unit_of(spec_of(2, 3, 31, 33), KvType::F16);
    Random random(44);
    const TreeCase one(unit, random, kBush, 100, 156);
    const TreeCase other(unit, random, {-1, -1, 0}, 254, 2);
    const auto step = Sequence(unit).dense(random, unit.shape, 0, 300);
    const auto turn = Sequence(unit).dense(random, unit.shape, 0, 140);
    unit.queries = {one.span(2), step.span(0, 1, 299), other.span(12), turn.span(16, 40, 100)};
    check(unit, 64, 45);
}

}  // namespace
}  // namespace snapkv::attention
