#include "attention/cpu/vote_kernel.h"

#include "attention/cpu/targets.h"  // before Highway

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/cpu/vote_kernel.cpp"
// This order matters: the file includes itself once for each instruction set, and highway.h looks at which.
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "hwy/highway.h"

#include "attention/cpu/exp2-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snapkv::attention::cpu::HWY_NAMESPACE {
namespace {

void AddWeights(const float * logits, std::size_t count, float reference, float share, float * columns) {
    const F d;
    const V shift = hn::Set(d, reference);
    const V by = hn::Set(d, share);
    for (std::size_t at = 0; at < count; at += hn::Lanes(d)) {
        const V weight = exp2(hn::Sub(hn::LoadU(d, logits + at), shift));
        hn::StoreU(hn::MulAdd(weight, by, hn::LoadU(d, columns + at)), d, columns + at);
    }
}

void AddSquares(const float * logits, std::size_t count, float reference, float share, float * columns) {
    const F d;
    const V shift = hn::Set(d, reference);
    const V by = hn::Set(d, share);
    for (std::size_t at = 0; at < count; at += hn::Lanes(d)) {
        const V weight = hn::Mul(exp2(hn::Sub(hn::LoadU(d, logits + at), shift)), by);
        hn::StoreU(hn::MulAdd(weight, weight, hn::LoadU(d, columns + at)), d, columns + at);
    }
}

void RaiseLargest(const float * logits, std::size_t count, float reference, float share, std::size_t ranks,
                  std::size_t stride, float * columns) {
    const F d;
    const V shift = hn::Set(d, reference);
    const V by = hn::Set(d, share);
    for (std::size_t at = 0; at < count; at += hn::Lanes(d)) {
        V weight = hn::Mul(exp2(hn::Sub(hn::LoadU(d, logits + at), shift)), by);
        for (std::size_t rank = 0; rank < ranks; ++rank) {  // what is larger stays, what is smaller goes one down
            float * largest = columns + rank * stride + at;
            const V so_far = hn::LoadU(d, largest);
            hn::StoreU(hn::Max(so_far, weight), d, largest);
            weight = hn::Min(so_far, weight);
        }
    }
}

void CountWeights(const float * logits, std::size_t count, float reference, float share, float least,
                  std::size_t stride, float * columns) {
    const F d;
    const V shift = hn::Set(d, reference);
    const V by = hn::Set(d, share);
    const V enough = hn::Set(d, least);
    const V one = hn::Set(d, 1.0F);
    for (std::size_t at = 0; at < count; at += hn::Lanes(d)) {
        const V weight = hn::Mul(exp2(hn::Sub(hn::LoadU(d, logits + at), shift)), by);
        const V counted = hn::IfThenElseZero(hn::Ge(weight, enough), one);
        hn::StoreU(hn::Add(hn::LoadU(d, columns + at), counted), d, columns + at);
        hn::StoreU(hn::Add(hn::LoadU(d, columns + stride + at), weight), d, columns + stride + at);
    }
}

}  // namespace
}  // namespace snapkv::attention::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace snapkv::attention::cpu {

HWY_EXPORT(AddWeights);
HWY_EXPORT(AddSquares);
HWY_EXPORT(RaiseLargest);
HWY_EXPORT(CountWeights);

void add_weights(const float * logits, std::size_t count, float reference, float share, float * columns) {
    HWY_DYNAMIC_DISPATCH(AddWeights)(logits, count, reference, share, columns);
}

void add_squares(const float * logits, std::size_t count, float reference, float share, float * columns) {
    HWY_DYNAMIC_DISPATCH(AddSquares)(logits, count, reference, share, columns);
}

void raise_largest(const float * logits, std::size_t count, float reference, float share, std::size_t ranks,
                   std::size_t stride, float * columns) {
    HWY_DYNAMIC_DISPATCH(RaiseLargest)(logits, count, reference, share, ranks, stride, columns);
}

void count_weights(const float * logits, std::size_t count, float reference, float share, float least,
                   std::size_t stride, float * columns) {
    HWY_DYNAMIC_DISPATCH(CountWeights)(logits, count, reference, share, least, stride, columns);
}

}  // namespace snapkv::attention::cpu
#endif
