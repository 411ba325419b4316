// Every way of computing a layer's products against sums in double precision over the weights as stored.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "product/instruction_sets.h"
#include "product/layer.h"
#include "product/row_dot.h"
#include "product/step_products.h"
#include "product/widened_products.h"

namespace snapkv::test {
namespace {

using product::Activation;
using product::Element;
using product::Linear;
using product::Products;
using product::StepProducts;
using product::WidenedProducts;

constexpr std::int64_t kWidth = 256;  // a K-quant's block
constexpr std::int64_t kInner = 512;

/// q and k, a gated network, what it adds to the hidden states and what it comes to, all of one type.
struct Model {
    Layer layer;
    Activation activation;
    product::Norm norm;
    Matrix & query;
    Matrix & key;
    Matrix & gate;
    Matrix & up;
    Matrix & down;

    Model(ggml_type type, bool biases, std::uint32_t seed)
        : layer(seed),
          activation(biases ? Activation::Gelu : Activation::Silu),
          norm(layer.norm(kWidth, biases ? product::Norm::Kind::Layer : product::Norm::Kind::Rms)),
          query(layer.add(type, kWidth, 100, biases)),
          key(layer.add(type, kWidth, 36, biases)),
          gate(layer.add(type, kWidth, kInner, biases)),
          up(layer.add(type, kWidth, kInner, biases)),
          down(layer.add(type, kInner, kWidth, biases)) {
        layer.fill();
    }
    [[nodiscard]] std::vector<Linear> matrices() const {
        return {query.linear, key.linear, gate.linear, up.linear, down.linear};
    }

    /// q, k, down . gated, and hidden + that.
    [[nodiscard]] std::vector<std::vector<double>> expected(const std::vector<float> & x) const {
        const std::vector<double> input = layer.normalised(x);
        const std::vector<double> network =
            multiply(down, gated(activation, multiply(gate, input), multiply(up, input)));
        std::vector<double> out(network.size());
        std::transform(network.begin(), network.end(), x.begin(), out.begin(), std::plus<>());
        return {multiply(query, input), multiply(key, input), network, out};
    }

    std::vector<std::vector<float>> run(Products & products, const std::vector<float> & x, int threads) const {
        return run_graph(x, kWidth, threads, [&](ggml_context * ctx, ggml_tensor * hidden) {
            const std::vector<Linear> linears{query.linear, key.linear};
            std::vector<ggml_tensor *> results = products.project(ctx, norm, linears, hidden);
            ggml_tensor * gated = products.gate_up(ctx, norm, gate.linear, up.linear, activation, hidden);
            results.push_back(products.multiply(ctx, down.linear, gated));
            // The hidden states are written over: by then q and k must have been read.
            results.push_back(products.add_product(ctx, down.linear, gated, hidden));
            return results;
        });
    }
};

const std::vector<ggml_type> & types() {
    static const std::vector<ggml_type> all{GGML_TYPE_F32,  GGML_TYPE_F16,  GGML_TYPE_BF16,
                                            GGML_TYPE_Q8_0, GGML_TYPE_Q4_0, GGML_TYPE_Q4_1,
                                            GGML_TYPE_Q5_1, GGML_TYPE_Q4_K, GGML_TYPE_Q6_K};
    return all;
}

class OfType : public ::testing::TestWithParam<ggml_type> {};

std::vector<std::vector<float>> widened(const Model & model, Element element, const std::vector<float> & x,
                                        int threads) {
    Halt halt;
    WidenedProducts products(element, static_cast<std::uint32_t>(threads), halt, std::make_shared<Meter>());
    products.begin_layer(model.matrices());
    products.widen();
    products.begin_graph();
    return model.run(products, x, threads);
}

TEST_P(OfType, WidenedEqualsTheOracleForAnyRowsAndThreads) {
    if (!product::gemm_available(Element::F32) && !product::gemm_available(Element::I8)) {
        GTEST_SKIP() << "not on this build or processor";
    }
    for (const bool biases : {false, true}) {
        Model model(GetParam(), biases, 1);
        const std::vector<float> all = model.layer.numbers(130 * kWidth);
        const auto of_all = model.expected(all);
        for (const std::size_t rows : {1UL, 64UL, 77UL, 130UL}) {
            const std::vector<float> x(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(rows) * kWidth);
            auto expected = of_all;
            for (std::vector<double> & result : expected) {
                result.resize(result.size() / 130 * rows);
            }
            for (const Element element : {Element::F32, Element::BF16, Element::I8}) {
                if (!product::gemm_available(element)) {
                    continue;
                }
                const auto got = widened(model, element, x, 2);
                // A bfloat16 has 8 bits: rounding both sides of a product leaves about (2^-9)^2 of its square. Eight
                // bits for a block leave a step of a 127th of its largest, twice or thrice the others' size.
                const double most = element == Element::F32 ? 1e-11 : element == Element::BF16 ? 3e-5 : 3e-4;
                for (std::size_t i = 0; i < expected.size(); ++i) {
                    EXPECT_LT(error_share(got[i], expected[i]), most) << rows << " rows, result " << i;
                }
                EXPECT_TRUE(widened(model, element, x, 1) == got) << "one thread";
                EXPECT_TRUE(rows != 77 || widened(model, element, x, 5) == got) << "five threads";
            }
        }
    }
}

TEST_P(OfType, WidenedRowsDoNotDependOnTheirChunk) {
    Model model(GetParam(), false, 2);
    for (const Element element : {Element::F32, Element::BF16, Element::I8}) {
        if (!product::gemm_available(element) || !product::gemm_rows_are_independent(element)) {
            continue;  // not promised on this build or processor
        }
        const std::vector<float> x = model.layer.numbers(std::size_t{192} * kWidth);
        const auto whole = widened(model, element, x, 1);
        const std::vector<float> rows(x.begin() + 64 * kWidth, x.begin() + 160 * kWidth);
        const auto part = widened(model, element, rows, 1);
        for (std::size_t i = 0; i < whole.size(); ++i) {
            const auto columns = static_cast<std::ptrdiff_t>(whole[i].size() / 192);
            const std::vector<float> same(whole[i].begin() + 64 * columns, whole[i].begin() + 160 * columns);
            EXPECT_TRUE(part[i] == same) << "result " << i;
        }
    }
}

TEST_P(OfType, StepsEqualTheOracle) {
    for (const bool biases : {false, true}) {
        Model model(GetParam(), biases, 3);
        for (const std::size_t rows : {1UL, 2UL, 8UL}) {
            const std::vector<float> x = model.layer.numbers(rows * kWidth);
            const auto expected = model.expected(x);
            for (const bool portable : {false, true}) {
                StepProducts products(5, portable);
                const auto got = model.run(products, x, 1);
                // Inputs are rounded to eight bits in blocks where weights are quantised, to sixteen for half floats;
                // the network's on their way in and out.
                const double most = ggml_is_quantized(GetParam()) ? 2e-4 : 3e-5;
                for (std::size_t i = 0; i < expected.size(); ++i) {
                    EXPECT_LT(error_share(got[i], expected[i]), i < 2 ? most : 2 * most)
                        << rows << " rows, result " << i;
                }
                EXPECT_TRUE(model.run(products, x, 2) == got) << "two threads";
                EXPECT_TRUE(rows != 2 || model.run(products, x, 5) == got) << "five threads";
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Types, OfType, ::testing::ValuesIn(types()),
                         [](const auto & tested) { return std::string(ggml_type_name(tested.param)); });

class RowDot : public ::testing::TestWithParam<ggml_type> {
protected:
    /// Calls body(name, dot) for each instruction set of this processor that has dot products of its own, and for
    /// ggml's.
    static void each(const std::function<void(const std::string &, const product::RowDot &)> & body) {
        for (const product::InstructionSet set : product::instruction_sets()) {
            const product::OnlySet only(set);
            body(product::name_of(set), *product::row_dot(GetParam()));
        }
        body("portable", *product::row_dot(GetParam(), true));
    }

    /// One input with all rows.
    static std::vector<float> multiply_rows(const product::RowDot & dot, const product::WeightRows & rows,
                                            const std::vector<float> & x) {
        std::vector<std::byte> prepared(dot.prepared_bytes(rows.depth));
        dot.prepare(rows.type, x.data(), rows.depth, prepared.data());
        std::vector<float> got(rows.rows);
        dot.dot(rows, {prepared.data(), prepared.size(), 1}, got.data(), rows.rows);
        return got;
    }
};

/// Rows at the very end of their memory, and of numbers of blocks that are no multiple of what a step takes; nothing of
/// ggml has been set up for them.
TEST_P(RowDot, TakesAnyNumberOfBlocks) {
    const ggml_type type = GetParam();
    for (const std::int64_t blocks : {1, 2, 3, 4, 5, 18, 400}) {
        const std::int64_t depth = blocks * ggml_blck_size(type);
        for (const std::uint32_t count : {7U, 8U, 21U}) {
            Layer layer(static_cast<std::uint32_t>(blocks));
            Matrix & matrix = layer.add(type, depth, count);
            layer.fill();
            const std::vector<float> x = layer.numbers(static_cast<std::size_t>(depth));
            const std::vector<double> expected = multiply(matrix, {x.begin(), x.end()});
            std::vector<std::byte> exact(ggml_nbytes(matrix.linear.weight));
            std::memcpy(exact.data(), matrix.linear.weight->data, exact.size());
            each([&](const std::string & name, const product::RowDot & dot) {
                const std::vector<float> got =
                    multiply_rows(dot, {type, exact.data(), matrix.linear.weight->nb[1], count, depth}, x);
                EXPECT_LT(error_share(got, expected), 3e-4)
                    << name << ", " << blocks << " blocks, " << count << " rows";
            });
        }
    }
}

/// The greatest and the least codes times the greatest values, which eight bits hold exactly: no sum may saturate.
TEST_P(RowDot, TakesExtremeCodes) {
    const ggml_type type = GetParam();
    const std::int64_t depth = std::max<std::int64_t>(ggml_blck_size(type), 160);
    const std::size_t row_bytes = ggml_row_size(type, depth);
    for (const unsigned code : {0x00U, 0x7FU, 0x80U, 0x81U, 0xFFU}) {
        std::vector<std::byte> row(row_bytes, static_cast<std::byte>(code));
        for (std::size_t block = 0; block < row_bytes; block += ggml_type_size(type)) {
            // 16-bit scales, and offsets where there are any: 1.
            const std::size_t first = type == GGML_TYPE_Q6_K ? 208 : 0;
            const bool two = ggml_type_size(type) == 20 || ggml_type_size(type) == 24 || type == GGML_TYPE_Q4_K ||
                             type == GGML_TYPE_Q5_K;
            for (std::size_t at = block + first; at < block + first + (two ? 4 : 2); at += 2) {
                row[at] = std::byte{0};
                row[at + 1] = std::byte{0x3C};
            }
        }
        std::vector<float> weights(static_cast<std::size_t>(depth));
        ggml_get_type_traits(type)->to_float(row.data(), weights.data(), depth);
        for (const int change : {0, 1, 2}) {
            std::vector<float> x(weights.size());
            double expected = 0;
            double size = 0;
            for (std::size_t i = 0; i < x.size(); ++i) {
                x[i] = (change == 0 ? i : change == 1 ? i / 16 : 0) % 2 == 0 ? 127.0F : -127.0F;
                expected += double{x[i]} * double{weights[i]};
                size += std::abs(double{x[i]} * double{weights[i]});
            }
            each([&](const std::string & name, const product::RowDot & dot) {
                const float got = multiply_rows(dot, {type, row.data(), row_bytes, 1, depth}, x).front();
                EXPECT_NEAR(got, expected, 1e-5 * size) << name << ", codes " << code << ", change " << change;
            });
        }
    }
}

TEST_P(RowDot, GivesEachOfSeveralInputsTheBitsOfOneAlone) {
    const ggml_type type = GetParam();
    constexpr std::size_t kRows = 19;
    for (const std::int64_t blocks : {1, 5, 18, 400}) {
        const std::int64_t depth = blocks * ggml_blck_size(type);
        Layer layer(static_cast<std::uint32_t>(blocks));
        const Matrix & matrix = layer.add(type, depth, kRows);
        layer.fill();
        const product::WeightRows rows{type, static_cast<const std::byte *>(matrix.linear.weight->data),
                                       matrix.linear.weight->nb[1], kRows, depth};
        each([&](const std::string & name, const product::RowDot & dot) {
            const std::size_t stride = (dot.prepared_bytes(depth) + 63) / 64 * 64;
            for (const std::uint32_t count : {2U, 3U, 4U, 7U, 9U, 33U}) {
                std::vector<std::byte> prepared(count * stride);
                for (std::uint32_t input = 0; input < count; ++input) {
                    const std::vector<float> x = layer.numbers(static_cast<std::size_t>(depth));
                    dot.prepare(type, x.data(), depth, prepared.data() + input * stride);
                }
                constexpr std::size_t kStride = kRows + 3;
                std::vector<float> got(count * kStride, -1.0F);
                dot.dot(rows, {prepared.data(), stride, count}, got.data(), kStride);
                for (std::uint32_t input = 0; input < count; ++input) {
                    std::vector<float> alone(kStride, -1.0F);
                    dot.dot(rows, {prepared.data() + input * stride, stride, 1}, alone.data(), kStride);
                    const auto begin = got.begin() + static_cast<std::ptrdiff_t>(input * kStride);
                    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), begin))
                        << name << ", " << blocks << " blocks, input " << input;
                }
            }
        });
    }
}

INSTANTIATE_TEST_SUITE_P(Types, RowDot,
                         ::testing::Values(GGML_TYPE_Q4_0, GGML_TYPE_Q4_1, GGML_TYPE_Q5_0, GGML_TYPE_Q5_1,
                                           GGML_TYPE_Q8_0, GGML_TYPE_IQ4_NL, GGML_TYPE_Q4_K, GGML_TYPE_Q5_K,
                                           GGML_TYPE_Q6_K),
                         [](const auto & tested) { return std::string(ggml_type_name(tested.param)); });

}  // namespace
}  // namespace snapkv::test
