#include "model/delta_net.h"

#include <cmath>

#include "product/ggml_products.h"

namespace snapkv::model {

namespace {

/// x / sqrt(sum(x^2) + epsilon) along the first dimension.
ggml_tensor * unit_length(ggml_context * ctx, ggml_tensor * x, float epsilon) {
    const auto size = static_cast<float>(x->ne[0]);
    return ggml_scale(ctx, ggml_rms_norm(ctx, x, epsilon / size), 1.0F / std::sqrt(size));
}

/// Rows of `x` [size, rows] that the span has.
ggml_tensor * rows_of(ggml_context * ctx, ggml_tensor * x, const StateSpan & span) {
    return ggml_view_2d(ctx, x, x->ne[0], span.count, x->nb[1], span.row * x->nb[1]);
}

}  // namespace

DeltaNet::DeltaNet(Weights & weights, const std::string & prefix, const HyperParameters & params)
    : shape_(params.recurrence), epsilon_(params.norm_epsilon) {
    const std::int64_t width = params.width;
    const std::int64_t heads = shape_.value_heads;
    const auto linear = [&](const char * name, std::int64_t in, std::int64_t out) {
        return product::Linear{weights.require(prefix + name, {in, out}, Weights::Use::Multiply)};
    };
    const auto elements = [&](const char * name, std::initializer_list<std::int64_t> size) {
        return weights.require(prefix + name, size, Weights::Use::Elements);
    };
    mixed_ = linear("attn_qkv.weight", width, shape_.channels());
    gate_ = linear("attn_gate.weight", width, shape_.value_width());
    if (shape_.interleaved) {
        rate_ = linear("ssm_ba.weight", width, 2 * heads);
    } else {
        rate_ = linear("ssm_beta.weight", width, heads);
        decay_ = linear("ssm_alpha.weight", width, heads);
    }
    kernel_ = elements("ssm_conv1d.weight", {shape_.kernel, shape_.channels()});
    decay_bias_ = elements("ssm_dt.bias", {heads});
    decay_factor_ = elements("ssm_a", {heads});
    norm_ = {elements("ssm_norm.weight", {shape_.size}), params.norm_epsilon};
    output_ = linear("ssm_out.weight", shape_.value_width(), width);
}

void DeltaNet::add_matrices(std::vector<product::Linear> & all) const {
    for (const product::Linear & linear : {mixed_, gate_, rate_, decay_, output_}) {
        if (linear.weight != nullptr) {
            all.push_back(linear);
        }
    }
}

/// Of rows that have two numbers for each value head: of each key head first `part` 0's numbers, then `part` 1's.
ggml_tensor * DeltaNet::interleaved_part(ggml_context * ctx, ggml_tensor * both, std::int64_t part) const {
    const std::int64_t shared = shape_.value_heads / shape_.key_heads;
    const std::int64_t rows = both->ne[1];
    ggml_tensor * by_head = ggml_reshape_3d(ctx, both, 2 * shared, shape_.key_heads, rows);
    ggml_tensor * half = ggml_view_3d(ctx, by_head, shared, shape_.key_heads, rows, by_head->nb[1], by_head->nb[2],
                                      static_cast<std::size_t>(part * shared) * sizeof(float));
    return ggml_cont_2d(ctx, half, shape_.value_heads, rows);
}

ggml_tensor * DeltaNet::build(ggml_context * ctx, ggml_cgraph * graph, product::Products & products,
                              const product::Norm & norm, ggml_tensor * hidden, std::span<const StateSpan> spans,
                              std::vector<StateTensors> & states) const {
    std::vector<product::Linear> linears{mixed_, gate_, rate_};
    if (!shape_.interleaved) {
        linears.push_back(decay_);
    }
    const std::vector<ggml_tensor *> projected = products.project(ctx, norm, linears, hidden);
    ggml_tensor * rate = shape_.interleaved ? interleaved_part(ctx, projected[2], 0) : projected[2];
    ggml_tensor * decay = shape_.interleaved ? interleaved_part(ctx, projected[2], 1) : projected[3];
    decay = ggml_mul(ctx, ggml_softplus(ctx, ggml_add(ctx, decay, decay_bias_)), decay_factor_);
    const Rows rows{projected[0], decay, ggml_sigmoid(ctx, rate)};
    const std::int64_t count = hidden->ne[1];
    ggml_tensor * result = nullptr;
    for (const StateSpan & span : spans) {
        ggml_tensor * of_span = run_span(ctx, graph, rows, span, states.emplace_back());
        if (span.count == count) {
            result = of_span;
            break;
        }
        if (result == nullptr) {
            result = ggml_fill(ctx, projected[1], 0);
        }
        result = ggml_set_2d_inplace(ctx, result, of_span, result->nb[1], span.row * result->nb[1]);
    }
    result = ggml_reshape_3d(ctx, result, shape_.size, shape_.value_heads, count);
    ggml_tensor * gate = ggml_reshape_3d(ctx, projected[1], shape_.size, shape_.value_heads, count);
    result = ggml_mul(ctx, product::normalise(ctx, norm_, result), ggml_silu(ctx, gate));
    return ggml_reshape_2d(ctx, result, shape_.value_width(), count);
}

/// [channels, rows of the span] behind the convolution.
ggml_tensor * DeltaNet::convolve(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * mixed, const StateSpan & span,
                                 StateTensors & state) const {
    const std::int64_t behind = std::int64_t{shape_.kernel} - 1;
    ggml_tensor * input = ggml_transpose(ctx, rows_of(ctx, mixed, span));
    if (behind > 0) {
        input = ggml_concat(ctx, state.read(ctx, span, 0, behind, shape_.channels()), input, 0);
        state.write(ctx, graph, span, 0,
                    ggml_view_2d(ctx, input, behind, shape_.channels(), input->nb[1], span.count * sizeof(float)));
    } else {
        input = ggml_cont(ctx, input);
    }
    return ggml_silu(ctx, ggml_ssm_conv(ctx, input, kernel_));
}

/// Queries or keys of unit length, [size, heads, rows, 1], from channel `first` on.
ggml_tensor * DeltaNet::heads(ggml_context * ctx, ggml_tensor * convolved, std::int64_t first) const {
    const std::size_t head = shape_.size * sizeof(float);
    const std::int64_t rows = convolved->ne[1];
    ggml_tensor * x = ggml_view_3d(ctx, convolved, shape_.size, shape_.key_heads, rows, head, convolved->nb[1],
                                   static_cast<std::size_t>(first) * sizeof(float));
    x = unit_length(ctx, x, epsilon_);
    if (shape_.interleaved && shape_.value_heads != shape_.key_heads) {
        // Each key head serves neighbours, where ggml's rule would give it every key_heads-th.
        x = ggml_reshape_4d(ctx, x, shape_.size, 1, shape_.key_heads, rows);
        x = ggml_repeat_4d(ctx, x, shape_.size, shape_.value_heads / shape_.key_heads, shape_.key_heads, rows);
        x = ggml_reshape_3d(ctx, x, shape_.size, shape_.value_heads, rows);
    }
    return x;
}

/// [value width, rows of the span], and the state behind it.
ggml_tensor * DeltaNet::run_span(ggml_context * ctx, ggml_cgraph * graph, const Rows & rows, const StateSpan & span,
                                 StateTensors & state) const {
    const std::int64_t size = shape_.size;
    const std::int64_t heads_count = shape_.value_heads;
    const std::int64_t count = span.count;
    const std::size_t head = shape_.size * sizeof(float);
    ggml_tensor * convolved = convolve(ctx, graph, rows.mixed, span, state);
    ggml_tensor * values = ggml_view_3d(ctx, convolved, size, heads_count, count, head, convolved->nb[1],
                                        static_cast<std::size_t>(2 * shape_.key_width()) * sizeof(float));
    const auto by_head = [&](ggml_tensor * x) {
        return ggml_reshape_3d(ctx, ggml_cont(ctx, rows_of(ctx, x, span)), 1, heads_count, count);
    };
    const std::size_t offset = (shape_.kernel - 1) * static_cast<std::size_t>(shape_.channels());
    ggml_tensor * before = state.read(ctx, span, offset, size, size, heads_count);
    ggml_tensor * both = ggml_gated_delta_net(ctx, heads(ctx, convolved, 0), heads(ctx, convolved, shape_.key_width()),
                                              values, by_head(rows.decay), by_head(rows.rate), before, 1);
    const std::size_t outputs = static_cast<std::size_t>(shape_.value_width()) * span.count;
    state.write(ctx, graph, span, offset,
                ggml_view_1d(ctx, both, shape_.value_width() * size, outputs * sizeof(float)));
    return ggml_view_2d(ctx, both, shape_.value_width(), count,
                        static_cast<std::size_t>(shape_.value_width()) * sizeof(float), 0);
}

}  // namespace snapkv::model
