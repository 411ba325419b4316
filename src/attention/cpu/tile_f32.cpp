#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>

#include "attention/cpu/tile_steps.h"
#include "kv/anchor.h"

#include "attention/cpu/targets.h"  // before Highway

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/cpu/tile_f32.cpp"
// This order matters: the file includes itself once for each instruction set, and highway.h looks at which.
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "hwy/highway.h"

#include "attention/cpu/exp2-inl.h"
#include "attention/cpu/loaders-inl.h"
#include "attention/cpu/tile.h"

HWY_BEFORE_NAMESPACE();
namespace snapkv::attention::cpu::HWY_NAMESPACE {
namespace {

// As many accumulators as the registers hold beside a row of B and a factor: 6 x 4 of 32, 4 x 3 of 16.
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr std::size_t kRowStep = 6;
constexpr std::size_t kVectors = 4;
#else
constexpr std::size_t kRowStep = 4;
constexpr std::size_t kVectors = 3;
#endif
/// A multiple of every panel.
constexpr std::uint32_t kTileRows = 192;
static_assert(kv::kAnchorRows % kTileRows == 0);
constexpr std::size_t kLanes = HWY_TARGET == HWY_SCALAR ? 1 : HWY_MAX_BYTES / sizeof(float);
constexpr std::uint32_t kPanel = kVectors * kLanes;
static_assert(kTileRows % kPanel == 0 && kStripRows % kRowStep == 0);
/// A row's reference follows its greatest logit only when that is so much greater: weights of up to 2^8 are as exact
/// as those below 1, and the values are seldom rescaled.
constexpr float kSlack = 8;

float * floats(std::byte * bytes) {
    return reinterpret_cast<float *>(bytes);
}
const float * floats(const std::byte * bytes) {
    return reinterpret_cast<const float *>(bytes);
}

void pack_query(const float * row, std::uint32_t size, float factor, std::byte * to) {
    float * out = floats(to);
    std::transform(row, row + size, out, [&](float x) { return x * factor; });
    std::fill(out + size, out + padded(size), 0.0F);
}

/// Elements of a stored row that are transposed at once.
constexpr std::size_t kDepth = 64;

#if HWY_TARGET != HWY_SCALAR
/// Four elements of each of kCount / 4 rows, which lie 4 rows apart.
template <std::size_t kCount, typename D>
HWY_INLINE hn::Vec<D> load_quarters(D d, const float * from) {
    if constexpr (kCount == 4) {
        return hn::LoadU(d, from);
    } else {
        const hn::Half<D> half;
        return hn::Combine(d, load_quarters<kCount / 2>(half, from + kCount / 2 * kDepth),
                           load_quarters<kCount / 2>(half, from));
    }
}
#endif

/// Columns [0, 4) of kLanes rows of `from` to 4 rows of `to`.
HWY_INLINE void transpose(const float * from, float * to) {
#if HWY_TARGET == HWY_SCALAR
    for (std::size_t k = 0; k < 4; ++k) {
        to[k * kPanel] = from[k];
    }
#else
    const F d;
    const hn::RepartitionToWide<F> wide;
    V rows[4];
    for (std::size_t r = 0; r < 4; ++r) {
        rows[r] = load_quarters<kLanes>(d, from + r * kDepth);
    }
    const auto low01 = hn::BitCast(wide, hn::InterleaveLower(d, rows[0], rows[1]));
    const auto low23 = hn::BitCast(wide, hn::InterleaveLower(d, rows[2], rows[3]));
    const auto high01 = hn::BitCast(wide, hn::InterleaveUpper(d, rows[0], rows[1]));
    const auto high23 = hn::BitCast(wide, hn::InterleaveUpper(d, rows[2], rows[3]));
    hn::StoreU(hn::BitCast(d, hn::InterleaveLower(wide, low01, low23)), d, to);
    hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(wide, low01, low23)), d, to + kPanel);
    hn::StoreU(hn::BitCast(d, hn::InterleaveLower(wide, high01, high23)), d, to + std::size_t{2} * kPanel);
    hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(wide, high01, high23)), d, to + std::size_t{3} * kPanel);
#endif
}

/// Panels of [padded element][kPanel keys].
template <typename Stored>
void pack_keys_of(const StoredRows & keys, float * to) {
    const std::size_t depth = padded(keys.size);
    HWY_ALIGN float rows[kLanes * kDepth];
    for (std::size_t group = 0; group < (keys.rows + kPanel - 1) / kPanel * kPanel; group += kLanes) {
        float * panel = to + group / kPanel * kPanel * depth + group % kPanel;
        for (std::size_t first = 0; first < depth; first += kDepth) {
            const std::size_t count = std::min(kDepth, depth - first);
            std::fill_n(rows, kLanes * kDepth, 0.0F);
            for (std::size_t i = 0; i < kLanes && group + i < keys.rows; ++i) {
                widen<Stored>(keys.row(group + i) + kv_row_bytes(keys.type, first),
                              std::min(count, keys.size - std::min<std::size_t>(first, keys.size)), rows + i * kDepth);
            }
            for (std::size_t at = 0; at < count; at += 4) {
                transpose(rows + at, panel + (first + at) * kPanel);
            }
        }
    }
}

void pack_keys(const StoredRows & keys, std::byte * to) {
    with_loader(keys.type, [&](auto stored) { pack_keys_of<decltype(stored)>(keys, floats(to)); });
}

/// How vectors of values are worked on: in slices of at most kVectors and of nearly the same width.
class Slices {
public:
    explicit Slices(std::uint32_t size)
        : vectors_(padded(size) / kLanes), count_((vectors_ + kVectors - 1) / kVectors) {}
    [[nodiscard]] std::size_t count() const { return count_; }
    [[nodiscard]] std::size_t begin(std::size_t slice) const { return slice * vectors_ / count_; }

private:
    std::size_t vectors_;
    std::size_t count_;
};

/// Slices of [row][columns].
template <typename Stored>
void pack_values_of(const StoredRows & values, float * to) {
    const Slices slices(values.size);
    for (std::size_t slice = 0; slice < slices.count(); ++slice) {
        const std::size_t first = slices.begin(slice) * kLanes;
        const std::size_t columns = slices.begin(slice + 1) * kLanes - first;
        const std::size_t stored = std::min(columns, values.size - std::min<std::size_t>(first, values.size));
        for (std::size_t row = 0; row < values.rows; ++row, to += columns) {
            widen<Stored>(values.row(row) + kv_row_bytes(values.type, first), stored, to);
            std::fill(to + stored, to + columns, 0.0F);
        }
        std::fill_n(to, (kTileRows - values.rows) * columns, 0.0F);
        to += (kTileRows - values.rows) * columns;
    }
}

void pack_values(const StoredRows & values, std::byte * to) {
    with_loader(values.type, [&](auto stored) { pack_values_of<decltype(stored)>(values, floats(to)); });
}

/// C [kRowStep][kColumns vectors] = (C +) A B; B is [depth][b_stride].
template <std::size_t kColumns, bool kAccumulate>
HWY_INLINE void multiply(const float * a, std::size_t a_stride, const float * b, std::size_t b_stride, float * c,
                         std::size_t c_stride, std::size_t depth) {
    const F d;
    V sums[kRowStep][kColumns];
    for (std::size_t r = 0; r < kRowStep; ++r) {
        for (std::size_t v = 0; v < kColumns; ++v) {
            sums[r][v] = kAccumulate ? hn::LoadU(d, c + r * c_stride + v * kLanes) : hn::Zero(d);
        }
    }
    std::size_t k = 0;
    do {  // never none: what would be read of `sums` before the loop would have to lie in memory
        V row[kColumns];
        for (std::size_t v = 0; v < kColumns; ++v) {
            row[v] = hn::LoadU(d, b + k * b_stride + v * kLanes);
        }
        for (std::size_t r = 0; r < kRowStep; ++r) {
            const V factor = hn::Set(d, a[r * a_stride + k]);
            for (std::size_t v = 0; v < kColumns; ++v) {
                sums[r][v] = hn::MulAdd(factor, row[v], sums[r][v]);
            }
        }
    } while (++k < depth);
    for (std::size_t r = 0; r < kRowStep; ++r) {
        for (std::size_t v = 0; v < kColumns; ++v) {
            hn::StoreU(sums[r][v], d, c + r * c_stride + v * kLanes);
        }
    }
}

void logits(const Strip & strip, const std::byte * keys, std::uint32_t key_size) {
    const std::size_t depth = padded(key_size);
    for (std::size_t column = strip.first; column < strip.last; column += kPanel) {
        for (std::size_t row = 0; row < strip.rows; row += kRowStep) {
            multiply<kVectors, false>(floats(strip.queries) + row * depth, depth, floats(keys) + column * depth, kPanel,
                                      strip.logits + row * kTileRows + column, kTileRows, key_size);
        }
    }
}

/// Moves a row's softmax to a greater reference.
HWY_INLINE void raise_reference(const Strip & strip, std::size_t row, float reference) {
    const F d;
    const V factor = exp2(hn::Set(d, strip.reference[row] - reference));
    float * sum = strip.sums + row * kSumParts;
    hn::StoreU(hn::Mul(hn::LoadU(d, sum), factor), d, sum);
    float * values = strip.values + row * strip.value_stride;
    for (std::size_t at = 0; at < strip.value_stride; at += kLanes) {
        hn::StoreU(hn::Mul(hn::LoadU(d, values + at), factor), d, values + at);
    }
    strip.reference[row] = reference;
}

HWY_INLINE void weigh_row(const Strip & strip, std::size_t row) {
    const F d;
    float * x = strip.logits + row * kTileRows;
    V most = hn::Set(d, kNothingSeen);
    for (std::size_t at = strip.first; at < strip.last; at += kLanes) {
        most = hn::Max(most, hn::LoadU(d, x + at));
    }
    const float greatest = hn::GetLane(hn::MaxOfLanes(d, most));
    if (greatest > strip.reference[row] + kSlack) {
        raise_reference(strip, row, greatest);
    }
    const V reference = hn::Set(d, strip.reference[row]);
    V sum = hn::LoadU(d, strip.sums + row * kSumParts);
    for (std::size_t at = strip.first; at < strip.last; at += kLanes) {
        const V weight = exp2(hn::Sub(hn::LoadU(d, x + at), reference));
        sum = hn::Add(sum, weight);
        hn::StoreU(weight, d, x + at);
    }
    hn::StoreU(sum, d, strip.sums + row * kSumParts);
}

void weigh(const Strip & strip) {
    for (std::size_t row = 0; row < strip.rows; ++row) {
        const std::size_t begin = std::clamp(strip.begin[row], strip.first, strip.last);
        const std::size_t end = std::clamp(strip.end[row], strip.first, strip.last);
        float * x = strip.logits + row * kTileRows;
        if (begin >= end) {
            std::fill(x + strip.first, x + strip.last, 0.0F);
            continue;
        }
        std::fill(x + strip.first, x + begin, kNothingSeen);
        std::fill(x + end, x + strip.last, kNothingSeen);
        weigh_row(strip, row);
    }
}

template <std::size_t kColumns>
HWY_INLINE void accumulate_slice(const Strip & strip, const float * b, std::size_t column, std::size_t columns) {
    if (columns == kColumns) {
        for (std::size_t row = 0; row < strip.rows; row += kRowStep) {
            multiply<kColumns, true>(strip.logits + row * kTileRows + strip.first, kTileRows, b, kColumns * kLanes,
                                     strip.values + row * strip.value_stride + column, strip.value_stride,
                                     strip.last - strip.first);
        }
    }
    if constexpr (kColumns > 1) {
        accumulate_slice<kColumns - 1>(strip, b, column, columns);
    }
}

void accumulate(const Strip & strip, const std::byte * values, std::uint32_t value_size) {
    const Slices slices(value_size);
    for (std::size_t slice = 0; slice < slices.count(); ++slice) {
        const std::size_t first = slices.begin(slice);
        const std::size_t vectors = slices.begin(slice + 1) - first;
        const float * b = floats(values) + (first * kTileRows + strip.first * vectors) * kLanes;
        accumulate_slice<kVectors>(strip, b, first * kLanes, vectors);
    }
}

const TileSteps * Steps() {
    assert(hn::Lanes(F()) == kLanes);
    static constexpr TileSteps steps{.tile = kTileRows,
                                     .panel = kPanel,
                                     .row_step = kRowStep,
                                     .element = sizeof(float),
                                     .pack_query = pack_query,
                                     .pack_keys = pack_keys,
                                     .pack_values = pack_values,
                                     .logits = logits,
                                     .weigh = weigh,
                                     .accumulate = accumulate};
    return &steps;
}

}  // namespace
}  // namespace snapkv::attention::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace snapkv::attention::cpu {

HWY_EXPORT(Steps);

const TileSteps & f32_steps() {
    return *HWY_DYNAMIC_DISPATCH(Steps)();
}

const TileSteps & steps_for(KvTypes type) {
    const bool exact = type.key == KvType::F32 || type.value == KvType::F32;
    const TileSteps * bf16 = exact ? nullptr : bf16_steps();
    return bf16 != nullptr ? *bf16 : f32_steps();
}

}  // namespace snapkv::attention::cpu
#endif
