#include "attention/cpu/adjust.h"

#include <numbers>

// AVX3_DL and SSSE3 bring nothing to float arithmetic over AVX3 and SSE2.
#define HWY_DISABLED_TARGETS (HWY_AVX3_DL | HWY_SSSE3)
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

void cap_logits(float * logits, std::size_t count, float cap) {
    HWY_DYNAMIC_DISPATCH(CapLogits)(logits, count, cap);
}

void slope_logits(float * logits, const float * positions, std::size_t count, float slope, float position) {
    HWY_DYNAMIC_DISPATCH(SlopeLogits)(logits, positions, count, slope, position);
}

}  // namespace snapkv::attention::cpu
#endif
