#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "attention/oracle.h"
#include "attention/port.h"
#include "attention/portable/plan.h"
#include "attention/portable/portable_port.h"
#include "ggml-alloc.h"
#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "support/float32.h"

namespace snapkv::attention {
namespace {

constexpr int kThreads = 2;

/// The port computes in float32 from the stored values, whatever the K/V type, so that all share a tolerance; where
/// ggml rounded queries or sums to float16, as it does on other paths, the error would be above it.
constexpr double kTolerance = 1e-9;

struct FreeTensors {
    void operator()(ggml_context * context) const { ggml_free(context); }
    void operator()(ggml_backend * backend) const { ggml_backend_free(backend); }
    void operator()(ggml_gallocr * allocator) const { ggml_gallocr_free(allocator); }
};

/// A view to make: either the next `rows` positions, or `rows` positions scattered over the next `spread`, which are at
/// least four times as many.
struct View {
    std::uint32_t rows = 0;
    std::uint32_t spread = 0;
};

/// A unit over random rows, and its queries.
class Chunk {
public:
    Chunk(const AttentionSpec & spec, KvType type, std::uint32_t rows, std::uint32_t seed = 1) : random(seed) {
        unit.spec = spec;
        unit.shape = {spec.kv_heads, spec.key_size, spec.value_size, type};
        q = random.numbers(std::size_t{rows} * spec.heads * spec.key_size, 4);
        rows_ = rows;
    }

    /// `views[head]`, one list for all heads if there is only one. The span's queries begin at `first`.
    void add_span(std::uint32_t row, std::uint32_t count, std::uint32_t first,
                  const std::vector<std::vector<View>> & views) {
        QuerySpan span{.row = row, .count = count, .first = Position{first}, .rows = {}};
        for (std::uint32_t head = 0; head < unit.spec.kv_heads; ++head) {
            span.rows.push_back(make_views(views[views.size() == 1 ? 0 : head]));
        }
        unit.queries.push_back(span);
    }

    /// The same for the tokens of a tree, which must outlive the chunk.
    void add_tree(std::uint32_t row, const TokenTree & tree, std::uint32_t first,
                  const std::vector<std::vector<View>> & views) {
        add_span(row, tree.size(), first, views);
        TreeRows & rows = unit.queries.back().tree.emplace(TreeRows{.tree = &tree, .rows = {}});
        for (std::uint32_t head = 0; head < unit.spec.kv_heads; ++head) {
            owned_.push_back(test::random_rows(random, unit.shape, first, tree.size()));
            rows.rows.push_back(owned_.back().view());
        }
    }

    /// [row][head][value_size] as the port computes it.
    std::vector<float> run(Port & port) const { return run(port, unit); }

    /// The column sums of all spans, one after another, as the port computes them.
    std::vector<float> column_sums(Port & port) const {
        LayerUnit asking = unit;
        asking.prefill = true;
        std::deque<std::vector<RowSum>> rows;
        std::vector<std::size_t> begin{0};
        for (QuerySpan & span : asking.queries) {
            span.row_sums = rows.emplace_back(std::size_t{span.count} * unit.spec.heads).data();
            span.column_stride = index_of(span.first) + span.count;
            begin.push_back(begin.back() + unit.spec.heads * span.column_stride);
        }
        std::vector<float> sums(begin.back());
        for (std::size_t index = 0; index < asking.queries.size(); ++index) {
            asking.queries[index].column_sums = sums.data() + begin[index];
        }
        static_cast<void>(run(port, asking));
        return sums;
    }

    /// The portable port's column sums and those of the project's kernels.
    void check_column_sums() const {
        const std::vector<float> portable = column_sums(*make_portable_port(0, 1));
        const cpu::OnlySet only = snapkv::test::float32_kernels();
        const std::vector<float> kernels = column_sums(*make_cpu_port(0, 1));
        EXPECT_LT(test::nmse(portable, std::vector<double>(kernels.begin(), kernels.end())), kTolerance);
        const double queries = std::accumulate(unit.queries.begin(), unit.queries.end(), 0.0,
                                               [](double sum, const QuerySpan & span) { return sum + span.count; });
        if (unit.spec.sinks.empty()) {  // each query gives 1 in all
            EXPECT_NEAR(std::accumulate(portable.begin(), portable.end(), 0.0), queries * unit.spec.heads,
                        1e-4 * queries);
        }
    }

    /// As the port computes `asked`.
    std::vector<float> run(Port & port, const LayerUnit & asked) const {
        port.unit(0) = asked;
        const std::size_t nodes = port.node_count(0) + 8;
        const std::unique_ptr<ggml_context, FreeTensors> ctx(ggml_init(
            {(2 * nodes + 8) * ggml_tensor_overhead() + ggml_graph_overhead_custom(nodes, false), nullptr, true}));
        ggml_cgraph * graph = ggml_new_graph_custom(ctx.get(), nodes, false);
        ggml_tensor * queries =
            ggml_new_tensor_3d(ctx.get(), GGML_TYPE_F32, unit.spec.key_size, unit.spec.heads, rows_);
        ggml_tensor * k = ggml_new_tensor_3d(ctx.get(), GGML_TYPE_F32, unit.spec.key_size, unit.spec.kv_heads, rows_);
        ggml_tensor * v = ggml_new_tensor_3d(ctx.get(), GGML_TYPE_F32, unit.spec.value_size, unit.spec.kv_heads, rows_);
        for (ggml_tensor * input : {queries, k, v}) {
            ggml_set_input(input);
        }
        ggml_tensor * stored = port.store(ctx.get(), graph, 0, k, v);
        ggml_tensor * out = port.attend(ctx.get(), graph, 0, queries, stored);
        ggml_set_output(out);
        ggml_build_forward_expand(graph, out);
        if (asked.sums_columns()) {
            port.add_column_sums(ctx.get(), graph, 0, queries, out);
        }
        const std::unique_ptr<ggml_gallocr, FreeTensors> allocator(ggml_gallocr_new(ggml_backend_cpu_buffer_type()));
        EXPECT_TRUE(ggml_gallocr_alloc_graph(allocator.get(), graph));
        ggml_backend_tensor_set(queries, q.data(), 0, q.size() * sizeof(float));
        if (!unit.stores.empty()) {
            ggml_backend_tensor_set(k, keys.data(), 0, keys.size() * sizeof(float));
            ggml_backend_tensor_set(v, values.data(), 0, values.size() * sizeof(float));
        }
        port.prepare(rows_, kThreads);
        const std::unique_ptr<ggml_backend, FreeTensors> backend(ggml_backend_cpu_init());
        ggml_backend_cpu_set_n_threads(backend.get(), kThreads);
        EXPECT_EQ(ggml_backend_graph_compute(backend.get(), graph), GGML_STATUS_SUCCESS);
        std::vector<float> result(static_cast<std::size_t>(ggml_nelements(out)));
        ggml_backend_tensor_get(out, result.data(), 0, result.size() * sizeof(float));
        return result;
    }

    /// The portable port, and the project's kernels, against the oracle.
    void check() const { check(run(*make_portable_port(0, 1))); }
    void check(const std::vector<float> & portable) const {
        const std::vector<double> oracle = expected();
        ASSERT_EQ(portable.size(), oracle.size());
        EXPECT_LT(test::nmse(portable, oracle), kTolerance);
        const cpu::OnlySet only = snapkv::test::float32_kernels();
        const std::vector<float> kernels = run(*make_cpu_port(0, 1));
        EXPECT_LT(test::nmse(portable, std::vector<double>(kernels.begin(), kernels.end())), kTolerance);
    }

    [[nodiscard]] std::vector<double> expected() const { return test::attend(unit, rows_, q); }

    test::Random random;
    LayerUnit unit;
    std::vector<float> q;
    std::vector<float> keys;
    std::vector<float> values;

private:
    std::vector<kv::HeadRows> make_views(const std::vector<View> & wanted) {
        std::vector<kv::HeadRows> views;
        std::uint32_t next = 0;
        for (const View & view : wanted) {
            owned_.push_back(view.spread > 0 ? test::random_packed(random, unit.shape, next, view.rows)
                                             : test::random_rows(random, unit.shape, next, view.rows));
            views.push_back(owned_.back().view());
            next += std::max(view.rows, view.spread);
        }
        return views;
    }

    std::uint32_t rows_ = 0;
    std::deque<test::OwnedRows> owned_;  // views point into its elements
};

AttentionSpec spec_of(std::uint32_t group, std::uint32_t kv_heads, std::uint32_t key_size, std::uint32_t value_size) {
    AttentionSpec spec{.heads = group * kv_heads, .kv_heads = kv_heads, .key_size = key_size, .value_size = value_size};
    spec.scale = 1.0F / std::sqrt(static_cast<float>(key_size));
    return spec;
}

/// K/V type, head size, query heads of a group.
using Shape = std::tuple<KvType, std::uint32_t, std::uint32_t>;

class PortableShapes : public testing::TestWithParam<Shape> {
protected:
    [[nodiscard]] AttentionSpec spec(std::uint32_t kv_heads = 2) const {
        const std::uint32_t size = std::get<1>(GetParam());
        return spec_of(std::get<2>(GetParam()), kv_heads, size, size);
    }
    [[nodiscard]] KvType type() const { return std::get<0>(GetParam()); }
};

TEST_P(PortableShapes, OneViewManyQueries) {
    Chunk chunk(spec(), type(), 70);
    chunk.add_span(0, 70, 133, {{{.rows = 203}}});
    chunk.check();
}

TEST_P(PortableShapes, OneViewOneQuery) {
    Chunk chunk(spec(), type(), 1);
    chunk.add_span(0, 1, 600, {{{.rows = 601}}});  // long enough that ggml cuts it by cache rows
    chunk.check();
}

TEST_P(PortableShapes, TrunkAndSuffixOfSeveralSpansWithPadding) {
    Chunk chunk(spec(), type(), 64);
    chunk.add_span(0, 7, 101, {{{.rows = 101}, {.rows = 7}}});
    chunk.add_span(7, 25, 101, {{{.rows = 101}, {.rows = 25}}});
    chunk.add_span(40, 3, 101, {{{.rows = 101}, {.rows = 3}}});
    chunk.check();
}

TEST_P(PortableShapes, RaggedPackedRowsAndTail) {
    for (const std::uint32_t queries : {1U, 70U}) {
        SCOPED_TRACE(queries);
        Chunk chunk(spec(), type(), queries);
        chunk.add_span(0, queries, 500 + 32,
                       {{{.rows = 37, .spread = 500}, {.rows = 32}, {.rows = queries}},
                        {{.rows = 90, .spread = 500}, {.rows = 32}, {.rows = queries}}});
        chunk.check();
    }
}

std::string shape_name(const testing::TestParamInfo<Shape> & info) {
    return test::type_name({std::get<0>(info.param), info.index}) + "_" + std::to_string(std::get<1>(info.param)) +
           "_" + std::to_string(std::get<2>(info.param));
}
INSTANTIATE_TEST_SUITE_P(Shapes, PortableShapes,
                         testing::Combine(testing::Values(KvType::F32, KvType::F16, KvType::BF16),
                                          testing::Values(64U, 80U, 128U), testing::Values(1U, 3U, 8U)),
                         shape_name);

INSTANTIATE_TEST_SUITE_P(QuantisedShapes, PortableShapes,
                         testing::Combine(testing::Values(KvType::Q8_0, KvType::Q4_0), testing::Values(64U, 96U, 128U),
                                          testing::Values(1U, 3U)),
                         shape_name);

TEST(PortableUnrotated, EqualsTheOracle) {
    for (const KvType type : {KvType::Q8_0, KvType::Q4_0}) {
        for (const bool values_in_keys : {false, true}) {
            Chunk chunk(spec_of(3, 2, 96, 64), type, 73);
            chunk.unit.shape.rotated = false;
            chunk.unit.shape.values_in_keys = values_in_keys;
            chunk.add_span(0, 70, 133, {{{.rows = 203}}});
            chunk.add_span(70, 1, 601, {{{.rows = 601}}});
            chunk.add_span(71, 2, 532, {{{.rows = 90, .spread = 500}, {.rows = 34}}});
            chunk.check();
        }
    }
}

TEST(PortableValuesInKeys, OfEveryType) {
    for (const KvType type : {KvType::F32, KvType::F16, KvType::BF16, KvType::Q8_0, KvType::Q4_0}) {
        SCOPED_TRACE(static_cast<int>(type));
        Chunk chunk(spec_of(5, 1, 96, 64), type, 75);
        chunk.unit.shape.values_in_keys = true;
        chunk.add_span(0, 70, 133, {{{.rows = 203}}});
        chunk.add_span(70, 1, 601, {{{.rows = 601}}});
        chunk.add_span(71, 4, 532, {{{.rows = 90, .spread = 500}, {.rows = 36}}});
        chunk.check();
    }
}

class PortableTypes : public testing::TestWithParam<KvType> {};
INSTANTIATE_TEST_SUITE_P(Types, PortableTypes, testing::Values(KvType::F32, KvType::F16, KvType::BF16),
                         test::type_name);

TEST_P(PortableTypes, SoftCap) {
    AttentionSpec spec = spec_of(3, 2, 64, 64);
    spec.soft_cap = 1.5F;
    for (const std::uint32_t queries : {1U, 70U}) {
        SCOPED_TRACE(queries);
        Chunk chunk(spec, GetParam(), queries);
        chunk.add_span(0, queries, 90, {{{.rows = 90 + queries}}});
        chunk.check();
    }
}

TEST_P(PortableTypes, SlopesAndSinks) {
    const std::vector<float> slopes{0.5F, 0.02F, 0.0F, 0.001F, 0.25F, 0.1F};
    const std::vector<float> sinks{1.5F, -3.0F, 0.0F, 6.0F, 2.0F, -1.0F};
    for (const std::uint32_t queries : {1U, 70U}) {
        for (const bool both : {false, true}) {
            SCOPED_TRACE(testing::Message() << queries << (both ? " with slopes" : ""));
            AttentionSpec spec = spec_of(3, 2, 64, 64);
            spec.sinks = sinks;
            spec.alibi_slopes = both ? std::span<const float>(slopes) : std::span<const float>();
            Chunk chunk(spec, GetParam(), queries);
            chunk.add_span(0, queries, 90, {{{.rows = 90 + queries}}});
            chunk.check();
        }
    }
}

TEST_P(PortableTypes, SlidingWindowOverOneViewAndSeveral) {
    AttentionSpec spec = spec_of(3, 2, 64, 64);
    for (const std::uint32_t window : {1U, 19U, 75U, 1000U}) {
        SCOPED_TRACE(window);
        spec.sliding_window = window;
        Chunk chunk(spec, GetParam(), 150);
        chunk.add_span(0, 70, 133, {{{.rows = 203}}});
        chunk.add_span(70, 70, 160, {{{.rows = 50, .spread = 160}, {.rows = 30}, {.rows = 40}}});
        chunk.check();
    }
}

TEST_P(PortableTypes, KeysAndValuesOfOtherSizes) {
    Chunk chunk(spec_of(4, 1, 96, 64), GetParam(), 70);
    chunk.add_span(0, 70, 60, {{{.rows = 60}, {.rows = 70}}});
    chunk.check();
    Chunk one_view(spec_of(2, 2, 40, 56), GetParam(), 70);
    one_view.add_span(0, 70, 60, {{{.rows = 130}}});
    one_view.check();
}

TEST_P(PortableTypes, RowsThatSeeNothingAreZero) {
    Chunk chunk(spec_of(2, 2, 64, 64), GetParam(), 9);
    chunk.add_span(1, 3, 5, {{}, {{.rows = 8}}});
    chunk.add_span(5, 2, 0, {{{.rows = 1, .spread = 1}}});
    const std::vector<float> out = chunk.run(*make_portable_port(0, 1));
    const std::size_t row = std::size_t{4} * 64;
    for (const std::size_t padding : {0U, 4U, 7U, 8U}) {
        for (std::size_t i = 0; i < row; ++i) {
            ASSERT_EQ(out[padding * row + i], 0.0F) << padding;
        }
    }
    for (std::size_t i = 0; i < row / 2; ++i) {
        ASSERT_EQ(out[2 * row + i], 0.0F);  // the KV head without rows
        ASSERT_NE(out[2 * row + row / 2 + i], 0.0F);
    }
    chunk.check();
}

TEST_P(PortableTypes, SeesWhatTheSameGraphStores) {
    const AttentionSpec spec = spec_of(2, 2, 64, 48);
    Chunk chunk(spec, GetParam(), 70);
    chunk.add_span(0, 70, 50, {{{.rows = 120}}});
    chunk.keys = chunk.random.numbers(std::size_t{70} * 2 * 64);
    chunk.values = chunk.random.numbers(std::size_t{70} * 2 * 48);
    const kv::LayerShape & shape = chunk.unit.shape;
    test::OwnedRows both = test::random_rows(chunk.random, shape, 0, 2 * 120);
    std::byte * keys = both.keys.data();
    std::byte * values = both.values.data();
    for (std::uint32_t head = 0; head < 2; ++head) {
        kv::HeadRows & view = chunk.unit.queries[0].rows[head].front();
        view.keys = keys + head * 120 * shape.key_bytes();
        view.values = values + head * 120 * shape.value_bytes();
    }
    chunk.unit.stores.push_back({.row = 0,
                                 .count = 70,
                                 .keys = keys + 50 * shape.key_bytes(),
                                 .values = values + 50 * shape.value_bytes(),
                                 .key_head_stride = 120 * shape.key_bytes(),
                                 .value_head_stride = 120 * shape.value_bytes()});
    const std::vector<float> out = chunk.run(*make_portable_port(0, 1));
    // Only now do the rows hold what the oracle must see.
    EXPECT_LT(test::nmse(out, chunk.expected()), kTolerance);
}

TEST_P(PortableTypes, ColumnSumsOfSeveralSpans) {
    const std::vector<float> slopes{0.5F, 0.02F, 0.0F, 0.001F, 0.25F, 0.1F};
    const std::vector<float> sinks{1.5F, -3.0F, 0.0F, 6.0F, 2.0F, -1.0F};
    AttentionSpec spec = spec_of(3, 2, 64, 48);
    for (const int variant : {0, 1, 2, 3}) {
        SCOPED_TRACE(variant);
        spec.sliding_window = variant == 1 ? 19 : 0;
        spec.soft_cap = variant == 1 ? 1.5F : 0;
        spec.alibi_slopes = variant == 2 ? std::span<const float>(slopes) : std::span<const float>();
        spec.sinks = variant == 3 ? std::span<const float>(sinks) : std::span<const float>();
        Chunk chunk(spec, GetParam(), 120);
        chunk.add_span(0, 70, 133, {{{.rows = 203}}});
        chunk.add_span(75, 44, 101, {{{.rows = 101}, {.rows = 44}}});
        chunk.check_column_sums();
    }
}

TEST(PortablePort, BuildsAnewForEveryFilling) {
    const auto port = make_portable_port(3, 2);
    EXPECT_FALSE(port->reusable());
    EXPECT_TRUE(make_cpu_port(0, 1)->reusable());
    const auto first = make_portable_port(0, 1);
    for (const std::uint32_t queries : {70U, 1U, 25U}) {
        Chunk chunk(spec_of(3, 2, 64, 64), KvType::F16, queries, queries);
        chunk.add_span(0, queries, 40, {{{.rows = 40}, {.rows = queries}}});
        EXPECT_LT(test::nmse(chunk.run(*first), chunk.expected()), kTolerance);
        EXPECT_GT(first->scratch_bytes(), 0U);
    }
}

TEST(PortablePlan, CutsNodesToTwentyGigaflop) {
    for (const std::uint32_t cache_rows : {1U, 1000U, 32'000U, 380'000U, 2'000'000U, 4'000'000'000U}) {
        for (const std::uint32_t queries : {1U, 63U, 64U, 512U, 4096U}) {
            for (const std::uint32_t group : {1U, 3U, 16U}) {
                const AttentionSpec spec = spec_of(group, 1, 128, 128);
                const portable::Cut cut = portable::cut_span(spec, {}, queries, cache_rows);
                ASSERT_GE(cut.rows, 1U);
                ASSERT_LE(cut.rows, queries);
                ASSERT_GE(cut.heads, 1U);
                ASSERT_LE(cut.heads, group);
                const double flops = 2.0 * 256 * cache_rows * cut.rows * cut.heads;
                EXPECT_TRUE(flops <= 20e9 || (cut.rows == 1 && cut.heads == 1)) << cache_rows;
                if (cache_rows <= 380'000) {
                    EXPECT_GE(cut.rows, std::min(queries, portable::kTileQueries)) << cache_rows;
                }
            }
        }
    }
}

TEST(PortablePlan, BlocksCoverASpanAndSeeNoMoreThanTheyMay) {
    AttentionSpec spec = spec_of(1, 1, 128, 128);
    spec.sliding_window = 1'000'000;
    const QuerySpan span{.row = 5, .count = 300, .first = Position{3'000'000}, .rows = {{{.rows = 3'000'300}}}};
    const portable::SpanPlan plan = portable::plan_span(spec, {}, span);
    ASSERT_GT(plan.blocks.size(), 1U);
    std::uint32_t next = 0;
    for (const auto & heads : plan.blocks) {
        const portable::HeadBlock & block = heads.at(0);
        EXPECT_EQ(block.queries.row, 5 + next);
        EXPECT_EQ(index_of(block.queries.first), 3'000'000 + next);
        ASSERT_EQ(block.pieces.size(), 1U);
        EXPECT_EQ(block.pieces[0].begin, 2'000'001 + next);
        next += block.queries.count;
        EXPECT_EQ(block.pieces[0].end, 3'000'000 + next);
        EXPECT_EQ(block.rows, block.pieces[0].rows());
    }
    EXPECT_EQ(next, 300U);
}

TEST_P(PortableTypes, TokensOfATreeSeeTheirPaths) {
    const TokenTree tree(std::array{-1, 0, 0, 2, -1, 1, 2, 6});
    const std::array<float, 4> slopes{0.5F, 0.25F, 0.125F, 0.0625F};
    for (const std::uint32_t window : {0U, 3U, 50U}) {
        for (const bool slope : {false, true}) {
            SCOPED_TRACE(testing::Message() << window << ", " << slope);
            AttentionSpec spec = spec_of(2, 2, 64, 64);
            spec.sliding_window = window;
            spec.alibi_slopes = slope ? slopes : std::span<const float>();
            Chunk chunk(spec, GetParam(), 12);
            chunk.add_span(8, 1, 70, {{{.rows = 71}}});
            chunk.add_tree(0, tree, 530, {{{.rows = 37, .spread = 500}, {.rows = 30}}, {{}, {.rows = 530}}});
            chunk.check();
        }
    }
}

TEST_P(PortableTypes, ComputesATreeInManyNodes) {
    const TokenTree tree(std::array{-1, -1, 0, 1, 3, 2});
    Chunk chunk(spec_of(4, 2, 64, 64), GetParam(), 6);
    chunk.add_tree(0, tree, 200, {{{.rows = 200}}});
    chunk.check(chunk.run(*make_portable_port(0, 1, portable::Limits{.flops = 206 * 256 * 2 * 2})));
}

TEST_P(PortableTypes, ComputesTheSameInManyNodes) {
    // One query of one head takes 256 operations a row.
    for (const portable::Limits & limits :
         {portable::Limits{.flops = 200 * 256 * 70 * 3}, portable::Limits{.flops = 200 * 256 * 10 * 4},
          portable::Limits{.mask_bytes = 200 * 2 * 33}}) {
        Chunk chunk(spec_of(4, 2, 64, 64), GetParam(), 90);
        chunk.add_span(0, 80, 120, {{{.rows = 200}}, {{.rows = 25, .spread = 100}, {.rows = 100}}});
        chunk.add_span(83, 5, 150, {{{.rows = 155}}, {{.rows = 30, .spread = 150}, {.rows = 5}}});
        chunk.check(chunk.run(*make_portable_port(0, 1, limits)));
    }
    Chunk single(spec_of(4, 2, 64, 64), GetParam(), 5);
    single.add_span(1, 3, 20, {{{.rows = 23}}, {{.rows = 5, .spread = 20}, {.rows = 3}}});
    single.check(single.run(*make_portable_port(0, 1, {.flops = 1})));  // each query of each head by itself
}

}  // namespace
}  // namespace snapkv::attention
