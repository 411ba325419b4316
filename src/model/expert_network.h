#pragma once

#include <string>

#include "model/hyper_parameters.h"
#include "model/weights.h"
#include "product/products.h"

namespace snapkv::model {

/// One layer's mixture of experts: a router chooses some of many gated networks for each token, and their results are
/// summed with the router's weights. In ggml's operations, on the weights as they are stored. Immutable.
class ExpertNetwork {
public:
    /// Takes the tensors `prefix`ffn_gate_inp, ffn_gate_exps, ffn_up_exps, ffn_down_exps, and their biases where the
    /// form has them, from `weights`, which must outlive it. Throws Error(Input) as Weights::require does.
    ExpertNetwork(Weights & weights, const std::string & prefix, const HyperParameters & params);

    /// [width, rows] from the normed hidden states [width, rows].
    [[nodiscard]] ggml_tensor * build(ggml_context * ctx, product::Products & products, ggml_tensor * input) const;

private:
    /// One of the experts' matrices, [in, out, count], and what is added to its products, [out, count] or null.
    struct Matrices {
        ggml_tensor * weight = nullptr;
        ggml_tensor * bias = nullptr;
    };

    [[nodiscard]] static ggml_tensor * multiply(ggml_context * ctx, const Matrices & matrices, ggml_tensor * input,
                                                ggml_tensor * chosen);
    [[nodiscard]] ggml_tensor * scores_of(ggml_context * ctx, ggml_tensor * logits) const;
    [[nodiscard]] ggml_tensor * weights_of(ggml_context * ctx, ggml_tensor * scores, ggml_tensor * chosen) const;

    Experts experts_;
    product::Linear router_;
    ggml_tensor * choice_bias_ = nullptr;  ///< for the choice alone, not for the weights
    Matrices gate_;
    Matrices up_;
    Matrices down_;
};

}  // namespace snapkv::model
