#include "synthetic/random_blocks.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace snapkv::synthetic {
namespace {

constexpr std::uint32_t pool_pieces = 4096;  // a power of two

}  // namespace

std::uint32_t RandomBlocks::piece_elements(ggml_type type) {
    constexpr std::int64_t least = 32;  // unquantised types have blocks of one element
    return static_cast<std::uint32_t>(std::max(ggml_blck_size(type), least));
}

RandomBlocks::RandomBlocks(ggml_type type, float deviation, std::uint64_t seed)
    : piece_bytes_(ggml_row_size(type, piece_elements(type))), pool_(pool_pieces * piece_bytes_) {
    Random random(seed);
    const std::int64_t elements = piece_elements(type);
    std::vector<float> values(pool_pieces * static_cast<std::size_t>(elements));
    std::generate(values.begin(), values.end(), [&] { return deviation * random.number(); });
    if (type == GGML_TYPE_F32) {
        std::memcpy(pool_.data(), values.data(), pool_.size());
    } else {
        ggml_quantize_chunk(type, values.data(), pool_.data(), 0, pool_pieces, elements, nullptr);
    }
}

void RandomBlocks::draw(Random & random, std::span<std::byte> out) const {
    assert(out.size() % piece_bytes_ == 0);
    for (std::size_t at = 0; at < out.size(); at += piece_bytes_) {
        const std::size_t piece = random.bits() % pool_pieces;
        std::memcpy(out.data() + at, pool_.data() + piece * piece_bytes_, piece_bytes_);
    }
}

}  // namespace snapkv::synthetic
