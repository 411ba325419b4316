#pragma once

#include <cstdint>
#include <vector>

#include "eval/window_votes.h"
#include "snapkv/session.h"

namespace snapkv::eval {

/// Which rows of a text vote and which are judged by: a prompt of `prompt` tokens, then `generated` ones.
struct HitRateConfig {
    std::uint32_t prompt = 0;
    std::uint32_t windows = 1;  ///< consecutive windows that end with the prompt; the prefix is what lies before them
    std::uint32_t window = 32;  ///< tokens of each
    std::uint32_t generated = 0;
    std::uint32_t generated_window = 128;  ///< tokens that are judged together
    float threshold = 0.05F;               ///< attention weight above which a generated token needs a position
    Selection selection;                   ///< count: prefix positions that a window selects

    [[nodiscard]] std::uint32_t prefix() const { return prompt - windows * window; }
    [[nodiscard]] std::uint32_t generated_windows() const {
        return (generated + generated_window - 1) / generated_window;
    }
};

/// The paper's hit rate (arXiv 2404.14469, section 3): of the prefix positions whose attention weight exceeds a
/// threshold when a token is generated, the share that a window of the prompt had selected. A window's score of a
/// position is its mean attention weight; selection is per KV head, as a cache selects. Give observer() to a prefill of
/// prompt and generated tokens together; it must outlive it.
class HitRate {
public:
    /// Throws Error(Usage) where the windows leave no prefix.
    HitRate(const HitRateConfig & config, const ModelInfo & model);

    /// Another selection than the configuration's, where its count depends on the prefix. Before any row is seen.
    void select(const Selection & selection) { config_.selection = selection; }
    [[nodiscard]] Observer observer();

    /// Counts of one query head: positions needed, and those of them that were selected.
    struct Count {
        std::uint64_t needed = 0;
        std::uint64_t hit = 0;

        [[nodiscard]] double rate() const;  ///< NaN where nothing was needed
        Count & operator+=(const Count & other);
    };
    /// Window 0 is the earliest.
    [[nodiscard]] Count count(std::uint32_t layer, std::uint32_t head, std::uint32_t window,
                              std::uint32_t generated_window) const;
    /// Over all heads of a layer and all generated tokens.
    [[nodiscard]] Count of_layer(std::uint32_t layer, std::uint32_t window) const;
    /// Over all heads of a layer and the tokens of one generated window.
    [[nodiscard]] Count of_layer(std::uint32_t layer, std::uint32_t window, std::uint32_t generated_window) const;
    [[nodiscard]] const HitRateConfig & config() const { return config_; }

private:
    /// What one KV head of the layer at hand has come to. Only its own thread touches it.
    struct Head {
        std::vector<WindowVotes> votes;           ///< one a window
        std::vector<std::vector<char>> selected;  ///< [window][prefix]; empty until the first generated token
    };
    void see(const AttentionRow & row);
    void judge(const Head & head, const AttentionRow & row);
    [[nodiscard]] std::size_t index(std::uint32_t layer, std::uint32_t head, std::uint32_t window,
                                    std::uint32_t generated_window) const;

    HitRateConfig config_;
    std::uint32_t layers_;
    std::uint32_t heads_;
    std::uint32_t group_;
    std::vector<Head> at_hand_;  ///< one a KV head
    std::vector<Count> counts_;  ///< [layer][head][window][generated window]
};

}  // namespace snapkv::eval
