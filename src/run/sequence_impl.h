#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "kv/arena.h"
#include "kv/recurrent_state.h"
#include "kv/row_store.h"
#include "run/eviction.h"
#include "run/internals.h"
#include "run/pending_tree.h"
#include "snapkv/model.h"
#include "snapkv/sequence.h"

namespace snapkv {

/// A sequence's state. `tokens` may hold one more than there are rows for: a sampled token that has not been fed yet.
/// Recurrent layers have seen all tokens that have rows.
struct Sequence::Impl {
    std::shared_ptr<const Model::Impl> model{};  ///< whose rows these are
    std::shared_ptr<kv::Arena> arena;            ///< outlives the tail
    std::vector<Token> tokens;
    std::size_t prompt_tokens = 0;
    CacheStats stats;
    kv::RowStore rows;
    kv::RecurrentState state;
    std::vector<float> logits;
    std::vector<float> prompt_logits{};       ///< after the prompt, once `logits` are later ones
    bool pending = false;                     ///< the last token has no row yet
    std::optional<run::Eviction> eviction{};  ///< it goes on evicting
    run::TreeMemory tree_memory{};            ///< of the last tree
    std::optional<run::PendingTree> tree{};   ///< of Session::step_tree(); whatever changes the sequence drops it

    /// Throws Error(Usage) unless `token` is one of the tree's.
    void check_tree(std::size_t token) const;
    /// After one of the tree's tokens.
    [[nodiscard]] std::span<const float> logits_in_tree(std::size_t token) const {
        const std::size_t vocabulary = tree_memory.logits.size() / sizeof(float) / attention::TokenTree::kMost;
        return {tree_memory.logits.floats() + token * vocabulary, vocabulary};
    }
    [[nodiscard]] std::uint32_t next_position() const { return index_of(rows.tail.next()); }
};

}  // namespace snapkv
