#pragma once

#include <algorithm>
#include <vector>

#include "attention/cpu/instruction_sets.h"

namespace snapkv::test {

/// While the result lives, kernels compute in float32 throughout, with the best instruction set for that. For tests
/// whose tolerances are those of float32; what bfloat16 products cost is tested where they are made.
[[nodiscard]] inline attention::cpu::OnlySet float32_kernels() {
    using attention::cpu::InstructionSet;
    const std::vector<InstructionSet> sets = attention::cpu::instruction_sets();
    return attention::cpu::OnlySet(
        *std::find_if(sets.begin(), sets.end(), [](const InstructionSet & set) { return !set.bf16; }));
}

}  // namespace snapkv::test
