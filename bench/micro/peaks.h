#pragma once

namespace snapkv::micro {

/// What one thread of this machine reaches in loops that do nothing else, measured once when it is first asked for, by
/// the thread's own processor time. 0 where the processor has no such instructions, or this build may not use them.
struct Peaks {
    double f32 = 0;   ///< floating-point operations a second: fused multiply-add, 2 each
    double bf16 = 0;  ///< the same with bfloat16 dot products
    double int8 = 0;  ///< the same with 8-bit integer dot products of AVX-512 VNNI
    double read = 0;  ///< bytes a second from memory far larger than the caches
};
[[nodiscard]] const Peaks & peaks();

/// Bytes a second that so many threads read together, each its part of memory far larger than the caches; by the
/// clock on the wall, so on a quiet machine only.
[[nodiscard]] double read_rate(unsigned threads);

/// Processor time of the calling thread so far.
[[nodiscard]] double thread_seconds();

}  // namespace snapkv::micro
