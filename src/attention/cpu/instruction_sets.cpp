#include "attention/cpu/instruction_sets.h"

#include <atomic>

#include "attention/cpu/targets.h"
#include "hwy/targets.h"

namespace snapkv::attention::cpu {

namespace {

std::atomic<bool> avx512_allowed{true};
std::atomic<bool> bf16_allowed{true};

bool processor_has_avx512() {
#if defined(__x86_64__) && !defined(SNAPKV_AVX2)
    return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
           __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
#else
    return false;
#endif
}

bool processor_has_bf16() {
#if defined(__x86_64__) && !defined(SNAPKV_AVX2)
    return processor_has_avx512() && __builtin_cpu_supports("avx512bf16") != 0;
#else
    return false;
#endif
}

}  // namespace

bool has_avx512() {
    static const bool has = processor_has_avx512();
    return has && avx512_allowed.load(std::memory_order_relaxed);
}

bool has_bf16() {
    static const bool has = processor_has_bf16();
    return has && bf16_allowed.load(std::memory_order_relaxed);
}

std::vector<InstructionSet> instruction_sets() {
    std::vector<InstructionSet> sets;
    if (processor_has_bf16()) {
        sets.push_back({"AVX3_BF16", HWY_AVX3, true});
    }
    for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
        sets.push_back({hwy::TargetName(target), target, false});
    }
    return sets;
}

OnlySet::OnlySet(const InstructionSet & set) {
    constexpr std::int64_t avx512 = HWY_AVX3 | HWY_AVX3_DL;
    hwy::SetSupportedTargetsForTest(set.target);
    avx512_allowed = (set.target & avx512) != 0;
    bf16_allowed = set.bf16;
}

OnlySet::~OnlySet() {
    hwy::SetSupportedTargetsForTest(0);
    avx512_allowed = true;
    bf16_allowed = true;
}

}  // namespace snapkv::attention::cpu
