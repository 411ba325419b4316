// Powers of two. Included once for each instruction set by the kernels' sources.
#if defined(SNAPKV_EXP2_INL) == defined(HWY_TARGET_TOGGLE)  // once for each instruction set
#ifdef SNAPKV_EXP2_INL
#undef SNAPKV_EXP2_INL
#else
#define SNAPKV_EXP2_INL
#endif

#include "attention/cpu/loaders-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace snapkv::attention::cpu::HWY_NAMESPACE {
namespace {

/// 2^x for x below some tens, within 1e-7; zero below 2^-125.
HWY_INLINE V exp2(V x) {
    const F d;
    const hn::RebindToSigned<F> integers;
    const V least = hn::Set(d, -126.0F);
    const V whole = hn::Round(hn::Max(x, least));
    const V fraction = hn::Sub(hn::Max(x, least), whole);
    V p = hn::Set(d, 0.00132764725F);
    p = hn::MulAdd(p, fraction, hn::Set(d, 0.00967554096F));
    p = hn::MulAdd(p, fraction, hn::Set(d, 0.0555071309F));
    p = hn::MulAdd(p, fraction, hn::Set(d, 0.240221202F));
    p = hn::MulAdd(p, fraction, hn::Set(d, 0.693146944F));
    p = hn::MulAdd(p, fraction, hn::Set(d, 1.00000012F));
    const auto exponent = hn::ShiftLeft<23>(hn::ConvertTo(integers, whole));
    const V power = hn::BitCast(d, hn::Add(hn::BitCast(integers, p), exponent));
    return hn::IfThenElseZero(hn::Gt(x, hn::Set(d, -125.0F)), power);
}

}  // namespace
}  // namespace snapkv::attention::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
