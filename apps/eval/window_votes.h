#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "snapkv/selection.h"
#include "snapkv/session.h"

namespace snapkv::eval {

/// What a window of queries of one KV head gives to the positions before it: for each query head of the group the sum
/// of its attention weights. Selecting by sums is selecting by means. Not thread-safe.
class WindowVotes {
public:
    /// `prefix`: positions that are voted on, from the text's first.
    WindowVotes(std::uint32_t group, std::uint32_t prefix);

    void clear();
    /// Adds one query of the group's `head`; weights beyond the prefix are not read.
    void add(std::uint32_t head, std::span<const float> weights);

    /// Ascending positions.
    [[nodiscard]] std::vector<Position> select(const Selection & selection) const;
    /// The same as a flag for each position of the prefix.
    [[nodiscard]] std::vector<char> selected(const Selection & selection) const;

private:
    std::uint32_t group_;
    std::uint32_t prefix_;
    std::vector<float> sums_;  ///< [query head of the group][prefix]
};

/// A prompt of `prompt` tokens whose last `window` vote, then `generated` tokens whose attention is looked at.
struct PromptAndAnswer {
    std::uint32_t prompt = 0;
    std::uint32_t window = 32;
    std::uint32_t generated = 0;
    /// How many positions are voted on, from the text's first; 0 where the window leaves none.
    [[nodiscard]] std::uint32_t prefix() const { return prompt > window ? prompt - window : 0; }
};

/// The votes of a prompt's last window, for each KV head of the layer at hand. Takes rows as an Observer gets them:
/// those of different KV heads may come from different threads at once.
class LastWindow {
public:
    /// Throws Error(Usage) where the window leaves no prefix.
    LastWindow(const PromptAndAnswer & text, const ModelInfo & model);

    /// How many positions to observe.
    [[nodiscard]] std::uint32_t positions() const { return text_.window + text_.generated; }
    [[nodiscard]] std::uint32_t prefix() const { return text_.prefix(); }

    /// Adds a row of the window. Of a generated token's row, the complete votes of its KV head; else nothing.
    [[nodiscard]] const WindowVotes * add(const AttentionRow & row);
    /// Whether it is a KV head's first row of the layer after its votes are complete.
    [[nodiscard]] bool begins_answer(const AttentionRow & row) const {
        return index_of(row.position) == text_.prompt && row.head % group_ == 0;
    }

private:
    PromptAndAnswer text_;
    std::uint32_t group_;
    std::vector<WindowVotes> votes_;  ///< [KV head]
};

}  // namespace snapkv::eval
