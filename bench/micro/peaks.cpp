#include "peaks.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <span>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace snapkv::micro {
double thread_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

namespace {

volatile float float_sink;
volatile std::uint64_t integer_sink;

/// The best rate of several runs of `work`, which returns how much it did.
template <typename Work>
double best_rate(const Work & work) {
    double best = 0;
    for (int run = 0; run < 8; ++run) {
        const double begin = thread_seconds();
        const double done = work();
        best = std::max(best, done / (thread_seconds() - begin));
    }
    return best;
}

constexpr int kRounds = 2'000'000;
/// Independent sums: more than the latency of an operation times those that start in a cycle.
constexpr int kSums = 12;

#if defined(__x86_64__)

__attribute__((target("avx512f"))) double f32_avx512() {
    const __m512 a = _mm512_set1_ps(1.0001F);
    const __m512 b = _mm512_set1_ps(0.5F);
    __m512 s[kSums];
    for (auto & sum : s) {
        sum = b;
    }
    for (int i = 0; i < kRounds; ++i) {
#pragma GCC unroll 12
        for (int j = 0; j < kSums; ++j) {
            s[j] = _mm512_fmadd_ps(s[j], b, a);
        }
    }
    for (int j = 1; j < kSums; ++j) {
        s[0] = _mm512_add_ps(s[0], s[j]);
    }
    float_sink = _mm512_cvtss_f32(s[0]);
    return 2.0 * 16 * kSums * kRounds;
}

__attribute__((target("avx2,fma"))) double f32_avx2() {
    const __m256 a = _mm256_set1_ps(1.0001F);
    const __m256 b = _mm256_set1_ps(0.5F);
    __m256 s[kSums];
    for (auto & sum : s) {
        sum = b;
    }
    for (int i = 0; i < kRounds; ++i) {
#pragma GCC unroll 12
        for (int j = 0; j < kSums; ++j) {
            s[j] = _mm256_fmadd_ps(s[j], b, a);
        }
    }
    for (int j = 1; j < kSums; ++j) {
        s[0] = _mm256_add_ps(s[0], s[j]);
    }
    float_sink = _mm256_cvtss_f32(s[0]);
    return 2.0 * 8 * kSums * kRounds;
}

__attribute__((target("avx512f,avx512bf16"))) double bf16_avx512() {
    const __m512 ones = _mm512_set1_ps(1.0F);
    const __m512bh a = _mm512_cvtne2ps_pbh(ones, ones);
    __m512 s[kSums];
    for (auto & sum : s) {
        sum = ones;
    }
    for (int i = 0; i < kRounds; ++i) {
#pragma GCC unroll 12
        for (int j = 0; j < kSums; ++j) {
            s[j] = _mm512_dpbf16_ps(s[j], a, a);
        }
    }
    for (int j = 1; j < kSums; ++j) {
        s[0] = _mm512_add_ps(s[0], s[j]);
    }
    float_sink = _mm512_cvtss_f32(s[0]);
    return 2.0 * 32 * kSums * kRounds;
}

__attribute__((target("avx512f,avx512vnni"))) double int8_avx512() {
    const __m512i a = _mm512_set1_epi8(1);
    __m512i s[kSums];
    for (auto & sum : s) {
        sum = a;
    }
    for (int i = 0; i < kRounds; ++i) {
#pragma GCC unroll 12
        for (int j = 0; j < kSums; ++j) {
            s[j] = _mm512_dpbusd_epi32(s[j], a, a);
        }
    }
    for (int j = 1; j < kSums; ++j) {
        s[0] = _mm512_add_epi32(s[0], s[j]);
    }
    std::uint64_t lanes[8];
    _mm512_storeu_si512(lanes, s[0]);
    integer_sink = lanes[0];
    return 2.0 * 64 * kSums * kRounds;
}

/// May kernels use AVX-512 where the processor has it?
#if defined(SNAPKV_AVX2)
constexpr bool kAvx512 = false;
#else
constexpr bool kAvx512 = true;
#endif

double measure_f32() {
    if (kAvx512 && __builtin_cpu_supports("avx512f")) {
        return best_rate(f32_avx512);
    }
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? best_rate(f32_avx2) : 0;
}
double measure_bf16() {
    return kAvx512 && __builtin_cpu_supports("avx512bf16") ? best_rate(bf16_avx512) : 0;
}
double measure_int8() {
    return kAvx512 && __builtin_cpu_supports("avx512vnni") ? best_rate(int8_avx512) : 0;
}

#else

/// Left to the compiler's vectors.
double measure_f32() {
    return best_rate([] {
        constexpr std::size_t kLanes = 64;
        float sums[kLanes] = {};
        for (int i = 0; i < kRounds; ++i) {
            for (float & sum : sums) {
                sum = sum * 0.5F + 1.0001F;
            }
        }
        float total = 0;
        for (const float sum : sums) {
            total += sum;
        }
        float_sink = total;
        return 2.0 * kLanes * kRounds;
    });
}
double measure_bf16() {
    return 0;
}
double measure_int8() {
    return 0;
}

#endif

constexpr std::size_t kReadWords = std::size_t{32} << 20U;  // 256 MiB

/// `words` comes in whole cache lines.
void read_all(std::span<const std::uint64_t> words) {
    std::uint64_t sums[8] = {};
    for (std::size_t i = 0; i < words.size(); i += 8) {
        for (std::size_t j = 0; j < 8; ++j) {
            sums[j] += words[i + j];
        }
    }
    std::uint64_t total = 0;
    for (const std::uint64_t sum : sums) {
        total += sum;
    }
    integer_sink = total;
}

double measure_read() {
    const std::vector<std::uint64_t> memory(kReadWords, 1);
    return best_rate([&] {
        read_all(memory);
        return static_cast<double>(kReadWords * sizeof(std::uint64_t));
    });
}

}  // namespace

double read_rate(unsigned threads) {
    using Clock = std::chrono::steady_clock;
    constexpr int kTurns = 4;
    const std::vector<std::uint64_t> memory(kReadWords, 1);
    const std::size_t part = kReadWords / threads / 8 * 8;
    double best = 0;
    for (int run = 0; run < 5; ++run) {
        std::vector<std::thread> readers;
        const auto begin = Clock::now();
        for (unsigned i = 0; i < threads; ++i) {
            readers.emplace_back([words = std::span(memory).subspan(i * part, part)] {
                for (int turn = 0; turn < kTurns; ++turn) {
                    read_all(words);
                }
            });
        }
        for (std::thread & reader : readers) {
            reader.join();
        }
        const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
        best = std::max(best, static_cast<double>(part * threads * kTurns * sizeof(std::uint64_t)) / seconds);
    }
    return best;
}

const Peaks & peaks() {
    static const Peaks measured{measure_f32(), measure_bf16(), measure_int8(), measure_read()};
    return measured;
}

}  // namespace snapkv::micro
