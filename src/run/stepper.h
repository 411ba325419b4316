#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "attention/port.h"
#include "base/block.h"
#include "model/decoder.h"
#include "product/ggml_products.h"
#include "product/step_products.h"
#include "run/compute.h"
#include "run/hidden_states.h"
#include "run/layer_graph.h"
#include "run/prefill_products.h"
#include "run/sequence_impl.h"
#include "snapkv/session.h"

namespace snapkv::run {

/// Tokens for the next positions of one sequence.
struct Feed {
    Sequence::Impl * sequence = nullptr;
    std::span<const Token> tokens;
};

/// Queries of a sequence's positions `first`, `first` + 1, ... in the layers that have memory for them: what turns are
/// voted on with.
struct CapturedQueries {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    std::size_t floats = 0;     ///< of one position, all heads
    std::vector<Block> layers;  ///< [layer]: `count` times so many; empty: not captured
};

/// Feeds tokens to sequences through all layers at once, each against its own kept rows and tail: steps of decode, of
/// one sequence or several, and the chunks of a further turn. The graph of a step is built once and used for as long as
/// equally many sequences take part, where attention allows. Not thread-safe.
class Stepper {
public:
    Stepper(const model::HyperParameters & params, const model::Decoder & decoder, Compute & compute,
            AttentionPath attention, ProductPath products, std::shared_ptr<Meter> work);

    /// A step of decode: appends a row for one token of each of `feeds`, whose sequences differ, and leaves the logits.
    /// What a sequence gets does not depend on which others take part. The tokens themselves are the caller's to
    /// record. Throws Interrupted, the sequences then as before.
    void step(std::span<const Feed> feeds, Compute::Phase phase);
    /// Appends rows for all tokens of one sequence and leaves the logits of the last. `captured`, where not null,
    /// receives those queries of it that are among these tokens. Throws as step() does.
    void turn(const Feed & feed, Compute::Phase phase, CapturedQueries * captured = nullptr);

    /// Bytes of graph buffers and kernel scratch.
    [[nodiscard]] std::uint64_t bytes() const;

private:
    /// A graph over a number of rows, with its inputs and its result.
    struct Built {
        std::unique_ptr<Graph> graph;
        ggml_tensor * tokens = nullptr;
        ggml_tensor * positions = nullptr;
        ggml_tensor * logits = nullptr;  ///< one row a feed
        /// Of each layer, where it recurs: of each feed.
        std::vector<std::vector<model::StateTensors>> states;
    };
    [[nodiscard]] Built build(std::span<const Feed> feeds, attention::Port & port, product::Products & products) const;
    void fill_units(std::span<const Feed> feeds, attention::Port & port, CapturedQueries * captured = nullptr) const;
    void run(Built & built, std::span<const Feed> feeds, attention::Port & port, Compute::Phase phase);
    /// With a graph of its own, which serves this once.
    void run_once(std::span<const Feed> feeds, product::Products & products, Compute::Phase phase,
                  CapturedQueries * captured = nullptr);
    void take_logits(std::span<const Feed> feeds, const ggml_tensor * tensor) const;
    /// Each layer on its own, with its weights copied as a prefill has them: pays for chunks, not for steps.
    void turn_by_layers(const Feed & feed, Compute::Phase phase, CapturedQueries * captured);

    const model::HyperParameters & params_;
    const model::Decoder & decoder_;
    Compute & compute_;
    std::optional<product::Element> element_;  ///< what chunks of many rows have the weights copied to
    std::shared_ptr<Meter> work_;
    Allocator step_allocator_;
    Allocator chunk_allocator_;
    std::unique_ptr<attention::Port> step_port_;
    std::unique_ptr<attention::Port> chunk_port_;
    product::StepProducts step_products_;
    product::StepProducts few_products_;    ///< of chunks of few rows
    product::GgmlProducts chunk_products_;  ///< of others, where weights are not copied
    Built step_;
};

}  // namespace snapkv::run
