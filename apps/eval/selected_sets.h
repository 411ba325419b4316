#pragma once

#include <cstdint>
#include <vector>

#include "eval/window_votes.h"
#include "snapkv/session.h"

namespace snapkv::eval {

/// What the text after a document selects of it: its rows from `document` on are one window, and the document's
/// positions the prefix. Give observer() to a prefill of a prompt of `tokens` tokens; it must outlive it.
class SelectedSets {
public:
    /// Throws Error(Usage) where nothing follows the document, or there is none.
    SelectedSets(std::uint32_t document, std::uint32_t tokens, const Selection & selection, const ModelInfo & model);

    [[nodiscard]] Observer observer();

    [[nodiscard]] std::uint32_t kv_heads() const { return kv_heads_; }
    /// Share of what `other` selected in a layer that this selected too, over its KV heads or of one of them.
    [[nodiscard]] double overlap(const SelectedSets & other, std::uint32_t layer) const;
    [[nodiscard]] double overlap(const SelectedSets & other, std::uint32_t layer, std::uint32_t kv_head) const;
    [[nodiscard]] const std::vector<Position> & selected(std::uint32_t layer, std::uint32_t kv_head) const {
        return selected_[std::size_t{layer} * kv_heads_ + kv_head];
    }

private:
    void see(const AttentionRow & row);
    [[nodiscard]] std::size_t shared(const SelectedSets & other, std::uint32_t layer, std::uint32_t kv_head) const;

    std::uint32_t document_;
    std::uint32_t tokens_;
    Selection selection_;
    std::uint32_t kv_heads_;
    std::uint32_t group_;
    std::vector<WindowVotes> votes_;               ///< one a KV head
    std::vector<std::vector<Position>> selected_;  ///< [layer][KV head]
};

}  // namespace snapkv::eval
