#include "product/ggml_products.h"

namespace snapkv::product {

namespace {

ggml_tensor * multiply(ggml_context * ctx, const Linear & linear, ggml_tensor * x) {
    ggml_tensor * product = ggml_mul_mat(ctx, linear.weight, x);
    return linear.bias == nullptr ? product : ggml_add(ctx, product, linear.bias);
}

}  // namespace

ggml_tensor * normalise(ggml_context * ctx, const Norm & norm, ggml_tensor * hidden) {
    return ggml_mul(ctx, ggml_rms_norm(ctx, hidden, norm.epsilon), norm.weight);
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
                                    ggml_tensor * hidden) {
    ggml_tensor * input = normalise(ctx, norm, hidden);
    return ggml_swiglu_split(ctx, multiply(ctx, gate, input), multiply(ctx, up, input));
}

ggml_tensor * GgmlProducts::add_product(ggml_context * ctx, const Linear & linear, ggml_tensor * input,
                                        ggml_tensor * hidden) {
    return ggml_add(ctx, multiply(ctx, linear, input), hidden);
}

}  // namespace snapkv::product
