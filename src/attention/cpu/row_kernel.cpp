#include "attention/cpu/row_kernel.h"

// AVX3_DL and SSSE3 bring nothing to float arithmetic over AVX3 and SSE2.
#define HWY_DISABLED_TARGETS (HWY_AVX3_DL | HWY_SSSE3)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/cpu/row_kernel.cpp"
// This order matters: the file includes itself once for each instruction set, and highway.h looks at which.
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "hwy/highway.h"

#include "attention/cpu/loaders-inl.h"
#include "attention/cpu/softmax-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snapkv::attention::cpu::HWY_NAMESPACE {
namespace {

/// One stored row against all query rows.
template <typename Stored>
HWY_INLINE void dot_row(const Tile & tile, const std::byte * key, std::uint32_t at, float * logits) {
    const F d;
    const std::size_t lanes = hn::Lanes(d);
    const std::size_t size = tile.spec->key_size;
    const std::size_t stride = padded(size);
    for (std::uint32_t q = 0; q < tile.query_rows; ++q) {
        const float * query = tile.queries + q * stride;
        V sum = hn::Zero(d);
        std::size_t k = 0;
        for (; k + lanes <= size; k += lanes) {
            sum = hn::MulAdd(hn::LoadU(d, query + k), Stored::load(d, key, k), sum);
        }
        float dot = hn::GetLane(hn::SumOfLanes(d, sum));
        for (; k < size; ++k) {
            dot += query[k] * Stored::one(key, k);
        }
        logits[std::size_t{q} * kTile + at] = dot;
    }
}

/// values[q] += weight[q] * one stored row, for all query rows.
template <typename Stored>
HWY_INLINE void add_row(const Tile & tile, const std::byte * value, const float * weights, const Partial & partial) {
    const F d;
    const std::size_t lanes = hn::Lanes(d);
    const std::size_t size = tile.spec->value_size;
    for (std::uint32_t q = 0; q < tile.query_rows; ++q) {
        const float weight = weights[std::size_t{q} * kTile];
        float * out = partial.values + q * partial.value_stride;
        const V by = hn::Set(d, weight);
        std::size_t k = 0;
        for (; k + lanes <= size; k += lanes) {
            hn::StoreU(hn::MulAdd(by, Stored::load(d, value, k), hn::LoadU(d, out + k)), d, out + k);
        }
        for (; k < size; ++k) {
            out[k] += weight * Stored::one(value, k);
        }
    }
}

void AttendRows(const Tile & tile, const Partial & partial, float * scratch) {
    const std::size_t key_bytes = tile.spec->key_size * element_bytes(tile.type);
    const std::size_t value_bytes = tile.spec->value_size * element_bytes(tile.type);
    float * logits = scratch;
    with_loader(tile.type, [&](auto stored) {
        for (std::uint32_t r = 0; r < tile.rows; ++r) {
            dot_row<decltype(stored)>(tile, tile.keys + r * key_bytes, r, logits);
        }
    });
    for (std::uint32_t q = 0; q < tile.query_rows; ++q) {
        std::fill(logits + q * kTile + tile.rows, logits + (q + 1) * kTile, kNegativeInfinity);
    }
    finish_logits(tile, logits);
    fold_logits(tile, logits, partial, padded(tile.spec->value_size));
    with_loader(tile.type, [&](auto stored) {
        for (std::uint32_t r = 0; r < tile.rows; ++r) {
            add_row<decltype(stored)>(tile, tile.values + r * value_bytes, logits + r, partial);
        }
    });
}

}  // namespace
}  // namespace snapkv::attention::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace snapkv::attention::cpu {

HWY_EXPORT(AttendRows);

void attend_rows(const Tile & tile, const Partial & partial, float * scratch) {
    HWY_DYNAMIC_DISPATCH(AttendRows)(tile, partial, scratch);
}

}  // namespace snapkv::attention::cpu
#endif
