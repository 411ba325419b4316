// Stored elements as float vectors. Included once for each instruction set by the kernels' sources.
#if defined(SNAPKV_LOADERS_INL) == defined(HWY_TARGET_TOGGLE)  // once for each instruction set
#ifdef SNAPKV_LOADERS_INL
#undef SNAPKV_LOADERS_INL
#else
#define SNAPKV_LOADERS_INL
#endif

#include <cstddef>

#include "hwy/highway.h"
#include "snapkv/cache_config.h"

HWY_BEFORE_NAMESPACE();
namespace snapkv::attention::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;
using V = hn::Vec<F>;

// Loads of stored elements as float vectors.
struct StoredF32 {
    static V load(F d, const std::byte * row, std::size_t at) {
        return hn::LoadU(d, reinterpret_cast<const float *>(row) + at);
    }
    static float one(const std::byte * row, std::size_t at) { return reinterpret_cast<const float *>(row)[at]; }
};

template <typename Half>
struct StoredHalf {
    static V load(F d, const std::byte * row, std::size_t at) {
        const hn::Rebind<Half, F> half;
        return hn::PromoteTo(d, hn::LoadU(half, reinterpret_cast<const Half *>(row) + at));
    }
    static float one(const std::byte * row, std::size_t at) {
        const hn::CappedTag<float, 1> d;
        const hn::Rebind<Half, decltype(d)> half;
        return hn::GetLane(hn::PromoteTo(d, hn::LoadU(half, reinterpret_cast<const Half *>(row) + at)));
    }
};

/// Calls `body` with the loader of the type.
template <typename Body>
HWY_INLINE void with_loader(KvType type, const Body & body) {
    switch (type) {
        case KvType::F32:
            body(StoredF32());
            break;
        case KvType::F16:
            body(StoredHalf<hwy::float16_t>());
            break;
        case KvType::BF16:
            body(StoredHalf<hwy::bfloat16_t>());
            break;
    }
}

/// Widens one stored row to floats.
template <typename Stored>
HWY_INLINE void widen(const std::byte * row, std::size_t count, float * out) {
    const F d;
    const std::size_t lanes = hn::Lanes(d);
    std::size_t at = 0;
    for (; at + lanes <= count; at += lanes) {
        hn::StoreU(Stored::load(d, row, at), d, out + at);
    }
    for (; at < count; ++at) {
        out[at] = Stored::one(row, at);
    }
}

[[maybe_unused]] std::size_t element_bytes(KvType type) {
    return type == KvType::F32 ? 4 : 2;
}

}  // namespace
}  // namespace snapkv::attention::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
