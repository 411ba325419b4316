#pragma once

/// Which of Highway's instruction sets kernels are compiled for: those that bring something to float arithmetic, and
/// whose vectors have a length that the compiler knows, so that arrays of them live in registers. To be included before
/// Highway's headers.
#if defined(SNAPKV_AVX2)
#define HWY_DISABLED_TARGETS (HWY_AVX3 | HWY_AVX3_DL | HWY_SSSE3)
#else
#define HWY_DISABLED_TARGETS (HWY_AVX3_DL | HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#endif
