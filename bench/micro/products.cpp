// Products of a prefill's chunk on widened weights, and of a step of decode on weights as they are stored, on one
// thread.
#include <benchmark/benchmark.h>

#include "base/block.h"
#include "counters.h"
#include "product/elementwise.h"
#include "product/gemm.h"
#include "product/row_dot.h"
#include "rows.h"

namespace snapkv::micro {
namespace {

using product::Element;

double peak(Element element) {
    return element == Element::F32 ? peaks().f32 : element == Element::BF16 ? peaks().bf16 : peaks().int8;
}

/// Arguments: rows, depth, columns.
void widened_product(benchmark::State & state, Element element) {
    if (!product::gemm_available(element)) {
        state.SkipWithError("not on this processor, or built without oneDNN");
        return;
    }
    const auto rows = static_cast<std::uint32_t>(state.range(0));
    const auto depth = static_cast<std::uint32_t>(state.range(1));
    const auto columns = static_cast<std::uint32_t>(state.range(2));
    const product::PackedLayout layout(element, columns, depth);
    const auto meter = std::make_shared<Meter>();
    Block packed(layout.bytes(), meter);
    const std::vector<float> panel = random_numbers(product::PackedLayout::kPanel * layout.panel_stride());
    for (std::uint32_t first = 0; first < columns; first += product::PackedLayout::kPanel) {
        layout.pack(panel.data(), first, std::min(product::PackedLayout::kPanel, columns - first), packed.data());
    }
    const product::Gemm gemm(element, product::Gemm::Mode::Store, false, rows, layout);
    std::vector<std::byte> input(product::bytes_of(element, std::size_t{rows} * depth));
    product::narrow_row(random_numbers(std::size_t{rows} * depth), element, input.data());
    std::vector<float> out(std::size_t{rows} * columns);
    Block scratch(std::max<std::size_t>(gemm.scratch_bytes(), 64), meter);
    const Watch watch;
    for (auto _ : state) {
        gemm.run(input.data(), packed.data(), nullptr, out.data(), scratch.data());
        benchmark::DoNotOptimize(out.data());
    }
    count_flop(state, watch.seconds(state), 2.0 * rows * depth * columns, peak(element));
}

/// Few rows of floats times a matrix far larger than the caches. Arguments: depth, rows.
void step_product(benchmark::State & state, ggml_type type) {
    const product::RowDot * dot = product::row_dot(type);
    if (dot == nullptr) {
        state.SkipWithError("rows of this type are ggml's business");
        return;
    }
    constexpr double kBeyondCaches = 192e6;
    const std::int64_t depth = state.range(0);
    const std::size_t row_bytes = ggml_row_size(type, depth);
    const auto rows = static_cast<std::uint32_t>(kBeyondCaches / static_cast<double>(row_bytes));
    constexpr std::uint32_t kDistinct = 64;
    const std::vector<float> numbers = random_numbers(kDistinct * static_cast<std::size_t>(depth));
    std::vector<std::byte> weights(rows * row_bytes);
    for (std::uint32_t row = 0; row < rows; row += kDistinct) {
        ggml_quantize_chunk(type, numbers.data(), weights.data() + row * row_bytes, 0, std::min(kDistinct, rows - row),
                            depth, nullptr);
    }
    const auto inputs = static_cast<std::uint32_t>(state.range(1));
    const std::size_t stride = (dot->prepared_bytes(depth) + 63) / 64 * 64;
    const auto meter = std::make_shared<Meter>();
    Block prepared(stride * inputs, meter);
    for (std::uint32_t input = 0; input < inputs; ++input) {
        dot->prepare(type, numbers.data() + input, depth, prepared.data() + input * stride);
    }
    // Blocks of results, as a step takes them: few enough to stay in the first cache.
    constexpr std::uint32_t kBlock = 64;
    std::vector<float> out(std::size_t{kBlock} * inputs);
    const Watch watch;
    for (auto _ : state) {
        for (std::uint32_t row = 0; row < rows; row += kBlock) {
            dot->dot({type, weights.data() + row * row_bytes, row_bytes, std::min(kBlock, rows - row), depth},
                     {prepared.data(), stride, inputs}, out.data(), kBlock);
        }
        benchmark::DoNotOptimize(out.data());
    }
    count_bytes(state, watch.seconds(state), static_cast<double>(weights.size()), peaks().read);
}

// The shapes of SmolLM2-135M and of Mistral-7B.
BENCHMARK_CAPTURE(widened_product, int8, Element::I8)
    ->Args({128, 576, 1536})
    ->Args({512, 576, 1536})
    ->Args({512, 1536, 576})
    ->Args({512, 4096, 4096})
    ->Args({512, 4096, 14336})
    ->Args({128, 14336, 4096});
BENCHMARK_CAPTURE(widened_product, bf16, Element::BF16)
    ->Args({128, 576, 1536})
    ->Args({512, 576, 1536})
    ->Args({512, 1536, 576})
    ->Args({512, 4096, 4096})
    ->Args({512, 4096, 14336});
BENCHMARK_CAPTURE(widened_product, f32, Element::F32)->Args({512, 576, 1536})->Args({512, 4096, 4096});
// Rows that read the weights once: beside one row, four should take little longer.
const std::vector<std::vector<std::int64_t>> kFewRows{{576, 4096}, {1, 2, 4, 8, 16, 33}};
BENCHMARK_CAPTURE(step_product, q4_0, GGML_TYPE_Q4_0)->ArgsProduct(kFewRows);
BENCHMARK_CAPTURE(step_product, q4_1, GGML_TYPE_Q4_1)->ArgsProduct(kFewRows);
BENCHMARK_CAPTURE(step_product, q5_0, GGML_TYPE_Q5_0)->ArgsProduct(kFewRows);
BENCHMARK_CAPTURE(step_product, q8_0, GGML_TYPE_Q8_0)->ArgsProduct(kFewRows);
BENCHMARK_CAPTURE(step_product, q4_k, GGML_TYPE_Q4_K)->ArgsProduct({{4096}, {1, 2, 4, 8, 16, 33}});
BENCHMARK_CAPTURE(step_product, q6_k, GGML_TYPE_Q6_K)->ArgsProduct({{4096}, {1, 2, 4, 8, 16, 33}});
BENCHMARK_CAPTURE(step_product, f16, GGML_TYPE_F16)->ArgsProduct({{4096}, {1, 4}});

}  // namespace
}  // namespace snapkv::micro
