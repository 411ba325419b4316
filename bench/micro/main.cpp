// Micro-benchmarks of the kernels: `micro --help` says how to pick some. Rates go by this thread's processor time, so
// that other work on the machine disturbs them little. `micro --read THREADS` prints the bytes a second that so many
// threads read, and nothing else. `micro --instruction-set AVX2 ...` holds attention to that one of the processor's;
// the peaks stay the processor's own.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "attention/cpu/instruction_sets.h"
#include "peaks.h"

namespace {

/// The set that bears the name; where there is none, says which there are.
std::optional<snapkv::attention::cpu::InstructionSet> named_set(std::string_view name) {
    for (const snapkv::attention::cpu::InstructionSet & set : snapkv::attention::cpu::instruction_sets()) {
        if (set.name == name) {
            return set;
        }
        std::fprintf(stderr, "not %s\n", set.name);
    }
    return std::nullopt;
}

}  // namespace

int main(int argc, char ** argv) {
    if (argc == 3 && std::string_view(argv[1]) == "--read") {
        const int threads = std::atoi(argv[2]);
        std::printf("%.0f\n", threads > 0 ? snapkv::micro::read_rate(static_cast<unsigned>(threads)) : 0.0);
        return threads > 0 ? 0 : 2;
    }
    std::optional<snapkv::attention::cpu::OnlySet> only;
    if (argc >= 3 && std::string_view(argv[1]) == "--instruction-set") {
        const auto set = named_set(argv[2]);
        if (!set) {
            return 2;
        }
        only.emplace(*set);
        argv[2] = argv[0];
        argv += 2;
        argc -= 2;
    }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
        return 2;
    }
    const snapkv::micro::Peaks & peaks = snapkv::micro::peaks();
    std::fprintf(stderr, "one thread's peaks: float32 %.0f, bfloat16 %.0f, int8 %.0f GFLOP/s; read %.1f GB/s\n",
                 peaks.f32 / 1e9, peaks.bf16 / 1e9, peaks.int8 / 1e9, peaks.read / 1e9);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
