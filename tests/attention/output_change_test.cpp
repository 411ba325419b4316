#include "attention/output_change.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "attention/oracle.h"
#include "attention/vote_oracle.h"
#include "kv/layer_rows.h"

namespace snapkv::attention {
namespace {

/// The mean over the voters that see a row of how far their output moves without it, by leaving each row out.
std::vector<double> naive(const VoteInput & input, std::uint32_t head) {
    const std::vector<test::DecodedRows> views = test::decoded(input.shape, input.rows[head / input.spec.group()]);
    std::vector<std::vector<double>> values(input.n);
    for (const test::DecodedRows & rows : views) {
        for (std::uint32_t row = 0; row < rows.view.rows; ++row) {
            const double * value = rows.values.data() + std::size_t{row} * input.shape.value_size;
            values[index_of(rows.view.position(row))].assign(value, value + input.shape.value_size);
        }
    }
    VoteInput all = input;
    all.first = 0;
    all.prefix = input.n;
    const std::vector<test::Given> given = test::given_by(all, head);
    std::vector<double> changes(input.n);
    std::vector<double> voters(input.n);
    for (std::uint32_t voter = 0; voter < input.window; ++voter) {
        const std::uint32_t at = input.n - input.window + voter;
        std::vector<double> weights;  // of rows up to the voter's own; those before the window are seen by all
        for (std::uint32_t row = 0; row <= at; ++row) {
            const std::size_t missing = input.window - given[row].weights.size();
            weights.push_back(given[row].weights[voter - missing]);
        }
        std::vector<double> output(input.shape.value_size);
        for (std::uint32_t row = 0; row <= at; ++row) {
            for (std::size_t i = 0; i < values[row].size(); ++i) {
                output[i] += weights[row] * values[row][i];
            }
        }
        for (std::uint32_t row = 0; row <= at; ++row) {
            double squares = 0;
            for (std::size_t i = 0; i < values[row].size(); ++i) {
                const double without = (output[i] - weights[row] * values[row][i]) / (1 - weights[row]);
                squares += (without - output[i]) * (without - output[i]);
            }
            changes[row] += squares;
            ++voters[row];
        }
    }
    for (std::uint32_t row = 0; row < input.n; ++row) {
        changes[row] = voters[row] > 0 ? changes[row] / voters[row] : 0;
    }
    return {changes.begin() + input.first, changes.begin() + input.first + input.prefix};
}

class OutputChanges : public testing::TestWithParam<KvType> {};
INSTANTIATE_TEST_SUITE_P(Types, OutputChanges,
                         testing::Values(KvType::F32, KvType::F16, KvType::BF16, KvType::Q8_0, KvType::Q4_0),
                         test::type_name);

void expect_naive(const AttentionSpec & spec, KvType type, bool rotated, std::uint32_t n, std::uint32_t window) {
    test::Random random(n + window);
    VoteInput input{.spec = spec,
                    .shape = {.kv_heads = spec.kv_heads,
                              .key_size = spec.key_size,
                              .value_size = spec.value_size,
                              .type = type,
                              .rotated = rotated},
                    .window = window,
                    .n = n,
                    .first = n / 5,
                    .prefix = n - n / 5 - window / 2,
                    .evidence = Evidence::Output,
                    .rows = {}};
    std::vector<test::OwnedRows> owned;
    for (std::uint32_t head = 0; head < spec.kv_heads; ++head) {  // two views, cut at another place for each head
        const std::uint32_t cut = n / (3 + head);
        owned.push_back(test::random_rows(random, input.shape, 0, cut));
        owned.push_back(test::random_rows(random, input.shape, cut, n - cut));
    }
    for (std::uint32_t head = 0; head < spec.kv_heads; ++head) {
        input.rows.push_back({owned[std::size_t{2} * head].view(), owned[std::size_t{2} * head + 1].view()});
    }
    const std::vector<float> queries = random.numbers(std::size_t{window} * spec.heads * spec.key_size);
    input.queries = queries.data();
    std::vector<float> scratch(output_change_floats(n));
    for (std::uint32_t kv_head = 0; kv_head < spec.kv_heads; ++kv_head) {
        std::vector<float> votes(std::size_t{spec.group()} * input.prefix, std::nanf(""));
        output_changes(input, kv_head, scratch, votes);
        for (std::uint32_t member = 0; member < spec.group(); ++member) {
            const std::vector<double> expected = naive(input, kv_head * spec.group() + member);
            for (std::uint32_t row = 0; row < input.prefix; ++row) {
                const double found = votes[std::size_t{member} * input.prefix + row];
                ASSERT_NEAR(found, expected[row], std::max(1e-9, 1e-3 * expected[row])) << "row " << row;
            }
        }
    }
}

AttentionSpec changes_spec(std::uint32_t kv_heads, std::uint32_t group, std::uint32_t key_size,
                           std::uint32_t value_size) {
    AttentionSpec spec{.heads = kv_heads * group, .kv_heads = kv_heads, .key_size = key_size, .value_size = value_size};
    spec.scale = 5.0F / std::sqrt(static_cast<float>(key_size));
    return spec;
}

TEST_P(OutputChanges, AreWhatLeavingEachRowOutDoes) {
    for (const auto & [n, window] : {std::pair{37U, 5U}, {70U, 32U}, {301U, 16U}}) {
        for (const std::uint32_t group : {1U, 3U, 7U}) {
            SCOPED_TRACE(testing::Message() << "n " << n << ", window " << window << ", group " << group);
            expect_naive(changes_spec(2, group, 32, 64), GetParam(), is_quantised(GetParam()), n, window);
        }
    }
}

TEST(OutputChange, TakesWhatAttentionDoesToLogits) {
    AttentionSpec spec = changes_spec(2, 2, 13, 7);
    expect_naive(spec, KvType::F32, false, 90, 20);
    spec.soft_cap = 3;
    expect_naive(spec, KvType::F32, false, 90, 20);
    spec.soft_cap = 0;
    constexpr std::array kSinks{1.0F, -2.0F, 0.5F, 3.0F};
    spec.sinks = kSinks;
    expect_naive(spec, KvType::F32, false, 90, 20);
}

}  // namespace
}  // namespace snapkv::attention
