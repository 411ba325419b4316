#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "attention/port.h"
#include "base/block.h"
#include "model/decoder.h"
#include "product/step_products.h"
#include "run/compute.h"
#include "run/hidden_states.h"
#include "run/layer_graph.h"
#include "run/pending_tree.h"
#include "run/prefill_products.h"
#include "run/sequence_impl.h"
#include "snapkv/session.h"

namespace snapkv::run {

/// Tokens for the next positions of one sequence.
struct Feed {
    Sequence::Impl * sequence = nullptr;
    std::span<const Token> tokens;
};

/// Rows of a sequence's tail, and where in a chunk they are.
struct FedRows {
    Sequence::Impl * sequence = nullptr;
    std::uint32_t row = 0;    ///< of the chunk
    std::uint32_t first = 0;  ///< of the tail
    std::uint32_t count = 0;
};

/// Queries of a sequence's positions `first`, `first` + 1, ... in the layers that have memory for them: what turns are
/// voted on with.
struct CapturedQueries {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    std::size_t floats = 0;     ///< of one position, all heads
    std::vector<Block> layers;  ///< [layer]: `count` times so many; empty: not captured
};

/// What is wanted of a turn beside rows and the logits of its last token.
struct TurnWants {
    CapturedQueries * captured = nullptr;  ///< receives those queries of it that are among these tokens
    std::uint32_t logit_rows = 0;          ///< last tokens whose logits `on_logits` receives
    /// Logits [row][vocabulary] of some of these tokens, from token `first` of the turn on; in order.
    std::function<void(std::uint32_t first, std::span<const float> logits)> on_logits = {};
    std::function<void(double)> on_progress = {};  ///< the share of the turn that is done
};

/// Feeds tokens to sequences, each against its own kept rows and tail: steps of decode, of one sequence or several,
/// trees behind one, and further turns. Few tokens go through all layers in one graph; that of a step is built once and
/// used for as long as equally many rows take part, where attention allows. Many go through a layer chunk by chunk
/// before the next, as a prefill does. Not thread-safe.
class Stepper {
public:
    /// `batch`: rows of a chunk.
    Stepper(const model::HyperParameters & params, const model::Decoder & decoder, Compute & compute,
            AttentionPath attention, ProductPath products, std::uint32_t batch, std::shared_ptr<Meter> work);

    /// A step of decode: appends a row for one token of each of `feeds`, whose sequences differ, and leaves the logits.
    /// What a sequence gets does not depend on which others take part. The tokens themselves are the caller's to
    /// record. Throws Interrupted, the sequences then as before.
    void step(std::span<const Feed> feeds, Compute::Phase phase);
    /// How many of so many tokens that are to be appended the next turn() should take: up to eight chunks that share
    /// each layer's copied weights. A last chunk of so few rows that a copy does not pay is left for a turn of its own.
    [[nodiscard]] std::size_t turn_size(std::size_t tokens) const;
    /// How many to try where memory is short for a turn of so many: half the chunks, as many if that is one chunk.
    [[nodiscard]] std::size_t fewer(std::size_t tokens) const;
    /// Appends rows for all tokens of one sequence, turn_size() at most, and leaves the logits of the last. Throws as
    /// step() does, Error(Machine) if memory is short, and what `wants` throws; the sequence is then as before.
    void turn(const Feed & feed, Compute::Phase phase, const TurnWants & wants = {});

    /// A step for tokens that continue `sequence` as a tree: leaves it there in place of an earlier one. The sequence's
    /// own rows and logits stay as they are; layers that recur need a chain. Throws as step() does, the sequence then
    /// without a tree.
    void tree(Sequence::Impl & sequence, PendingTree pending, Compute::Phase phase);
    /// The path to one of the tree's tokens becomes the sequence's next rows, and that token's logits its own; nothing
    /// is computed but where layers recur and it is not the last token. The tree goes, but where memory is short for
    /// rows that are copied. The tokens themselves are the caller's to record. Throws as turn() does.
    void keep(Sequence::Impl & sequence, std::uint32_t token, Compute::Phase phase);

    /// Bytes of graph buffers and kernel scratch.
    [[nodiscard]] std::uint64_t bytes() const;

private:
    /// A graph over a number of rows, with its inputs and its result.
    struct Built {
        std::unique_ptr<Graph> graph;
        ggml_tensor * tokens = nullptr;
        ggml_tensor * positions = nullptr;
        ggml_tensor * logits = nullptr;  ///< of the output rows
        bool captures = false;           ///< queries, of some layer
        /// Of each layer, where it recurs: of each feed.
        std::vector<std::vector<model::StateTensors>> states;
    };
    [[nodiscard]] Built build(std::span<const Feed> feeds, RowRange output, attention::Port & port,
                              product::Products & products) const;
    /// What all steps have in a layer's unit, but for the rows; false where the layer recurs.
    bool begin_unit(attention::LayerUnit & unit, const Sequence::Impl & sequence, std::uint32_t layer) const;
    /// What a layer does with rows of all feeds that follow one another in a chunk.
    void fill_unit(std::uint32_t layer, std::span<const FedRows> rows, attention::Port & port,
                   CapturedQueries * captured = nullptr) const;
    void fill_units(std::span<const Feed> feeds, attention::Port & port, CapturedQueries * captured = nullptr) const;
    void fill_units(Sequence::Impl & sequence, const attention::TokenTree & tree, attention::Port & port) const;
    /// All layers have the rows of those feeds that go on evicting: settles which rows go.
    void decide_evictions(std::span<const Feed> feeds);
    /// The graph of a step, where attention allows to use it again: the same for so many sequences as for a tree of so
    /// many tokens, unless layers recur.
    Built & step_graph(std::span<const Feed> feeds);
    void run(Built & built, std::span<const Feed> feeds, attention::Port & port, Compute::Phase phase);
    void run(const Built & built, Sequence::Impl & sequence, const PendingTree & pending, attention::Port & port,
             Compute::Phase phase);
    /// With a graph of its own, which serves this once, its logits included.
    [[nodiscard]] Built run_once(std::span<const Feed> feeds, Compute::Phase phase, const TurnWants & wants = {});
    /// Before the logits of the sequence's last `count` rows take the place of the prompt's.
    static void save_prompt_logits(Sequence::Impl & sequence, std::size_t count);
    /// The sequences' own logits, a row a feed.
    void take_logits(std::span<const Feed> feeds, const float * logits) const;
    /// Each layer on its own, chunk by chunk, with its weights copied as a prefill has them: pays for chunks, not for
    /// steps.
    void turn_by_layers(const Feed & feed, Compute::Phase phase, const TurnWants & wants);
    void run_layer(const Feed & feed, PrefillProducts & products, HiddenStates & hidden, std::uint32_t layer,
                   Compute::Phase phase, const TurnWants & wants);

    const model::HyperParameters & params_;
    const model::Decoder & decoder_;
    Compute & compute_;
    std::optional<product::Element> element_;  ///< what chunks of many rows have the weights copied to
    std::uint32_t batch_;
    std::shared_ptr<Meter> work_;
    Allocator step_allocator_;
    Allocator chunk_allocator_;
    std::unique_ptr<attention::Port> step_port_;
    std::unique_ptr<attention::Port> chunk_port_;
    product::StepProducts step_products_;
    product::StepProducts few_products_;  ///< of turns of few rows
    Built step_;
};

}  // namespace snapkv::run
