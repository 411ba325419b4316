#include <gtest/gtest.h>

#include <numeric>

#include "attention/vote.h"
#include "kv/layer_rows.h"
#include "product/ggml_products.h"
#include "run/compute.h"
#include "run/layer_shape.h"
#include "run/model_impl.h"
#include "run/tiny_run.h"
#include "select/policy.h"

namespace snapkv {
namespace {

/// The first layer's keys and queries of a whole prompt, computed with the engine's own graph in one piece.
struct FirstLayer {
    std::vector<float> queries;  ///< [position][head][key size]
    std::vector<float> keys;     ///< [position][KV head][key size]
};

FirstLayer first_layer(const Model & model, std::span<const Token> tokens) {
    const model::Decoder & decoder = Internals::of(model)->decoder;
    run::Compute compute(1, 1, Stop());
    run::Graph graph(256);
    run::Allocator allocator;
    ggml_tensor * ids = graph.integers(static_cast<std::int64_t>(tokens.size()));
    ggml_tensor * positions = graph.integers(static_cast<std::int64_t>(tokens.size()));
    product::GgmlProducts products;
    const auto [q, k, v, gate] = decoder.attention_input(graph.ctx(), products, 0, decoder.embed(graph.ctx(), ids),
                                                         positions, model::Wanted::All);
    for (ggml_tensor * result : {q, k}) {
        ggml_set_output(result);
        graph.expand(result);
    }
    allocator.allocate(graph);
    std::memcpy(ids->data, tokens.data(), tokens.size_bytes());
    auto * at = static_cast<std::int32_t *>(positions->data);
    std::iota(at, at + tokens.size(), 0);
    compute.run(graph, run::Compute::Phase::Prefill);
    const auto * queries = static_cast<const float *>(q->data);
    const auto * keys = static_cast<const float *>(k->data);
    return {{queries, queries + ggml_nelements(q)}, {keys, keys + ggml_nelements(k)}};
}

struct Settings {
    const char * name;
    CacheConfig cache;
};

CacheConfig cache_of(std::uint32_t budget, std::uint32_t window, std::uint32_t kernel, Pooling pooling,
                     GroupReduce group, std::uint32_t sink, KvType type = KvType::F32) {
    CacheConfig cache = test::snapkv_cache(budget, window, type);
    cache.cluster = Cluster::kernel(kernel, pooling);
    cache.group = group;
    cache.sink = sink;
    return cache;
}

/// Apart: who votes and what is kept anyway.
CacheConfig apart(std::uint32_t window, std::uint32_t recent, Evidence evidence, const Cluster & cluster) {
    CacheConfig cache = test::snapkv_cache(128, window, KvType::F32);
    cache.recent = recent;
    cache.evidence = evidence;
    cache.cluster = cluster;
    return cache;
}

/// What the engine keeps of a model's real queries and keys, against a naive selection from the same numbers.
class VoteOracle : public ::testing::TestWithParam<Settings> {
protected:
    static constexpr std::uint32_t kTokens = 640;

    test::TinyRun run_;
    Branch branch_ = test::branch_of(test::random_tokens(kTokens, 31), GetParam().cache);
    FirstLayer real_ = first_layer(run_.model, branch_.prompt.tokens);

    /// The first layer's keys as the cache stores them.
    [[nodiscard]] std::vector<float> stored_keys() const {
        std::vector<float> keys = real_.keys;
        for (float & key : keys) {
            key = GetParam().cache.type == KvType::F16 ? ggml_fp16_to_fp32(ggml_fp32_to_fp16(key)) : key;
        }
        return keys;
    }

    [[nodiscard]] test::Product products(const std::vector<float> & keys) const {
        return [this, &keys](std::uint32_t head, std::uint32_t query, std::uint32_t key) {
            const test::TinyShape & shape = run_.tiny.shape;
            const std::uint32_t kv_head = head / (shape.heads / shape.kv_heads);
            const float * q = real_.queries.data() + (std::size_t{query} * shape.heads + head) * shape.key_size;
            const float * k = keys.data() + (std::size_t{key} * shape.kv_heads + kv_head) * shape.key_size;
            double sum = 0;
            for (std::uint32_t i = 0; i < shape.key_size; ++i) {
                sum += double{q[i]} * double{k[i]};
            }
            return sum;
        };
    }

    /// Attention's own vote and selection from the captured queries and keys.
    [[nodiscard]] std::vector<std::vector<Position>> voted() const {
        const model::HyperParameters & params = Internals::of(run_.model)->params;
        const select::Plan plan = select::make_plan(branch_.cache, kTokens, 0);
        const std::vector<float> keys = stored_keys();
        kv::Arena arena;
        kv::LayerRows rows =
            kv::LayerRows::dense(arena, run::attending_shape(params, KvType::F32), kTokens, Position{0});
        rows.set_rows(kTokens);
        for (std::uint32_t at = 0; at < kTokens; ++at) {
            for (std::uint32_t head = 0; head < params.kv_heads; ++head) {
                const float * from = keys.data() + (std::size_t{at} * params.kv_heads + head) * params.key_size;
                std::memcpy(rows.key_row(head, at), from, params.key_size * sizeof(float));
            }
        }
        std::vector<std::vector<kv::HeadRows>> views;
        for (std::uint32_t head = 0; head < params.kv_heads; ++head) {
            views.push_back({rows.head(head)});
        }
        std::vector<float> votes;
        if (plan.votes()) {
            votes.resize(std::size_t{params.heads} * plan.prefix() * attention::vote_planes(plan.evidence));
            attention::Vote vote(
                {.spec = params.attention_spec(0),
                 .shape = run::attending_shape(params, KvType::F32),
                 .queries = real_.queries.data() + std::size_t{kTokens - plan.window} * params.heads * params.key_size,
                 .window = plan.window,
                 .n = kTokens,
                 .prefix = plan.prefix(),
                 .evidence = plan.evidence,
                 .rows = views},
                votes);
            vote.statistics();
            vote.columns();
            for (std::uint32_t head = 0; head < params.kv_heads; ++head) {
                vote.finish(head);
            }
        }
        select::LayerChoice choice(plan, votes, params.kv_heads);
        for (std::uint32_t head = 0; head < params.kv_heads; ++head) {
            choice.score(head);
        }
        choice.allocate(plan.budget);
        std::vector<std::vector<Position>> kept;
        for (std::uint32_t head = 0; head < params.kv_heads; ++head) {
            kept.push_back(choice.keep(head));
        }
        return kept;
    }
};

TEST_P(VoteOracle, KeepsWhatTheNaiveSelectionKeeps) {
    Session session = run_.session(kTokens);
    const Sequence sequence = test::prefill_one(session, branch_);
    const test::NaiveCut cut = test::cut_of(run_.tiny.shape, sequence);
    const std::vector<float> keys = stored_keys();
    test::expect_naive_layer(cut, sequence.kept_positions()[0], products(keys), cut.budget, 1e-5);
}

TEST_P(VoteOracle, TheEngineKeepsWhatItsVoteOnTheSameTensorsKeeps) {
    Session session = run_.session(kTokens);
    EXPECT_EQ(test::prefill_one(session, branch_).kept_positions()[0], voted());
}

INSTANTIATE_TEST_SUITE_P(
    Configurations, VoteOracle,
    ::testing::Values(Settings{"Paper", cache_of(128, 16, 5, Pooling::Max, GroupReduce::Mean, 0)},
                      Settings{"Average", cache_of(100, 32, 7, Pooling::Avg, GroupReduce::Sum, 0)},
                      Settings{"NoPooling", cache_of(150, 20, 7, Pooling::None, GroupReduce::Max, 0)},
                      Settings{"Sinks", cache_of(96, 16, 7, Pooling::Max, GroupReduce::Max, 8)},
                      Settings{"WidestKernel", cache_of(300, 1, 31, Pooling::Avg, GroupReduce::Mean, 4)},
                      Settings{"ManyVoters", apart(100, 10, Evidence::Mean, Cluster::kernel(7))},
                      Settings{"ManyVotersRms", apart(64, 1, Evidence::Rms, {.back = 1, .ahead = 12})},
                      Settings{"FewVotersTop4", apart(9, 30, Evidence::Top4, Cluster::kernel(5))},
                      Settings{"ManyVotersTop4", apart(70, 2, Evidence::Top4, Cluster::reach(2, 2))},
                      Settings{"ManyVotersMax", apart(50, 20, Evidence::Max, Cluster::reach(1, 4))},
                      Settings{"Floor", apart(32, 16, Evidence::MaxFloor, Cluster::reach(0, 8))},
                      Settings{"Recency", apart(80, 12, Evidence::Recency, Cluster::kernel(7))},
                      Settings{"Pivotal", apart(90, 10, Evidence::Pivotal, Cluster::kernel(1))},
                      Settings{"PivotalInClusters", apart(40, 50, Evidence::Pivotal, Cluster::kernel(5))},
                      Settings{"WholeLayer", cache_of(128, 16, 5, Pooling::Max, GroupReduce::Layer, 3)},
                      Settings{"Streaming", test::policy_cache(Policy::Streaming, 99)},
                      Settings{"Tova", test::policy_cache(Policy::Tova, 77)},
                      Settings{"ScissorHands", test::policy_cache(Policy::ScissorHands, 111)},
                      Settings{"Ada", test::policy_cache(Policy::Ada, 101)},
                      Settings{"HalfPrecision", cache_of(128, 16, 5, Pooling::Max, GroupReduce::Mean, 0, KvType::F16)}),
    [](const auto & param) { return std::string(param.param.name); });

}  // namespace
}  // namespace snapkv
