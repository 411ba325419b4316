#pragma once

#include <cstddef>

#include "snapkv/cache_config.h"

namespace snapkv::kv {

/// Writes a row of `size` floats as it is stored: rounded to nearest even, or rotated in stretches of `stretch` and
/// quantised.
void encode_row(const float * row, std::size_t size, KvType type, std::size_t stretch, std::byte * to);

/// The largest magnitude of elements whose row is stored as finite numbers, whatever the others are.
[[nodiscard]] float largest_storable(KvType type, std::size_t stretch);

/// The floats of `count` elements of quantised rows, as they are stored: rotated where the rows are.
void dequantise(const std::byte * rows, std::size_t count, KvType type, float * to);

/// The floats of a stored row, rotated back in stretches of `stretch`.
void decode_row(const std::byte * row, std::size_t size, KvType type, std::size_t stretch, float * to);

}  // namespace snapkv::kv
