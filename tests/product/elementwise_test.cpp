#include "product/elementwise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "product/elements.h"
#include "support/random.h"

namespace snapkv::test {
namespace {

using product::Activation;
using product::Element;
using Kind = product::Norm::Kind;

class Rows : public ::testing::TestWithParam<Element> {
protected:
    /// Relative error that rounding to the element may bring.
    [[nodiscard]] double tolerance() const { return GetParam() == Element::F32 ? 2e-6 : 1.0 / 256 + 2e-6; }
};

/// (x - centre) / sqrt(the mean square of that + 1e-5), times the weight.
std::vector<double> normed(const std::vector<float> & x, const std::vector<float> & weight, double centre) {
    double squares = 0;
    for (const float v : x) {
        squares += (v - centre) * (v - centre);
    }
    const double factor = 1 / std::sqrt(squares / static_cast<double>(x.size()) + 1e-5F);
    std::vector<double> expected(x.size());
    std::transform(x.begin(), x.end(), weight.begin(), expected.begin(),
                   [&](float v, float w) { return (v - centre) * factor * w; });
    return expected;
}

TEST_P(Rows, NormDividesByTheRootOfTheMeanSquareOrOfTheVariance) {
    for (const std::size_t count : {1UL, 15UL, 16UL, 100UL, 577UL}) {
        Random random(static_cast<std::uint32_t>(count));
        const std::vector<float> x = random.numbers(count, 0.1F, 2);
        const std::vector<float> weight = random.numbers(count, 1, 0.3F);
        for (const Kind kind : {Kind::Rms, Kind::Layer}) {
            const double mean = std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(count);
            const std::vector<double> expected = normed(x, weight, kind == Kind::Layer ? mean : 0);
            std::vector<std::byte> out(count * 4);
            product::norm_row(kind, x, weight.data(), 1e-5F, GetParam(), out.data());
            const std::vector<float> got = read_elements(out, count, GetParam());
            for (std::size_t i = 0; i < count; ++i) {
                // What is near the mean loses digits when that is taken away.
                const double most = tolerance() * std::abs(expected[i]) + (kind == Kind::Layer ? 1e-6 : 1e-12);
                ASSERT_NEAR(got[i], expected[i], most) << i << " of " << count;
            }
        }
    }
}

TEST_P(Rows, SwigluIsGateTimesItsSigmoidTimesUp) {
    for (const std::size_t count : {1UL, 17UL, 100UL}) {
        Random random(static_cast<std::uint32_t>(count));
        std::vector<float> gate = random.numbers(count, 0, 5);
        gate.front() = -200;  // beyond what exp() has a float for
        const std::vector<float> up = random.numbers(count, 0, 1);
        std::vector<std::byte> out(count * 4);
        product::gate_row(Activation::Silu, gate, up.data(), GetParam(), out.data());
        const std::vector<float> got = read_elements(out, count, GetParam());
        for (std::size_t i = 0; i < count; ++i) {
            const double expected = gate[i] / (1 + std::exp(-double{gate[i]})) * up[i];
            ASSERT_NEAR(got[i], expected, tolerance() * std::abs(expected) + 1e-12) << i << " of " << count;
        }
    }
}

TEST_P(Rows, GeluIsItsFormWithTanh) {
    for (const std::size_t count : {1UL, 17UL, 100UL}) {
        Random random(static_cast<std::uint32_t>(count));
        std::vector<float> gate = random.numbers(count, 0, 3);
        gate.front() = -60;  // its cube is beyond what exp() has a float for
        gate.back() = 60;
        const std::vector<float> up = random.numbers(count, 0, 1);
        std::vector<std::byte> out(count * 4);
        product::gate_row(Activation::Gelu, gate, up.data(), GetParam(), out.data());
        const std::vector<float> got = read_elements(out, count, GetParam());
        for (std::size_t i = 0; i < count; ++i) {
            const double g = gate[i];
            const double expected = g / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (g + 0.044715 * g * g * g))) * up[i];
            // Far below zero GELU is a small difference of large numbers.
            ASSERT_NEAR(got[i], expected, 2 * tolerance() * std::abs(expected) + 1e-6) << i << " of " << count;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Elements, Rows, ::testing::Values(Element::F32, Element::BF16));

TEST(NarrowRow, RoundsToNearestEven) {
    // Between 1 and the next bfloat16 (1 + 2^-7) lie ties at 1 + 2^-8 and, above it, 1 + 3 * 2^-8.
    const std::vector<float> x{1.0F, 1.0F + 1.0F / 256, 1.0F + 3.0F / 256, 1.0F + 1.0F / 256 + 1e-6F, -2.5F};
    std::vector<std::byte> out(x.size() * 2);
    product::narrow_row(x, Element::BF16, out.data());
    EXPECT_EQ(read_elements(out, x.size(), Element::BF16),
              (std::vector<float>{1.0F, 1.0F, 1.0F + 2.0F / 128, 1.0F + 1.0F / 128, -2.5F}));
}

TEST(NarrowRow, RoundsBlocksOf32ToTheirLargest) {
    Random random(3);
    std::vector<float> x = random.numbers(96, 0, 1);
    std::fill(x.begin() + 32, x.begin() + 64, 0.0F);
    x[70] = -50;
    std::vector<std::byte> out(product::bytes_of(Element::I8, x.size()));
    product::narrow_row(x, Element::I8, out.data());
    const std::vector<float> got = read_elements(out, x.size(), Element::I8);
    for (std::size_t block = 0; block < 3; ++block) {
        product::Int8Block stored;
        std::memcpy(&stored, out.data() + block * sizeof stored, sizeof stored);
        float largest = 0;
        std::int32_t sum = 0;
        for (std::size_t i = 0; i < 32; ++i) {
            largest = std::max(largest, std::abs(x[block * 32 + i]));
            sum += stored.values[i];
        }
        EXPECT_EQ(stored.scale, largest / 127);
        EXPECT_EQ(stored.start, -128 * sum);
        for (std::size_t i = block * 32; i < block * 32 + 32; ++i) {
            EXPECT_NEAR(got[i], x[i], largest / 127 / 2 * 1.0001) << i;
        }
    }
}

TEST(NarrowRow, ABlockThatIsNotFiniteHasAScaleThatIsNot) {
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()}) {
        for (const std::size_t at : {0UL, 7UL, 16UL, 31UL}) {
            std::vector<float> x(64, 1.5F);
            x[at] = bad;
            std::array<product::Int8Block, 2> out;
            product::narrow_row(x, Element::I8, out.data());
            EXPECT_FALSE(std::isfinite(out[0].scale)) << bad << " at " << at;
            EXPECT_EQ(out[0].start, 0);
            EXPECT_EQ(out[1].scale, 1.5F / 127);
            EXPECT_EQ(out[1].values.back(), 127);
        }
    }
}

TEST(NarrowRow, ABlockTooSmallToScaleBecomesZeros) {
    const std::vector<float> x(32, 1e-40F);
    product::Int8Block out;
    product::narrow_row(x, Element::I8, &out);
    EXPECT_TRUE(std::isfinite(out.scale));
    EXPECT_EQ(out.start, 0);
    EXPECT_EQ(std::count(out.values.begin(), out.values.end(), 0), 32);
}

TEST(Int8Rows, NormAndSwigluRoundWhatTheyGiveInFloat32) {
    constexpr std::size_t kCount = 576;
    Random random(4);
    const std::vector<float> x = random.numbers(kCount, 0.1F, 2);
    const std::vector<float> y = random.numbers(kCount, 1, 0.3F);
    std::vector<float> exact(kCount);
    std::vector<std::byte> expected(product::bytes_of(Element::I8, kCount));
    std::vector<std::byte> got(expected.size());
    product::norm_row(Kind::Rms, x, y.data(), 1e-5F, Element::F32, exact.data());
    product::narrow_row(exact, Element::I8, expected.data());
    product::norm_row(Kind::Rms, x, y.data(), 1e-5F, Element::I8, got.data());
    EXPECT_TRUE(got == expected);
    product::gate_row(Activation::Silu, x, y.data(), Element::F32, exact.data());
    product::narrow_row(exact, Element::I8, expected.data());
    product::gate_row(Activation::Silu, x, y.data(), Element::I8, got.data());
    EXPECT_TRUE(got == expected);
}

}  // namespace
}  // namespace snapkv::test
