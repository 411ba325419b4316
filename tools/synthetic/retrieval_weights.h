#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "synthetic/retrieval_layout.h"

namespace snapkv::synthetic {

/// One tensor of a constructed model and the rule that its values follow.
struct ConstructedTensor {
    std::string name;
    std::uint32_t columns = 0;  ///< the length of a row
    std::uint32_t rows = 1;     ///< 1: a vector
    /// Writes row `row`, all of it, to a span of zeros.
    std::function<void(std::uint32_t row, std::span<float> values)> fill;
};

inline constexpr std::uint32_t kRetrievalFeedForward = 32;  ///< of no use, but the architecture wants one

/// Every tensor of a retrieval model of the llama architecture, in the order of the file. The rotary base is to be 1,
/// so that rope_freqs.weight alone sets the frequencies.
[[nodiscard]] std::vector<ConstructedTensor> retrieval_tensors(const RetrievalLayout & layout,
                                                               std::uint32_t vocabulary);

}  // namespace snapkv::synthetic
