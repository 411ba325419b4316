#pragma once

#include <cstdint>

namespace snapkv::kv {

/// Dense rows lie in parts that end at multiples of so many positions. Kernels cut the rows they see into tiles and
/// pieces from each view's first row on, and their lengths divide this: so the bits they compute do not depend on where
/// a text was cut into parts.
inline constexpr std::uint32_t kAnchorRows = 768;

}  // namespace snapkv::kv
