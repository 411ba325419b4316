#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "attention/port.h"
#include "model/decoder.h"
#include "product/products.h"
#include "run/compute.h"

namespace snapkv::run {

/// Rows [begin, end) of a chunk.
struct RowRange {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;

    [[nodiscard]] std::uint32_t count() const { return end - begin; }
};

/// What one layer does with the rows of a chunk. Whose rows they are, where keys and values go and what queries see
/// is in the port's unit; this says how far which rows go.
struct LayerTask {
    std::uint32_t layer = 0;
    std::uint32_t unit = 0;             ///< of the port
    ggml_tensor * hidden = nullptr;     ///< [width, rows]: what comes out may be written over it
    ggml_tensor * positions = nullptr;  ///< [rows]
    bool stores = true;                 ///< keys and values of all rows
    bool attends = true;                ///< false: queries are captured at most
    RowRange queries;                   ///< rows whose queries are computed: all of them where it stores and attends
    RowRange output;                    ///< rows that leave the layer, among those; none where it does not attend
    std::span<const model::StateSpan> states = {};  ///< the sequences of a layer that recurs: all rows go through it

    /// Everything of all rows.
    static LayerTask whole(std::uint32_t layer, std::uint32_t unit, ggml_tensor * hidden, ggml_tensor * positions);
};

/// The one place where a layer's graph is put together, for chunks of a prefill, steps of decode, and further turns.
/// Refers to what it is made of.
struct LayerGraph {
    const model::Decoder & decoder;
    attention::Port & port;
    product::Products & products;
    Graph & graph;

    /// Adds the layer to the graph. Returns the hidden states of the output rows [width, rows], null where nothing
    /// leaves the layer. `states`: receives an entry for each of the task's states.
    ggml_tensor * add(const LayerTask & task, std::vector<model::StateTensors> & states);
    /// The same, with the outcome in place of the task's hidden states, of which all rows leave the layer.
    void replace(const LayerTask & task);
};

}  // namespace snapkv::run
