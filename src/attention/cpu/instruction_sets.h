#pragma once

#include <cstdint>
#include <vector>

/// Which of the processor's instruction sets the kernels use: the best, or one that was asked for. One switch for all
/// kernels, so that a test can go through them.
namespace snapkv::attention::cpu {

struct InstructionSet {
    const char * name = nullptr;
    std::int64_t target = 0;  ///< Highway's
    bool bf16 = false;        ///< and AVX-512 with bfloat16 products
};

/// Those that this processor can run and the kernels were compiled for, best first.
[[nodiscard]] std::vector<InstructionSet> instruction_sets();

/// While this lives, kernels use `set` alone. Not thread-safe: for tests.
class OnlySet {
public:
    explicit OnlySet(const InstructionSet & set);
    ~OnlySet();
    OnlySet(const OnlySet &) = delete;
    OnlySet & operator=(const OnlySet &) = delete;
    OnlySet(OnlySet &&) = delete;
    OnlySet & operator=(OnlySet &&) = delete;
};

/// Whether the processor has AVX-512, and nobody asked for a lesser set.
[[nodiscard]] bool has_avx512();

/// Whether the processor has AVX-512 with bfloat16 products, and nobody asked for another set.
[[nodiscard]] bool has_bf16();

}  // namespace snapkv::attention::cpu
