#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "attention/port.h"
#include "model/decoder.h"
#include "product/ggml_products.h"
#include "product/step_products.h"
#include "run/compute.h"
#include "run/hidden_states.h"
#include "run/prefill_products.h"
#include "run/sequence_impl.h"
#include "snapkv/session.h"

namespace snapkv::run {

/// Feeds tokens to a sequence through all layers at once, against its kept rows and tail: single steps of decode and
/// the chunks of a further turn. The graph of a single step is built once and used for ever where attention allows.
/// Not thread-safe.
class Stepper {
public:
    Stepper(const model::HyperParameters & params, const model::Decoder & decoder, Compute & compute,
            AttentionPath attention, ProductPath products, std::shared_ptr<Meter> work);

    /// Appends rows for `tokens` at the sequence's next positions and leaves the logits of the last one. The tokens
    /// themselves are the caller's to record. Throws Interrupted, the sequence then as before.
    void feed(Sequence::Impl & sequence, std::span<const Token> tokens, Compute::Phase phase);

    /// Bytes of graph buffers and kernel scratch.
    [[nodiscard]] std::uint64_t bytes() const;

private:
    /// A graph over a number of rows, with its inputs and its result.
    struct Built {
        std::unique_ptr<Graph> graph;
        ggml_tensor * tokens = nullptr;
        ggml_tensor * positions = nullptr;
        ggml_tensor * logits = nullptr;
        std::vector<std::vector<model::StateTensors>> states;  ///< of each layer, where it recurs
    };
    [[nodiscard]] Built build(Sequence::Impl & sequence, std::uint32_t rows, attention::Port & port,
                              product::Products & products) const;
    [[nodiscard]] ggml_tensor * attending_layer(Built & built, std::uint32_t layer, attention::Port & port,
                                                product::Products & products, ggml_tensor * x) const;
    void take_logits(Sequence::Impl & sequence, const ggml_tensor * tensor) const;
    void fill_units(Sequence::Impl & sequence, std::uint32_t rows, attention::Port & port) const;
    /// Each layer on its own, with its weights copied as a prefill has them: pays for chunks, not for steps.
    void feed_layers(Sequence::Impl & sequence, std::span<const Token> tokens, Compute::Phase phase);
    void run_layer(Sequence::Impl & sequence, std::uint32_t layer, PrefillProducts & products, HiddenStates & hidden,
                   const std::vector<std::int32_t> & positions, Compute::Phase phase);
    void run(Built & built, Sequence::Impl & sequence, std::span<const Token> tokens, attention::Port & port,
             Compute::Phase phase);

    const model::HyperParameters & params_;
    const model::Decoder & decoder_;
    Compute & compute_;
    std::optional<product::Element> element_;  ///< what chunks of enough rows have the weights copied to
    std::shared_ptr<Meter> work_;
    Allocator step_allocator_;
    Allocator chunk_allocator_;
    std::unique_ptr<attention::Port> step_port_;
    std::unique_ptr<attention::Port> chunk_port_;
    product::StepProducts step_products_;
    product::StepProducts few_products_;    ///< of chunks of few rows
    product::GgmlProducts chunk_products_;  ///< of others
    Built step_;
};

}  // namespace snapkv::run
