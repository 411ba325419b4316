#include "product/elementwise.h"

#include <array>
#include <cassert>
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
using F = hn::CappedTag<float, 16>;  // a block of 32 values holds whole vectors
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

/// Gathers a block's values and rounds them when it is full. Values come in order, from the first of a block on.
struct ToI8 {
    std::array<float, Int8Block::kSize> values;

    HWY_INLINE void store(V v, void * to, std::size_t at) {
        const std::size_t in_block = at % Int8Block::kSize;
        hn::StoreU(v, F(), values.data() + in_block);
        if (in_block + hn::Lanes(F()) == Int8Block::kSize) {
            round(static_cast<Int8Block *>(to)[at / Int8Block::kSize]);
        }
    }
    static void store_one(float /*x*/, void * /*to*/, std::size_t /*at*/) { assert(false); }

    HWY_INLINE void round(Int8Block & to) const {
        const F d;
        const hn::RebindToSigned<F> di;
        const hn::Rebind<std::int8_t, F> bytes;
        const std::size_t lanes = hn::Lanes(d);
        // Of the bits: those of what is not finite lie above every number's.
        auto most = hn::Zero(di);
        for (std::size_t at = 0; at < Int8Block::kSize; at += lanes) {
            most = hn::Max(most, hn::BitCast(di, hn::Abs(hn::LoadU(d, values.data() + at))));
        }
        const std::int32_t bits = hn::GetLane(hn::MaxOfLanes(di, most));
        float largest = 0;
        std::memcpy(&largest, &bits, sizeof largest);
        to.scale = largest / 127.0F;
        const float inverse = 127.0F / largest;
        if (!std::isnormal(inverse)) {  // all zeros or nearly so, or not finite: then neither is the scale
            to.values.fill(0);
            to.start = 0;
            to.sum = 0 * to.scale;
            return;
        }
        auto sum = hn::Zero(di);
        for (std::size_t at = 0; at < Int8Block::kSize; at += lanes) {
            const auto whole = hn::NearestInt(hn::Mul(hn::LoadU(d, values.data() + at), hn::Set(d, inverse)));
            sum = hn::Add(sum, whole);
            hn::StoreU(hn::DemoteTo(bytes, whole), bytes, to.values.data() + at);
        }
        const std::int32_t total = hn::GetLane(hn::SumOfLanes(di, sum));
        to.start = -128 * total;
        to.sum = static_cast<float>(total) * to.scale;
    }
};

template <typename Body>
HWY_INLINE void with_store(Element element, const Body & body) {
    switch (element) {
        case Element::F32:
            return body(ToF32());
        case Element::BF16:
            return body(ToBF16());
        case Element::I8:
            return body(ToI8());
    }
}

float sum_of(const float * x, std::size_t count) {
    const F d;
    const std::size_t lanes = hn::Lanes(d);
    V sum = hn::Zero(d);
    std::size_t at = 0;
    for (; at + lanes <= count; at += lanes) {
        sum = hn::Add(sum, hn::LoadU(d, x + at));
    }
    float total = hn::GetLane(hn::SumOfLanes(d, sum));
    for (; at < count; ++at) {
        total += x[at];
    }
    return total;
}

/// Of the distances from `centre`.
float sum_of_squares(const float * x, std::size_t count, float centre) {
    const F d;
    const std::size_t lanes = hn::Lanes(d);
    const V from = hn::Set(d, centre);
    V sum = hn::Zero(d);
    std::size_t at = 0;
    for (; at + lanes <= count; at += lanes) {
        const V v = hn::Sub(hn::LoadU(d, x + at), from);
        sum = hn::MulAdd(v, v, sum);
    }
    float total = hn::GetLane(hn::SumOfLanes(d, sum));
    for (; at < count; ++at) {
        total += (x[at] - centre) * (x[at] - centre);
    }
    return total;
}

void NormRow(const float * x, std::size_t count, const float * weight, float epsilon, bool centred, Element element,
             void * to) {
    const F d;
    const std::size_t lanes = hn::Lanes(d);
    const auto size = static_cast<float>(count);
    const float centre = centred ? sum_of(x, count) / size : 0.0F;
    const float factor = 1.0F / std::sqrt(sum_of_squares(x, count, centre) / size + epsilon);
    const V from = hn::Set(d, centre);
    const V by = hn::Set(d, factor);
    with_store(element, [&](auto out) HWY_ATTR {
        std::size_t at = 0;
        for (; at + lanes <= count; at += lanes) {
            const V v = hn::Mul(hn::Sub(hn::LoadU(d, x + at), from), by);
            out.store(hn::Mul(v, hn::LoadU(d, weight + at)), to, at);
        }
        for (; at < count; ++at) {
            out.store_one((x[at] - centre) * factor * weight[at], to, at);
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

/// Both activations are x / (1 + exp(-f(x))): f(x) = linear x + cubic x^3. For GELU, 1 + tanh(z) = 2 / (1 + exp(-2 z)).
struct Sigmoid {
    float linear;
    float cubic;
};

Sigmoid sigmoid_of(Activation activation) {
    constexpr float kTwice = 1.5957691216F;  // 2 sqrt(2 / pi)
    return activation == Activation::Silu ? Sigmoid{1, 0} : Sigmoid{kTwice, kTwice * 0.044715F};
}

void GateRow(Activation activation, const float * gate, const float * up, std::size_t count, Element element,
             void * to) {
    const F d;
    const std::size_t lanes = hn::Lanes(d);
    const Sigmoid sigmoid = sigmoid_of(activation);
    const V linear = hn::Set(d, -sigmoid.linear);
    const V cubic = hn::Set(d, -sigmoid.cubic);
    const V one = hn::Set(d, 1.0F);
    const V most = hn::Set(d, 87.0F);  // beyond it exp() has no float
    const V least = hn::Set(d, -87.0F);
    with_store(element, [&](auto out) HWY_ATTR {
        std::size_t at = 0;
        for (; at + lanes <= count; at += lanes) {
            const V g = hn::LoadU(d, gate + at);
            const V z = hn::Mul(g, hn::MulAdd(hn::Mul(g, g), cubic, linear));
            const V e = hn::Exp(d, hn::Max(hn::Min(z, most), least));
            out.store(hn::Mul(hn::Div(g, hn::Add(one, e)), hn::LoadU(d, up + at)), to, at);
        }
        for (; at < count; ++at) {
            const float g = gate[at];
            const float z = g * (sigmoid.linear + sigmoid.cubic * g * g);
            out.store_one(g / (1.0F + std::exp(-z)) * up[at], to, at);
        }
    });
}

}  // namespace snapkv::product::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace snapkv::product {

HWY_EXPORT(NormRow);
HWY_EXPORT(NarrowRow);
HWY_EXPORT(GateRow);

void norm_row(Norm::Kind kind, std::span<const float> x, const float * weight, float epsilon, Element element,
              void * to) {
    assert(element != Element::I8 || x.size() % Int8Block::kSize == 0);
    HWY_DYNAMIC_DISPATCH(NormRow)(x.data(), x.size(), weight, epsilon, kind == Norm::Kind::Layer, element, to);
}

void narrow_row(std::span<const float> x, Element element, void * to) {
    assert(element != Element::I8 || x.size() % Int8Block::kSize == 0);
    HWY_DYNAMIC_DISPATCH(NarrowRow)(x.data(), x.size(), element, to);
}

void gate_row(Activation activation, std::span<const float> gate, const float * up, Element element, void * to) {
    assert(element != Element::I8 || gate.size() % Int8Block::kSize == 0);
    HWY_DYNAMIC_DISPATCH(GateRow)(activation, gate.data(), up, gate.size(), element, to);
}

}  // namespace snapkv::product
#endif
