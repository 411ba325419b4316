#pragma once

#include <cstdint>

#include "attention/spec.h"
#include "ggml.h"

namespace snapkv::attention {

/// Where a layer's graph meets the cache. A model builds one layer as: store() its rows, then attend() with its
/// queries; what lies behind (whose rows, which kernel, which sequence) is not its business. Tensors are float32 and
/// contiguous: q [key_size, heads, rows], k [key_size, kv_heads, rows], v [value_size, kv_heads, rows].
class Port {
public:
    virtual ~Port() = default;

    /// Adds the nodes that write this unit's keys and values. Returns a tensor that later nodes take as a source to
    /// be ordered after the writing.
    virtual ggml_tensor * store(ggml_context * ctx, ggml_cgraph * graph, std::uint32_t layer, ggml_tensor * k,
                                ggml_tensor * v) = 0;

    /// Adds the nodes that keep those query rows that a vote will need.
    virtual void capture(ggml_context * ctx, ggml_cgraph * graph, std::uint32_t layer, ggml_tensor * q) = 0;

    /// Adds the nodes of attention after `stored`. Returns [value_size * heads, rows].
    virtual ggml_tensor * attend(ggml_context * ctx, ggml_cgraph * graph, std::uint32_t layer, ggml_tensor * q,
                                 ggml_tensor * stored) = 0;
};

}  // namespace snapkv::attention
