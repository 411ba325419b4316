// A tile's logits and the running softmax. Included once for each instruction set by the kernels' sources.
#if defined(SNAPKV_SOFTMAX_INL) == defined(HWY_TARGET_TOGGLE)  // once for each instruction set
#ifdef SNAPKV_SOFTMAX_INL
#undef SNAPKV_SOFTMAX_INL
#else
#define SNAPKV_SOFTMAX_INL
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "attention/cpu/loaders-inl.h"
#include "attention/cpu/tile.h"
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace snapkv::attention::cpu::HWY_NAMESPACE {
namespace {

inline constexpr float kNegativeInfinity = -std::numeric_limits<float>::infinity();

/// The soft cap and slopes, where there are any, then minus infinity outside what each query row sees.
inline void finish_logits(const Tile & tile, float * logits) {
    const F d;
    const std::size_t lanes = hn::Lanes(d);
    if (tile.spec->soft_cap > 0) {
        const V cap = hn::Set(d, tile.spec->soft_cap);
        const V inverse = hn::Set(d, 1.0F / tile.spec->soft_cap);
        for (std::size_t at = 0; at < std::size_t{tile.query_rows} * kTile; at += lanes) {
            const V x = hn::LoadU(d, logits + at);
            hn::StoreU(hn::Mul(cap, hn::Tanh(d, hn::Mul(x, inverse))), d, logits + at);
        }
    }
    for (std::uint32_t r = 0; r < tile.query_rows; ++r) {
        float * row = logits + std::size_t{r} * kTile;
        for (std::uint32_t at = 0; at < tile.rows && tile.slopes != nullptr; ++at) {
            row[at] += tile.slopes[r] * (tile.positions[at] - tile.query_positions[r]);
        }
        std::fill(row, row + std::min(tile.begin[r], kTile), kNegativeInfinity);
        std::fill(row + std::min(tile.end[r], kTile), row + kTile, kNegativeInfinity);
    }
}

inline float maximum_of(const float * x, std::size_t count) {
    const F d;
    const std::size_t lanes = hn::Lanes(d);
    V best = hn::Set(d, kNegativeInfinity);
    std::size_t at = 0;
    for (; at + lanes <= count; at += lanes) {
        best = hn::Max(best, hn::LoadU(d, x + at));
    }
    float result = hn::GetLane(hn::MaxOfLanes(d, best));
    for (; at < count; ++at) {
        result = std::max(result, x[at]);
    }
    return result;
}

/// x = exp(x - maximum); returns the sum.
inline float exponentiate(float * x, std::size_t count, float maximum) {
    const F d;
    const std::size_t lanes = hn::Lanes(d);
    const V shift = hn::Set(d, maximum);
    V sum = hn::Zero(d);
    for (std::size_t at = 0; at < count; at += lanes) {
        const V e = hn::Exp(d, hn::Sub(hn::LoadU(d, x + at), shift));
        hn::StoreU(e, d, x + at);
        sum = hn::Add(sum, e);
    }
    return hn::GetLane(hn::SumOfLanes(d, sum));
}

inline void scale_row(float * x, std::size_t count, float factor) {
    const F d;
    const std::size_t lanes = hn::Lanes(d);
    const V by = hn::Set(d, factor);
    for (std::size_t at = 0; at < count; at += lanes) {
        hn::StoreU(hn::Mul(hn::LoadU(d, x + at), by), d, x + at);
    }
}

/// Folds a tile's logits into maximum and sum, rescaling what is there, and turns them into probabilities relative to
/// the new maximum. Rows that see nothing become zero.
inline void fold_logits(const Tile & tile, float * logits, const Partial & partial, std::size_t value_size) {
    const std::size_t count = padded(tile.rows);  // what lies behind them is minus infinity
    for (std::uint32_t r = 0; r < tile.query_rows; ++r) {
        float * row = logits + std::size_t{r} * kTile;
        const float before = partial.maximum[r];
        const float now = std::max(before, maximum_of(row, count));
        if (now == kNegativeInfinity) {
            std::fill_n(row, count, 0.0F);
            continue;
        }
        const float sum = exponentiate(row, count, now);
        if (now > before) {
            const float factor = before == kNegativeInfinity ? 0.0F : std::exp(before - now);
            scale_row(partial.values + r * partial.value_stride, value_size, factor);
            partial.sum[r] *= factor;
            partial.maximum[r] = now;
        }
        partial.sum[r] += sum;
    }
}

}  // namespace
}  // namespace snapkv::attention::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
