#pragma once

#include <span>
#include <vector>

#include "product/linear.h"

namespace snapkv::product {

/// How a layer's products are computed. A model builds its layers from these steps; which kernels run them, on which
/// copy of the weights, is not its business. Each step adds nodes to the graph. Hidden states are [width, rows]
/// float32 and contiguous. Not thread-safe.
class Products {
public:
    virtual ~Products() = default;

    /// [out, rows] float32 of each of `linears`, all from norm(hidden), or from `hidden` itself where there is no norm.
    [[nodiscard]] virtual std::vector<ggml_tensor *> project(ggml_context * ctx, const Norm & norm,
                                                             std::span<const Linear> linears, ggml_tensor * hidden) = 0;

    /// activation(gate . norm(hidden)) * (up . norm(hidden)), for add_product() and multiply() to read; its type is
    /// this implementation's own.
    [[nodiscard]] virtual ggml_tensor * gate_up(ggml_context * ctx, const Norm & norm, const Linear & gate,
                                                const Linear & up, Activation activation, ggml_tensor * hidden) = 0;

    /// hidden + linear . input, where `input` is float32 or comes from gate_up(). May be written over `hidden`.
    [[nodiscard]] virtual ggml_tensor * add_product(ggml_context * ctx, const Linear & linear, ggml_tensor * input,
                                                    ggml_tensor * hidden) = 0;

    /// linear . input, [out, rows] float32, of the same inputs as add_product().
    [[nodiscard]] virtual ggml_tensor * multiply(ggml_context * ctx, const Linear & linear, ggml_tensor * input) = 0;
};

}  // namespace snapkv::product
