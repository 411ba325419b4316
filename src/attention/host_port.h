#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "attention/port.h"
#include "attention/unit.h"

namespace snapkv::attention {

/// What ports over a host cache share: one unit a layer, and the nodes that write K/V rows and capture queries, run
/// as custom operations on ggml's threads. Units are filled, then prepare() is called, then the graph runs; with a
/// reusable() port it may run again with other contents. The port must outlive the graph. Not thread-safe.
class HostPort : public Port {
public:
    /// Units for layers [first_layer, first_layer + layers).
    HostPort(std::uint32_t first_layer, std::uint32_t layers);

    [[nodiscard]] LayerUnit & unit(std::uint32_t layer) { return units_[layer - first_layer_]; }

    /// Settles the work of all units for the coming run on `threads` threads over chunks of `chunk_rows` rows.
    virtual void prepare(std::uint32_t chunk_rows, std::uint32_t threads) = 0;
    /// True: a graph may be built before its units are filled and run again with other contents. False: attend() fixes
    /// the work in the graph, so units are filled before attend() is called, a graph serves that one filling, and the
    /// next attend() of a layer ends the use of the layer's graph before.
    [[nodiscard]] virtual bool reusable() const = 0;
    /// At most so many nodes and leaves does attend() add to a graph; where the port is not reusable, for the unit as
    /// it is filled now.
    [[nodiscard]] virtual std::size_t node_count(std::uint32_t layer) = 0;
    /// Bytes of scratch held outside the graph's own buffers.
    [[nodiscard]] virtual std::uint64_t scratch_bytes() const = 0;

    ggml_tensor * store(ggml_context * ctx, ggml_cgraph * graph, std::uint32_t layer, ggml_tensor * k,
                        ggml_tensor * v) override;
    void capture(ggml_context * ctx, ggml_cgraph * graph, std::uint32_t layer, ggml_tensor * q) override;

protected:
    [[nodiscard]] std::uint32_t first_layer() const { return first_layer_; }
    [[nodiscard]] std::vector<LayerUnit> & units() { return units_; }

private:
    std::uint32_t first_layer_;
    std::vector<LayerUnit> units_;
};

/// The project's own kernels.
std::unique_ptr<HostPort> make_cpu_port(std::uint32_t first_layer, std::uint32_t layers);

/// ggml's own operations: what every backend has, and what the kernels are tested against.
std::unique_ptr<HostPort> make_portable_port(std::uint32_t first_layer, std::uint32_t layers);

}  // namespace snapkv::attention
