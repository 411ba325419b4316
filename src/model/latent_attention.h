#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model/attention_input.h"
#include "model/hyper_parameters.h"
#include "model/weights.h"
#include "product/products.h"

namespace snapkv::model {

/// One layer's latent attention (DeepSeek-AI, 2024, arXiv 2405.04434, section 2.1): what attention takes, made from one
/// short row a token, and what becomes of its result. Immutable.
class LatentAttention {
public:
    /// Takes the layer's tensors but the output matrix from `weights`, which must outlive it. Throws Error(Input) as
    /// Weights::require does.
    LatentAttention(Weights & weights, const std::string & prefix, const HyperParameters & params);

    /// Rotates [rope dimensions, heads, rows] by the rows' positions.
    using Rotate = std::function<ggml_tensor *(ggml_tensor *)>;

    /// As Decoder::attention_input; `norm` is that of the hidden states.
    [[nodiscard]] AttentionInput input(ggml_context * ctx, product::Products & products, const product::Norm & norm,
                                       ggml_tensor * hidden, Wanted wanted, const Rotate & rotate) const;
    /// Values of all heads, [heads * value size, rows], from the result of attention: where the cache holds rows their
    /// sums, [rank * heads, rows], else these values themselves.
    [[nodiscard]] ggml_tensor * output(ggml_context * ctx, ggml_tensor * attended) const;
    /// The matrices that go through `products`.
    void add_matrices(std::vector<product::Linear> & all) const;

private:
    [[nodiscard]] ggml_tensor * queries(ggml_context * ctx, product::Products & products, ggml_tensor * projected,
                                        const Rotate & rotate) const;
    void keys_values(ggml_context * ctx, product::Products & products, ggml_tensor * projected, const Rotate & rotate,
                     AttentionInput & input) const;
    void expand(ggml_context * ctx, product::Products & products, ggml_tensor * row, ggml_tensor * rotated,
                AttentionInput & input) const;

    Latent latent_;
    std::int64_t heads_ = 0;
    std::int64_t rotated_ = 0;  ///< elements of a head that know the position
    std::int64_t plain_ = 0;    ///< and that do not
    product::Linear query_;     ///< from the hidden states, or from the queries' own row
    product::Linear query_row_;
    product::Norm query_norm_;
    product::Linear key_value_row_;  ///< with the rotated elements behind it
    product::Norm row_norm_;
    product::Linear key_value_;           ///< of all heads from the row, where it is not absorbed
    ggml_tensor * key_part_ = nullptr;    ///< [plain, rank, heads], where it is: queries to where they meet rows
    ggml_tensor * value_part_ = nullptr;  ///< [rank, value size, heads]: sums of rows to values
};

}  // namespace snapkv::model
