#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "attention/unit.h"
#include "ggml.h"

namespace snapkv::attention {

/// Where a layer's graph meets the cache: a layer stores its rows, then attends with its queries; what lies behind
/// (whose rows, which kernel, which sequences) are the spans of its unit. Tensors are float32 and contiguous: q
/// [key_size, heads, rows], k [key_size, kv_heads, rows], v [value_size, kv_heads, rows]. All work is custom operations
/// on ggml's threads, over rows in host memory. Units are filled, then prepare() is called, then the graph runs; with a
/// reusable() port it may run again with other contents. The port must outlive the graph. Not thread-safe.
class Port {
public:
    /// Units for layers [first_layer, first_layer + layers).
    Port(std::uint32_t first_layer, std::uint32_t layers);
    virtual ~Port() = default;

    [[nodiscard]] LayerUnit & unit(std::uint32_t layer) { return units_[layer - first_layer_]; }

    /// Settles the work of all units for the coming run on `threads` threads over chunks of `chunk_rows` rows.
    virtual void prepare(std::uint32_t chunk_rows, std::uint32_t threads) = 0;
    /// True: a graph may be built before its units are filled and run again with other contents. False: attend() fixes
    /// the work in the graph, so units are filled before attend() is called, a graph serves that one filling, and the
    /// next attend() of a layer ends the use of the layer's graph before.
    [[nodiscard]] virtual bool reusable() const = 0;
    /// At most so many nodes and leaves do attend() and add_column_sums() add to a graph; where the port is not
    /// reusable, for the unit as it is filled now.
    [[nodiscard]] virtual std::size_t node_count(std::uint32_t layer) = 0;
    /// Bytes of scratch held outside the graph's own buffers.
    [[nodiscard]] virtual std::uint64_t scratch_bytes() const = 0;

    /// Adds the nodes that write this unit's keys and values. Returns a tensor that later nodes take as a source to
    /// be ordered after the writing.
    ggml_tensor * store(ggml_context * ctx, ggml_cgraph * graph, std::uint32_t layer, ggml_tensor * k, ggml_tensor * v);
    /// Adds the nodes that keep those query rows that a vote or an observer will need.
    void capture(ggml_context * ctx, ggml_cgraph * graph, std::uint32_t layer, ggml_tensor * q);
    /// Adds the nodes of attention after `stored`. Returns [value_size * heads, rows].
    virtual ggml_tensor * attend(ggml_context * ctx, ggml_cgraph * graph, std::uint32_t layer, ggml_tensor * q,
                                 ggml_tensor * stored) = 0;
    /// Adds the nodes that add to the column sums of spans what each row that they see gets of their queries: the sum
    /// of 2^(x - reference) / sum over the queries, each head's by itself, with the row sums that attention has left.
    /// Each query is added to what is there, in ascending positions, so that chunks one after another give the same
    /// bits however a prompt is cut. After `attended`, for a unit of a prefill with such spans.
    virtual void add_column_sums(ggml_context * ctx, ggml_cgraph * graph, std::uint32_t layer, ggml_tensor * q,
                                 ggml_tensor * attended) = 0;

protected:
    [[nodiscard]] std::uint32_t first_layer() const { return first_layer_; }
    [[nodiscard]] std::vector<LayerUnit> & units() { return units_; }

private:
    std::uint32_t first_layer_;
    std::vector<LayerUnit> units_;
};

/// The project's own kernels.
std::unique_ptr<Port> make_cpu_port(std::uint32_t first_layer, std::uint32_t layers);

/// ggml's own operations: the reference that the kernels are tested against.
std::unique_ptr<Port> make_portable_port(std::uint32_t first_layer, std::uint32_t layers);

}  // namespace snapkv::attention
