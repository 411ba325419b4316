#include "attention/cpu/column_sums.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

#include "attention/attend_check.h"
#include "kv/anchor.h"

namespace snapkv::attention {
namespace {

/// What spans ask for beside attention, and where it goes.
struct Sums {
    std::vector<std::vector<RowSum>> rows;    ///< [span]
    std::vector<std::vector<float>> columns;  ///< [span]

    /// For each span of the unit; columns reach up to its last query's position.
    explicit Sums(LayerUnit & unit) : rows(unit.queries.size()), columns(unit.queries.size()) {
        for (std::size_t index = 0; index < unit.queries.size(); ++index) {
            QuerySpan & span = unit.queries[index];
            rows[index].resize(std::size_t{span.count} * unit.spec.heads);
            span.column_stride = index_of(span.first) + span.count;
            columns[index].resize(unit.spec.heads * span.column_stride);
            span.row_sums = rows[index].data();
            span.column_sums = columns[index].data();
        }
    }
};

/// Attention and then the column sums, on the project's kernels.
void add_sums(const LayerUnit & unit, std::uint32_t chunk_rows, const std::vector<float> & q, std::uint32_t threads) {
    static_cast<void>(run(unit, chunk_rows, q, threads));
    cpu::ColumnSums sums;
    sums.prepare(unit);
    struct alignas(64) Line {
        float floats[16];
    };
    std::vector<std::vector<Line>> scratch(threads, std::vector<Line>(sums.thread_floats() / 16 + 1));
    on_threads(threads, [&](std::uint32_t thread) { sums.add(q.data(), scratch[thread].front().floats); });
}

Sums summed(LayerUnit unit, std::uint32_t chunk_rows, const std::vector<float> & q, std::uint32_t threads) {
    Sums sums(unit);
    add_sums(unit, chunk_rows, q, threads);
    return sums;
}

/// By definition: the logarithm to base 2 of each row's sum of powers, and the columns.
struct Expected {
    std::vector<double> rows;
    std::vector<double> columns;
};

Expected expected_of(const LayerUnit & unit, const QuerySpan & span, const std::vector<float> & q) {
    const AttentionSpec & spec = unit.spec;
    const std::size_t stride = index_of(span.first) + span.count;
    Expected expected{std::vector<double>(std::size_t{span.count} * spec.heads),
                      std::vector<double>(spec.heads * stride)};
    for (std::uint32_t head = 0; head < spec.heads; ++head) {
        const auto views = test::decoded(unit.shape, span.rows[head / spec.group()]);
        for (std::uint32_t i = 0; i < span.count; ++i) {
            const std::uint32_t position = index_of(span.first) + i;
            const float * query = q.data() + (std::size_t{span.row + i} * spec.heads + head) * spec.key_size;
            std::vector<std::pair<std::size_t, double>> seen;
            double sum = spec.sinks.empty() ? 0 : std::exp(double{spec.sinks[head]});
            for (const test::DecodedRows & rows : views) {
                for (std::uint32_t row = 0; row < rows.view.rows; ++row) {
                    const std::uint32_t of = index_of(rows.view.position(row));
                    if (test::is_seen(spec, position, Position{of})) {
                        const double * key = rows.keys.data() + std::size_t{row} * spec.key_size;
                        const double slope = double{spec.slope(head)} * (position - of);
                        seen.emplace_back(of, std::exp(test::logit_of(spec, query, key) - slope));
                        sum += seen.back().second;
                    }
                }
            }
            expected.rows[std::size_t{i} * spec.heads + head] = std::log2(sum);
            for (const auto & [of, power] : seen) {
                expected.columns[head * stride + of] += power / sum;
            }
        }
    }
    return expected;
}

/// With every instruction set: row and column sums against their definition, then the bits for several numbers of
/// threads.
void check_sums(const LayerUnit & unit, std::uint32_t chunk_rows, std::uint32_t seed) {
    Random random(seed);
    const std::vector<float> q = random.numbers(std::size_t{chunk_rows} * unit.spec.heads * unit.spec.key_size);
    for (const cpu::InstructionSet & set : cpu::instruction_sets()) {
        SCOPED_TRACE(set.name);
        const cpu::OnlySet only(set);
        const Tolerance tolerance = tolerance_of(unit, set);
        const Sums found = summed(unit, chunk_rows, q, 1);
        for (std::size_t index = 0; index < unit.queries.size(); ++index) {
            const Expected expected = expected_of(unit, unit.queries[index], q);
            for (std::size_t i = 0; i < expected.rows.size(); ++i) {
                const RowSum & row = found.rows[index][i];
                ASSERT_NEAR(row.reference + std::log2(row.sum), expected.rows[i], tolerance.element) << i;
            }
            EXPECT_LT(test::nmse(found.columns[index], expected.columns), tolerance.nmse);
            for (std::size_t i = 0; i < expected.columns.size(); ++i) {
                ASSERT_NEAR(found.columns[index][i], expected.columns[i],
                            tolerance.element * std::max(1.0, expected.columns[i]))
                    << i;
            }
        }
        for (const std::uint32_t threads : {2U, 5U}) {
            const Sums again = summed(unit, chunk_rows, q, threads);
            for (std::size_t index = 0; index < unit.queries.size(); ++index) {
                EXPECT_TRUE(same_bits(again.columns[index], found.columns[index])) << threads << " threads";
            }
        }
    }
}

LayerUnit prefill_unit(const AttentionSpec & spec, KvTypes type) {
    LayerUnit unit = unit_of(spec, type);
    unit.prefill = true;
    return unit;
}

class ColumnSumsTypes : public testing::TestWithParam<KvType> {};
INSTANTIATE_TEST_SUITE_P(Types, ColumnSumsTypes, testing::Values(KvType::F32, KvType::F16, KvType::BF16),
                         test::type_name);

TEST_P(ColumnSumsTypes, OfOddSizes) {
    struct Case {
        std::uint32_t group;
        std::uint32_t size;
        std::uint32_t before;
        std::uint32_t count;
    };
    for (const auto & [group, size, before, count] :
         {Case{1, 64, 0, 1}, {1, 40, 0, 7}, {3, 64, 255, 50}, {5, 33, 191, 17}, {8, 128, 100, 6}, {7, 80, 600, 23}}) {
        SCOPED_TRACE(testing::Message() << group << " x " << count << " after " << before);
        LayerUnit unit = prefill_unit(spec_of(2, group, size, 24), GetParam());
        Random random(size);
        const Sequence rows = Sequence(unit).dense(random, unit.shape, 0, before + count);
        unit.queries.push_back(rows.span(0, count, before));
        check_sums(unit, count, size);
    }
}

TEST_P(ColumnSumsTypes, OfSeveralSpansAndViewsWithPadding) {
    LayerUnit unit = prefill_unit(spec_of(3, 2, 48, 32), GetParam());
    Random random(3);
    const Sequence one = Sequence(unit).dense(random, unit.shape, 0, 70);
    const Sequence other = Sequence(unit).dense(random, unit.shape, 0, 300).dense(random, unit.shape, 300, 41);
    unit.queries.push_back(one.span(1, 31, 39));
    unit.queries.push_back(other.span(33, 40, 301));
    check_sums(unit, 80, 4);
}

TEST_P(ColumnSumsTypes, WithSoftCapSlopesSinksAndWindows) {
    const std::vector<float> sinks{1.5F, -3.0F, 0.0F, 4.0F};
    const std::vector<float> slopes{0.5F, 0.02F, 0.0F, 0.001F};
    for (const std::uint32_t window : {0U, 1U, 19U, 200U}) {
        for (const bool sloped : {false, true}) {
            SCOPED_TRACE(testing::Message() << "window " << window << (sloped ? " with slopes" : " with a cap"));
            AttentionSpec spec = spec_of(2, 2, 64, 64);
            spec.sliding_window = window;
            spec.sinks = sinks;
            spec.soft_cap = sloped ? 0 : 2.5F;
            spec.alibi_slopes = sloped ? std::span<const float>(slopes) : std::span<const float>();
            LayerUnit unit = prefill_unit(spec, GetParam());
            Random random(window);
            const Sequence rows = Sequence(unit).dense(random, unit.shape, 0, 333);
            unit.queries.push_back(rows.span(0, 75, 258));
            check_sums(unit, 75, 6);
        }
    }
}

TEST(ColumnSums, OfQuantisedRowsAndValuesInKeys) {
    for (const KvType type : {KvType::Q8_0, KvType::Q4_0}) {
        for (const bool values_in_keys : {false, true}) {
            LayerUnit unit = prefill_unit(spec_of(1, 5, 96, 64), type);
            unit.shape.values_in_keys = values_in_keys;
            Random random(7);
            const Sequence rows = Sequence(unit).dense(random, unit.shape, 0, 290);
            unit.queries.push_back(rows.span(0, 33, 257));
            check_sums(unit, 33, 8);
        }
    }
}

TEST(ColumnSums, OfScatteredRowsAndOfNone) {
    LayerUnit unit = prefill_unit(spec_of(3, 2, 64, 64), KvType::F16);
    Random random(9);
    const Sequence rows = Sequence(unit).ragged(random, unit.shape, 200).dense(random, unit.shape, 900, 60);
    unit.queries.push_back(rows.span(0, 60, 900));
    check_sums(unit, 60, 10);
    // Queries that see nothing give nothing.
    LayerUnit blind = prefill_unit(spec_of(3, 2, 64, 64), KvType::F16);
    blind.queries.push_back(Sequence(blind).ragged(random, blind.shape, 0).span(0, 5, 20));
    const Sums found = summed(blind, 5, random.numbers(std::size_t{5} * 6 * 64), 1);
    EXPECT_EQ(found.columns[0], std::vector<float>(found.columns[0].size()));
    EXPECT_EQ(found.rows[0].front().sum, 0);
}

// Whatever chunks a prompt is cut into, and whatever parts its rows lie in from one multiple of kAnchorRows to the
// next.
TEST_P(ColumnSumsTypes, HaveTheSameBitsHoweverAPromptIsCut) {
    constexpr std::uint32_t kTokens = 901;
    const LayerUnit empty = prefill_unit(spec_of(2, 3, 64, 64), GetParam());
    const AttentionSpec & spec = empty.spec;
    Random random(11);
    const std::vector<float> q = random.numbers(std::size_t{kTokens} * spec.heads * spec.key_size);
    const Sequence whole = Sequence(empty).dense(random, empty.shape, 0, kTokens);
    const auto cut = [&](const std::vector<std::uint32_t> & chunks, bool parts) {
        std::vector<float> columns(std::size_t{spec.heads} * kTokens);
        for (std::uint32_t first = 0, index = 0; first < kTokens; ++index) {
            const std::uint32_t count = std::min(chunks[index % chunks.size()], kTokens - first);
            LayerUnit unit = empty;
            QuerySpan & span = unit.queries.emplace_back(whole.span(0, count, first));
            for (std::vector<kv::HeadRows> & views : span.rows) {
                kv::HeadRows view = views.front();
                view.rows = first + count;
                views = {view};
                if (parts && view.rows > kv::kAnchorRows) {
                    kv::HeadRows second{.keys = view.keys + kv::kAnchorRows * unit.shape.key_bytes(),
                                        .values = view.values + kv::kAnchorRows * unit.shape.value_bytes(),
                                        .rows = view.rows - kv::kAnchorRows,
                                        .first = Position{kv::kAnchorRows}};
                    views.front().rows = kv::kAnchorRows;
                    views.push_back(second);
                }
            }
            std::vector<RowSum> rows(std::size_t{count} * spec.heads);
            span.row_sums = rows.data();
            span.column_sums = columns.data();
            span.column_stride = kTokens;
            const auto * begin = q.data() + std::size_t{first} * spec.heads * spec.key_size;
            add_sums(unit, count, {begin, begin + std::size_t{count} * spec.heads * spec.key_size}, 1 + index % 3);
            first += count;
        }
        return columns;
    };
    for (const cpu::InstructionSet & set : cpu::instruction_sets()) {
        SCOPED_TRACE(set.name);
        const cpu::OnlySet only(set);
        const std::vector<float> expected = cut({kTokens}, false);
        EXPECT_TRUE(same_bits(cut({64}, false), expected));
        EXPECT_TRUE(same_bits(cut({512}, true), expected));
        EXPECT_TRUE(same_bits(cut({1, 100, 37, 255}, true), expected));
    }
}

}  // namespace
}  // namespace snapkv::attention
