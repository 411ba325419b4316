#include "attention/weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <vector>

#include "attention/cpu/instruction_sets.h"
#include "attention/oracle.h"
#include "attention/vote_oracle.h"

namespace snapkv::attention {
namespace {

using test::OwnedRows;
using test::Random;

/// Rows up to `trunk` lie in one view, the rest in another; the last `count` positions are asked for.
struct Case {
    std::uint32_t n = 0;
    std::uint32_t count = 0;
    std::uint32_t trunk = 0;  ///< 0: one view
};

/// An input that owns its data.
class Observed {
public:
    Observed(const AttentionSpec & spec, KvType type, const Case & of, std::uint32_t seed) {
        Random random(seed);
        input_.spec = spec;
        input_.shape = {
            .kv_heads = spec.kv_heads, .key_size = spec.key_size, .value_size = spec.value_size, .type = type};
        input_.count = of.count;
        input_.work = std::make_shared<Meter>();
        input_.n = of.n;
        for (std::uint32_t head = 0; head < spec.kv_heads; ++head) {
            std::vector<kv::HeadRows> views;
            if (of.trunk > 0) {
                owned_.push_back(random_rows(random, input_.shape, 0, of.trunk));
                views.push_back(owned_.back().view());
            }
            owned_.push_back(random_rows(random, input_.shape, of.trunk, of.n - of.trunk));
            views.push_back(owned_.back().view());
            input_.rows.push_back(views);
        }
        queries_ = random.numbers(std::size_t{of.count} * spec.heads * spec.key_size);
        input_.queries = queries_.data();
    }

    WeightsInput & input() { return input_; }

    /// Every row within 1e-4 (relative) or 1e-9 of the oracle, in the order that is promised; with every instruction
    /// set.
    void check() const {
        std::vector<std::vector<double>> expected;
        for (std::uint32_t row = 0; row < input_.count; ++row) {
            expected.push_back(votes_of(row));
        }
        for (const cpu::InstructionSet & set : cpu::instruction_sets()) {
            SCOPED_TRACE(set.name);
            const cpu::OnlySet only(set);
            for (std::uint32_t kv_head = 0; kv_head < input_.spec.kv_heads; ++kv_head) {
                check_head(kv_head, expected);
            }
        }
    }

private:
    void check_head(std::uint32_t kv_head, const std::vector<std::vector<double>> & expected) const {
        const std::uint32_t group = input_.spec.group();
        std::uint32_t visited = 0;
        visit_weights(input_, kv_head, [&](std::uint32_t head, Position at, std::span<const float> weights) {
            const std::uint32_t position = index_of(at);
            EXPECT_EQ(head, kv_head * group + visited % group);
            EXPECT_EQ(position, input_.n - input_.count + visited / group);
            check_row(position, weights, std::span(expected[visited / group]).subspan(std::size_t{head} * position));
            ++visited;
            return true;
        });
        EXPECT_EQ(visited, input_.count * group);
    }

    /// What the oracle says of one query, [head][position]. A window of one query is that query; the oracle of the vote
    /// leaves out the query's own position.
    [[nodiscard]] std::vector<double> votes_of(std::uint32_t row) const {
        VoteInput one{.spec = input_.spec,
                      .shape = input_.shape,
                      .window = 1,
                      .n = input_.n - input_.count + row + 1,
                      .prefix = input_.n - input_.count + row,
                      .rows = input_.rows};
        one.queries = input_.queries + std::size_t{row} * input_.spec.heads * input_.spec.key_size;
        return test::vote(one);
    }

    void check_row(std::uint32_t position, std::span<const float> weights, std::span<const double> expected) const {
        ASSERT_EQ(weights.size(), position + 1);
        for (std::size_t i = 0; i < position; ++i) {
            ASSERT_NEAR(weights[i], expected[i], std::max(1e-9, 1e-4 * expected[i]))
                << "position " << position << ", column " << i;
        }
        const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
        if (input_.spec.sinks.empty()) {
            EXPECT_NEAR(sum, 1, 1e-5);
        } else {
            EXPECT_LT(sum, 1);
        }
    }

    WeightsInput input_;
    std::vector<OwnedRows> owned_;
    std::vector<float> queries_;
};

AttentionSpec sharp_spec(std::uint32_t kv_heads, std::uint32_t group, std::uint32_t key_size) {
    AttentionSpec spec{.heads = kv_heads * group, .kv_heads = kv_heads, .key_size = key_size, .value_size = key_size};
    spec.scale = 6.0F / std::sqrt(static_cast<float>(key_size));
    return spec;
}

TEST(Weights, EqualTheOracleForEveryGroupTypeAndOddSizes) {
    for (const KvType type : {KvType::F32, KvType::F16, KvType::BF16}) {
        for (const std::uint32_t group : {1U, 3U, 8U}) {
            for (const Case of : {Case{1, 1}, {70, 7}, {129, 17}, {300, 20, 285}, {300, 20, 200}}) {
                SCOPED_TRACE(testing::Message() << "group " << group << ", n " << of.n << ", trunk " << of.trunk);
                Observed(sharp_spec(2, group, 13), type, of, 1).check();
            }
        }
    }
}

TEST(Weights, EqualTheOracleForWholePromptsAndLargeHeads) {
    Observed(sharp_spec(2, 2, 64), KvType::F16, {65, 65}, 2).check();
    Observed(sharp_spec(1, 1, 512), KvType::F32, {90, 5}, 3).check();
}

TEST(Weights, FollowTheWholeSpec) {
    const std::vector<float> slopes{0.5F, 0.02F, 0.0F, 0.001F};
    const std::vector<float> sinks{1.5F, -3.0F, 0.0F, 6.0F};
    AttentionSpec spec = sharp_spec(2, 2, 32);
    spec.soft_cap = 3;
    Observed(spec, KvType::F32, {150, 9}, 4).check();
    spec.alibi_slopes = slopes;
    Observed(spec, KvType::F16, {150, 9, 145}, 5).check();
    spec.sliding_window = 20;
    Observed(spec, KvType::F16, {150, 30, 125}, 6).check();
    spec.sinks = sinks;
    Observed(spec, KvType::F16, {150, 9, 145}, 7).check();
}

TEST(Weights, EndWhereTheVisitorOrTheStopFlagSaysSo) {
    Observed observed(sharp_spec(1, 2, 16), KvType::F32, {200, 60}, 8);
    std::uint32_t visited = 0;
    visit_weights(observed.input(), 0, [&](std::uint32_t, Position, std::span<const float>) { return ++visited < 5; });
    EXPECT_EQ(visited, 5U);
    const std::atomic<bool> stop{true};
    Halt halt{Stop(&stop)};
    observed.input().halt = &halt;
    visit_weights(observed.input(), 0, [&](std::uint32_t, Position, std::span<const float>) {
        ADD_FAILURE() << "nothing is offered once stopped";
        return true;
    });
}

}  // namespace
}  // namespace snapkv::attention
