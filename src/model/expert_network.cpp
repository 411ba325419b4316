#include "model/expert_network.h"

#include <limits>

namespace snapkv::model {

ExpertNetwork::ExpertNetwork(Weights & weights, const std::string & prefix, const HyperParameters & params)
    : experts_(params.experts) {
    const std::int64_t width = params.width;
    const std::int64_t inner = experts_.feed_forward;
    const std::int64_t count = experts_.count;
    const bool biased = experts_.form == Experts::Form::GptOss;
    const auto matrices = [&](const char * name, std::int64_t in, std::int64_t out) {
        const std::string whole = prefix + name;
        return Matrices{weights.require(whole + ".weight", {in, out, count}, Weights::Use::MultiplyEach),
                        biased ? weights.require(whole + ".bias", {out, count}, Weights::Use::Elements) : nullptr};
    };
    router_ = {weights.require(prefix + "ffn_gate_inp.weight", {width, count}, Weights::Use::Multiply),
               biased ? weights.require(prefix + "ffn_gate_inp.bias", {count}, Weights::Use::Elements) : nullptr};
    choice_bias_ = weights.optional(prefix + "exp_probs_b.bias", {count}, Weights::Use::Elements);
    gate_ = matrices("ffn_gate_exps", width, inner);
    up_ = matrices("ffn_up_exps", width, inner);
    down_ = matrices("ffn_down_exps", inner, width);
}

ggml_tensor * ExpertNetwork::multiply(ggml_context * ctx, const Matrices & matrices, ggml_tensor * input,
                                      ggml_tensor * chosen) {
    ggml_tensor * product = ggml_mul_mat_id(ctx, matrices.weight, input, chosen);
    return matrices.bias == nullptr ? product : ggml_add_id(ctx, product, matrices.bias, chosen);
}

/// [1, used, rows]
ggml_tensor * ExpertNetwork::weights_of(ggml_context * ctx, ggml_tensor * scores, ggml_tensor * chosen) const {
    const std::int64_t rows = scores->ne[1];
    ggml_tensor * weights = ggml_get_rows(ctx, ggml_reshape_3d(ctx, scores, 1, experts_.count, rows), chosen);
    weights = ggml_reshape_2d(ctx, weights, experts_.used, rows);
    if (experts_.gating == Experts::Gating::SoftmaxOfChosen) {
        weights = ggml_soft_max(ctx, weights);
    } else if (experts_.sum_to_one) {
        // As libllama: no less than the smallest normal half-precision number.
        constexpr float kLeast = 6.103515625e-5F;
        ggml_tensor * sum =
            ggml_clamp(ctx, ggml_sum_rows(ctx, weights), kLeast, std::numeric_limits<float>::infinity());
        weights = ggml_div(ctx, weights, sum);
    }
    if (experts_.scale != 1.0F) {
        weights = ggml_scale(ctx, weights, experts_.scale);
    }
    return ggml_reshape_3d(ctx, weights, 1, experts_.used, rows);
}

ggml_tensor * ExpertNetwork::scores_of(ggml_context * ctx, ggml_tensor * logits) const {
    switch (experts_.gating) {
        case Experts::Gating::ChosenOfSoftmax:
            return ggml_soft_max(ctx, logits);
        case Experts::Gating::ChosenOfSigmoid:
            return ggml_sigmoid(ctx, logits);
        case Experts::Gating::SoftmaxOfChosen:
            break;
    }
    return logits;
}

ggml_tensor * ExpertNetwork::build(ggml_context * ctx, product::Products & products, ggml_tensor * input) const {
    const std::int64_t width = input->ne[0];
    const std::int64_t rows = input->ne[1];
    ggml_tensor * scores = scores_of(ctx, products.multiply(ctx, router_, input));
    ggml_tensor * choice = choice_bias_ == nullptr ? scores : ggml_add(ctx, scores, choice_bias_);
    ggml_tensor * chosen = ggml_argsort_top_k(ctx, choice, static_cast<int>(experts_.used));
    ggml_tensor * weights = weights_of(ctx, scores, chosen);
    ggml_tensor * each = ggml_reshape_3d(ctx, input, width, 1, rows);
    ggml_tensor * gate = multiply(ctx, gate_, each, chosen);
    ggml_tensor * up = multiply(ctx, up_, each, chosen);
    constexpr float kSlope = 1.702F;
    constexpr float kLimit = 7;
    ggml_tensor * gated = experts_.form == Experts::Form::GptOss ? ggml_swiglu_oai(ctx, gate, up, kSlope, kLimit)
                                                                 : ggml_swiglu_split(ctx, gate, up);
    ggml_tensor * results = ggml_mul(ctx, multiply(ctx, down_, gated, chosen), weights);
    const auto result = [&](std::uint32_t index) {
        return ggml_view_2d(ctx, results, width, rows, results->nb[2], index * results->nb[1]);
    };
    ggml_tensor * sum = result(0);
    for (std::uint32_t index = 1; index < experts_.used; ++index) {
        sum = ggml_add(ctx, sum, result(index));
    }
    return experts_.used == 1 ? ggml_cont(ctx, sum) : sum;
}

}  // namespace snapkv::model
