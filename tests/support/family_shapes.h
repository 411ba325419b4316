#pragma once

#include <cstdint>
#include <string_view>

#include "support/random_family.h"

namespace snapkv::test {

/// Of those families whose layers slide.
inline constexpr std::uint32_t kSlidingWindow = 48;

/// A small model with what the family's files must have. Throws for a family that it does not know.
FamilyShape family_shape(std::string_view architecture);

/// The same, a few KiB in all: one layer, eight tokens.
FamilyShape least_family_shape(std::string_view architecture);

}  // namespace snapkv::test
