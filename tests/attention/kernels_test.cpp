#include "attention/cpu/tile_kernel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

// Those that the kernels leave out as well.
#define HWY_DISABLED_TARGETS (HWY_AVX3_DL | HWY_SSSE3)
#include "hwy/targets.h"

#include "attention/cpu/row_kernel.h"
#include "attention/oracle.h"

namespace snapkv::attention::cpu {
namespace {

using test::OwnedRows;
using test::Random;
using test::Softmax;

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

std::vector<std::int64_t> instruction_sets() {
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
    Meeting(const AttentionSpec & spec, KvType type, std::uint32_t query_rows,
            const std::vector<std::uint32_t> & tile_rows, std::uint32_t seed)
        : spec_(spec),
          shape_{.kv_heads = 1, .key_size = spec.key_size, .value_size = spec.value_size, .type = type},
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
        for (std::uint32_t q = 0; q < query_rows; ++q) {
            expected_.push_back(expect(unscaled.data() + q * spec.key_size, q));
        }
    }

    [[nodiscard]] Tile tile(std::size_t index) const {
        return {.spec = &spec_,
                .type = shape_.type,
                .keys = tiles_[index].keys.data(),
                .values = tiles_[index].values.data(),
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
    [[nodiscard]] Softmax expect(const float * query, std::uint32_t q) const {
        std::vector<kv::HeadRows> views;
        for (const OwnedRows & tile : tiles_) {
            views.push_back(tile.view());
        }
        return test::softmax_over(spec_, shape_, query, views, [&](const kv::HeadRows & view, std::uint32_t row) {
            const std::size_t index = static_cast<std::size_t>(&view - views.data()) * query_rows_ + q;
            return begin_[index] <= row && row < end_[index];
        });
    }

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
    for (const std::int64_t target : instruction_sets()) {
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

TEST_P(Kernels, LogitsAreMinusInfinityOutsideWhatIsSeen) {
    const AttentionSpec spec = spec_of(31, 8);
    const Meeting meeting(spec, GetParam(), 7, {50}, 600);
    const Tile tile = meeting.tile(0);
    const std::size_t key_bytes = 31U * (GetParam() == KvType::F32 ? 4U : 2U);
    AttentionSpec unscaled = spec;
    unscaled.scale = 1;  // the tile's queries are scaled already
    for (const std::int64_t target : instruction_sets()) {
        SCOPED_TRACE(hwy::TargetName(target));
        const Forced forced(target);
        std::vector<float> logits(7 * std::size_t{kTile}, std::nanf(""));
        Scratch scratch(tile_floats(spec));
        tile_logits(tile, logits.data(), scratch.data());
        for (std::uint32_t q = 0; q < 7; ++q) {
            for (std::uint32_t row = 0; row < kTile; ++row) {
                const float found = logits[std::size_t{q} * kTile + row];
                if (row < tile.begin[q] || row >= tile.end[q]) {
                    EXPECT_EQ(found, kMinusInfinity);
                } else {
                    EXPECT_NEAR(found,
                                test::logit_of(unscaled, GetParam(), tile.queries + q * padded(31),
                                               tile.keys + row * key_bytes),
                                1e-4);
                }
            }
        }
    }
}

void check_widening(KvType type) {
    // Rows of one key element against the query 1: the logits are the elements themselves.
    const AttentionSpec spec{.heads = 1, .kv_heads = 1, .key_size = 1, .value_size = 1};
    std::vector<float> query(padded(1));
    query[0] = 1;
    const std::uint32_t begin = 0;
    Scratch scratch(tile_floats(spec));
    std::array<float, kTile> logits{};
    std::array<std::uint16_t, kTile> elements{};
    for (std::uint32_t base = 0; base < 0x10000U; base += kTile) {
        std::iota(elements.begin(), elements.end(), static_cast<std::uint16_t>(base));
        Tile tile;
        tile.spec = &spec;
        tile.type = type;
        tile.keys = reinterpret_cast<const std::byte *>(elements.data());
        tile.rows = kTile;
        tile.queries = query.data();
        tile.query_rows = 1;
        tile.begin = &begin;
        tile.end = &kTile;
        tile_logits(tile, logits.data(), scratch.data());
        for (std::uint32_t i = 0; i < kTile; ++i) {
            const double expected = test::decode(tile.keys + std::size_t{i} * 2, type);
            if (std::isfinite(expected)) {
                ASSERT_EQ(double{logits[i]}, expected) << elements[i];
            }
        }
    }
}

TEST(Widening, OfEveryFiniteHalfIsExact) {
    for (const std::int64_t target : instruction_sets()) {
        SCOPED_TRACE(hwy::TargetName(target));
        const Forced forced(target);
        check_widening(KvType::F16);
        check_widening(KvType::BF16);
    }
}

TEST(LogitSums, TakeMinusInfinityForNothing) {
    Random random(700);
    for (const std::int64_t target : instruction_sets()) {
        SCOPED_TRACE(hwy::TargetName(target));
        const Forced forced(target);
        for (const std::size_t count : {std::size_t{16}, std::size_t{64}, std::size_t{112}}) {
            std::vector<float> logits = random.numbers(count, 20);
            for (std::size_t i = 0; i < count; i += 1 + random.below(3)) {
                logits[i] = kMinusInfinity;
            }
            const float maximum = *std::max_element(logits.begin(), logits.end());
            EXPECT_EQ(maximum_of(logits.data(), count), maximum);
            std::vector<float> columns = random.numbers(count);
            const std::vector<float> before = columns;
            add_probabilities(logits.data(), count, maximum, 0.25F, columns.data());
            double sum = 0;
            for (std::size_t i = 0; i < count; ++i) {
                const double share = std::exp(double{logits[i]} - double{maximum});
                sum += share;
                EXPECT_NEAR(columns[i], before[i] + 0.25 * share, 1e-6);
            }
            EXPECT_NEAR(exp_sum(logits.data(), count, maximum), sum, 1e-5 * sum);
        }
        const std::vector<float> nothing(48, kMinusInfinity);
        std::vector<float> columns(48, 3.0F);
        EXPECT_EQ(maximum_of(nothing.data(), 48), kMinusInfinity);
        EXPECT_EQ(exp_sum(nothing.data(), 48, 2.0F), 0.0F);
        add_probabilities(nothing.data(), 48, 2.0F, 1.0F, columns.data());
        EXPECT_EQ(columns, std::vector<float>(48, 3.0F));
    }
}

TEST(LogitSums, MaximumOfAnyCount) {
    const std::vector<float> rising{-9, -8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    for (const std::int64_t target : instruction_sets()) {
        const Forced forced(target);
        EXPECT_EQ(maximum_of(nullptr, 0), kMinusInfinity);
        for (std::size_t count = 1; count <= rising.size(); ++count) {
            EXPECT_EQ(maximum_of(rising.data(), count), rising[count - 1]);
        }
    }
}

}  // namespace
}  // namespace snapkv::attention::cpu
