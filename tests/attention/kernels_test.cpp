#include "attention/cpu/row_kernel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "attention/cpu/targets.h"
#include "hwy/targets.h"

#include "attention/oracle.h"

namespace snapkv::attention::cpu {
namespace {

using test::OwnedRows;
using test::Random;
using test::Softmax;

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

std::vector<std::int64_t> targets() {
    return hwy::SupportedAndGeneratedTargets();
}

/// Lets the kernels use one instruction set alone while it lives.
class Forced {
public:
    explicit Forced(std::int64_t target) { hwy::SetSupportedTargetsForTest(target); }
    ~Forced() { hwy::SetSupportedTargetsForTest(0); }
    Forced(const Forced &) = delete;
    Forced & operator=(const Forced &) = delete;
};

/// Floats that begin on a cache line and end where they should.
class Scratch {
public:
    explicit Scratch(std::size_t floats) : lines_(padded(floats) / 16) {}
    float * data() { return lines_.front().floats.data(); }

private:
    struct alignas(64) Line {
        std::array<float, 16> floats;
    };
    std::vector<Line> lines_;
};

/// Query rows, the tiles they meet one after the other, and what the oracle says of all of them together.
class Meeting {
public:
    Meeting(const AttentionSpec & spec, KvTypes type, std::uint32_t query_rows,
            const std::vector<std::uint32_t> & tile_rows, std::uint32_t seed)
        : spec_(spec),
          shape_{
              .kv_heads = 1, .key_size = spec.key_size, .value_size = spec.value_size, .type = type, .rotated = false},
          query_rows_(query_rows) {
        Random random(seed);
        const std::vector<float> unscaled = random.numbers(std::size_t{query_rows} * spec.key_size);
        queries_.resize(query_rows * padded(spec.key_size));
        for (std::uint32_t q = 0; q < query_rows; ++q) {
            for (std::uint32_t k = 0; k < spec.key_size; ++k) {
                queries_[q * padded(spec.key_size) + k] = unscaled[q * spec.key_size + k] * spec.scale;
            }
        }
        for (const std::uint32_t rows : tile_rows) {
            tiles_.push_back(random_rows(random, shape_, 0, rows));
            for (std::uint32_t q = 0; q < query_rows; ++q) {
                // Most see everything; others a stretch, which may be empty; one in eight nothing in this tile.
                const std::uint32_t kind = random.below(8);
                const std::uint32_t begin = kind < 5 ? 0 : random.below(rows + 1);
                begin_.push_back(begin);
                end_.push_back(kind < 5 ? rows : kind == 7 ? begin : begin + random.below(rows - begin + 1));
            }
        }
        std::vector<kv::HeadRows> views;
        for (const OwnedRows & tile : tiles_) {
            views.push_back(tile.view());
        }
        const std::vector<test::DecodedRows> decoded = test::decoded(shape_, views);
        for (std::uint32_t q = 0; q < query_rows; ++q) {
            expected_.push_back(test::softmax_over(
                spec, unscaled.data() + q * spec.key_size, decoded,
                [&](const test::DecodedRows & rows, std::uint32_t row) {
                    const std::size_t index = static_cast<std::size_t>(&rows - decoded.data()) * query_rows + q;
                    return begin_[index] <= row && row < end_[index];
                }));
        }
    }

    [[nodiscard]] Tile tile(std::size_t index) const {
        return {.spec = &spec_,
                .type = shape_.type,
                .keys = tiles_[index].keys.data(),
                .values = tiles_[index].values.data(),
                .value_stride = shape_.value_stride(),
                .rows = tiles_[index].rows,
                .queries = queries_.data(),
                .query_rows = query_rows_,
                .begin = begin_.data() + index * query_rows_,
                .end = end_.data() + index * query_rows_};
    }

    /// Runs the kernel over all tiles and compares maximum, sum and values with the oracle.
    void check(void (*kernel)(const Tile &, const Partial &, float *)) const {
        const std::size_t stride = padded(spec_.value_size);
        std::vector<float> maximum(query_rows_, kMinusInfinity);
        std::vector<float> sum(query_rows_);
        std::vector<float> values(query_rows_ * stride);
        Scratch scratch(tile_floats(spec_));
        for (std::size_t index = 0; index < tiles_.size(); ++index) {
            std::fill_n(scratch.data(), tile_floats(spec_), std::nanf(""));
            kernel(tile(index), {maximum.data(), sum.data(), values.data(), stride}, scratch.data());
        }
        std::vector<float> found;
        std::vector<double> wanted;
        for (std::uint32_t q = 0; q < query_rows_; ++q) {
            const Softmax & expected = expected_[q];
            if (expected.sum == 0) {
                EXPECT_EQ(maximum[q], kMinusInfinity);
                EXPECT_EQ(sum[q], 0);
            } else {
                EXPECT_NEAR(maximum[q], expected.maximum, 2e-5 * std::max(1.0, std::abs(expected.maximum)));
                EXPECT_NEAR(sum[q], expected.sum, 1e-4 * expected.sum);
            }
            const float * row = values.data() + q * stride;
            found.insert(found.end(), row, row + spec_.value_size);
            wanted.insert(wanted.end(), expected.values.begin(), expected.values.end());
        }
        EXPECT_LT(test::nmse(found, wanted), 1e-10);
    }

private:
    AttentionSpec spec_;
    kv::LayerShape shape_;
    std::uint32_t query_rows_;
    std::vector<float> queries_;  ///< scaled, padded
    std::vector<OwnedRows> tiles_;
    std::vector<std::uint32_t> begin_;  ///< [tile][query row]
    std::vector<std::uint32_t> end_;
    std::vector<Softmax> expected_;
};

AttentionSpec spec_of(std::uint32_t key_size, std::uint32_t value_size) {
    AttentionSpec spec{.heads = 1, .kv_heads = 1, .key_size = key_size, .value_size = value_size};
    // Logits of a spread of about 3, so that weights differ and maxima change from tile to tile.
    spec.scale = 9.0F / std::sqrt(static_cast<float>(key_size));
    return spec;
}

/// Every instruction set.
void check_everywhere(const Meeting & meeting) {
    for (const std::int64_t target : targets()) {
        SCOPED_TRACE(hwy::TargetName(target));
        const Forced forced(target);
        meeting.check(attend_rows);
    }
}

class Kernels : public testing::TestWithParam<KvType> {};
INSTANTIATE_TEST_SUITE_P(Types, Kernels, testing::Values(KvType::F32, KvType::F16, KvType::BF16), test::type_name);

TEST_P(Kernels, EqualTheOracleForEverySizeOfHead) {
    std::uint32_t seed = 1;
    for (const std::uint32_t size : {1U, 5U, 16U, 31U, 64U, 80U, 96U, 112U, 128U, 192U, 256U, 512U}) {
        SCOPED_TRACE(size);
        check_everywhere(Meeting(spec_of(size, size), GetParam(), 1, {64, 1}, seed++));
        check_everywhere(Meeting(spec_of(size, size), GetParam(), 3, {7, 64, 33}, seed++));
        check_everywhere(Meeting(spec_of(size, size), GetParam(), 18, {64, 16}, seed++));
        check_everywhere(Meeting(spec_of(size, size), GetParam(), 64, {64, 64, 63}, seed++));
    }
}

TEST_P(Kernels, EqualTheOracleForValuesOfAnotherSize) {
    check_everywhere(Meeting(spec_of(576, 512), GetParam(), 5, {64, 20}, 100));
    check_everywhere(Meeting(spec_of(33, 7), GetParam(), 16, {64, 3}, 101));
    check_everywhere(Meeting(spec_of(7, 130), GetParam(), 17, {40, 64}, 102));
    check_everywhere(Meeting(spec_of(192, 128), GetParam(), 9, {64, 2}, 103));
}

/// Quantised rows, alone and with others.
TEST(QuantisedKernels, EqualTheOracle) {
    std::uint32_t seed = 110;
    for (const KvTypes types : {KvTypes(KvType::Q8_0), KvTypes(KvType::Q4_0), KvTypes(KvType::Q8_0, KvType::Q4_0),
                                KvTypes(KvType::F16, KvType::Q4_0), KvTypes(KvType::Q8_0, KvType::F32)}) {
        for (const std::uint32_t size : {32U, 64U, 96U, 128U, 192U, 256U, 512U}) {
            SCOPED_TRACE(size);
            check_everywhere(Meeting(spec_of(size, size), types, 1, {64, 1}, seed++));
            check_everywhere(Meeting(spec_of(size, size), types, 3, {7, 64, 33}, seed++));
            check_everywhere(Meeting(spec_of(size, size), types, 9, {64, 16}, seed++));
            check_everywhere(Meeting(spec_of(size, size), types, 63, {64, 63}, seed++));
        }
        check_everywhere(Meeting(spec_of(576, 512), types, 5, {64, 20}, seed++));
        check_everywhere(Meeting(spec_of(192, 128), types, 16, {64, 2}, seed++));
    }
}

TEST_P(Kernels, EqualTheOracleForEveryNumberOfRows) {
    for (std::uint32_t rows = 1; rows <= kTile; ++rows) {
        SCOPED_TRACE(rows);
        check_everywhere(Meeting(spec_of(6, 9), GetParam(), rows, {(rows * 37) % kTile + 1, 2}, 200 + rows));
        check_everywhere(Meeting(spec_of(20, 16), GetParam(), (rows * 23) % kQueryRows + 1, {rows}, 300 + rows));
    }
}

TEST_P(Kernels, CapLogits) {
    for (const float cap : {0.5F, 5.0F, 50.0F}) {
        AttentionSpec spec = spec_of(48, 40);
        spec.soft_cap = cap;
        spec.scale *= 4;
        check_everywhere(Meeting(spec, GetParam(), 19, {64, 31}, 400));
    }
}

TEST_P(Kernels, SurviveLogitsFarApart) {
    AttentionSpec spec = spec_of(16, 16);
    spec.scale = 100;
    check_everywhere(Meeting(spec, GetParam(), 8, {64, 64, 64}, 500));
}

}  // namespace
}  // namespace snapkv::attention::cpu
