// Stored elements as float vectors. Included once for each instruction set by the kernels' sources.
#if defined(SNAPKV_LOADERS_INL) == defined(HWY_TARGET_TOGGLE)  // once for each instruction set
#ifdef SNAPKV_LOADERS_INL
#undef SNAPKV_LOADERS_INL
#else
#define SNAPKV_LOADERS_INL
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "snapkv/cache_config.h"

HWY_BEFORE_NAMESPACE();
namespace snapkv::attention::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;
using V = hn::Vec<F>;
using Integers = hn::RebindToSigned<F>;

// Loads of stored elements as float vectors. kScaled: blocks of kQuantisedBlock elements share a scale, which
// in_block() takes as it is in a vector.
struct StoredF32 {
    static constexpr bool kScaled = false;
    static V load(F d, const std::byte * row, std::size_t at) {
        return hn::LoadU(d, reinterpret_cast<const float *>(row) + at);
    }
    static float one(const std::byte * row, std::size_t at) { return reinterpret_cast<const float *>(row)[at]; }
};

template <typename Half>
struct StoredHalf {
    static constexpr bool kScaled = false;
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

/// Signed bytes in blocks of 32 behind a scale. `at` is a multiple of the vector's lanes.
struct StoredQ8 {
    static constexpr bool kScaled = true;
    static constexpr std::size_t kBlockBytes = kv_row_bytes(KvType::Q8_0, kQuantisedBlock);

    static V load(F d, const std::byte * row, std::size_t at) {
        const std::byte * block = row + at / kQuantisedBlock * kBlockBytes;
        return in_block(d, block, at % kQuantisedBlock, hn::Set(d, StoredHalf<hwy::float16_t>::one(block, 0)));
    }
    static V in_block(F d, const std::byte * block, std::size_t at, V scale) {
        const auto * bytes = reinterpret_cast<const std::int8_t *>(block + 2) + at;
        const auto numbers = hn::PromoteTo(Integers(), hn::LoadU(hn::Rebind<std::int8_t, F>(), bytes));
        return hn::Mul(hn::ConvertTo(d, numbers), scale);
    }
    static float one(const std::byte * row, std::size_t at) {
        const std::byte * block = row + at / kQuantisedBlock * kBlockBytes;
        return StoredHalf<hwy::float16_t>::one(block, 0) *
               static_cast<float>(static_cast<std::int8_t>(block[2 + at % kQuantisedBlock]));
    }
};

/// Numbers from -8 to 7 plus 8 in blocks of 32 behind a scale: the first half of a block in the low halves of its
/// bytes, the other in the high ones. `at` is a multiple of the vector's lanes.
struct StoredQ4 {
    static constexpr bool kScaled = true;
    static constexpr std::size_t kBlockBytes = kv_row_bytes(KvType::Q4_0, kQuantisedBlock);
    static constexpr std::size_t kHalf = kQuantisedBlock / 2;

    static V load(F d, const std::byte * row, std::size_t at) {
        const std::byte * block = row + at / kQuantisedBlock * kBlockBytes;
        return in_block(d, block, at % kQuantisedBlock, hn::Set(d, StoredHalf<hwy::float16_t>::one(block, 0)));
    }
    static V in_block(F d, const std::byte * block, std::size_t at, V scale) {
        const auto * bytes = reinterpret_cast<const std::uint8_t *>(block + 2) + at % kHalf;
        const auto pairs = hn::PromoteTo(Integers(), hn::LoadU(hn::Rebind<std::uint8_t, F>(), bytes));
        const auto numbers = at < kHalf ? hn::And(pairs, hn::Set(Integers(), 15)) : hn::ShiftRight<4>(pairs);
        return hn::Mul(hn::ConvertTo(d, hn::Sub(numbers, hn::Set(Integers(), 8))), scale);
    }
    static float one(const std::byte * row, std::size_t at) {
        const std::byte * block = row + at / kQuantisedBlock * kBlockBytes;
        const auto pair = static_cast<unsigned>(block[2 + at % kHalf]);
        const unsigned number = at % kQuantisedBlock < kHalf ? pair & 15U : pair >> 4U;
        return StoredHalf<hwy::float16_t>::one(block, 0) * (static_cast<float>(number) - 8.0F);
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
        case KvType::Q8_0:
            body(StoredQ8());
            break;
        case KvType::Q4_0:
            body(StoredQ4());
            break;
    }
}

/// Widens one stored row to floats.
template <typename Stored>
HWY_INLINE void widen(const std::byte * row, std::size_t count, float * out) {
    const F d;
    const std::size_t lanes = hn::Lanes(d);
    std::size_t at = 0;
    if constexpr (Stored::kScaled) {
        for (; at + kQuantisedBlock <= count; at += kQuantisedBlock) {
            const std::byte * block = row + at / kQuantisedBlock * Stored::kBlockBytes;
            const V scale = hn::Set(d, StoredHalf<hwy::float16_t>::one(block, 0));
            for (std::size_t in_block = 0; in_block < kQuantisedBlock; in_block += lanes) {
                hn::StoreU(Stored::in_block(d, block, in_block, scale), d, out + at + in_block);
            }
        }
    }
    for (; at + lanes <= count; at += lanes) {
        hn::StoreU(Stored::load(d, row, at), d, out + at);
    }
    for (; at < count; ++at) {
        out[at] = Stored::one(row, at);
    }
}

}  // namespace
}  // namespace snapkv::attention::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
