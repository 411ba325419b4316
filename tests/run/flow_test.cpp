// Budgets that flow between layers while a prefill goes through them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "kv/convert.h"
#include "kv/row_store.h"
#include "run/branch_cache.h"
#include "run/loaded_family.h"
#include "run/tiny_run.h"
#include "run/voting.h"
#include "support/kept_at_once.h"
#include "support/temporary_folder.h"

namespace snapkv {
namespace {

constexpr std::uint32_t kLayers = 5;
constexpr std::uint32_t kTokens = 300;

CacheConfig flowing_cache(Allocation how, std::uint32_t budget, KvType type = KvType::F32) {
    CacheConfig cache = test::snapkv_cache(budget, 16, type);
    cache.allocation = how;
    return cache;
}

/// A layer's rows and the queries that vote, at random: each layer's of another size, so that votes are spread
/// differently.
struct RandomLayer {
    RandomLayer(const attention::AttentionSpec & spec, kv::Arena & arena, std::uint32_t number)
        : rows(arena, shape_of(spec), Position{0}, Position{kTokens}) {
        test::Random random(100 + number);
        const kv::LayerShape shape = shape_of(spec);
        const float size = 0.3F + 0.4F * static_cast<float>(number);
        for (std::uint32_t head = 0; head < spec.kv_heads; ++head) {
            for (std::uint32_t row = 0; row < kTokens; ++row) {
                for (std::byte * const place : {rows.last().key_row(head, row), rows.last().value_row(head, row)}) {
                    const std::vector<float> numbers = random.numbers(shape.key_size, 0, size);
                    std::memcpy(place, numbers.data(), numbers.size() * sizeof(float));
                }
            }
        }
        rows.last().set_rows(kTokens);
        queries = random.numbers(std::size_t{kTokens} * spec.heads * spec.key_size, 0, 1.5F);
    }

    static kv::LayerShape shape_of(const attention::AttentionSpec & spec) {
        return {spec.kv_heads, spec.key_size, spec.value_size, KvType::F32};
    }

    kv::RowChain rows;
    std::vector<float> queries;
};

struct FlowCase {
    Allocation how;
    Evidence evidence;
    KvTypes type;
};

class FlowingBranch : public ::testing::TestWithParam<FlowCase> {
protected:
    static attention::AttentionSpec spec() {
        attention::AttentionSpec spec;
        spec.heads = 4;
        spec.kv_heads = 2;
        spec.key_size = 32;
        spec.value_size = 32;
        spec.scale = 0.2F;
        return spec;
    }
};

// The votes are the engine's own; the decision with all layers at hand is the naive one, and so must be each bit.
TEST_P(FlowingBranch, KeepsWhatAllLayersAtHandDecide) {
    const attention::AttentionSpec of_layer = spec();
    for (const std::uint32_t threads : {1U, 2U}) {
        run::Compute compute(threads, threads, Stop());
        kv::Arena arena;
        const auto work = std::make_shared<Meter>();
        Branch branch = test::branch_of(test::random_tokens(kTokens, 1), flowing_cache(GetParam().how, 60));
        branch.cache.evidence = GetParam().evidence;
        branch.cache.type = GetParam().type;
        branch.cache.sink = 2;
        run::BranchPlan plan;
        plan.branch = &branch;
        plan.n = kTokens;
        plan.cache = select::make_plan(branch.cache, kTokens, 0);
        plan.voted_layers = kLayers;
        plan.budgets = select::layer_budgets(plan.cache, kLayers);
        plan.type = GetParam().type;
        ASSERT_TRUE(plan.cache.flows());
        run::BranchCache cache(plan, of_layer, std::vector<std::size_t>(kLayers), arena, work);
        std::vector<RandomLayer> layers;
        test::at_once::Scores scores;
        for (std::uint32_t layer = 0; layer < kLayers; ++layer) {
            const RandomLayer & random = layers.emplace_back(of_layer, arena, layer);
            const float * const last =
                random.queries.data() + std::size_t{kTokens - plan.captured()} * of_layer.heads * of_layer.key_size;
            run::LayerVote latest;
            cache.begin_layer(random.rows);
            cache.finish_layer(layer, compute, of_layer, last, latest);
            scores.push_back(run::layer_scores(compute, plan.cache,
                                               {latest.votes.floats(), latest.votes.size() / sizeof(float)}, 2, {}));
        }
        const test::at_once::Kept expected = test::at_once::kept(plan.cache, scores, kLayers);
        bool ragged = false;
        for (std::uint32_t layer = 0; layer < kLayers; ++layer) {
            const kv::LayerRows & found = *cache.kept()[layer].front();
            std::vector<std::vector<Position>> positions;
            for (const std::vector<Position> & voted : expected[layer]) {
                positions.push_back(select::with_rows_kept_anyway(plan.cache, voted));
                ragged = ragged || positions.back().size() != 60;
            }
            kv::LayerRows once = kv::LayerRows::packed_empty(arena, found.shape(), positions);
            for (std::uint32_t head = 0; head < 2; ++head) {
                kv::convert_rows(RandomLayer::shape_of(of_layer), layers[layer].rows.views()[head], positions[head],
                                 once, head);
                const kv::HeadRows rows = found.head(head);
                ASSERT_EQ(kv::positions_in(std::vector{rows}), positions[head]) << "layer " << layer;
                const std::size_t bytes = rows.rows * found.shape().key_bytes();
                EXPECT_EQ(std::memcmp(rows.keys, once.head(head).keys, bytes), 0) << "layer " << layer;
                EXPECT_EQ(std::memcmp(rows.values, once.head(head).values, rows.rows * found.shape().value_bytes()), 0);
            }
        }
        EXPECT_TRUE(ragged);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, FlowingBranch,
    ::testing::Values(FlowCase{Allocation::Entropy, Evidence::Mean, KvType::F32},
                      FlowCase{Allocation::Entropy, Evidence::Values, KvType::F16},
                      FlowCase{Allocation::Entropy, Evidence::Pivotal, {KvType::Q8_0, KvType::Q4_0}},
                      FlowCase{Allocation::Global, Evidence::Mean, KvType::F16},
                      FlowCase{Allocation::Global, Evidence::Recency, {KvType::Q8_0, KvType::Q4_0}},
                      FlowCase{Allocation::Global, Evidence::Pivotal, KvType::F32}));

class Flowing : public ::testing::TestWithParam<Allocation> {};

INSTANTIATE_TEST_SUITE_P(Allocations, Flowing, ::testing::Values(Allocation::Entropy, Allocation::Global),
                         [](const auto & info) { return std::string(name_of(info.param)); });

// Rows whose scores lie at the cut may differ: the naive model computes in double precision.
TEST_P(Flowing, PrefillsKeepWhatTheNaiveModelsScoresDecide) {
    const test::TinyRun run;
    Session session = run.session(100, 2);
    const Branch branch = test::branch_of(test::random_tokens(431, 5), flowing_cache(GetParam(), 57));
    const Sequence sequence = test::prefill_one(session, branch);
    const KeptPositions kept = sequence.kept_positions();
    const test::NaiveCut cut = test::cut_of(run.tiny.shape, sequence);
    test::NaiveModel naive = run.naive();
    naive.feed(branch.prompt.tokens);
    test::at_once::Scores scores;
    for (std::uint32_t layer = 0; layer < kept.size(); ++layer) {
        scores.emplace_back();
        const auto of_layer = test::naive_scores(cut, [&](std::uint32_t head, std::uint32_t query, std::uint32_t key) {
            const auto q = naive.query(layer, head, query);
            return std::inner_product(q.begin(), q.end(), naive.key(layer, head / cut.group(), key).begin(), 0.0);
        });
        for (const std::vector<double> & head : of_layer) {
            scores.back().push_back({{head.begin(), head.end()}});
        }
    }
    const select::Plan plan = select::make_plan(branch.cache, 431, 0);
    test::at_once::Kept expected = test::at_once::kept(plan, scores, kept.size());
    bool ragged = false;
    for (auto & layer : expected) {
        for (std::vector<Position> & head : layer) {
            head = select::with_rows_kept_anyway(plan, head);
            ragged = ragged || head.size() != 57;
        }
    }
    EXPECT_TRUE(ragged);
    EXPECT_GE(test::agreement(kept, expected), 0.99);
    EXPECT_EQ(sequence.cache_stats().rows_kept, 57U * kept.size() * cut.kv_heads);
}

TEST_P(Flowing, KeepsTheSameWhateverTheChunksAndThreads) {
    const test::TinyRun run;
    const Branch branch = test::branch_of(test::random_tokens(500, 6), flowing_cache(GetParam(), 90));
    const auto kept_by = [&](std::uint32_t batch, std::uint32_t threads) {
        Session session = run.session(batch, threads);
        return test::prefill_one(session, branch).kept_positions();
    };
    const KeptPositions whole = kept_by(500, 1);
    for (const std::uint32_t batch : {64U, 100U, 128U, 500U}) {
        const KeptPositions one = kept_by(batch, 1);
        EXPECT_GE(test::agreement(one, whole), 0.998) << batch;
        EXPECT_EQ(kept_by(batch, 2), one) << batch;
    }
}

TEST_P(Flowing, KeepsTheSameAloneAndBesideOthers) {
    const test::TinyRun run;
    const std::vector<Token> trunk = test::random_tokens(300, 7);
    std::vector<Branch> branches;
    for (const CacheConfig & cache : {flowing_cache(GetParam(), 40), test::full_cache(), test::snapkv_cache(40, 16)}) {
        branches.push_back(test::branch_of(trunk, cache));
        branches.push_back(test::branch_of(test::joined(trunk, test::random_tokens(30, 9)), cache));
    }
    Session session = run.session(512, 2);
    const PrefillResult together = session.prefill(branches);
    for (const std::size_t index : {0U, 1U}) {
        const Sequence alone = test::prefill_one(session, branches[index]);
        EXPECT_GE(test::agreement(alone.kept_positions(), together.sequences[index].kept_positions()), 0.998);
    }
}

class FlowingFamily : public ::testing::TestWithParam<const char *> {};

INSTANTIATE_TEST_SUITE_P(Families, FlowingFamily, ::testing::Values("llama", "gemma3", "qwen35moe", "deepseek2"),
                         [](const auto & info) { return std::string(info.param); });

TEST_P(FlowingFamily, StaysWithinItsEstimateAndGoesOn) {
    const test::LoadedFamily family(GetParam(), 4096);
    Session session = family.session();
    for (const CacheConfig & cache :
         {test::policy_cache(Policy::Lava, 64, KvType::F16), flowing_cache(Allocation::Global, 300, KvType::F16)}) {
        Branch branch = test::branch_of(test::random_tokens(900, 1), cache);
        PrefillResult result = session.prefill({&branch, 1});
        Sequence sequence = std::move(result.sequences.front());
        const auto estimate = static_cast<double>(session.estimate({&branch, 1}, 0).cache_bytes);
        EXPECT_NEAR(estimate / static_cast<double>(result.stats.cache_bytes_peak), 1, 0.02);
        const CacheStats stats = sequence.cache_stats();
        branch.cache.allocation = Allocation::Even;
        EXPECT_EQ(stats.rows_kept, test::prefill_one(session, branch).cache_stats().rows_kept);
        const KeptPositions kept = sequence.kept_positions();
        const test::TemporaryFolder folder;
        ASSERT_TRUE(session.save(sequence, folder.path() / "cache"));
        Sequence loaded = session.load(folder.path() / "cache");
        Sequence forked = sequence.fork();
        EXPECT_TRUE(loaded.kept_positions() == kept);
        EXPECT_EQ(loaded.cache_stats().allocation, stats.allocation);
        const std::vector<Token> answer = test::greedy(session, sequence, 4);
        EXPECT_EQ(test::greedy(session, loaded, 4), answer);
        EXPECT_EQ(test::greedy(session, forked, 4), answer);
        EXPECT_TRUE(test::same_bits(sequence.logits(), loaded.logits()));
    }
}

TEST_P(FlowingFamily, GoesOnFromAnyLayerInAnotherSession) {
    const test::LoadedFamily family(GetParam(), 2048);
    Session session = family.session();
    const std::vector<Token> trunk = test::random_tokens(400, 2);
    CacheConfig pivotal = flowing_cache(Allocation::Global, 60);
    pivotal.evidence = Evidence::Pivotal;
    const std::vector<Branch> branches{test::branch_of(trunk, test::policy_cache(Policy::Lava, 60)),
                                       test::branch_of(trunk, test::full_cache()),
                                       test::branch_of(test::joined(trunk, test::random_tokens(30, 3)), pivotal)};
    const PrefillResult expected = session.prefill(branches);
    const test::TemporaryFolder folder;
    PrefillTask task = session.begin_prefill(branches);
    std::uint32_t stops = 0;
    while (task.advance()) {
        if (!task.between_layers()) {
            continue;
        }
        ++stops;
        ASSERT_TRUE(task.save(folder.path() / "paused"));
        Session other = family.session();
        PrefillTask resumed = other.resume_prefill(branches, {}, folder.path() / "paused");
        while (resumed.advance()) {
        }
        const PrefillResult found = resumed.take();
        for (std::size_t index = 0; index < branches.size(); ++index) {
            EXPECT_EQ(found.sequences[index].kept_positions(), expected.sequences[index].kept_positions()) << stops;
        }
    }
    EXPECT_GT(stops, 0U);
}

TEST_P(FlowingFamily, ShrinksTurnsToWhatAllLayersHaveTogether) {
    const test::LoadedFamily family(GetParam(), 2048);
    Session session = family.session();
    const auto shrunk = [&](const CacheConfig & cache) {
        Sequence sequence =
            test::prefill_one(session, test::branch_of(test::random_tokens(100, 1), test::full_cache()));
        session.append(sequence, test::random_tokens(150, 2));
        AppendOptions options;
        options.compress = cache;
        const AppendStats result = session.append(sequence, test::random_tokens(20, 3), options);
        EXPECT_TRUE(result.turns.compressed) << result.turns.reason;
        return result.turns.rows_kept;
    };
    const std::uint64_t even = shrunk(test::snapkv_cache(40, 16));
    EXPECT_EQ(shrunk(test::policy_cache(Policy::Lava, 40)), even);
    EXPECT_EQ(shrunk(flowing_cache(Allocation::Global, 40)), even);
}

}  // namespace
}  // namespace snapkv
