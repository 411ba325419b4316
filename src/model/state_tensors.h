#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ggml.h"

namespace snapkv::model {

/// Consecutive rows of one sequence in a recurrent layer, and the layer's state of that sequence: floats before the
/// first of them, and room for those after the last, which may not overlap.
struct StateSpan {
    std::uint32_t row = 0;
    std::uint32_t count = 0;
    float * before = nullptr;
    float * after = nullptr;
};

/// The tensors of one graph that read and write one sequence's state of one layer. They point to the caller's memory,
/// which must be there whenever the graph runs, and belong to the graph's context. A graph that is run again serves
/// other places once they are bound. Not thread-safe.
class StateTensors {
public:
    /// A tensor [ne0, ne1, ne2] float32 over the state before the span, `offset` floats from its beginning.
    ggml_tensor * read(ggml_context * ctx, const StateSpan & span, std::size_t offset, std::int64_t ne0,
                       std::int64_t ne1, std::int64_t ne2 = 1);
    /// Adds the node that writes `state` likewise to the state after it.
    void write(ggml_context * ctx, ggml_cgraph * graph, const StateSpan & span, std::size_t offset,
               ggml_tensor * state);

    /// Other places of the same sizes, before the next run.
    void bind(float * before, float * after);

private:
    struct Placed {
        ggml_tensor * tensor;
        std::size_t offset;
    };
    std::vector<Placed> before_;
    std::vector<Placed> after_;
};

}  // namespace snapkv::model
