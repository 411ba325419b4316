#include "model/latent_attention.h"

#include "product/ggml_products.h"

namespace snapkv::model {

namespace {

/// Elements [first, first + count) of each head of x [size, heads, rows].
ggml_tensor * part(ggml_context * ctx, ggml_tensor * x, std::int64_t first, std::int64_t count) {
    return ggml_view_3d(ctx, x, count, x->ne[1], x->ne[2], x->nb[1], x->nb[2],
                        static_cast<std::size_t>(first) * sizeof(float));
}

/// [a, b, c] to [a, c, b].
ggml_tensor * swapped(ggml_context * ctx, ggml_tensor * x) {
    return ggml_permute(ctx, x, 0, 2, 1, 3);
}

/// [out, heads, rows]: each head's matrix, of `weight` [in, out, heads], times its part of x [in, heads, rows].
ggml_tensor * multiply_heads(ggml_context * ctx, ggml_tensor * weight, ggml_tensor * x) {
    // The rows of a step, at most so many, each by itself: ggml sums products of several in another order than of one.
    constexpr std::int64_t kMostOfStep = 33;
    const std::int64_t rows = x->ne[2];
    if (rows > kMostOfStep) {
        return swapped(ctx, ggml_mul_mat(ctx, weight, swapped(ctx, x)));
    }
    ggml_tensor * products = ggml_mul_mat(ctx, weight, ggml_permute(ctx, x, 0, 2, 3, 1));  // [out, 1, heads, rows]
    return ggml_reshape_3d(ctx, products, products->ne[0], products->ne[2], rows);
}

}  // namespace

LatentAttention::LatentAttention(Weights & weights, const std::string & prefix, const HyperParameters & params)
    : latent_(params.latent),
      heads_(params.heads),
      rotated_(params.rope.dimensions),
      plain_(std::int64_t{params.latent.key_size} - params.rope.dimensions) {
    const std::int64_t width = params.width;
    const std::int64_t rank = latent_.rank;
    const std::int64_t values = latent_.value_size;
    const auto linear = [&](const char * name, std::int64_t in, std::int64_t out) {
        return product::Linear{weights.require(prefix + name, {in, out}, Weights::Use::Multiply)};
    };
    const auto norm = [&](const char * name, std::int64_t size) {
        return product::Norm{weights.require(prefix + name, {size}, Weights::Use::Elements), params.norm_epsilon};
    };
    const std::int64_t queries = heads_ * latent_.key_size;
    if (latent_.query_rank > 0) {
        query_row_ = linear("attn_q_a.weight", width, latent_.query_rank);
        query_norm_ = norm("attn_q_a_norm.weight", latent_.query_rank);
        query_ = linear("attn_q_b.weight", latent_.query_rank, queries);
    } else {
        query_ = linear("attn_q.weight", width, queries);
    }
    key_value_row_ = linear("attn_kv_a_mqa.weight", width, rank + rotated_);
    row_norm_ = norm("attn_kv_a_norm.weight", rank);
    if (latent_.absorbed) {
        key_part_ = weights.require(prefix + "attn_k_b.weight", {plain_, rank, heads_}, Weights::Use::MultiplyEach);
        value_part_ = weights.require(prefix + "attn_v_b.weight", {rank, values, heads_}, Weights::Use::MultiplyEach);
    } else {
        key_value_ = linear("attn_kv_b.weight", rank, heads_ * (plain_ + values));
    }
}

AttentionInput LatentAttention::input(ggml_context * ctx, product::Products & products, const product::Norm & norm,
                                      ggml_tensor * hidden, Wanted wanted, const Rotate & rotate) const {
    std::vector<product::Linear> linears;
    if (wanted != Wanted::KeysValues) {
        linears.push_back(latent_.query_rank > 0 ? query_row_ : query_);
    }
    if (wanted != Wanted::Queries) {
        linears.push_back(key_value_row_);
    }
    const std::vector<ggml_tensor *> projected = products.project(ctx, norm, linears, hidden);
    AttentionInput input;
    if (wanted != Wanted::KeysValues) {
        input.queries = queries(ctx, products, projected.front(), rotate);
    }
    if (wanted != Wanted::Queries) {
        keys_values(ctx, products, projected.back(), rotate, input);
    }
    return input;
}

ggml_tensor * LatentAttention::queries(ggml_context * ctx, product::Products & products, ggml_tensor * projected,
                                       const Rotate & rotate) const {
    const std::int64_t rows = projected->ne[1];
    if (latent_.query_rank > 0) {
        projected = products.project(ctx, query_norm_, {&query_, 1}, projected).front();
    }
    ggml_tensor * by_head = ggml_reshape_3d(ctx, projected, latent_.key_size, heads_, rows);
    ggml_tensor * plain = part(ctx, by_head, 0, plain_);
    if (latent_.absorbed) {
        plain = multiply_heads(ctx, key_part_, plain);
    }
    return ggml_concat(ctx, plain, rotate(part(ctx, by_head, plain_, rotated_)), 0);
}

void LatentAttention::keys_values(ggml_context * ctx, product::Products & products, ggml_tensor * projected,
                                  const Rotate & rotate, AttentionInput & input) const {
    const std::int64_t rank = latent_.rank;
    ggml_tensor * by_row = ggml_reshape_3d(ctx, projected, rank + rotated_, 1, projected->ne[1]);
    ggml_tensor * rotated = rotate(part(ctx, by_row, rank, rotated_));
    ggml_tensor * row = product::normalise(ctx, row_norm_, part(ctx, by_row, 0, rank));
    if (latent_.absorbed) {
        input.keys = ggml_concat(ctx, row, rotated, 0);
        input.values = row;  // not read: they are the keys' beginning
    } else {
        expand(ctx, products, row, rotated, input);
    }
}

void LatentAttention::expand(ggml_context * ctx, product::Products & products, ggml_tensor * row, ggml_tensor * rotated,
                             AttentionInput & input) const {
    const std::int64_t rows = row->ne[2];
    ggml_tensor * flat = ggml_reshape_2d(ctx, row, latent_.rank, rows);
    ggml_tensor * both =
        ggml_reshape_3d(ctx, products.multiply(ctx, key_value_, flat), plain_ + latent_.value_size, heads_, rows);
    input.values = ggml_cont(ctx, part(ctx, both, plain_, latent_.value_size));
    input.keys =
        ggml_concat(ctx, part(ctx, both, 0, plain_), ggml_repeat_4d(ctx, rotated, rotated_, heads_, rows, 1), 0);
}

ggml_tensor * LatentAttention::output(ggml_context * ctx, ggml_tensor * attended) const {
    if (!latent_.absorbed) {
        return attended;
    }
    const std::int64_t rows = attended->ne[1];
    ggml_tensor * sums = ggml_reshape_3d(ctx, attended, latent_.rank, heads_, rows);
    return ggml_cont_2d(ctx, multiply_heads(ctx, value_part_, sums), latent_.value_size * heads_, rows);
}

void LatentAttention::add_matrices(std::vector<product::Linear> & all) const {
    for (const product::Linear & linear : {query_row_, query_, key_value_row_, key_value_}) {
        if (linear.weight != nullptr) {
            all.push_back(linear);
        }
    }
}

}  // namespace snapkv::model
