// Products of a prefill's chunk on widened weights, and of a step of decode on weights as they are stored, on one
// thread.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <vector>

#include "base/block.h"
#include "counters.h"
#include "product/elementwise.h"
#include "product/gemm.h"
#include "product/instruction_sets.h"
#include "product/row_dot.h"
#include "rows.h"

namespace snapkv::micro {
namespace {

using product::Element;

/// Of the instructions that are in use; 0: not known.
double peak(Element element) {
    if (element == Element::I8) {
        return product::instruction_set() == product::InstructionSet::Avx512Vnni ? peaks().int8 : 0;
    }
    return element == Element::F32 ? peaks().f32 : peaks().bf16;
}

/// Random weights of a type that `layout` packs straight, or else from floats.
void pack_random(const product::PackedLayout & layout, std::byte * packed) {
    const std::vector<float> panel = random_numbers(product::PackedLayout::kPanel * layout.panel_stride());
    const std::size_t row_bytes = ggml_row_size(layout.stored(), layout.depth());
    std::vector<std::byte> stored(product::PackedLayout::kPanel * row_bytes);
    ggml_quantize_chunk(layout.stored(), panel.data(), stored.data(), 0, product::PackedLayout::kPanel, layout.depth(),
                        nullptr);
    for (std::uint32_t first = 0; first < layout.columns(); first += product::PackedLayout::kPanel) {
        const std::uint32_t count = std::min(product::PackedLayout::kPanel, layout.columns() - first);
        if (!layout.pack_stored({stored.data(), row_bytes}, first, count, packed)) {
            layout.pack(panel.data(), first, count, packed);
        }
    }
}

/// Arguments: rows, depth, columns.
void widened_product(benchmark::State & state, Element element, ggml_type stored = GGML_TYPE_F32) {
    if (!product::gemm_available(element)) {
        state.SkipWithError("not on this processor, or built without oneDNN");
        return;
    }
    const auto rows = static_cast<std::uint32_t>(state.range(0));
    const auto depth = static_cast<std::uint32_t>(state.range(1));
    const auto columns = static_cast<std::uint32_t>(state.range(2));
    const product::PackedLayout layout(element, columns, depth, stored);
    const auto meter = std::make_shared<Meter>();
    Block packed(layout.bytes(), meter);
    pack_random(layout, packed.data());
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

/// Holds products of eight-bit integers to one instruction set, if this processor has it, and calls body().
template <typename Body>
void with_set(benchmark::State & state, product::InstructionSet set, const Body & body) {
    const std::vector<product::InstructionSet> & sets = product::instruction_sets();
    if (std::find(sets.begin(), sets.end(), set) == sets.end()) {
        state.SkipWithError("not on this processor");
        return;
    }
    const product::OnlySet only(set);
    body();
}

/// The same with 8-bit integers by one instruction set.
void int8_product(benchmark::State & state, product::InstructionSet set, ggml_type stored) {
    with_set(state, set, [&] { widened_product(state, Element::I8, stored); });
}

/// Few rows of floats times a matrix far larger than the caches. Arguments: depth, rows.
void step_product(benchmark::State & state, ggml_type type, bool portable = false) {
    const product::RowDot * dot = product::row_dot(type, portable);
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
    ggml_quantize_chunk(type, numbers.data(), weights.data(), 0, std::min(kDistinct, rows), depth, nullptr);
    for (std::uint32_t row = kDistinct; row < rows; row += kDistinct) {
        std::copy_n(weights.data(), std::min(kDistinct, rows - row) * row_bytes, weights.data() + row * row_bytes);
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

/// The same by one instruction set.
void step_product_by(benchmark::State & state, product::InstructionSet set, ggml_type type) {
    with_set(state, set, [&] { step_product(state, type); });
}

// The shapes of SmolLM2-135M and of Mistral-7B.
const std::vector<std::vector<std::int64_t>> kChunks{{128, 576, 1536},  {512, 576, 1536},   {512, 1536, 576},
                                                     {512, 4096, 4096}, {512, 4096, 14336}, {128, 14336, 4096}};
void of_chunks(benchmark::internal::Benchmark * benchmark) {
    for (const std::vector<std::int64_t> & chunk : kChunks) {
        benchmark->Args(chunk);
    }
}
using Set = product::InstructionSet;
BENCHMARK_CAPTURE(int8_product, avx512_vnni_q4_0, Set::Avx512Vnni, GGML_TYPE_Q4_0)->Apply(of_chunks);
BENCHMARK_CAPTURE(int8_product, avx512_vnni_q4_1, Set::Avx512Vnni, GGML_TYPE_Q4_1)->Apply(of_chunks);
BENCHMARK_CAPTURE(int8_product, avx_vnni_q4_0, Set::AvxVnni, GGML_TYPE_Q4_0)->Apply(of_chunks);
BENCHMARK_CAPTURE(int8_product, avx_vnni_q4_1, Set::AvxVnni, GGML_TYPE_Q4_1)->Apply(of_chunks);
BENCHMARK_CAPTURE(int8_product, avx2_q4_0, Set::Avx2, GGML_TYPE_Q4_0)->Apply(of_chunks);
BENCHMARK_CAPTURE(int8_product, avx2_q4_1, Set::Avx2, GGML_TYPE_Q4_1)->Apply(of_chunks);
BENCHMARK_CAPTURE(int8_product, avx2_q5_0, Set::Avx2, GGML_TYPE_Q5_0)->Apply(of_chunks);
BENCHMARK_CAPTURE(int8_product, avx2_q5_1, Set::Avx2, GGML_TYPE_Q5_1)->Apply(of_chunks);
BENCHMARK_CAPTURE(int8_product, avx2_q8_0, Set::Avx2, GGML_TYPE_Q8_0)->Apply(of_chunks);
BENCHMARK_CAPTURE(widened_product, bf16, Element::BF16)->Apply(of_chunks);
BENCHMARK_CAPTURE(widened_product, f32, Element::F32)->Apply(of_chunks);
// Rows that read the weights once: beside one row, four should take little longer. By each instruction set, and by
// ggml, whose are those that it was compiled for.
void of_few_rows(benchmark::internal::Benchmark * benchmark) {
    benchmark->ArgsProduct({{576, 4096}, {1, 2, 4, 8, 16, 33}});
}
void of_few_rows_of_superblocks(benchmark::internal::Benchmark * benchmark) {
    benchmark->ArgsProduct({{4096}, {1, 2, 4, 8, 16, 33}});
}
BENCHMARK_CAPTURE(step_product_by, avx512_vnni_q4_0, Set::Avx512Vnni, GGML_TYPE_Q4_0)->Apply(of_few_rows);
BENCHMARK_CAPTURE(step_product_by, avx512_vnni_q4_1, Set::Avx512Vnni, GGML_TYPE_Q4_1)->Apply(of_few_rows);
BENCHMARK_CAPTURE(step_product_by, avx512_vnni_q5_0, Set::Avx512Vnni, GGML_TYPE_Q5_0)->Apply(of_few_rows);
BENCHMARK_CAPTURE(step_product_by, avx512_vnni_q8_0, Set::Avx512Vnni, GGML_TYPE_Q8_0)->Apply(of_few_rows);
BENCHMARK_CAPTURE(step_product_by, avx512_vnni_q4_k, Set::Avx512Vnni, GGML_TYPE_Q4_K)
    ->Apply(of_few_rows_of_superblocks);
BENCHMARK_CAPTURE(step_product_by, avx512_vnni_q6_k, Set::Avx512Vnni, GGML_TYPE_Q6_K)
    ->Apply(of_few_rows_of_superblocks);
BENCHMARK_CAPTURE(step_product_by, avx_vnni_q4_0, Set::AvxVnni, GGML_TYPE_Q4_0)->Apply(of_few_rows);
BENCHMARK_CAPTURE(step_product_by, avx_vnni_q4_1, Set::AvxVnni, GGML_TYPE_Q4_1)->Apply(of_few_rows);
BENCHMARK_CAPTURE(step_product_by, avx_vnni_q5_0, Set::AvxVnni, GGML_TYPE_Q5_0)->Apply(of_few_rows);
BENCHMARK_CAPTURE(step_product_by, avx_vnni_q8_0, Set::AvxVnni, GGML_TYPE_Q8_0)->Apply(of_few_rows);
BENCHMARK_CAPTURE(step_product_by, avx_vnni_q4_k, Set::AvxVnni, GGML_TYPE_Q4_K)->Apply(of_few_rows_of_superblocks);
BENCHMARK_CAPTURE(step_product_by, avx_vnni_q6_k, Set::AvxVnni, GGML_TYPE_Q6_K)->Apply(of_few_rows_of_superblocks);
BENCHMARK_CAPTURE(step_product_by, avx2_q4_0, Set::Avx2, GGML_TYPE_Q4_0)->Apply(of_few_rows);
BENCHMARK_CAPTURE(step_product_by, avx2_q4_1, Set::Avx2, GGML_TYPE_Q4_1)->Apply(of_few_rows);
BENCHMARK_CAPTURE(step_product_by, avx2_q5_0, Set::Avx2, GGML_TYPE_Q5_0)->Apply(of_few_rows);
BENCHMARK_CAPTURE(step_product_by, avx2_q5_1, Set::Avx2, GGML_TYPE_Q5_1)->Apply(of_few_rows);
BENCHMARK_CAPTURE(step_product_by, avx2_iq4_nl, Set::Avx2, GGML_TYPE_IQ4_NL)->Apply(of_few_rows);
BENCHMARK_CAPTURE(step_product_by, avx2_q8_0, Set::Avx2, GGML_TYPE_Q8_0)->Apply(of_few_rows);
BENCHMARK_CAPTURE(step_product_by, avx2_q4_k, Set::Avx2, GGML_TYPE_Q4_K)->Apply(of_few_rows_of_superblocks);
BENCHMARK_CAPTURE(step_product_by, avx2_q5_k, Set::Avx2, GGML_TYPE_Q5_K)->Apply(of_few_rows_of_superblocks);
BENCHMARK_CAPTURE(step_product_by, avx2_q6_k, Set::Avx2, GGML_TYPE_Q6_K)->Apply(of_few_rows_of_superblocks);
constexpr bool kPortable = true;
BENCHMARK_CAPTURE(step_product, ggml_q4_0, GGML_TYPE_Q4_0, kPortable)->Apply(of_few_rows);
BENCHMARK_CAPTURE(step_product, ggml_q4_1, GGML_TYPE_Q4_1, kPortable)->Apply(of_few_rows);
BENCHMARK_CAPTURE(step_product, ggml_q5_0, GGML_TYPE_Q5_0, kPortable)->Apply(of_few_rows);
BENCHMARK_CAPTURE(step_product, ggml_q5_1, GGML_TYPE_Q5_1, kPortable)->Apply(of_few_rows);
BENCHMARK_CAPTURE(step_product, ggml_iq4_nl, GGML_TYPE_IQ4_NL, kPortable)->Apply(of_few_rows);
BENCHMARK_CAPTURE(step_product, ggml_q8_0, GGML_TYPE_Q8_0, kPortable)->Apply(of_few_rows);
BENCHMARK_CAPTURE(step_product, ggml_q4_k, GGML_TYPE_Q4_K, kPortable)->Apply(of_few_rows_of_superblocks);
BENCHMARK_CAPTURE(step_product, ggml_q5_k, GGML_TYPE_Q5_K, kPortable)->Apply(of_few_rows_of_superblocks);
BENCHMARK_CAPTURE(step_product, ggml_q6_k, GGML_TYPE_Q6_K, kPortable)->Apply(of_few_rows_of_superblocks);
BENCHMARK_CAPTURE(step_product, ggml_f16, GGML_TYPE_F16, kPortable)->ArgsProduct({{4096}, {1, 4}});

}  // namespace
}  // namespace snapkv::micro
