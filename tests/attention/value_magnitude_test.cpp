#include "attention/value_magnitude.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "attention/oracle.h"
#include "base/halt.h"
#include "kv/layer_rows.h"

namespace snapkv::attention {
namespace {

class ValueMagnitudes : public testing::TestWithParam<KvType> {};
INSTANTIATE_TEST_SUITE_P(Types, ValueMagnitudes,
                         testing::Values(KvType::F32, KvType::F16, KvType::BF16, KvType::Q8_0, KvType::Q4_0),
                         test::type_name);

TEST_P(ValueMagnitudes, AreTheLargestSumOfMagnitudesInTheRange) {
    for (const std::uint32_t size : {32U, 96U}) {
        test::Random random(size);
        const kv::LayerShape shape{.kv_heads = 1, .key_size = 64, .value_size = size, .type = GetParam()};
        std::vector<test::OwnedRows> owned;
        owned.push_back(test::random_rows(random, shape, 0, 131));
        owned.push_back(test::random_rows(random, shape, 131, 69));
        std::vector<kv::HeadRows> views;
        for (const test::OwnedRows & rows : owned) {
            views.push_back(rows.view());
        }
        for (const auto & [first, count] : {std::pair{0U, 200U}, {0U, 90U}, {100U, 60U}, {199U, 1U}, {200U, 9U}}) {
            double expected = 0;
            for (const test::DecodedRows & rows : test::decoded(shape, views)) {
                for (std::uint32_t at = 0; at < rows.view.rows; ++at) {
                    const std::uint32_t position = index_of(rows.view.position(at));
                    double sum = 0;
                    for (std::uint32_t i = 0; i < size; ++i) {
                        sum += std::abs(rows.values[std::size_t{at} * size + i]);
                    }
                    expected = position >= first && position < first + count ? std::max(expected, sum) : expected;
                }
            }
            Halt halt;
            EXPECT_NEAR(largest_value(shape, views, first, count, halt), expected, 1e-4 * expected) << first;
        }
    }
}

}  // namespace
}  // namespace snapkv::attention
