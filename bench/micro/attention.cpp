// Attention of a prefill's chunk and of decode, column sums and the vote, on one thread.
#include "attention/cpu/attend.h"

#include <benchmark/benchmark.h>

#include <deque>

#include "attention/cpu/column_sums.h"
#include "attention/vote.h"
#include "counters.h"
#include "rows.h"

namespace snapkv::micro {
namespace {

constexpr std::uint32_t kChunk = 512;
constexpr std::uint32_t kWindow = 32;

/// Runs attention of a unit on this thread; scratch is kept.
class Runner {
public:
    void run(const attention::LayerUnit & unit, std::uint32_t queries, const float * q) {
        attend_.prepare(unit, queries, 1);
        scratch_.resize(attend_.thread_floats() + 16);
        partials_.resize(attend_.partial_floats());
        out_.resize(std::size_t{queries} * unit.spec.heads * unit.spec.value_size);
        attend_.attend(0, q, out_.data(), aligned(scratch_.data()), partials_.data());
        benchmark::DoNotOptimize(out_.data());
    }

    /// The column sums of a unit that attention has been run of.
    void add_column_sums(const attention::LayerUnit & unit, const float * q) {
        column_sums_.prepare(unit);
        scratch_.resize(column_sums_.thread_floats() + 16);
        column_sums_.add(q, aligned(scratch_.data()));
    }

private:
    static float * aligned(float * memory) {
        const auto address = reinterpret_cast<std::uintptr_t>(memory);
        return memory + (64 - address % 64) % 64 / sizeof(float);
    }

    attention::cpu::Attend attend_;
    attention::cpu::ColumnSums column_sums_;
    std::vector<float> scratch_;
    std::vector<float> partials_;
    std::vector<float> out_;
};

/// A chunk at the end of a prompt of as many rows as the argument says.
void prefill_attention(benchmark::State & state, Heads heads, KvType type) {
    const auto rows = static_cast<std::uint32_t>(state.range(0));
    const Layer layer(heads, type, rows, kChunk);
    const std::vector<float> q = random_numbers(std::size_t{kChunk} * heads.heads * heads.size, 2);
    Runner runner;
    const Watch watch;
    for (auto _ : state) {
        runner.run(layer.unit(), kChunk, q.data());
    }
    const double flop = 4.0 * heads.heads * heads.size * seen_pairs(rows, kChunk);
    count_flop(state, watch.seconds(state), flop, type != KvType::F32 && peaks().bf16 > 0 ? peaks().bf16 : peaks().f32);
}

/// The same chunk's column sums: to be held against attention's own time.
void column_sums(benchmark::State & state, Heads heads, KvType type) {
    const auto rows = static_cast<std::uint32_t>(state.range(0));
    const Layer layer(heads, type, rows, kChunk);
    const std::vector<float> q = random_numbers(std::size_t{kChunk} * heads.heads * heads.size, 2);
    std::vector<attention::RowSum> row_sums(std::size_t{kChunk} * heads.heads);
    std::vector<float> sums(std::size_t{heads.heads} * rows);
    attention::LayerUnit unit = layer.unit();
    unit.prefill = true;
    unit.queries.front().row_sums = row_sums.data();
    unit.queries.front().column_sums = sums.data();
    unit.queries.front().column_stride = rows;
    Runner runner;
    runner.run(unit, kChunk, q.data());
    const Watch watch;
    for (auto _ : state) {
        runner.add_column_sums(unit, q.data());
        benchmark::DoNotOptimize(sums.data());
    }
    const double flop = 2.0 * heads.heads * heads.size * seen_pairs(rows, kChunk);
    count_flop(state, watch.seconds(state), flop, type != KvType::F32 && peaks().bf16 > 0 ? peaks().bf16 : peaks().f32);
}

/// Few query rows against a cache that no processor cache holds: the second argument says how many.
void decode_attention(benchmark::State & state, Heads heads, KvType type) {
    constexpr double kBeyondCaches = 192e6;
    const auto rows = static_cast<std::uint32_t>(state.range(0));
    const auto queries = static_cast<std::uint32_t>(state.range(1));
    std::deque<Layer> layers;
    double bytes = 0;
    while (bytes < kBeyondCaches) {
        bytes += layers.emplace_back(heads, type, rows, queries).bytes();
    }
    const std::vector<float> q = random_numbers(std::size_t{queries} * heads.heads * heads.size, 2);
    Runner runner;
    std::size_t next = 0;
    const Watch watch;
    for (auto _ : state) {
        runner.run(layers[next].unit(), queries, q.data());
        next = (next + 1) % layers.size();
    }
    count_bytes(state, watch.seconds(state), layers.front().bytes(), peaks().read);
    count_flop(state, watch.seconds(state), 4.0 * heads.heads * heads.size * seen_pairs(rows, queries), 0);
}

/// The vote of one layer. Counted: its two passes over the keys.
void vote(benchmark::State & state, Heads heads, KvType type) {
    const auto rows = static_cast<std::uint32_t>(state.range(0));
    const Layer layer(heads, type, rows, kWindow);
    const std::vector<float> q = random_numbers(std::size_t{kWindow} * heads.heads * heads.size, 2);
    std::vector<float> votes(std::size_t{heads.heads} * (rows - kWindow));
    const Watch watch;
    for (auto _ : state) {
        attention::VoteInput input{.spec = layer.unit().spec,
                                   .shape = layer.unit().shape,
                                   .queries = q.data(),
                                   .window = kWindow,
                                   .n = rows,
                                   .prefix = rows - kWindow,
                                   .rows = layer.unit().queries.front().rows};
        attention::Vote vote(std::move(input), votes);
        vote.statistics();
        vote.columns();
        benchmark::DoNotOptimize(votes.data());
    }
    count_flop(state, watch.seconds(state), 2 * 2.0 * heads.heads * heads.size * seen_pairs(rows, kWindow),
               peaks().f32);
}

BENCHMARK_CAPTURE(prefill_attention, SmolLM2_f16, kSmolLm2, KvType::F16)->Arg(1024)->Arg(4096)->Arg(7168)->Arg(8192);
BENCHMARK_CAPTURE(prefill_attention, SmolLM2_bf16, kSmolLm2, KvType::BF16)->Arg(8192);
BENCHMARK_CAPTURE(prefill_attention, SmolLM2_f32, kSmolLm2, KvType::F32)->Arg(4096)->Arg(8192);
BENCHMARK_CAPTURE(prefill_attention, Mistral_f16, kMistral, KvType::F16)->Arg(1024)->Arg(4096)->Arg(8192);
BENCHMARK_CAPTURE(prefill_attention, Mistral_bf16, kMistral, KvType::BF16)->Arg(8192);
BENCHMARK_CAPTURE(column_sums, SmolLM2_f16, kSmolLm2, KvType::F16)->Arg(8192);
BENCHMARK_CAPTURE(column_sums, SmolLM2_bf16, kSmolLm2, KvType::BF16)->Arg(8192);
BENCHMARK_CAPTURE(column_sums, SmolLM2_f32, kSmolLm2, KvType::F32)->Arg(8192);
BENCHMARK_CAPTURE(column_sums, Mistral_f16, kMistral, KvType::F16)->Arg(8192);
BENCHMARK_CAPTURE(column_sums, Mistral_bf16, kMistral, KvType::BF16)->Arg(8192);
BENCHMARK_CAPTURE(decode_attention, SmolLM2_f32, kSmolLm2, KvType::F32)->Args({8192, 1});
BENCHMARK_CAPTURE(decode_attention, SmolLM2_f16, kSmolLm2, KvType::F16)->ArgsProduct({{1024, 8192}, {1, 4, 16, 63}});
BENCHMARK_CAPTURE(decode_attention, SmolLM2_bf16, kSmolLm2, KvType::BF16)->Args({8192, 1});
BENCHMARK_CAPTURE(decode_attention, SmolLM2_q8_0, kSmolLm2, KvType::Q8_0)->ArgsProduct({{1024, 8192}, {1, 4, 16}});
BENCHMARK_CAPTURE(decode_attention, SmolLM2_q4_0, kSmolLm2, KvType::Q4_0)->Args({8192, 1});
BENCHMARK_CAPTURE(decode_attention, SmolLM2_f16, kSmolLm2, KvType::F16)->ArgsProduct({{131072}, {1, 4, 8, 33}});
BENCHMARK_CAPTURE(decode_attention, Mistral_f16, kMistral, KvType::F16)->ArgsProduct({{8192, 131072}, {1, 4, 8, 33}});
BENCHMARK_CAPTURE(decode_attention, Mistral_q8_0, kMistral, KvType::Q8_0)->ArgsProduct({{8192}, {1, 4, 8}});
BENCHMARK_CAPTURE(vote, SmolLM2_f16, kSmolLm2, KvType::F16)->Arg(8192);
BENCHMARK_CAPTURE(vote, Mistral_f16, kMistral, KvType::F16)->Arg(8192);

}  // namespace
}  // namespace snapkv::micro
