#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "run/seen_attention.h"
#include "run/tiny_run.h"
#include "support/positions.h"

namespace snapkv {
namespace {

using test::branch_of;
using test::full_cache;
using test::joined;
using test::naive_weights;
using test::random_tokens;
using test::Seen;
using test::snapkv_cache;
using test::TinyRun;

void expect_naive(const TinyRun & run, const Seen & seen, const std::vector<Token> & tokens, std::uint32_t positions) {
    const test::TinyShape & shape = run.tiny.shape;
    test::NaiveModel naive = run.naive();
    naive.feed(tokens);
    const auto n = static_cast<std::uint32_t>(tokens.size());
    ASSERT_EQ(seen.rows().size(), std::size_t{shape.layers} * shape.heads * positions);
    for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
        for (std::uint32_t head = 0; head < shape.heads; ++head) {
            for (std::uint32_t position = n - positions; position < n; ++position) {
                const std::vector<double> expected = naive_weights(run, naive, layer, head, position);
                const std::vector<float> & found = seen.at(layer, head, position);
                ASSERT_EQ(found.size(), expected.size());
                for (std::size_t i = 0; i < found.size(); ++i) {
                    ASSERT_NEAR(found[i], expected[i], 1e-4) << "layer " << layer << ", column " << i;
                }
            }
        }
    }
}

TEST(Observer, SeesTheNaiveModelsAttention) {
    const TinyRun run;
    const std::vector<Token> tokens = random_tokens(150, 1);
    for (const std::uint32_t positions : {1U, 20U, 100U, 150U}) {
        SCOPED_TRACE(positions);
        Session session = run.session(64);
        Seen seen;
        Branch branch = branch_of(tokens, full_cache());
        branch.observer = seen.observer(positions);
        static_cast<void>(test::prefill_one(session, branch));
        expect_naive(run, seen, tokens, positions);
    }
}

TEST(Observer, LooksAtEachBranchOfATrunk) {
    const TinyRun run;
    const std::vector<Token> trunk = random_tokens(120, 2);
    const std::vector<std::vector<Token>> prompts{joined(trunk, random_tokens(10, 3)),
                                                  joined(trunk, random_tokens(40, 4)), trunk};
    const std::vector<std::uint32_t> positions{30, 25, 12};
    // The second compresses beside it, with a window that is longer than what is observed; the third shorter.
    const std::vector<CacheConfig> caches{full_cache(), snapkv_cache(80, 50), snapkv_cache(60, 6)};
    std::vector<Seen> seen(prompts.size());
    std::vector<Branch> branches;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        branches.push_back(branch_of(prompts[i], caches[i]));
        branches.back().observer = seen[i].observer(positions[i]);
    }
    Session session = run.session(64, 2);
    PrefillResult observed = session.prefill(branches);
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        SCOPED_TRACE(i);
        expect_naive(run, seen[i], prompts[i], positions[i]);
        branches[i].observer = {};
    }
    // Being looked at changes nothing.
    PrefillResult alone = session.prefill(branches);
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        EXPECT_EQ(observed.sequences[i].kept_positions(), alone.sequences[i].kept_positions());
        EXPECT_TRUE(test::same_bits(observed.sequences[i].logits(), alone.sequences[i].logits()));
    }
}

/// The mean of the window's weights is its vote: selecting by it gives what the prefill kept.
TEST(Observer, ExplainsWhatWasKept) {
    const TinyRun run;
    constexpr std::uint32_t kWindow = 8;
    const std::vector<Token> tokens = random_tokens(200, 5);
    Seen seen;
    Branch branch = branch_of(tokens, snapkv_cache(50, kWindow));
    branch.observer = seen.observer(kWindow);
    Session session = run.session();
    const KeptPositions kept = test::prefill_one(session, branch).kept_positions();
    const test::TinyShape & shape = run.tiny.shape;
    const std::uint32_t group = shape.heads / shape.kv_heads;
    const auto prefix = static_cast<std::uint32_t>(tokens.size()) - kWindow;
    for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
        for (std::uint32_t kv_head = 0; kv_head < shape.kv_heads; ++kv_head) {
            std::vector<float> votes(std::size_t{group} * prefix);
            for (std::uint32_t g = 0; g < group; ++g) {
                for (std::uint32_t position = prefix; position < tokens.size(); ++position) {
                    const std::vector<float> & row = seen.at(layer, kv_head * group + g, position);
                    for (std::uint32_t i = 0; i < prefix; ++i) {
                        votes[g * prefix + i] += row[i] / kWindow;
                    }
                }
            }
            const std::vector<Position> selected =
                select_positions(votes, group, {.count = 50 - kWindow, .cluster = Cluster::kernel(7)});
            const std::vector<Position> & found = kept[layer][kv_head];
            EXPECT_EQ(selected, std::vector<Position>(found.begin(), found.end() - kWindow));
        }
    }
}

TEST(Observer, MayThrowAndMayNotAskForMoreThanThereIs) {
    const TinyRun run;
    Session session = run.session(64, 2);
    Branch branch = branch_of(random_tokens(80, 6), full_cache());
    branch.observer = {10, [](const AttentionRow & row) {
                           if (row.layer == 1) {
                               throw std::runtime_error("enough");
                           }
                       }};
    EXPECT_THROW(static_cast<void>(session.prefill({&branch, 1})), std::runtime_error);
    branch.observer.positions = 81;
    EXPECT_THROW(static_cast<void>(session.prefill({&branch, 1})), Error);
}

TEST(SelectPositions, RefusesWhatMakesNoRows) {
    const std::vector<float> scores{0.1F, 0.5F, 0.3F, 0.2F, 0.9F, 0.1F};
    EXPECT_THROW(static_cast<void>(select_positions(scores, 0, {.count = 1})), Error);
    EXPECT_THROW(static_cast<void>(select_positions(scores, 4, {.count = 1})), Error);
    EXPECT_THROW(static_cast<void>(select_positions(scores, 2, {.count = 1, .cluster = {.words = true}})), Error);
    EXPECT_TRUE(select_positions({}, 1, {.count = 3}).empty());
    // Means 0.15, 0.7, 0.2.
    EXPECT_EQ(select_positions(scores, 2, {.count = 2, .cluster = Cluster::kernel(1)}), test::positions({1, 2}));
    EXPECT_EQ(select_positions(scores, 2, {.count = 9, .cluster = Cluster::kernel(1)}), test::positions({0, 1, 2}));
}

}  // namespace
}  // namespace snapkv
