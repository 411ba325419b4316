#pragma once

#include "product/products.h"

namespace snapkv::product {

/// ggml's own operations on the weights as they are stored: right for any number of rows and any type, and what the
/// other implementations are tested against.
class GgmlProducts final : public Products {
public:
    [[nodiscard]] std::vector<ggml_tensor *> project(ggml_context * ctx, const Norm & norm,
                                                     std::span<const Linear> linears, ggml_tensor * hidden) override;
    [[nodiscard]] ggml_tensor * gate_up(ggml_context * ctx, const Norm & norm, const Linear & gate, const Linear & up,
                                        Activation activation, ggml_tensor * hidden) override;
    [[nodiscard]] ggml_tensor * add_product(ggml_context * ctx, const Linear & linear, ggml_tensor * input,
                                            ggml_tensor * hidden) override;
    [[nodiscard]] ggml_tensor * multiply(ggml_context * ctx, const Linear & linear, ggml_tensor * input) override;
};

/// norm(hidden) in ggml's operations.
[[nodiscard]] ggml_tensor * normalise(ggml_context * ctx, const Norm & norm, ggml_tensor * hidden);

}  // namespace snapkv::product
