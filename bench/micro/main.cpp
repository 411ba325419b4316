// Micro-benchmarks of the kernels: `micro --help` says how to pick some. Rates go by this thread's processor time, so
// that other work on the machine disturbs them little. `micro --read THREADS` prints the bytes a second that so many
// threads read, and nothing else.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "peaks.h"

int main(int argc, char ** argv) {
    if (argc == 3 && std::string_view(argv[1]) == "--read") {
        const int threads = std::atoi(argv[2]);
        std::printf("%.0f\n", threads > 0 ? snapkv::micro::read_rate(static_cast<unsigned>(threads)) : 0.0);
        return threads > 0 ? 0 : 2;
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
