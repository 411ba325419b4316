#pragma once

#include <cstddef>
#include <vector>

#include "eval/needle.h"
#include "eval/random.h"

namespace snapkv::eval {

/// Needles of which no two share a question or an answer; the first 40 are about a city each. Throws Error(Usage) for
/// more than 480.
[[nodiscard]] std::vector<Needle> made_needles(std::size_t count, Random random);

}  // namespace snapkv::eval
