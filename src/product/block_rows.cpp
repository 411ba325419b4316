#include "product/block_rows.h"

#include <optional>

#include "product/instruction_sets.h"

namespace snapkv::product {

#if defined(__x86_64__)

const RowDot * block_rows(ggml_type type) {
    static const bool has_vbmi = __builtin_cpu_supports("avx512vbmi") != 0;
    const std::optional<InstructionSet> set = instruction_set();
    if (!set) {
        return nullptr;
    }
    if (set == InstructionSet::Avx512Vnni && has_vbmi) {
        return avx512::block_rows(type);
    }
    return set == InstructionSet::AvxVnni ? avx_vnni::block_rows(type) : avx2::block_rows(type);
}

#else

const RowDot * block_rows(ggml_type /*type*/) {
    return nullptr;
}

#endif

}  // namespace snapkv::product
