// Products of every element as the engine calls them, against sums in double precision.

#include "product/gemm.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "product/elements.h"
#include "product/elementwise.h"
#include "product/instruction_sets.h"
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

/// body() with each set of instructions that 8-bit products can use here.
template <typename Body>
void with_each_set(const Body & body) {
    for (const product::InstructionSet set : product::instruction_sets()) {
        SCOPED_TRACE(product::name_of(set));
        const product::OnlySet only(set);
        body();
    }
}

using Case = std::tuple<Element, std::uint32_t, std::uint32_t, std::uint32_t>;  // rows, columns, depth
class Products : public ::testing::TestWithParam<Case> {
protected:
    void SetUp() override {
        if (!product::gemm_available(std::get<0>(GetParam()))) {
            GTEST_SKIP() << "not on this build or processor";
        }
    }
    static void expect_sums();
};

TEST_P(Products, EqualSumsInDoublePrecision) {
    if (std::get<0>(GetParam()) == Element::I8) {
        with_each_set(expect_sums);
    } else {
        expect_sums();
    }
}

void Products::expect_sums() {
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

/// Rows of weights as they are stored, and what they stand for.
struct Stored {
    Stored(ggml_type its_type, std::uint32_t its_columns, std::uint32_t its_depth, const std::vector<float> & weights)
        : type(its_type),
          columns(its_columns),
          depth(its_depth),
          row_bytes(ggml_row_size(type, depth)),
          rows(columns * row_bytes) {
        ggml_quantize_chunk(type, weights.data(), rows.data(), 0, columns, depth, nullptr);
    }

    [[nodiscard]] std::vector<float> numbers() const {
        std::vector<float> all(std::size_t{columns} * depth);
        ggml_get_type_traits(type)->to_float(rows.data(), all.data(), static_cast<std::int64_t>(all.size()));
        return all;
    }

    /// Products with `inputs`, by the instructions that are in use.
    [[nodiscard]] std::vector<float> products(const std::vector<float> & inputs) const {
        const auto count = static_cast<std::uint32_t>(inputs.size() / depth);
        const PackedLayout layout(Element::I8, columns, depth, type);
        Memory packed(layout.bytes());
        for (std::uint32_t first = 0; first < columns; first += PackedLayout::kPanel) {
            EXPECT_TRUE(layout.pack_stored({rows.data() + first * row_bytes, row_bytes}, first,
                                           std::min(PackedLayout::kPanel, columns - first), packed.data()));
        }
        Memory narrow(inputs.size() * sizeof(float));
        product::narrow_row(inputs, Element::I8, narrow.data());
        std::vector<float> out(std::size_t{count} * columns);
        Gemm(Element::I8, Gemm::Mode::Store, false, count, layout)
            .run(narrow.data(), packed.data(), nullptr, out.data(), nullptr);
        return out;
    }

    ggml_type type;
    std::uint32_t columns;
    std::uint32_t depth;
    std::size_t row_bytes;
    std::vector<std::byte> rows;
};

using StoredCase = std::tuple<ggml_type, std::uint32_t, std::uint32_t>;  // columns, depth
class StoredProducts : public ::testing::TestWithParam<StoredCase> {};

TEST_P(StoredProducts, EqualSumsOfTheStoredNumbers) {
    if (!product::gemm_available(Element::I8)) {
        GTEST_SKIP() << "not on this processor";
    }
    const auto [type, columns, depth] = GetParam();
    constexpr std::uint32_t kRows = 5;
    Random random(columns + depth);
    const Stored stored(type, columns, depth, random.numbers(std::size_t{columns} * depth, 0, 1));
    const std::vector<float> numbers = stored.numbers();
    const std::vector<float> input = random.numbers(std::size_t{kRows} * depth, 0, 1);
    const std::vector<float> as_input = rounded(input, Element::I8);
    const std::vector<float> out = stored.products(input);
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
    with_each_set([&] { EXPECT_TRUE(stored.products(input) == out); });
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

/// All codes the greatest or the least, all inputs the greatest, of either sign: sums of 16 bits must hold them.
TEST(StoredRows, ExtremesAreSummedExactly) {
    constexpr std::uint32_t kDepth = 64;
    constexpr std::uint32_t kColumns = 32;
    for (const ggml_type type :
         {GGML_TYPE_Q4_0, GGML_TYPE_Q4_1, GGML_TYPE_Q5_0, GGML_TYPE_Q5_1, GGML_TYPE_Q8_0, GGML_TYPE_IQ4_NL}) {
        for (const int code : {0x00, 0xFF, 0x7F, 0x80}) {
            Stored stored(type, kColumns, kDepth, std::vector<float>(kColumns * kDepth, 1.0F));
            const bool offsets = type == GGML_TYPE_Q4_1 || type == GGML_TYPE_Q5_1;
            const std::size_t block_bytes = ggml_type_size(type);
            constexpr std::uint16_t kOne = 0x3C00;
            for (std::size_t at = 0; at < stored.rows.size(); at += block_bytes) {
                std::fill_n(stored.rows.begin() + static_cast<std::ptrdiff_t>(at), block_bytes, std::byte(code));
                std::memcpy(stored.rows.data() + at, &kOne, sizeof kOne);
                if (offsets) {
                    std::memcpy(stored.rows.data() + at + 2, &kOne, sizeof kOne);
                }
            }
            const std::vector<float> numbers = stored.numbers();
            for (const float sign : {1.0F, -1.0F}) {
                const std::vector<float> input(kDepth, 127 * sign);  // a scale of one
                double sum = 0;
                for (std::uint32_t k = 0; k < kDepth; ++k) {
                    sum += double{input[k]} * numbers[k];
                }
                with_each_set([&] {
                    const std::vector<float> out = stored.products(input);
                    EXPECT_EQ(out.front(), sum) << ggml_type_name(type) << " " << code;
                    EXPECT_EQ(out.back(), sum) << ggml_type_name(type) << " " << code;
                });
            }
        }
    }
}

TEST(StoredRows, AScaleThatIsNotANumberShowsInTheResult) {
    for (const ggml_type type : {GGML_TYPE_Q4_0, GGML_TYPE_Q4_1, GGML_TYPE_Q5_0, GGML_TYPE_Q5_1, GGML_TYPE_Q8_0}) {
        Stored stored(type, 2, 32, std::vector<float>(64));
        std::fill(stored.rows.begin(), stored.rows.end(), std::byte{0});
        constexpr std::uint16_t kNan = 0x7E00;
        std::memcpy(stored.rows.data() + stored.row_bytes, &kNan, sizeof kNan);
        with_each_set([&] {
            const std::vector<float> out = stored.products(std::vector<float>(32, 1.0F));
            EXPECT_EQ(out[0], 0) << ggml_type_name(type);
            EXPECT_TRUE(std::isnan(out[1])) << ggml_type_name(type);
        });
    }
}

/// A file may hold what is not a number: then the result is none, whatever else is in the block.
TEST(Int8Floats, AWeightThatIsNotFiniteShowsInTheResult) {
    if (!product::gemm_available(Element::I8)) {
        GTEST_SKIP() << "not on this processor";
    }
    with_each_set([] {
        const PackedLayout layout(Element::I8, 1, 32);
        std::vector<float> panel(PackedLayout::kPanel * layout.panel_stride(), 1.0F);
        panel[7] = std::numeric_limits<float>::quiet_NaN();
        Memory packed(layout.bytes());
        layout.pack(panel.data(), 0, 1, packed.data());
        product::Int8Block input;
        product::narrow_row(std::vector<float>(32, 1.0F), Element::I8, &input);
        float out = 0;
        Gemm(Element::I8, Gemm::Mode::Store, false, 1, layout).run(&input, packed.data(), nullptr, &out, nullptr);
        EXPECT_TRUE(std::isnan(out));
    });
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
