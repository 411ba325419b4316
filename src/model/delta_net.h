#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/hyper_parameters.h"
#include "model/state_tensors.h"
#include "model/weights.h"
#include "product/products.h"

namespace snapkv::model {

/// One layer of a gated delta rule (Yang, Kautz and Hatamizadeh, 2024, arXiv 2412.06464): in place of attention a
/// matrix for each head that takes in every token's key and value and forgets, behind a short convolution. Immutable.
class DeltaNet {
public:
    /// Takes the layer's tensors but its norm from `weights`, which must outlive it. Throws Error(Input) as
    /// Weights::require does.
    DeltaNet(Weights & weights, const std::string & prefix, const HyperParameters & params);

    /// What the layer's heads come to, [value width, rows], for output() to multiply. Rows in no span give zeros. The
    /// nodes that write states go into `graph`.
    [[nodiscard]] ggml_tensor * build(ggml_context * ctx, ggml_cgraph * graph, product::Products & products,
                                      const product::Norm & norm, ggml_tensor * hidden,
                                      std::span<const StateSpan> spans, std::vector<StateTensors> & states) const;
    [[nodiscard]] const product::Linear & output() const { return output_; }
    /// The matrices that go through `products`.
    void add_matrices(std::vector<product::Linear> & all) const;

private:
    /// Of all rows: what the convolution takes [channels], how far states forget and how much they take in [heads].
    struct Rows {
        ggml_tensor * mixed = nullptr;
        ggml_tensor * decay = nullptr;
        ggml_tensor * rate = nullptr;
    };
    [[nodiscard]] ggml_tensor * run_span(ggml_context * ctx, ggml_cgraph * graph, const Rows & rows,
                                         const StateSpan & span, StateTensors & state) const;
    [[nodiscard]] ggml_tensor * convolve(ggml_context * ctx, ggml_cgraph * graph, ggml_tensor * mixed,
                                         const StateSpan & span, StateTensors & state) const;
    [[nodiscard]] ggml_tensor * heads(ggml_context * ctx, ggml_tensor * convolved, std::int64_t first) const;
    [[nodiscard]] ggml_tensor * interleaved_part(ggml_context * ctx, ggml_tensor * both, std::int64_t part) const;

    Recurrence shape_;
    float epsilon_;
    product::Linear mixed_;  ///< queries, keys and values side by side
    product::Linear gate_;
    product::Linear rate_;  ///< with that of the decay, where they are one matrix's
    product::Linear decay_;
    ggml_tensor * kernel_ = nullptr;
    ggml_tensor * decay_bias_ = nullptr;
    ggml_tensor * decay_factor_ = nullptr;
    product::Norm norm_;
    product::Linear output_;
};

}  // namespace snapkv::model
