#include "product/int8_layout.h"

#include "base/raise.h"
#include "product/byte_blocks.h"
#include "product/instruction_sets.h"

#if defined(__x86_64__)

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstring>

namespace snapkv::product {

namespace {

/// One block of one column: 32 values or codes, what each is multiplied by, and what is added to that.
struct Column {
    __m256i values;
    float scale;
    float offset = 0;
};

// Blocks as ggml stores them begin with a 16-bit scale, for some types a 16-bit offset, for some 32 fifth bits; their
// nibbles hold the first half of the values in the low bits, the second in the high ones.

SNAPKV_AVX2_TARGET float half_at(const std::byte * at) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, at, sizeof bits);
    return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(bits)));
}

SNAPKV_AVX2_TARGET __m256i nibbles_at(const std::byte * at) {
    const __m128i both = _mm_loadu_si128(reinterpret_cast<const __m128i *>(at));
    return _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(both, 4), both), _mm256_set1_epi8(0xF));
}

SNAPKV_AVX2_TARGET __m256i fifth_bits_at(const std::byte * at) {
    std::int32_t bits = 0;
    std::memcpy(&bits, at, sizeof bits);
    const __m256i byte_of_value = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i bit_of_value = _mm256_set1_epi64x(static_cast<std::int64_t>(0x8040201008040201));
    const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(bits), byte_of_value);
    const __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit_of_value), bit_of_value);
    return _mm256_and_si256(set, _mm256_set1_epi8(16));
}

struct Floats {
    static constexpr std::size_t kBytes = Int8Block::kSize * sizeof(float);
    static constexpr bool kOffset = false;
    SNAPKV_AVX2_TARGET static Column read(const std::byte * at) {
        const auto * block = reinterpret_cast<const float *>(at);
        const float most = greatest(block);
        return {round_to_bytes(block, inverse_scale(most)), most / 127.0F};
    }
};

struct Q4_0 {
    static constexpr std::size_t kBytes = 18;
    static constexpr bool kOffset = false;
    SNAPKV_AVX2_TARGET static Column read(const std::byte * at) {
        return {_mm256_sub_epi8(nibbles_at(at + 2), _mm256_set1_epi8(8)), half_at(at)};
    }
};

struct Q4_1 {
    static constexpr std::size_t kBytes = 20;
    static constexpr bool kOffset = true;
    SNAPKV_AVX2_TARGET static Column read(const std::byte * at) {
        return {nibbles_at(at + 4), half_at(at), half_at(at + 2)};
    }
};

struct Q5_0 {
    static constexpr std::size_t kBytes = 22;
    static constexpr bool kOffset = false;
    SNAPKV_AVX2_TARGET static Column read(const std::byte * at) {
        const __m256i codes = _mm256_or_si256(nibbles_at(at + 6), fifth_bits_at(at + 2));
        return {_mm256_sub_epi8(codes, _mm256_set1_epi8(16)), half_at(at)};
    }
};

struct Q5_1 {
    static constexpr std::size_t kBytes = 24;
    static constexpr bool kOffset = true;
    SNAPKV_AVX2_TARGET static Column read(const std::byte * at) {
        return {_mm256_or_si256(nibbles_at(at + 8), fifth_bits_at(at + 4)), half_at(at), half_at(at + 2)};
    }
};

struct Q8_0 {
    static constexpr std::size_t kBytes = 34;
    static constexpr bool kOffset = false;
    SNAPKV_AVX2_TARGET static Column read(const std::byte * at) {
        return {_mm256_loadu_si256(reinterpret_cast<const __m256i *>(at + 2)), half_at(at)};
    }
};

struct IQ4_NL {
    static constexpr std::size_t kBytes = 18;
    static constexpr bool kOffset = false;
    SNAPKV_AVX2_TARGET static Column read(const std::byte * at) {
        const __m128i numbers = _mm_setr_epi8(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
        return {_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(numbers), nibbles_at(at + 2)), half_at(at)};
    }
};

template <bool Offset>
SNAPKV_AVX2_TARGET void store(const Column & column, __m256i zero, std::byte * to) {
    const __m256i values = _mm256_add_epi8(column.values, zero);
    alignas(32) std::array<std::uint32_t, kInt8Quads> quads;
    _mm256_store_si256(reinterpret_cast<__m256i *>(quads.data()), values);
    for (const std::uint32_t quad : quads) {
        std::memcpy(to, &quad, sizeof quad);
        to += 2 * kInt8Vector;
    }
    std::memcpy(to, &column.scale, sizeof column.scale);
    if (Offset) {
        std::memcpy(to + 2 * kInt8Vector, &column.offset, sizeof column.offset);
    }
}

/// One group of columns, `count` of them there, in pieces of the depth that stay in the first cache.
template <typename Source>
SNAPKV_AVX2_TARGET void pack_group(const std::byte * rows, std::size_t row_bytes, std::uint32_t count,
                                   std::uint32_t blocks, int zero, std::byte * group) {
    constexpr std::uint32_t kPiece = 8;
    for (std::uint32_t begin = 0; begin < blocks; begin += kPiece) {
        const std::uint32_t end = std::min(begin + kPiece, blocks);
        for (std::uint32_t column = 0; column < kInt8Group; ++column) {
            for (std::uint32_t block = begin; block < end; ++block) {
                const Column read = column < count ? Source::read(rows + column * row_bytes + block * Source::kBytes)
                                                   : Column{_mm256_setzero_si256(), 0, 0};
                store<Source::kOffset>(read, _mm256_set1_epi8(static_cast<char>(zero)),
                                       group + block * int8_step_bytes(Source::kOffset) + std::size_t{column} * 4);
            }
        }
    }
}

using PackGroup = decltype(&pack_group<Floats>);

/// Null: not straight from these.
PackGroup pack_stored_group(ggml_type type) {
    switch (type) {
        case GGML_TYPE_Q4_0:
            return pack_group<Q4_0>;
        case GGML_TYPE_Q4_1:
            return pack_group<Q4_1>;
        case GGML_TYPE_Q5_0:
            return pack_group<Q5_0>;
        case GGML_TYPE_Q5_1:
            return pack_group<Q5_1>;
        case GGML_TYPE_Q8_0:
            return pack_group<Q8_0>;
        case GGML_TYPE_IQ4_NL:
            return pack_group<IQ4_NL>;
        default:
            return nullptr;
    }
}

struct Layout final : PackedLayout::Impl {
    Layout(std::uint32_t its_columns, std::uint32_t its_depth, ggml_type stored, InstructionSet its_set)
        : columns(its_columns),
          depth(its_depth),
          set(its_set),
          zero(int8_zero(its_set, stored)),
          group_bytes(int8_group_bytes(its_depth, int8_has_offsets(stored))),
          way(pack_stored_group(stored)) {}

    [[nodiscard]] std::size_t bytes() const override { return (columns + kInt8Group - 1) / kInt8Group * group_bytes; }

    void pack(const float * panel, std::size_t stride, std::uint32_t first, std::uint32_t count,
              void * packed) const override {
        assert(way == nullptr);
        pack_groups(pack_group<Floats>, {reinterpret_cast<const std::byte *>(panel), stride * sizeof(float)}, first,
                    count, packed);
    }

    bool pack_stored(const PackedLayout::Rows & rows, std::uint32_t first, std::uint32_t count,
                     void * packed) const override {
        if (way != nullptr) {
            pack_groups(way, rows, first, count, packed);
        }
        return way != nullptr;
    }

    void pack_groups(PackGroup each, const PackedLayout::Rows & rows, std::uint32_t first, std::uint32_t count,
                     void * packed) const {
        for (std::uint32_t column = 0; column < count; column += kInt8Group) {
            each(rows.data + column * rows.stride, rows.stride, std::min(kInt8Group, count - column),
                 depth / Int8Block::kSize, zero,
                 static_cast<std::byte *>(packed) + (first + column) / kInt8Group * group_bytes);
        }
    }

    std::uint32_t columns;
    std::uint32_t depth;
    InstructionSet set;
    int zero;
    std::size_t group_bytes;
    PackGroup way;  ///< from blocks as stored; null: by way of floats
};

}  // namespace

std::shared_ptr<const PackedLayout::Impl> int8_layout(std::uint32_t columns, std::uint32_t depth, ggml_type stored) {
    const std::optional<InstructionSet> set = instruction_set();
    if (!set) {
        raise_machine("8-bit products need a processor with AVX2");
    }
    assert(depth % Int8Block::kSize == 0);
    return std::make_shared<Layout>(columns, depth, stored, *set);
}

InstructionSet int8_instruction_set(const PackedLayout & layout) {
    return static_cast<const Layout &>(layout.impl()).set;
}

}  // namespace snapkv::product

#else

namespace snapkv::product {

std::shared_ptr<const PackedLayout::Impl> int8_layout(std::uint32_t /*columns*/, std::uint32_t /*depth*/,
                                                      ggml_type /*stored*/) {
    raise_machine("8-bit products need a processor with AVX2");
}

}  // namespace snapkv::product

#endif
