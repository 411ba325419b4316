// Keys against few query rows. Included once for each instruction set by the kernels' sources.
#if defined(SNAPKV_ROW_DOTS_INL) == defined(HWY_TARGET_TOGGLE)  // once for each instruction set
#ifdef SNAPKV_ROW_DOTS_INL
#undef SNAPKV_ROW_DOTS_INL
#else
#define SNAPKV_ROW_DOTS_INL
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "attention/cpu/loaders-inl.h"
#include "attention/cpu/tile.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace snapkv::attention::cpu::HWY_NAMESPACE {
namespace {

/// Query rows whose sums stay in registers together: 4 x 4 sums of 32 registers, 3 x 4 of 16.
inline constexpr std::size_t kRowsAtOnce = HWY_TARGET <= HWY_AVX3 ? 4 : 3;
/// Keys of one step: their sums come out of the registers together, without a horizontal sum for each.
inline constexpr std::size_t kKeysAtOnce = 4;

#if HWY_TARGET == HWY_SCALAR

HWY_INLINE void store_lane_sums(V a, V b, V c, V d, float * to) {
    to[0] = hn::GetLane(a);
    to[1] = hn::GetLane(b);
    to[2] = hn::GetLane(c);
    to[3] = hn::GetLane(d);
}

#else

using F4 = hn::FixedTag<float, 4>;

/// Adds up a vector's blocks of four lanes.
template <typename Vector>
HWY_INLINE hn::Vec<F4> add_blocks(Vector v) {
    const hn::DFromV<Vector> d;
    if constexpr (hn::MaxLanes(d) > 4) {
        const hn::Half<decltype(d)> half;
        return add_blocks(hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
    } else {
        return v;
    }
}

/// Writes the sums of the lanes of four vectors: all are transposed within their blocks while they are added up.
HWY_INLINE void store_lane_sums(V a, V b, V c, V d, float * to) {
    const F f;
    const hn::RepartitionToWide<F> pairs;
    const auto ab = hn::BitCast(pairs, hn::Add(hn::InterleaveLower(f, a, b), hn::InterleaveUpper(f, a, b)));
    const auto cd = hn::BitCast(pairs, hn::Add(hn::InterleaveLower(f, c, d), hn::InterleaveUpper(f, c, d)));
    hn::StoreU(add_blocks(hn::Add(hn::BitCast(f, hn::InterleaveLower(pairs, ab, cd)),
                                  hn::BitCast(f, hn::InterleaveUpper(pairs, ab, cd)))),
               F4(), to);
}

#endif

/// Stored rows `row_bytes` apart, and the query rows ([row][stride] floats) that meet them.
struct Dots {
    const std::byte * keys = nullptr;
    std::size_t row_bytes = 0;
    std::uint32_t rows = 0;
    const float * queries = nullptr;
    std::size_t stride = 0;
    std::size_t size = 0;      ///< elements of a row: whole vectors
    float * logits = nullptr;  ///< [query row][kTile]; written in steps of kKeysAtOnce
};

template <typename Stored, std::size_t kQueries>
HWY_INLINE void dot_rows(const Dots & dots) {
    const F d;
    const std::size_t lanes = hn::Lanes(d);
    for (std::uint32_t r = 0; r < dots.rows; r += kKeysAtOnce) {
        const std::byte * keys[kKeysAtOnce];
        for (std::uint32_t n = 0; n < kKeysAtOnce; ++n) {
            keys[n] = dots.keys + std::min(r + n, dots.rows - 1) * dots.row_bytes;
        }
        V sums[kQueries][kKeysAtOnce];
        for (auto & of_query : sums) {
            std::fill(std::begin(of_query), std::end(of_query), hn::Zero(d));
        }
        for (std::size_t k = 0; k < dots.size; k += lanes) {
            V query[kQueries];
            for (std::size_t q = 0; q < kQueries; ++q) {
                query[q] = hn::LoadU(d, dots.queries + q * dots.stride + k);
            }
            for (std::size_t n = 0; n < kKeysAtOnce; ++n) {
                const V key = Stored::load(d, keys[n], k);
                for (std::size_t q = 0; q < kQueries; ++q) {
                    sums[q][n] = hn::MulAdd(query[q], key, sums[q][n]);
                }
            }
        }
        for (std::size_t q = 0; q < kQueries; ++q) {
            store_lane_sums(sums[q][0], sums[q][1], sums[q][2], sums[q][3], dots.logits + q * kTile + r);
        }
    }
}

/// Calls `body` with a constant of the value `count`, which is 1 to kMost.
template <std::size_t kMost, typename Body>
HWY_INLINE void with_constant(std::size_t count, const Body & body) {
    if constexpr (kMost == 1) {
        body(std::integral_constant<std::size_t, 1>());
    } else if (count == kMost) {
        body(std::integral_constant<std::size_t, kMost>());
    } else {
        with_constant<kMost - 1>(count, body);
    }
}

/// Cuts `rows` query rows into blocks of at most `most` (and kMost), as few and as even as can be: body(first, constant
/// count).
template <std::size_t kMost, typename Body>
HWY_INLINE void for_query_blocks(std::size_t rows, std::size_t most, const Body & body) {
    for (std::size_t first = 0; first < rows;) {
        const std::size_t left = rows - first;
        const std::size_t blocks = (left + most - 1) / most;
        const std::size_t count = (left + blocks - 1) / blocks;
        with_constant<kMost>(count, [&](auto constant) { body(first, constant); });
        first += count;
    }
}

}  // namespace
}  // namespace snapkv::attention::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
