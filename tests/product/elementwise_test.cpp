#include "product/elementwise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "support/random.h"

namespace snapkv::test {
namespace {

using product::Element;

std::vector<float> read(const std::vector<std::byte> & bytes, std::size_t count, Element element) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) {
        if (element == Element::F32) {
            std::memcpy(&values[i], bytes.data() + i * 4, 4);
        } else {
            std::uint16_t half = 0;
            std::memcpy(&half, bytes.data() + i * 2, 2);
            const std::uint32_t bits = std::uint32_t{half} << 16U;
            std::memcpy(&values[i], &bits, 4);
        }
    }
    return values;
}

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
        const std::vector<float> got = read(out, count, GetParam());
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
        const std::vector<float> got = read(out, count, GetParam());
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
    EXPECT_EQ(read(out, x.size(), Element::BF16),
              (std::vector<float>{1.0F, 1.0F, 1.0F + 2.0F / 128, 1.0F + 1.0F / 128, -2.5F}));
}

}  // namespace
}  // namespace snapkv::test
