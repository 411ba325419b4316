#include "attention/cpu/row_kernel.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "attention/cpu/targets.h"  // before Highway

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/cpu/row_kernel.cpp"
// This order matters: the file includes itself once for each instruction set, and highway.h looks at which.
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "hwy/highway.h"

#include "attention/cpu/loaders-inl.h"
#include "attention/cpu/row_dots-inl.h"
#include "attention/cpu/softmax-inl.h"

HWY_BEFORE_NAMESPACE();
namespace snapkv::attention::cpu::HWY_NAMESPACE {
namespace {

/// Beyond this many query rows stored rows are widened once for all of them, this many at a time: they stay in L1.
constexpr std::size_t kWidenedRows = 16;

/// Rows of whole vectors that few query rows meet are read where they lie: with vectors of 16 lanes even if that widens
/// them twice; with shorter ones only if it does so once, and no vectors of a block share a scale. Measured.
template <typename Stored>
bool read_in_place(std::size_t size, std::size_t query_rows) {
    constexpr bool kLong = HWY_TARGET <= HWY_AVX3;
    return (kLong || !Stored::kScaled) && query_rows <= (kLong ? 2 : 1) * kRowsAtOnce && size % hn::Lanes(F()) == 0;
}

/// Calls body(first row, rows, widened rows) for the tile's rows, widened to `stride` floats each with zeros behind.
template <typename Stored, typename Body>
HWY_INLINE void for_widened(const std::byte * from, std::size_t row_bytes, std::size_t size, std::uint32_t rows,
                            float * widened, const Body & body) {
    const std::size_t stride = padded(size);
    for (std::uint32_t first = 0; first < rows; first += kWidenedRows) {
        const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(kWidenedRows, rows - first));
        for (std::uint32_t r = 0; r < count; ++r) {
            float * to = widened + r * stride;
            widen<Stored>(from + (first + r) * row_bytes, size, to);
            std::fill(to + size, to + stride, 0.0F);
        }
        body(first, count, reinterpret_cast<const std::byte *>(widened));
    }
}

template <typename Stored>
void dot_tile(const Tile & tile, float * logits, float * widened) {
    const std::size_t size = tile.spec->key_size;
    const std::size_t row_bytes = kv_row_bytes(tile.type.key, size);
    Dots dots{.keys = tile.keys, .row_bytes = row_bytes, .rows = tile.rows, .stride = padded(size), .size = size};
    const auto run = [&](auto stored) {
        float * to = dots.logits;
        for_query_blocks<kRowsAtOnce>(tile.query_rows, kRowsAtOnce, [&](std::size_t first, auto count) {
            dots.queries = tile.queries + first * dots.stride;
            dots.logits = to + first * kTile;
            dot_rows<decltype(stored), count()>(dots);
        });
    };
    if (read_in_place<Stored>(size, tile.query_rows)) {
        dots.logits = logits;
        run(Stored());
        return;
    }
    dots.row_bytes = dots.stride * sizeof(float);
    dots.size = dots.stride;
    for_widened<Stored>(tile.keys, row_bytes, size, tile.rows, widened,
                        [&](std::uint32_t first, std::uint32_t count, const std::byte * rows) {
                            dots.keys = rows;
                            dots.rows = count;
                            dots.logits = logits + first;
                            run(StoredF32());
                        });
}

/// Weighted stored rows to add to `out` ([query row][out_stride]).
struct Sums {
    const std::byte * values = nullptr;
    std::size_t row_bytes = 0;
    std::uint32_t rows = 0;
    const float * weights = nullptr;  ///< [query row][kTile]
    float * out = nullptr;
    std::size_t out_stride = 0;
};

/// kColumns vectors of each of kQueries sums, from element `at` on, stay in registers while the rows go by.
template <typename Stored, std::size_t kQueries, std::size_t kColumns>
HWY_INLINE void sum_columns(const Sums & sums, std::size_t at) {
    const F d;
    const std::size_t lanes = hn::Lanes(d);
    V total[kQueries][kColumns];
    for (std::size_t q = 0; q < kQueries; ++q) {
        for (std::size_t c = 0; c < kColumns; ++c) {
            total[q][c] = hn::LoadU(d, sums.out + q * sums.out_stride + at + c * lanes);
        }
    }
    for (std::uint32_t r = 0; r < sums.rows; ++r) {
        const std::byte * row = sums.values + r * sums.row_bytes;
        V weight[kQueries];
        for (std::size_t q = 0; q < kQueries; ++q) {
            weight[q] = hn::Set(d, sums.weights[q * kTile + r]);
        }
        for (std::size_t c = 0; c < kColumns; ++c) {
            const V value = Stored::load(d, row, at + c * lanes);
            for (std::size_t q = 0; q < kQueries; ++q) {
                total[q][c] = hn::MulAdd(weight[q], value, total[q][c]);
            }
        }
    }
    for (std::size_t q = 0; q < kQueries; ++q) {
        for (std::size_t c = 0; c < kColumns; ++c) {
            hn::StoreU(total[q][c], d, sums.out + q * sums.out_stride + at + c * lanes);
        }
    }
}

/// Sums that stay in registers: 24 of 32, 12 of 16.
constexpr std::size_t kSumsAtOnce = HWY_TARGET <= HWY_AVX3 ? 24 : 12;
/// Query rows among them, at most.
constexpr std::size_t kQueriesOfSums = 4;
/// Vectors of a row that stay there together, at most.
constexpr std::size_t kColumnsAtOnce = 8;

/// Query rows that share a pass over the values. With registers enough, so few that a whole row of values is read in
/// one pass where that can be: memory falls behind where every row is read in halves. With fewer registers that would
/// be one, and every value would be widened for each.
std::size_t query_rows_of_pass(std::size_t size) {
    if (HWY_TARGET > HWY_AVX3) {
        return kQueriesOfSums;
    }
    const std::size_t columns = std::min(kColumnsAtOnce, size / hn::Lanes(F()));
    return std::max<std::size_t>(1, std::min(kQueriesOfSums, kSumsAtOnce / columns));
}

/// All columns of the rows, in as few and as even passes as registers allow; where there are several, a few rows at a
/// time, which then stay in L1.
template <typename Stored, std::size_t kQueries>
HWY_INLINE void sum_rows(const Sums & sums, std::size_t size) {
    constexpr std::size_t kMostColumns = std::min(kColumnsAtOnce, kSumsAtOnce / kQueries);
    constexpr std::uint32_t kRowsBetweenPasses = 16;
    const std::size_t lanes = hn::Lanes(F());
    const std::size_t columns = size / lanes;
    const std::size_t passes = (columns + kMostColumns - 1) / kMostColumns;
    const std::uint32_t step = passes == 1 ? sums.rows : kRowsBetweenPasses;
    Sums block = sums;
    for (std::uint32_t r = 0; r < sums.rows; r += step) {
        block.rows = std::min(step, sums.rows - r);
        for (std::size_t pass = 0, at = 0; pass < passes; ++pass) {
            const std::size_t count = (columns - at + passes - pass - 1) / (passes - pass);
            with_constant<kMostColumns>(
                count, [&](auto constant) { sum_columns<Stored, kQueries, constant()>(block, at * lanes); });
            at += count;
        }
        block.values += step * sums.row_bytes;
        block.weights += step;
    }
}

template <typename Stored>
void sum_tile(const Tile & tile, const float * weights, const Partial & partial, float * widened) {
    const std::size_t size = tile.spec->value_size;
    const std::size_t row_bytes = tile.value_stride;
    const auto run = [&](auto stored, const std::byte * values, std::size_t bytes, std::uint32_t first_row,
                         std::uint32_t rows, std::size_t elements) {
        for_query_blocks<kQueriesOfSums>(tile.query_rows, query_rows_of_pass(elements),
                                         [&](std::size_t first, auto count) {
                                             const Sums sums{.values = values,
                                                             .row_bytes = bytes,
                                                             .rows = rows,
                                                             .weights = weights + first * kTile + first_row,
                                                             .out = partial.values + first * partial.value_stride,
                                                             .out_stride = partial.value_stride};
                                             sum_rows<decltype(stored), count()>(sums, elements);
                                         });
    };
    if (read_in_place<Stored>(size, tile.query_rows)) {
        run(Stored(), tile.values, row_bytes, 0, tile.rows, size);
        return;
    }
    for_widened<Stored>(tile.values, row_bytes, size, tile.rows, widened,
                        [&](std::uint32_t first, std::uint32_t count, const std::byte * rows) {
                            run(StoredF32(), rows, padded(size) * sizeof(float), first, count, padded(size));
                        });
}

void AttendRows(const Tile & tile, const Partial & partial, float * scratch) {
    float * logits = scratch;
    float * widened = logits + std::size_t{kQueryRows} * kTile;
    with_loader(tile.type.key, [&](auto stored) { dot_tile<decltype(stored)>(tile, logits, widened); });
    for (std::uint32_t q = 0; q < tile.query_rows; ++q) {
        std::fill(logits + q * kTile + tile.rows, logits + (q + 1) * kTile, kNegativeInfinity);
    }
    finish_logits(tile, logits);
    fold_logits(tile, logits, partial, padded(tile.spec->value_size));
    with_loader(tile.type.value, [&](auto stored) { sum_tile<decltype(stored)>(tile, logits, partial, widened); });
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
