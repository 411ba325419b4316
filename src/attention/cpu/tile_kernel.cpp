#include "attention/cpu/tile_kernel.h"

// AVX3_DL and SSSE3 bring nothing to float arithmetic over AVX3 and SSE2.
#define HWY_DISABLED_TARGETS (HWY_AVX3_DL | HWY_SSSE3)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/cpu/tile_kernel.cpp"
// This order matters: the file includes itself once for each instruction set, and highway.h looks at which.
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "hwy/highway.h"

#include "attention/cpu/loaders-inl.h"
#include "attention/cpu/softmax-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snapkv::attention::cpu::HWY_NAMESPACE {
namespace {

/// Rows x Columns vectors of C = (C +) A B held in registers while k runs.
template <std::size_t Rows, std::size_t Columns, bool kAccumulate>
HWY_INLINE void multiply_block(const float * a, std::size_t a_stride, const float * b, std::size_t b_stride, float * c,
                               std::size_t c_stride, std::size_t depth) {
    const F d;
    const std::size_t lanes = hn::Lanes(d);
    V sums[Rows][Columns];
    for (std::size_t r = 0; r < Rows; ++r) {
        for (std::size_t v = 0; v < Columns; ++v) {
            sums[r][v] = kAccumulate ? hn::LoadU(d, c + r * c_stride + v * lanes) : hn::Zero(d);
        }
    }
    for (std::size_t k = 0; k < depth; ++k) {
        V row[Columns];
        for (std::size_t v = 0; v < Columns; ++v) {
            row[v] = hn::LoadU(d, b + k * b_stride + v * lanes);
        }
        for (std::size_t r = 0; r < Rows; ++r) {
            const V factor = hn::Set(d, a[r * a_stride + k]);
            for (std::size_t v = 0; v < Columns; ++v) {
                sums[r][v] = hn::MulAdd(factor, row[v], sums[r][v]);
            }
        }
    }
    for (std::size_t r = 0; r < Rows; ++r) {
        for (std::size_t v = 0; v < Columns; ++v) {
            hn::StoreU(sums[r][v], d, c + r * c_stride + v * lanes);
        }
    }
}

template <std::size_t Columns, bool kAccumulate>
HWY_INLINE void multiply_columns(const float * a, std::size_t a_stride, const float * b, std::size_t b_stride,
                                 float * c, std::size_t c_stride, std::size_t rows, std::size_t depth) {
    std::size_t r = 0;
    for (; r + 4 <= rows; r += 4) {
        multiply_block<4, Columns, kAccumulate>(a + r * a_stride, a_stride, b, b_stride, c + r * c_stride, c_stride,
                                                depth);
    }
    for (; r < rows; ++r) {
        multiply_block<1, Columns, kAccumulate>(a + r * a_stride, a_stride, b, b_stride, c + r * c_stride, c_stride,
                                                depth);
    }
}

/// C [rows][columns] = (C +) A [rows][depth] B [depth][columns]; columns a multiple of 16. Every element sums over
/// the depth in the same order wherever it lies.
template <bool kAccumulate>
HWY_INLINE void multiply(const float * a, std::size_t a_stride, const float * b, std::size_t b_stride, float * c,
                         std::size_t c_stride, std::size_t rows, std::size_t columns, std::size_t depth) {
    const std::size_t lanes = hn::Lanes(F());
    // As many accumulators as the registers hold: 4 x 4 of 32, 4 x 2 of 16.
    constexpr std::size_t kWide = HWY_TARGET <= HWY_AVX3 ? 4 : 2;
    std::size_t at = 0;
    for (; at + kWide * lanes <= columns; at += kWide * lanes) {
        multiply_columns<kWide, kAccumulate>(a, a_stride, b + at, b_stride, c + at, c_stride, rows, depth);
    }
    for (; at < columns; at += lanes) {
        multiply_columns<1, kAccumulate>(a, a_stride, b + at, b_stride, c + at, c_stride, rows, depth);
    }
}

/// Keys of a tile, transposed: [padded key size][kTile], missing rows and elements zero.
template <typename Stored>
void pack_keys(const Tile & tile, std::size_t key_bytes, float * packed, float * row) {
    const std::size_t size = tile.spec->key_size;
    std::fill_n(packed, padded(size) * kTile, 0.0F);
    for (std::uint32_t r = 0; r < tile.rows; ++r) {
        widen<Stored>(tile.keys + r * key_bytes, size, row);
        for (std::size_t k = 0; k < size; ++k) {
            packed[k * kTile + r] = row[k];
        }
    }
}

void TileLogits(const Tile & tile, float * logits, float * scratch) {
    const std::size_t depth = padded(tile.spec->key_size);
    float * packed = scratch;
    float * row = packed + depth * kTile;
    with_loader(tile.type, [&](auto stored) {
        pack_keys<decltype(stored)>(tile, tile.spec->key_size * element_bytes(tile.type), packed, row);
    });
    multiply<false>(tile.queries, depth, packed, kTile, logits, kTile, tile.query_rows, kTile, depth);
    finish_logits(tile, logits);
}

float ExpSum(const float * logits, std::size_t count, float maximum) {
    const F d;
    const std::size_t lanes = hn::Lanes(d);
    const V shift = hn::Set(d, maximum);
    V sum = hn::Zero(d);
    for (std::size_t at = 0; at < count; at += lanes) {
        sum = hn::Add(sum, hn::Exp(d, hn::Sub(hn::LoadU(d, logits + at), shift)));
    }
    return hn::GetLane(hn::SumOfLanes(d, sum));
}

void AddProbabilities(const float * logits, std::size_t count, float maximum, float factor, float * columns) {
    const F d;
    const std::size_t lanes = hn::Lanes(d);
    const V shift = hn::Set(d, maximum);
    const V by = hn::Set(d, factor);
    for (std::size_t at = 0; at < count; at += lanes) {
        const V e = hn::Exp(d, hn::Sub(hn::LoadU(d, logits + at), shift));
        hn::StoreU(hn::MulAdd(e, by, hn::LoadU(d, columns + at)), d, columns + at);
    }
}

float MaximumOf(const float * x, std::size_t count) {
    return maximum_of(x, count);
}

}  // namespace
}  // namespace snapkv::attention::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace snapkv::attention::cpu {

HWY_EXPORT(TileLogits);
HWY_EXPORT(ExpSum);
HWY_EXPORT(AddProbabilities);
HWY_EXPORT(MaximumOf);

void tile_logits(const Tile & tile, float * logits, float * scratch) {
    HWY_DYNAMIC_DISPATCH(TileLogits)(tile, logits, scratch);
}

float exp_sum(const float * logits, std::size_t count, float maximum) {
    return HWY_DYNAMIC_DISPATCH(ExpSum)(logits, count, maximum);
}

void add_probabilities(const float * logits, std::size_t count, float maximum, float factor, float * columns) {
    HWY_DYNAMIC_DISPATCH(AddProbabilities)(logits, count, maximum, factor, columns);
}

float maximum_of(const float * logits, std::size_t count) {
    return HWY_DYNAMIC_DISPATCH(MaximumOf)(logits, count);
}

}  // namespace snapkv::attention::cpu
#endif
