// What each policy keeps of a whole prompt, in every layer, against the naive model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "run/model_impl.h"
#include "run/prefill_bytes.h"
#include "run/prefill_plan.h"
#include "run/tiny_run.h"

namespace snapkv {
namespace {

class NamedPolicyRun : public ::testing::TestWithParam<Policy> {};

TEST_P(NamedPolicyRun, KeepsWhatTheNaiveModelSays) {
    const test::TinyRun run;
    for (const std::uint32_t tokens : {130U, 431U}) {
        SCOPED_TRACE(tokens);
        Session session = run.session(100, 2);
        const Branch branch = test::branch_of(test::random_tokens(tokens, 5), test::policy_cache(GetParam(), 57));
        const Sequence sequence = test::prefill_one(session, branch);
        ASSERT_TRUE(sequence.cache_stats().compressed);
        test::expect_naive_kept(run, sequence);
    }
}

TEST_P(NamedPolicyRun, KeepsTheSameAloneAndBesideOthersWhateverTheThreads) {
    const test::TinyRun run;
    const std::vector<Token> trunk = test::random_tokens(130, 7);
    std::vector<Branch> branches;
    for (const Policy policy : {GetParam(), Policy::Full, Policy::SnapKV}) {
        branches.push_back(test::branch_of(trunk, test::policy_cache(policy, 40)));
        branches.push_back(
            test::branch_of(test::joined(trunk, test::random_tokens(30, 9)), test::policy_cache(policy, 60)));
    }
    Session one = run.session(64, 1);
    Session three = run.session(64, 3);
    const PrefillResult together = three.prefill(branches);
    for (std::size_t index = 0; index < branches.size(); ++index) {
        if (branches[index].cache.policy == GetParam()) {
            const Sequence alone = test::prefill_one(one, branches[index]);
            test::expect_same_kept(run, alone, together.sequences[index]);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Policies, NamedPolicyRun,
                         ::testing::Values(Policy::Streaming, Policy::Tova, Policy::H2O, Policy::ScissorHands,
                                           Policy::Ada, Policy::Chunk, Policy::Pyramid),
                         [](const auto & param) { return std::string(named_policy(param.param).name); });

TEST(NamedPolicyKeeps, StreamingTakesNoQueriesAndNoVote) {
    const test::TinyRun run;
    const Branch branch = test::branch_of(test::random_tokens(200, 3), test::policy_cache(Policy::Streaming, 50));
    const model::HyperParameters & params = Internals::of(run.model)->params;
    const run::PrefillPlan plan = run::plan_prefill({&branch, 1}, params, 1000);
    ASSERT_TRUE(plan.branches[0].cache.compress);
    EXPECT_EQ(plan.branches[0].captured(), 0U);
    EXPECT_EQ(plan.trunk_captured, 0U);
    EXPECT_FALSE(plan.accumulates());
    EXPECT_EQ(run::prefill_bytes(plan, params, 512).passing, 0U);
    Session session = run.session(64);
    const Sequence sequence = test::prefill_one(session, branch);
    EXPECT_EQ(sequence.cache_stats().sink, 4U);
    EXPECT_EQ(sequence.cache_stats().window, 0U);
    std::vector<Position> expected = positions_from(Position{0}, 4);
    const std::vector<Position> last = positions_from(Position{154}, 46);
    expected.insert(expected.end(), last.begin(), last.end());
    for (const auto & layer : sequence.kept_positions()) {
        for (const std::vector<Position> & head : layer) {
            EXPECT_EQ(head, expected);
        }
    }
}

// Each row is left out in turn, and the outputs of the window's queries are computed without it.
TEST(NamedPolicyKeeps, DropKVsRowsChangeTheOutputsMost) {
    const test::TinyRun run;
    const std::uint32_t n = 120;
    const CacheConfig cache = test::policy_cache(Policy::DropKV, 50);
    const Branch branch = test::branch_of(test::random_tokens(n, 8), cache);
    Session session = run.session(64, 2);
    const Sequence sequence = test::prefill_one(session, branch);
    test::NaiveModel naive = run.naive();
    naive.feed(branch.prompt.tokens);
    const test::NaiveCut cut = test::cut_of(run.tiny.shape, sequence);
    EXPECT_EQ(cut.window, 25U);
    const KeptPositions kept = sequence.kept_positions();
    for (std::uint32_t layer = 0; layer < kept.size(); ++layer) {
        for (std::uint32_t kv_head = 0; kv_head < cut.kv_heads; ++kv_head) {
            std::vector<double> scores(cut.prefix());
            for (std::uint32_t head = kv_head * cut.group(); head < (kv_head + 1) * cut.group(); ++head) {
                for (std::uint32_t at = n - cut.window; at < n; ++at) {
                    const auto query = naive.query(layer, head, at);
                    std::vector<double> weights;
                    for (std::uint32_t row = 0; row <= at; ++row) {
                        const auto key = naive.key(layer, kv_head, row);
                        weights.push_back(
                            std::exp(cut.scale * std::inner_product(query.begin(), query.end(), key.begin(), 0.0)));
                    }
                    const auto output_without = [&](std::uint32_t left_out) {
                        std::vector<double> output(run.tiny.shape.value_size);
                        double sum = 0;
                        for (std::uint32_t row = 0; row <= at; ++row) {
                            const double weight = row == left_out ? 0 : weights[row];
                            const auto value = naive.value(layer, kv_head, row);
                            for (std::size_t i = 0; i < output.size(); ++i) {
                                output[i] += weight * value[i];
                            }
                            sum += weight;
                        }
                        std::for_each(output.begin(), output.end(), [&](double & x) { x /= sum; });
                        return output;
                    };
                    const std::vector<double> output = output_without(n);
                    for (std::uint32_t row = 0; row < cut.prefix(); ++row) {
                        const std::vector<double> without = output_without(row);
                        for (std::size_t i = 0; i < output.size(); ++i) {
                            scores[row] += (without[i] - output[i]) * (without[i] - output[i]) / cut.window;
                        }
                    }
                }
            }
            const test::NaiveKept expected = test::naive_kept(cut, scores);
            const auto differ = test::differing(kept[layer][kv_head], expected.positions);
            EXPECT_LE(differ.size(), 4U);
            for (const Position position : differ) {
                EXPECT_NEAR(scores[index_of(position)] / expected.last_score, 1, 1e-3) << "layer " << layer;
            }
        }
    }
}

TEST(NamedPolicyKeeps, KeyDiffsRowsAreTheKeysThatResembleTheOthersLeast) {
    const test::TinyRun run;
    const std::uint32_t n = 230;
    const CacheConfig cache = test::policy_cache(Policy::KeyDiff, 70);
    const Branch branch = test::branch_of(test::random_tokens(n, 6), cache);
    Session session = run.session(64, 2);
    const Sequence sequence = test::prefill_one(session, branch);
    test::NaiveModel naive = run.naive();
    naive.feed(branch.prompt.tokens);
    const test::NaiveCut cut = test::cut_of(run.tiny.shape, sequence);
    EXPECT_EQ(cut.window, 0U);
    EXPECT_EQ(cut.sink, 4U);
    const KeptPositions kept = sequence.kept_positions();
    for (std::uint32_t layer = 0; layer < kept.size(); ++layer) {
        for (std::uint32_t head = 0; head < cut.kv_heads; ++head) {
            std::vector<std::vector<double>> directions;
            std::vector<double> anchor(run.tiny.shape.key_size);
            for (std::uint32_t at = 0; at < n; ++at) {
                const auto key = naive.key(layer, head, at);
                const double norm = std::sqrt(std::inner_product(key.begin(), key.end(), key.begin(), 0.0));
                directions.emplace_back();
                for (std::size_t i = 0; i < anchor.size(); ++i) {
                    directions.back().push_back(key[i] / norm);
                    anchor[i] += key[i] / norm;
                }
            }
            std::vector<double> scores;
            const double norm = std::sqrt(std::inner_product(anchor.begin(), anchor.end(), anchor.begin(), 0.0));
            for (const std::vector<double> & direction : directions) {
                scores.push_back(1 - std::inner_product(anchor.begin(), anchor.end(), direction.begin(), 0.0) / norm);
            }
            const test::NaiveKept expected = test::naive_kept(cut, scores);
            const auto differ = test::differing(kept[layer][head], expected.positions);
            EXPECT_LE(differ.size(), 4U);
            for (const Position position : differ) {
                EXPECT_NEAR(scores[index_of(position)], expected.last_score, 1e-4) << "layer " << layer;
            }
        }
    }
}

TEST(NamedPolicyKeeps, TovasAreTheSameInAllHeadsOfALayer) {
    const test::TinyRun run;
    Session session = run.session(64);
    const Sequence sequence =
        test::prefill_one(session, test::branch_of(test::random_tokens(200, 4), test::policy_cache(Policy::Tova, 50)));
    const KeptPositions kept = sequence.kept_positions();
    for (const auto & layer : kept) {
        EXPECT_THAT(layer, ::testing::Each(layer.front()));
    }
    EXPECT_NE(kept.front(), kept.back());
}

}  // namespace
}  // namespace snapkv
