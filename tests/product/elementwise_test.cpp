#include "product/elementwise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "product/elements.h"
#include "support/random.h"

namespace snapkv::test {
namespace {

using product::Element;

class Rows : public ::testing::TestWithParam<Element> {
protected:
    /// Relative error that rounding to the element may bring.
    [[nodiscard]] double tolerance() const { return GetParam() == Element::F32 ? 2e-6 : 1.0 / 256 + 2e-6; }
};

TEST_P(Rows, NormDividesByTheRootOfTheMeanSquare) {
    for (const std::size_t count : {1UL, 15UL, 16UL, 100UL, 577UL}) {
        Random random(static_cast<std::uint32_t>(count));
        const std::vector<float> x = random.numbers(count, 0.1F, 2);
        const std::vector<float> weight = random.numbers(count, 1, 0.3F);
        std::vector<std::byte> out(count * 4);
        product::rms_norm_row(x, weight.data(), 1e-5F, GetParam(), out.data());
        double squares = 0;
        for (const float v : x) {
            squares += double{v} * v;
        }
        const double factor = 1 / std::sqrt(squares / static_cast<double>(count) + 1e-5F);
        const std::vector<float> got = read_elements(out, count, GetParam());
        for (std::size_t i = 0; i < count; ++i) {
            const double expected = x[i] * factor * weight[i];
            ASSERT_NEAR(got[i], expected, tolerance() * std::abs(expected) + 1e-12) << i << " of " << count;
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
        product::swiglu_row(gate, up.data(), GetParam(), out.data());
        const std::vector<float> got = read_elements(out, count, GetParam());
        for (std::size_t i = 0; i < count; ++i) {
            const double expected = gate[i] / (1 + std::exp(-double{gate[i]})) * up[i];
            ASSERT_NEAR(got[i], expected, tolerance() * std::abs(expected) + 1e-12) << i << " of " << count;
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
    product::rms_norm_row(x, y.data(), 1e-5F, Element::F32, exact.data());
    product::narrow_row(exact, Element::I8, expected.data());
    product::rms_norm_row(x, y.data(), 1e-5F, Element::I8, got.data());
    EXPECT_TRUE(got == expected);
    product::swiglu_row(x, y.data(), Element::F32, exact.data());
    product::narrow_row(exact, Element::I8, expected.data());
    product::swiglu_row(x, y.data(), Element::I8, got.data());
    EXPECT_TRUE(got == expected);
}

}  // namespace
}  // namespace snapkv::test
