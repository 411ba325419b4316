#include <bit>
#include <cstdint>
#include <cstring>

#include "ggml-cpu.h"

// The two functions of ggml that the tested sources call, so that no cross-compiled ggml is needed.

void ggml_cpu_fp32_to_fp16(const float * from, ggml_fp16_t * to, int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
        const auto half = static_cast<__fp16>(from[i]);
        std::memcpy(to + i, &half, sizeof(half));
    }
}

void ggml_cpu_fp32_to_bf16(const float * from, ggml_bf16_t * to, int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
        const auto bits = std::bit_cast<std::uint32_t>(from[i]);
        to[i].bits = static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U);  // finite numbers
    }
}
