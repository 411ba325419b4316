#include "attention/key_difference.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "attention/oracle.h"
#include "kv/layer_rows.h"

namespace snapkv::attention {
namespace {

/// Straight from the definition: 1 less the cosine between a key and the mean of all keys at length 1.
std::vector<double> naive(const kv::LayerShape & shape, const std::vector<kv::HeadRows> & views, std::uint32_t n) {
    std::vector<std::vector<double>> keys(n);
    for (const test::DecodedRows & rows : test::decoded(shape, views)) {
        for (std::uint32_t at = 0; at < rows.view.rows; ++at) {
            const double * key = rows.keys.data() + std::size_t{at} * shape.key_size;
            keys[index_of(rows.view.position(at))].assign(key, key + shape.key_size);
        }
    }
    const auto product = [](const std::vector<double> & one, const std::vector<double> & other) {
        double sum = 0;
        for (std::size_t i = 0; i < one.size(); ++i) {
            sum += one[i] * other[i];
        }
        return sum;
    };
    std::vector<double> anchor(shape.key_size);
    for (const std::vector<double> & key : keys) {
        for (std::size_t i = 0; i < key.size(); ++i) {
            anchor[i] += key[i] / std::sqrt(product(key, key)) / n;
        }
    }
    std::vector<double> differences;
    for (const std::vector<double> & key : keys) {
        differences.push_back(1 - product(key, anchor) / std::sqrt(product(key, key) * product(anchor, anchor)));
    }
    return differences;
}

class KeyDifferences : public testing::TestWithParam<KvType> {};
INSTANTIATE_TEST_SUITE_P(Types, KeyDifferences, testing::Values(KvType::F32, KvType::F16, KvType::BF16),
                         test::type_name);

TEST_P(KeyDifferences, EqualTheDefinition) {
    for (const std::uint32_t size : {1U, 13U, 64U, 80U}) {
        for (const auto & [n, trunk] : {std::pair{1U, 0U}, {37U, 0U}, {300U, 131U}, {1000U, 768U}}) {
            SCOPED_TRACE(testing::Message() << "size " << size << ", n " << n);
            test::Random random(size + n);
            const kv::LayerShape shape{.kv_heads = 1, .key_size = size, .value_size = size, .type = GetParam()};
            std::vector<test::OwnedRows> owned;
            if (trunk > 0) {
                owned.push_back(test::random_rows(random, shape, 0, trunk));
            }
            owned.push_back(test::random_rows(random, shape, trunk, n - trunk));
            std::vector<kv::HeadRows> views;
            for (const test::OwnedRows & rows : owned) {
                views.push_back(rows.view());
            }
            const std::vector<double> expected = naive(shape, views, n);
            Halt halt;
            std::vector<float> all(n);
            key_differences(shape, views, 0, all, halt);
            for (std::uint32_t at = 0; at < n; ++at) {
                ASSERT_NEAR(all[at], expected[at], 1e-6) << at;
            }
            std::vector<float> some(n / 2);
            key_differences(shape, views, n / 4, some, halt);
            for (std::uint32_t at = 0; at < n / 2; ++at) {
                EXPECT_EQ(some[at], all[n / 4 + at]) << "of all keys, whichever are asked for";
            }
        }
    }
}

TEST(KeyDifference, OfKeysWithoutADirectionIsOne) {
    const kv::LayerShape shape{.kv_heads = 1, .key_size = 4, .value_size = 4, .type = KvType::F32};
    const std::vector<float> keys{0, 0, 0, 0, 1, 0, 0, 0};
    const std::vector<kv::HeadRows> views{{.keys = reinterpret_cast<const std::byte *>(keys.data()), .rows = 2}};
    Halt halt;
    std::vector<float> votes(2);
    key_differences(shape, views, 0, votes, halt);
    EXPECT_EQ(votes, (std::vector<float>{1, 0}));
    key_differences(shape, std::span(views).first(0), 0, votes, halt);
    EXPECT_EQ(votes, (std::vector<float>{1, 0})) << "no view has them";
}

}  // namespace
}  // namespace snapkv::attention
