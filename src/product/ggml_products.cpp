#include "product/ggml_products.h"

namespace snapkv::product {

ggml_tensor * normalise(ggml_context * ctx, const Norm & norm, ggml_tensor * hidden) {
    if (norm.weight == nullptr) {
        return hidden;
    }
    ggml_tensor * normed =
        norm.kind == Norm::Kind::Rms ? ggml_rms_norm(ctx, hidden, norm.epsilon) : ggml_norm(ctx, hidden, norm.epsilon);
    return ggml_mul(ctx, normed, norm.weight);
}

std::vector<ggml_tensor *> GgmlProducts::project(ggml_context * ctx, const Norm & norm, std::span<const Linear> linears,
                                                 ggml_tensor * hidden) {
    ggml_tensor * input = normalise(ctx, norm, hidden);
    std::vector<ggml_tensor *> results;
    results.reserve(linears.size());
    for (const Linear & linear : linears) {
        results.push_back(multiply(ctx, linear, input));
    }
    return results;
}

ggml_tensor * GgmlProducts::gate_up(ggml_context * ctx, const Norm & norm, const Linear & gate, const Linear & up,
                                    Activation activation, ggml_tensor * hidden) {
    ggml_tensor * input = normalise(ctx, norm, hidden);
    ggml_tensor * gated = multiply(ctx, gate, input);
    ggml_tensor * raised = multiply(ctx, up, input);
    return activation == Activation::Silu ? ggml_swiglu_split(ctx, gated, raised)
                                          : ggml_geglu_split(ctx, gated, raised);
}

ggml_tensor * GgmlProducts::add_product(ggml_context * ctx, const Linear & linear, ggml_tensor * input,
                                        ggml_tensor * hidden) {
    return ggml_add(ctx, multiply(ctx, linear, input), hidden);
}

ggml_tensor * GgmlProducts::multiply(ggml_context * ctx, const Linear & linear, ggml_tensor * input) {
    ggml_tensor * product = ggml_mul_mat(ctx, linear.weight, input);
    return linear.bias == nullptr ? product : ggml_add(ctx, product, linear.bias);
}

}  // namespace snapkv::product
