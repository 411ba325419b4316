#include "product/elementwise.h"

#include <cmath>
#include <cstdint>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "product/elementwise.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "hwy/contrib/math/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snapkv::product::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using F = hn::ScalableTag<float>;
using V = hn::Vec<F>;

struct ToF32 {
    static HWY_INLINE void store(V v, void * to, std::size_t at) { hn::StoreU(v, F(), static_cast<float *>(to) + at); }
    static void store_one(float x, void * to, std::size_t at) { static_cast<float *>(to)[at] = x; }
};

struct ToBF16 {
    static HWY_INLINE void store(V v, void * to, std::size_t at) {
        const hn::RebindToUnsigned<F> du;
        const hn::Rebind<std::uint16_t, F> half;
        const auto bits = hn::BitCast(du, v);
        const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
        const auto rounded = hn::ShiftRight<16>(hn::Add(hn::Add(bits, hn::Set(du, 0x7FFF)), odd));
        const hn::RebindToSigned<F> di;
        hn::StoreU(hn::DemoteTo(half, hn::BitCast(di, rounded)), half, static_cast<std::uint16_t *>(to) + at);
    }
    static void store_one(float x, void * to, std::size_t at) {
        std::uint32_t bits = 0;
        std::memcpy(&bits, &x, sizeof bits);
        static_cast<std::uint16_t *>(to)[at] =
            static_cast<std::uint16_t>((bits + 0x7FFF + ((bits >> 16U) & 1U)) >> 16U);
    }
};

template <typename Body>
HWY_INLINE void with_store(Element element, const Body & body) {
    if (element == Element::F32) {
        body(ToF32());
    } else {
        body(ToBF16());
    }
}

float sum_of_squares(const float * x, std::size_t count) {
    const F d;
    const std::size_t lanes = hn::Lanes(d);
    V sum = hn::Zero(d);
    std::size_t at = 0;
    for (; at + lanes <= count; at += lanes) {
        const V v = hn::LoadU(d, x + at);
        sum = hn::MulAdd(v, v, sum);
    }
    float total = hn::GetLane(hn::SumOfLanes(d, sum));
    for (; at < count; ++at) {
        total += x[at] * x[at];
    }
    return total;
}

void RmsNormRow(const float * x, std::size_t count, const float * weight, float epsilon, Element element, void * to) {
    const F d;
    const std::size_t lanes = hn::Lanes(d);
    const float factor = 1.0F / std::sqrt(sum_of_squares(x, count) / static_cast<float>(count) + epsilon);
    const V by = hn::Set(d, factor);
    with_store(element, [&](auto out) HWY_ATTR {
        std::size_t at = 0;
        for (; at + lanes <= count; at += lanes) {
            out.store(hn::Mul(hn::Mul(hn::LoadU(d, x + at), by), hn::LoadU(d, weight + at)), to, at);
        }
        for (; at < count; ++at) {
            out.store_one(x[at] * factor * weight[at], to, at);
        }
    });
}

void NarrowRow(const float * x, std::size_t count, Element element, void * to) {
    const F d;
    const std::size_t lanes = hn::Lanes(d);
    with_store(element, [&](auto out) HWY_ATTR {
        std::size_t at = 0;
        for (; at + lanes <= count; at += lanes) {
            out.store(hn::LoadU(d, x + at), to, at);
        }
        for (; at < count; ++at) {
            out.store_one(x[at], to, at);
        }
    });
}

void SwigluRow(const float * gate, const float * up, std::size_t count, Element element, void * to) {
    const F d;
    const std::size_t lanes = hn::Lanes(d);
    const V one = hn::Set(d, 1.0F);
    const V most = hn::Set(d, 87.0F);  // beyond it exp() has no float
    with_store(element, [&](auto out) HWY_ATTR {
        std::size_t at = 0;
        for (; at + lanes <= count; at += lanes) {
            const V g = hn::LoadU(d, gate + at);
            const V e = hn::Exp(d, hn::Min(hn::Neg(g), most));
            out.store(hn::Mul(hn::Div(g, hn::Add(one, e)), hn::LoadU(d, up + at)), to, at);
        }
        for (; at < count; ++at) {
            out.store_one(gate[at] / (1.0F + std::exp(-gate[at])) * up[at], to, at);
        }
    });
}

}  // namespace snapkv::product::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace snapkv::product {

HWY_EXPORT(RmsNormRow);
HWY_EXPORT(NarrowRow);
HWY_EXPORT(SwigluRow);

void rms_norm_row(std::span<const float> x, const float * weight, float epsilon, Element element, void * to) {
    HWY_DYNAMIC_DISPATCH(RmsNormRow)(x.data(), x.size(), weight, epsilon, element, to);
}

void narrow_row(std::span<const float> x, Element element, void * to) {
    HWY_DYNAMIC_DISPATCH(NarrowRow)(x.data(), x.size(), element, to);
}

void swiglu_row(std::span<const float> gate, const float * up, Element element, void * to) {
    HWY_DYNAMIC_DISPATCH(SwigluRow)(gate.data(), up, gate.size(), element, to);
}

}  // namespace snapkv::product
#endif
