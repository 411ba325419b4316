#pragma once

#include <cstdint>

#include "snapkv/model.h"

namespace snapkv::cli {

/// What a prompt of some length needs beside the mapped model file, by arithmetic from the model's shape alone:
/// graph buffers and scratch, some tens of MiB, are left out, so these are estimates. `snapkv run --dry-run` asks
/// the engine.
struct Needs {
    std::uint64_t hidden = 0;           ///< the prompt's hidden states, f32
    std::uint64_t layer = 0;            ///< one layer's working keys and values
    bool layer_is_kept = true;          ///< in the type they are stored in
    std::uint64_t state = 0;            ///< of recurrent layers
    std::uint64_t kept_full = 0;        ///< that, and all layers' rows of the whole prompt
    std::uint64_t kept_compressed = 0;  ///< that, and all layers' rows within the budget

    /// Prefill goes layer by layer: hidden states, the layer at hand, and what the layers before it keep.
    /// With the full cache the layer's working rows are themselves what is kept, unless that is quantised.
    [[nodiscard]] std::uint64_t prefill_full() const { return hidden + kept_full + (layer_is_kept ? 0 : layer); }
    [[nodiscard]] std::uint64_t prefill_compressed() const { return hidden + layer + kept_compressed; }
    /// Decode reads what is kept, writes another state, and nothing else is left of the prompt.
    [[nodiscard]] std::uint64_t decode_full() const { return kept_full + state; }
    [[nodiscard]] std::uint64_t decode_compressed() const { return kept_compressed + state; }
};

/// Rows that a KV head keeps of a prompt of `tokens`. A percentage counts beside a window of 32;
/// of mass, the most.
[[nodiscard]] std::uint64_t rows_kept(const Budget & budget, std::uint64_t tokens);

[[nodiscard]] Needs needs_of(const ModelInfo & model, std::uint64_t tokens, const CacheConfig & cache);

}  // namespace snapkv::cli
