#pragma once

#include <cstddef>
#include <cstdint>

namespace snapkv::attention::cpu {

/// Partial results that follow one another, `stride` floats apart: for each of `rows` query rows the maximum, at
/// kQueryRows its sum, at 2 * kQueryRows its values ([row][value_stride], a multiple of 16).
struct Parts {
    float * first = nullptr;
    std::size_t stride = 0;
    std::uint32_t count = 0;
    std::uint32_t rows = 0;
    std::size_t value_stride = 0;
};

/// Folds all parts into the first, in their order: its sums and values become those of all rows seen, relative to the
/// greatest maximum. What stood in the place of each part's maxima is overwritten.
void merge_parts(const Parts & parts);

}  // namespace snapkv::attention::cpu
