#include "attention/cpu/adjust.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "attention/cpu/targets.h"  // before Highway

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/cpu/adjust.cpp"
// This order matters: the file includes itself once for each instruction set, and highway.h looks at which.
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "hwy/highway.h"

#include "hwy/contrib/math/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snapkv::attention::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;

void CapLogits(float * logits, std::size_t count, float cap) {
    const F d;
    const auto inverse = hn::Set(d, 1.0F / cap);
    const auto scale = hn::Set(d, cap * std::numbers::log2e_v<float>);
    for (std::size_t at = 0; at < count; at += hn::Lanes(d)) {
        const auto x = hn::Mul(hn::LoadU(d, logits + at), inverse);
        hn::StoreU(hn::Mul(hn::Tanh(d, x), scale), d, logits + at);
    }
}

void SlopeLogits(float * logits, const float * positions, std::size_t count, float slope, float position) {
    const F d;
    const auto own = hn::Set(d, position);
    const auto by = hn::Set(d, slope * std::numbers::log2e_v<float>);
    for (std::size_t at = 0; at < count; at += hn::Lanes(d)) {
        const auto distance = hn::Sub(hn::LoadU(d, positions + at), own);
        hn::StoreU(hn::MulAdd(by, distance, hn::LoadU(d, logits + at)), d, logits + at);
    }
}

}  // namespace
}  // namespace snapkv::attention::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace snapkv::attention::cpu {

HWY_EXPORT(CapLogits);
HWY_EXPORT(SlopeLogits);

void adjust_logits(const AttentionSpec & spec, std::uint32_t head, std::uint32_t position, const float * positions,
                   float * logits, std::size_t count) {
    if (spec.soft_cap > 0) {
        HWY_DYNAMIC_DISPATCH(CapLogits)(logits, count, spec.soft_cap);
    }
    if (!spec.alibi_slopes.empty()) {
        HWY_DYNAMIC_DISPATCH(SlopeLogits)
        (logits, positions, count, spec.slope(head), static_cast<float>(position));
    }
}

float sink_share(const AttentionSpec & spec, std::uint32_t head, float reference) {
    if (spec.sinks.empty() || reference == -std::numeric_limits<float>::infinity()) {
        return 0;
    }
    return std::exp2(spec.sinks[head] * std::numbers::log2e_v<float> - reference);
}

}  // namespace snapkv::attention::cpu
#endif
