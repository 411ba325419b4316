// What the compiler may use in kernels for one instruction set (product/instruction_sets.h); the plain AVX2 ones are
// inlined into the others.
#pragma once

#if defined(__x86_64__)

#define SNAPKV_AVX2_TARGET __attribute__((target("avx2,fma,f16c")))
#define SNAPKV_INLINED_AVX2 [[gnu::always_inline]] SNAPKV_AVX2_TARGET inline
#define SNAPKV_AVX_VNNI_TARGET __attribute__((target("avx2,fma,f16c,avxvnni")))
#define SNAPKV_VNNI_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,f16c,fma")))

#endif
