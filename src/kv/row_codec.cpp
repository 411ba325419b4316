#include "kv/row_codec.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "ggml-cpu.h"
#include "kv/rotate.h"
#include "kv/shape.h"

namespace snapkv::kv {

namespace {

/// ggml's conversions of half-precision numbers look some of them up in a table, which is zeros until its backend is
/// set up.
void set_up_tables() {
    [[maybe_unused]] static const bool once = [] {
        ggml_cpu_init();
        return true;
    }();
}

/// Piece by piece: a stretch of what is rotated together, or a block.
void encode_quantised(const float * row, std::size_t size, KvType type, std::size_t stretch, std::byte * to) {
    const std::size_t piece = std::max<std::size_t>(stretch, kQuantisedBlock);
    assert(size % piece == 0);
    set_up_tables();
    std::array<float, rotation_size(1U << 31U)> rotated{};
    for (std::size_t first = 0; first < size; first += piece) {
        std::copy_n(row + first, piece, rotated.begin());
        rotate(rotated.data(), piece, stretch);
        ggml_get_type_traits_cpu(ggml_type_of(type))
            ->from_float(rotated.data(), to + kv_row_bytes(type, first), static_cast<std::int64_t>(piece));
    }
}

}  // namespace

void encode_row(const float * row, std::size_t size, KvType type, std::size_t stretch, std::byte * to) {
    const auto elements = static_cast<std::int64_t>(size);
    switch (type) {
        case KvType::F32:
            std::memcpy(to, row, size * sizeof(float));
            break;
        case KvType::F16:
            ggml_cpu_fp32_to_fp16(row, reinterpret_cast<ggml_fp16_t *>(to), elements);
            break;
        case KvType::BF16:
            ggml_cpu_fp32_to_bf16(row, reinterpret_cast<ggml_bf16_t *>(to), elements);
            break;
        case KvType::Q8_0:
        case KvType::Q4_0:
            encode_quantised(row, size, type, stretch, to);
            break;
    }
}

float largest_storable(KvType type, std::size_t stretch) {
    constexpr float half = 65504.0F;  // the largest that has 16 bits, as scales of blocks have
    constexpr float brain = 0x1.FEp127F;
    // Where all elements of a stretch meet in one by the rotation, that is the root of their number times as large.
    const auto quantised = [&](float levels) { return levels * half / std::sqrt(static_cast<float>(stretch)); };
    switch (type) {
        case KvType::F16:
            return half;
        case KvType::BF16:
            return brain;
        case KvType::Q8_0:
            return quantised(127);
        case KvType::Q4_0:
            return quantised(8);
        case KvType::F32:
            break;
    }
    return std::numeric_limits<float>::max();
}

void dequantise(const std::byte * rows, std::size_t count, KvType type, float * to) {
    ggml_get_type_traits(ggml_type_of(type))->to_float(rows, to, static_cast<std::int64_t>(count));
}

void decode_row(const std::byte * row, std::size_t size, KvType type, std::size_t stretch, float * to) {
    const auto elements = static_cast<std::int64_t>(size);
    switch (type) {
        case KvType::F32:
            std::memcpy(to, row, size * sizeof(float));
            break;
        case KvType::F16:
            set_up_tables();
            ggml_cpu_fp16_to_fp32(reinterpret_cast<const ggml_fp16_t *>(row), to, elements);
            break;
        case KvType::BF16:
            ggml_cpu_bf16_to_fp32(reinterpret_cast<const ggml_bf16_t *>(row), to, elements);
            break;
        case KvType::Q8_0:
        case KvType::Q4_0:
            dequantise(row, size, type, to);
            rotate(to, size, stretch);
            break;
    }
}

}  // namespace snapkv::kv
