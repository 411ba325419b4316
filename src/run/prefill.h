#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "attention/port.h"
#include "kv/arena.h"
#include "kv/row_chain.h"
#include "model/decoder.h"
#include "run/branch_cache.h"
#include "run/compute.h"
#include "run/hidden_states.h"
#include "run/layer_graph.h"
#include "run/layer_work.h"
#include "run/prefill_plan.h"
#include "run/prefill_products.h"
#include "run/row_source.h"
#include "run/saved_reader.h"
#include "run/saved_writer.h"
#include "snapkv/session.h"

namespace snapkv::run {

/// What a prefill leaves of each branch.
struct PrefilledBranch {
    std::vector<std::shared_ptr<const kv::Segment>> segments;
    kv::RecurrentState state;
    double compress_ms = 0;
    std::vector<Block> carried{};  ///< [layer], where it goes on evicting (see Eviction::take_rows())
};

/// What a prefill needs around it.
struct PrefillEnvironment {
    const model::HyperParameters & params;
    const model::Decoder & decoder;
    const model::Weights & weights;
    Compute & compute;
    Allocator & allocator;
    kv::Arena & arena;
    std::shared_ptr<Meter> work;  ///< counts hidden states, queries and votes
    std::uint32_t batch;          ///< tokens of a chunk
    AttentionPath attention;
    ProductPath products;
    std::shared_ptr<const RowSource> source = {};  ///< of the rows that the plan says are held
    std::shared_ptr<RowSink> sink = {};            ///< of those that it says are to be
};

/// Layer-major chunked prefill of a trunk and its branches (docs/architecture.md). One layer takes the whole trunk
/// chunk by chunk, then the suffixes of all branches as rows of shared chunks; each branch votes and is compacted;
/// the layer's working rows are let go before the next layer begins. The last layer computes queries for the windows
/// only, where not all tokens vote, and its output for each branch's last rows only.
///
/// It advances by units, a chunk's rows or one branch's vote in one layer, or the logits of some rows, and can rest
/// between any two while the session does something else. Once advance() has thrown it can only be dropped. Used once.
class Prefill {
public:
    /// Receives the logits ([row][vocabulary]) of consecutive positions of one branch, from `first` on.
    using OnLogits =
        std::function<void(std::size_t branch, std::uint32_t first, std::uint32_t rows, const float * logits)>;

    /// `plan` must outlive it.
    Prefill(const PrefillEnvironment & environment, const PrefillPlan & plan, OnLogits on_logits);

    /// The rows that the next unit builds on are there: a source may still be computing its layers.
    [[nodiscard]] bool ready() const { return begun_ || plan_.held == 0 || layer_ < environment_.source->layers(); }
    /// Does the next unit, where it is ready; false where none is left. Throws Interrupted when stopped, Error(Machine)
    /// where memory ends, and what an observer or `on_logits` throws.
    bool advance();
    [[nodiscard]] bool done() const { return layer_ == environment_.params.layers; }
    /// Layers that are finished.
    [[nodiscard]] std::uint32_t layer() const { return layer_; }
    /// (layer, token) units that are computed.
    [[nodiscard]] std::uint64_t units() const { return units_; }

    /// A layer is finished and the next not begun: save() can be called.
    [[nodiscard]] bool between_layers() const { return !begun_ && layer_ > 0 && !done(); }
    /// Writes all that it takes to go on from there, rows that are held included.
    void save(SavedWriter & out) const;
    /// Reads that, before anything else is called, for the same plan; the sink is given its layers. Throws Error(Input)
    /// for what cannot be.
    void restore(SavedReader & in);

    /// A branch that is wanted no more: it votes no more, and its rows are let go.
    void drop(std::size_t branch);
    [[nodiscard]] bool dropped(std::size_t branch) const { return dropped_[branch]; }

    /// What is left of each branch, once it is done; of those that were dropped, nothing.
    [[nodiscard]] std::vector<PrefilledBranch> take();

    /// Before anything else is called: gets the buffers of the largest chunk without computing, and writes to none of
    /// them. Returns compute_bytes() and what packed weights take.
    std::uint64_t reserve();
    /// Bytes that packing a layer's weights takes for a moment, once reserve() has seen the layers.
    [[nodiscard]] std::uint64_t widening_bytes() const { return products_.widening_bytes(); }
    /// Bytes of graph buffers and kernel scratch at the moment.
    [[nodiscard]] std::uint64_t compute_bytes() const;

private:
    /// Rows of one chunk: positions of one branch's suffix, or of the trunk.
    struct Piece {
        BranchCache * branch = nullptr;  ///< null: the trunk
        std::uint32_t row = 0;           ///< first row within the chunk
        std::uint32_t count = 0;
        std::uint32_t first = 0;  ///< position of the first row
    };

    void embed_all();
    void settle();
    void end_if_unwanted();
    void run_trunk_chunk();
    void run_suffix_chunk();
    void finish_next();
    [[nodiscard]] bool finish(BranchCache & branch);
    void run_chunk(HiddenStates & hidden, std::uint32_t first_row, std::uint32_t count,
                   const std::vector<Piece> & pieces);
    void enter_layer(std::uint32_t layer);
    void begin_layer();
    void hand_over();
    void reserve_layer(std::uint32_t layer);
    [[nodiscard]] LayerGraph layer_graph(Graph & graph) {
        return {environment_.decoder, *port_, products_.products(), graph};
    }
    [[nodiscard]] LayerTask whole_task(ggml_tensor * hidden, ggml_tensor * positions) const;
    [[nodiscard]] LayerTask layer_task(ggml_tensor * hidden, ggml_tensor * positions);
    void run_graph(Graph & graph, const std::vector<std::uint32_t> & positions, ggml_tensor * input);
    void fill_unit(const std::vector<Piece> & pieces);
    [[nodiscard]] bool sums_columns(const BranchCache * branch) const;
    void ask_for_sums(const Piece & piece, attention::QuerySpan & span);
    void add_store(const Piece & piece);
    void add_capture(const Piece & piece);
    [[nodiscard]] attention::QuerySpan query_span(BranchCache * branch, std::uint32_t row, std::uint32_t count,
                                                  std::uint32_t first);
    [[nodiscard]] std::vector<Piece> suffix_pieces(std::uint32_t first_row, std::uint32_t count);
    void begin_branch(BranchCache & branch);
    [[nodiscard]] bool output(BranchCache & branch);
    void output_rows(BranchCache & branch, std::uint32_t first, std::uint32_t count);
    [[nodiscard]] ggml_tensor * finish_rows(Graph & graph, ggml_tensor * x, ggml_tensor * positions);
    [[nodiscard]] bool recurs() const { return environment_.params.layer_recurs(layer_); }
    [[nodiscard]] bool in_last_layer() const { return layer_ + 1 == environment_.params.layers; }
    [[nodiscard]] attention::LayerUnit & unit() { return port_->unit(0); }

    PrefillEnvironment environment_;
    const PrefillPlan & plan_;
    OnLogits on_logits_;
    attention::AttentionSpec spec_;
    kv::LayerShape shape_;
    HiddenStates trunk_;
    HiddenStates suffixes_;
    LayerWork work_;
    std::vector<BranchCache> branches_;
    std::vector<bool> dropped_;              ///< of the branches
    std::vector<std::size_t> voting_order_;  ///< indices of those without a suffix
    kv::RowChain trunk_rows_;                ///< of the layer at hand
    std::unique_ptr<attention::Port> port_;
    PrefillProducts products_;

    // Where it is: in this layer, before this row of the trunk or of the suffixes.
    std::uint32_t layer_ = 0;
    bool reserving_ = false;
    bool begun_ = false;  ///< the layer is
    bool in_suffixes_ = false;
    std::uint32_t row_ = 0;              ///< its position in the trunk, or its place among the suffixes
    std::deque<std::size_t> finishing_;  ///< branches whose rows of the layer are complete
    std::uint32_t output_ = 0;           ///< rows of the first of these that have their logits
    LayerVote latest_;                   ///< of those without a suffix
    std::uint64_t units_ = 0;
};

}  // namespace snapkv::run
