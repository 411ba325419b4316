// Products of every element as the engine calls them, against sums in double precision.

#include "product/gemm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <tuple>
#include <vector>

#include "product/elements.h"
#include "product/elementwise.h"
#include "support/random.h"

namespace snapkv::test {
namespace {

using product::Element;
using product::Gemm;
using product::PackedLayout;

/// Bytes at a cache line.
class Memory {
public:
    explicit Memory(std::size_t bytes) : bytes_(bytes + 64) {}
    std::byte * data() {
        void * at = bytes_.data();
        std::size_t space = bytes_.size();
        return static_cast<std::byte *>(std::align(64, bytes_.size() - 64, at, space));
    }

private:
    std::vector<std::byte> bytes_;
};

/// The numbers that a product of this element reads for these, whole rows.
std::vector<float> rounded(const std::vector<float> & x, Element element) {
    std::vector<std::byte> narrow(product::bytes_of(element, x.size()));
    product::narrow_row(x, element, narrow.data());
    return read_elements(narrow, x.size(), element);
}

using Case = std::tuple<Element, std::uint32_t, std::uint32_t, std::uint32_t>;  // rows, columns, depth
class Products : public ::testing::TestWithParam<Case> {
protected:
    void SetUp() override {
        if (!product::gemm_available(std::get<0>(GetParam()))) {
            GTEST_SKIP() << "not on this build or processor";
        }
    }
};

TEST_P(Products, EqualSumsInDoublePrecision) {
    const auto [element, rows, columns, depth] = GetParam();
    Random random(rows * 7 + columns * 3 + depth);
    const std::vector<float> input = random.numbers(std::size_t{rows} * depth, 0, 1);
    const std::vector<float> weights = random.numbers(std::size_t{columns} * depth, 0, 1);
    const std::vector<float> bias = random.numbers(columns, 0, 1);
    const std::vector<float> before = random.numbers(std::size_t{rows} * columns, 0, 1);

    const PackedLayout layout(element, columns, depth);
    Memory packed(layout.bytes());
    std::vector<float> panel(PackedLayout::kPanel * layout.panel_stride());
    for (std::uint32_t first = 0; first < columns; first += PackedLayout::kPanel) {
        const std::uint32_t count = std::min(PackedLayout::kPanel, columns - first);
        for (std::uint32_t column = 0; column < count; ++column) {
            std::copy_n(weights.begin() + static_cast<std::ptrdiff_t>(first + column) * depth, depth,
                        panel.begin() + static_cast<std::ptrdiff_t>(column * layout.panel_stride()));
        }
        layout.pack(panel.data(), first, count, packed.data());
    }
    Memory narrow(input.size() * sizeof(float));
    product::narrow_row(input, element, narrow.data());

    const std::vector<float> as_input = rounded(input, element);
    const std::vector<float> as_weights = rounded(weights, element);
    for (const Gemm::Mode mode : {Gemm::Mode::Store, Gemm::Mode::Accumulate}) {
        for (const bool with_bias : {false, true}) {
            const Gemm gemm(element, mode, with_bias, rows, layout);
            Memory scratch(gemm.scratch_bytes());
            std::vector<float> out = before;
            gemm.run(narrow.data(), packed.data(), with_bias ? bias.data() : nullptr, out.data(), scratch.data());
            for (std::uint32_t i = 0; i < rows * columns; ++i) {
                double sum = with_bias ? bias[i % columns] : 0;
                sum += mode == Gemm::Mode::Accumulate ? before[i] : 0;
                double size = 1;
                for (std::uint32_t k = 0; k < depth; ++k) {
                    const double term = double{as_input[std::size_t{i / columns} * depth + k]} *
                                        as_weights[std::size_t{i % columns} * depth + k];
                    sum += term;
                    size += std::abs(term);
                }
                ASSERT_NEAR(out[i], sum, 1e-6 * size) << "row " << i / columns << " column " << i % columns;
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Products,
                         ::testing::Combine(::testing::Values(Element::F32, Element::BF16),
                                            ::testing::Values(1U, 7U, 64U, 77U, 128U),
                                            ::testing::Values(1U, 49U, 64U, 100U, 192U),
                                            ::testing::Values(1U, 33U, 96U)));
INSTANTIATE_TEST_SUITE_P(Int8Shapes, Products,
                         ::testing::Combine(::testing::Values(Element::I8), ::testing::Values(1U, 2U, 3U, 7U, 64U, 77U),
                                            ::testing::Values(1U, 16U, 31U, 49U, 64U, 100U, 192U),
                                            ::testing::Values(32U, 96U, 4128U)));

}  // namespace
}  // namespace snapkv::test
