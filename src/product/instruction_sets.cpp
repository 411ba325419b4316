#include "product/instruction_sets.h"

#include <atomic>

#if defined(__x86_64__) && !defined(SNAPKV_AVX2)
#include <cpuid.h>
#endif

namespace snapkv::product {

namespace {

constexpr int kBest = -1;
std::atomic<int> asked_for{kBest};

#if defined(__x86_64__) && !defined(SNAPKV_AVX2)

bool has_avx512_vnni() {
    return __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
           __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vnni") != 0;
}

/// Compilers differ in whether they know it by name. Whether the system saves the registers is AVX2's business.
bool has_avx_vnni() {
    constexpr unsigned kAvxVnni = 1U << 4U;
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & kAvxVnni) != 0;
}

#else

bool has_avx512_vnni() {
    return false;
}
bool has_avx_vnni() {
    return false;
}

#endif

bool has_avx2() {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
#else
    return false;
#endif
}

std::vector<InstructionSet> sets_of_processor() {
    std::vector<InstructionSet> sets;
    if (!has_avx2()) {  // all need it
        return sets;
    }
    if (has_avx512_vnni()) {
        sets.push_back(InstructionSet::Avx512Vnni);
    }
    if (has_avx_vnni()) {
        sets.push_back(InstructionSet::AvxVnni);
    }
    sets.push_back(InstructionSet::Avx2);
    return sets;
}

}  // namespace

const char * name_of(InstructionSet set) {
    switch (set) {
        case InstructionSet::Avx512Vnni:
            return "AVX-512 VNNI";
        case InstructionSet::AvxVnni:
            return "AVX-VNNI";
        default:
            return "AVX2";
    }
}

const std::vector<InstructionSet> & instruction_sets() {
    static const std::vector<InstructionSet> sets = sets_of_processor();
    return sets;
}

std::optional<InstructionSet> instruction_set() {
    const int set = asked_for.load(std::memory_order_relaxed);
    if (set != kBest) {
        return static_cast<InstructionSet>(set);
    }
    const std::vector<InstructionSet> & sets = instruction_sets();
    return sets.empty() ? std::nullopt : std::optional(sets.front());
}

OnlySet::OnlySet(InstructionSet set) {
    asked_for = static_cast<int>(set);
}

OnlySet::~OnlySet() {
    asked_for = kBest;
}

}  // namespace snapkv::product
