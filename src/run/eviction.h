#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "attention/unit.h"
#include "base/block.h"
#include "kv/row_store.h"
#include "run/compute.h"
#include "select/evicted.h"

namespace snapkv::run {

/// The rows of a sequence that goes on evicting while it generates (CacheConfig::evict): in each layer that does not
/// slide, each KV head holds a number of rows, prompt and answer together, in kv::RowStore::slots. New rows come by the
/// tail. Once a step, or a piece of a message, has the rows of all layers, decide() says which go, and apply() takes
/// the others from the tail. Rows keep their positions, and keys the rotation by these. Not thread-safe.
class Eviction {
public:
    /// Rows that each KV head of a layer may hold; none where nothing is evicted.
    using Holds = std::vector<std::vector<std::uint32_t>>;

    /// The sizes of a layer's queries.
    struct Heads {
        std::uint32_t heads = 0;
        std::uint32_t kv_heads = 0;
        std::uint32_t key_size = 0;

        [[nodiscard]] std::uint32_t group() const { return heads / kv_heads; }
    };

    /// A layer's attention.
    using SpecOf = std::function<attention::AttentionSpec(std::uint32_t layer)>;

    Eviction(const Heads & heads, const select::EvictionRule & rule, Holds holds);
    [[nodiscard]] Eviction copy(kv::Arena & arena) const;

    [[nodiscard]] std::uint32_t heads() const { return heads_.heads; }
    [[nodiscard]] const Holds & holds() const { return holds_; }
    [[nodiscard]] bool evicts(std::uint32_t layer) const { return !holds_[layer].empty(); }
    /// Rows that went, over layers and heads.
    [[nodiscard]] std::uint64_t evicted() const { return evicted_; }

    /// The prompt's rows go from segments to slots, layer by layer; what sliding layers have stays in a segment.
    /// `carried`: what a prefill leaves of each layer. By Evidence::Accumulated for each query head the sums of its KV
    /// head's rows, in their order; by Evidence::Pivotal room for the queries of the rule's window,
    /// [token][head][key_size], with those of the last of `tokens` tokens; else nothing. It is kept where it can be.
    /// There are no tail rows yet. Throws Error(Machine); the rows are void then.
    void take_rows(kv::Arena & arena, kv::RowStore & rows, std::span<Block> carried, std::uint32_t tokens);

    /// Bytes that begin() would ask for.
    [[nodiscard]] std::uint64_t begin_bytes(const kv::RowStore & rows, std::uint32_t count) const;
    /// `count` rows are to come: room for those that may be held and for the queries that are to be kept. Throws
    /// Error(Machine), with the rows as before.
    void begin(kv::Arena & arena, kv::RowStore & rows, std::uint32_t count);
    /// Adds to a layer's unit what is to be kept of the queries of `count` of them, the first of which is row
    /// `row` of the chunk and the `from_end`-th from the end of those that come.
    void add_captures(attention::LayerUnit & unit, std::uint32_t layer, std::uint32_t row, std::uint32_t count,
                      std::uint32_t from_end);
    /// They are complete, in all layers: settles which rows go. Nothing that is seen changes. Throws Interrupted and
    /// Error(Machine).
    void decide(Compute & compute, const SpecOf & spec_of, const kv::RowStore & rows,
                const std::shared_ptr<Meter> & work);
    /// Those go, and the others that came last have slots.
    void apply(kv::RowStore & rows);

    /// The evidence so far, for files: the sums of a query head's rows, by slot; nothing but by Evidence::Accumulated.
    [[nodiscard]] std::span<float> sums(const kv::RowStore & rows, std::uint32_t layer, std::uint32_t head);
    [[nodiscard]] std::span<const float> sums(const kv::RowStore & rows, std::uint32_t layer, std::uint32_t head) const;
    /// How many queries are kept for later steps, and the `index`-th of a layer, oldest first.
    [[nodiscard]] std::uint32_t queries() const;
    [[nodiscard]] std::span<float> query(std::uint32_t layer, std::uint32_t index);
    [[nodiscard]] std::span<const float> query(std::uint32_t layer, std::uint32_t index) const;
    /// Room for all that the slots have and so many queries, to be filled. Throws Error(Machine).
    void restore(kv::Arena & arena, const kv::RowStore & rows, std::uint32_t queries, std::uint64_t evicted);

private:
    struct Layer {
        Block sums;                                     ///< [query head][capacity of the slots]
        Block queries;                                  ///< [room][head][key_size]: token t is at t % room
        Block votes;                                    ///< decide() leaves new sums to apply(); see Votes
        std::vector<std::vector<std::uint32_t>> going;  ///< [KV head] rows, see Votes; ascending
    };
    /// Numbers for the rows of a layer, of each query head of each KV head: those in slots, then those that came.
    class Votes;

    [[nodiscard]] bool accumulates() const { return rule_.evidence == Evidence::Accumulated; }
    [[nodiscard]] std::uint32_t wanted_capacity(const kv::SlotRows & slots, std::uint32_t layer,
                                                std::uint32_t count) const;
    [[nodiscard]] std::uint32_t wanted_room(std::uint32_t count) const;
    void reserve(kv::Arena & arena, kv::SlotRows & slots, std::uint32_t layer, std::uint32_t capacity);
    [[nodiscard]] bool overflows(const kv::SlotRows & slots, std::uint32_t layer) const;
    void weigh(Compute & compute, const SpecOf & spec_of, const kv::RowStore & rows,
               std::span<const std::uint32_t> layers, const std::shared_ptr<Meter> & work);
    void count_low(Compute & compute, const SpecOf & spec_of, const kv::RowStore & rows, std::uint32_t layer,
                   const std::shared_ptr<Meter> & work);
    void choose(const kv::RowStore & rows, std::uint32_t layer, std::uint32_t head);

    Heads heads_;
    select::EvictionRule rule_;
    Holds holds_;
    std::vector<Layer> layers_;
    std::size_t query_floats_;
    std::uint32_t room_ = 0;    ///< queries of a layer
    std::uint32_t tokens_ = 0;  ///< whose queries were captured
    std::uint32_t coming_ = 0;  ///< rows of the step under way
    std::uint64_t evicted_ = 0;
};

}  // namespace snapkv::run
