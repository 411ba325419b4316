// Products of every element as the engine calls them, against sums in double precision.

#include "product/gemm.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <span>
#include <string>
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

using StoredCase = std::tuple<ggml_type, std::uint32_t, std::uint32_t>;  // columns, depth
class StoredProducts : public ::testing::TestWithParam<StoredCase> {};

TEST_P(StoredProducts, EqualSumsOfTheStoredNumbers) {
    if (!product::gemm_available(Element::I8)) {
        GTEST_SKIP() << "not on this processor";
    }
    const auto [stored, columns, depth] = GetParam();
    constexpr std::uint32_t kRows = 5;
    Random random(columns + depth);
    const std::vector<float> weights = random.numbers(std::size_t{columns} * depth, 0, 1);
    const std::size_t row_bytes = ggml_row_size(stored, depth);
    std::vector<std::byte> rows(columns * row_bytes);
    ggml_quantize_chunk(stored, weights.data(), rows.data(), 0, columns, depth, nullptr);
    std::vector<float> numbers(weights.size());
    ggml_get_type_traits(stored)->to_float(rows.data(), numbers.data(), static_cast<std::int64_t>(numbers.size()));

    const PackedLayout layout(Element::I8, columns, depth, stored);
    Memory packed(layout.bytes());
    for (std::uint32_t first = 0; first < columns; first += PackedLayout::kPanel) {
        ASSERT_TRUE(layout.pack_stored({rows.data() + first * row_bytes, row_bytes}, first,
                                       std::min(PackedLayout::kPanel, columns - first), packed.data()));
    }
    const std::vector<float> input = random.numbers(std::size_t{kRows} * depth, 0, 1);
    const std::vector<float> as_input = rounded(input, Element::I8);
    Memory narrow(input.size() * sizeof(float));
    product::narrow_row(input, Element::I8, narrow.data());
    std::vector<float> out(std::size_t{kRows} * columns);
    Gemm(Element::I8, Gemm::Mode::Store, false, kRows, layout)
        .run(narrow.data(), packed.data(), nullptr, out.data(), nullptr);

    for (std::uint32_t i = 0; i < kRows * columns; ++i) {
        const auto x = std::span(as_input).subspan(std::size_t{i / columns} * depth, depth);
        const auto w = std::span(numbers).subspan(std::size_t{i % columns} * depth, depth);
        double sum = 0;
        double size = 1;
        for (std::uint32_t k = 0; k < depth; ++k) {
            sum += double{x[k]} * w[k];
            // Codes and offsets are summed apart, each as large as the block's range.
            size += 4 * std::abs(double{x[k]}) * std::max(1.0F, std::abs(w[k]));
        }
        ASSERT_NEAR(out[i], sum, 1e-6 * size) << "row " << i / columns << " column " << i % columns;
    }
}

std::string stored_name(const ::testing::TestParamInfo<StoredCase> & info) {
    return fmt::format("{}_{}x{}", ggml_type_name(std::get<0>(info.param)), std::get<1>(info.param),
                       std::get<2>(info.param));
}

INSTANTIATE_TEST_SUITE_P(Types, StoredProducts,
                         ::testing::Combine(::testing::Values(GGML_TYPE_Q4_0, GGML_TYPE_Q4_1, GGML_TYPE_Q5_0,
                                                              GGML_TYPE_Q5_1, GGML_TYPE_Q8_0, GGML_TYPE_IQ4_NL),
                                            ::testing::Values(1U, 33U, 64U, 150U), ::testing::Values(32U, 64U, 800U)),
                         stored_name);

TEST(StoredRows, AScaleThatIsNotANumberShowsInTheResult) {
    if (!product::gemm_available(Element::I8)) {
        GTEST_SKIP() << "not on this processor";
    }
    for (const ggml_type type : {GGML_TYPE_Q4_0, GGML_TYPE_Q4_1, GGML_TYPE_Q5_1, GGML_TYPE_Q8_0}) {
        const std::size_t row_bytes = ggml_row_size(type, 32);
        std::vector<std::byte> rows(2 * row_bytes);  // of zeros, save for the second's scale
        constexpr std::uint16_t kNan = 0x7E00;
        std::memcpy(rows.data() + row_bytes, &kNan, sizeof kNan);
        const PackedLayout layout(Element::I8, 2, 32, type);
        Memory packed(layout.bytes());
        ASSERT_TRUE(layout.pack_stored({rows.data(), row_bytes}, 0, 2, packed.data()));
        product::Int8Block input;
        product::narrow_row(std::vector<float>(32, 1.0F), Element::I8, &input);
        std::vector<float> out(2);
        Gemm(Element::I8, Gemm::Mode::Store, false, 1, layout).run(&input, packed.data(), nullptr, out.data(), nullptr);
        EXPECT_EQ(out[0], 0) << ggml_type_name(type);
        EXPECT_TRUE(std::isnan(out[1])) << ggml_type_name(type);
    }
}

TEST(StoredRows, OtherTypesTakeTheWayOfFloats) {
    if (!product::gemm_available(Element::I8)) {
        GTEST_SKIP() << "not on this processor";
    }
    const PackedLayout layout(Element::I8, 64, 256, GGML_TYPE_Q6_K);
    std::vector<std::byte> nothing(64 * 256);
    EXPECT_FALSE(layout.pack_stored({nothing.data(), 256}, 0, 64, nullptr));
}

}  // namespace
}  // namespace snapkv::test
