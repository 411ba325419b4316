#include "attention/cpu/merge_kernel.h"

#include <limits>

#include "attention/cpu/targets.h"  // before Highway

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/cpu/merge_kernel.cpp"
// This order matters: the file includes itself once for each instruction set, and highway.h looks at which.
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "hwy/highway.h"

#include "attention/cpu/loaders-inl.h"
#include "attention/cpu/tile.h"
#include "hwy/contrib/math/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snapkv::attention::cpu::HWY_NAMESPACE {
namespace {

/// For the query rows of one vector: each part's maximum becomes its factor, exp(maximum - greatest), and the first
/// part's sum that of all.
HWY_INLINE void merge_sums(const Parts & parts, std::size_t at) {
    const F d;
    const V nothing = hn::Set(d, -std::numeric_limits<float>::infinity());
    V greatest = nothing;
    for (std::uint32_t part = 0; part < parts.count; ++part) {
        greatest = hn::Max(greatest, hn::LoadU(d, parts.first + part * parts.stride + at));
    }
    V sum = hn::Zero(d);
    for (std::uint32_t part = 0; part < parts.count; ++part) {
        float * from = parts.first + part * parts.stride + at;
        const V maximum = hn::LoadU(d, from);
        const V factor = hn::IfThenElseZero(hn::Gt(maximum, nothing), hn::Exp(d, hn::Sub(maximum, greatest)));
        sum = hn::MulAdd(factor, hn::LoadU(d, from + kQueryRows), sum);
        hn::StoreU(factor, d, from);
    }
    hn::StoreU(sum, d, parts.first + kQueryRows + at);
}

void MergeParts(const Parts & parts) {
    const F d;
    const std::size_t lanes = hn::Lanes(d);
    for (std::size_t at = 0; at < parts.rows; at += lanes) {
        merge_sums(parts, at);
    }
    for (std::uint32_t row = 0; row < parts.rows; ++row) {
        float * values = parts.first + std::size_t{2} * kQueryRows + row * parts.value_stride;
        for (std::size_t k = 0; k < parts.value_stride; k += lanes) {
            V total = hn::Zero(d);
            for (std::uint32_t part = 0; part < parts.count; ++part) {
                const V factor = hn::Set(d, parts.first[part * parts.stride + row]);
                total = hn::MulAdd(factor, hn::LoadU(d, values + part * parts.stride + k), total);
            }
            hn::StoreU(total, d, values + k);
        }
    }
}

}  // namespace
}  // namespace snapkv::attention::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace snapkv::attention::cpu {

HWY_EXPORT(MergeParts);

void merge_parts(const Parts & parts) {
    HWY_DYNAMIC_DISPATCH(MergeParts)(parts);
}

}  // namespace snapkv::attention::cpu
#endif
