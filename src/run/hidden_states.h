#pragma once

#include <cstdint>
#include <memory>

#include "base/block.h"
#include "ggml-backend.h"
#include "model/weights.h"

namespace snapkv::run {

/// The hidden states of a run of tokens, [row][width] float32: what a layer-major prefill keeps between layers.
/// Layers read and replace them in place, chunk by chunk. Rows behind the last token are padding, zero at first.
class HiddenStates {
public:
    /// Products of fewer rows than this are padded, so that short suffixes take the same path as long trunks.
    static constexpr std::uint32_t kLeastRows = 64;

    HiddenStates(std::uint32_t rows, std::uint32_t width, std::shared_ptr<Meter> meter);
    /// What that allocates.
    [[nodiscard]] static std::uint64_t bytes(std::uint32_t rows, std::uint32_t width) {
        return (std::uint64_t{rows} + kLeastRows) * width * sizeof(float);
    }

    [[nodiscard]] std::uint32_t rows() const { return rows_; }
    /// Rows a chunk of `count` tokens occupies: padded to kLeastRows.
    [[nodiscard]] static std::uint32_t padded(std::uint32_t count) { return count < kLeastRows ? kLeastRows : count; }
    /// A tensor over rows [first, first + count), padding included.
    [[nodiscard]] ggml_tensor * view(ggml_context * ctx, std::uint32_t first, std::uint32_t count);
    [[nodiscard]] const float * row(std::uint32_t index) const { return block_.floats() + std::size_t{index} * width_; }
    [[nodiscard]] float * row(std::uint32_t index) { return block_.floats() + std::size_t{index} * width_; }

private:
    std::uint32_t rows_;
    std::uint32_t width_;
    Block block_;
    model::BufferPtr buffer_;
};

}  // namespace snapkv::run
