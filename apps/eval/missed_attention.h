#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "eval/window_votes.h"
#include "snapkv/session.h"

namespace snapkv::eval {

/// A prompt of `prompt` tokens whose last `window` vote, then `generated` tokens whose attention is looked at.
struct MissedAttentionConfig {
    std::uint32_t prompt = 0;
    std::uint32_t window = 32;
    std::uint32_t generated = 0;
    Selection selection;  ///< count: prefix positions that are kept beside the window
};

/// How much attention generated tokens give to rows that were not kept, by the distance of such a row from the nearest
/// kept one (a selected position or the window). A distance is positive where the kept row comes first in the text and
/// the missed one is ahead of it, which counts where both sides are equally near. Give observer() to a prefill of
/// prompt and generated tokens together; it must outlive it. Not thread-safe.
class MissedAttention {
public:
    /// Distances are counted in bins: -65 and beyond, -64 to -33, ... -2, -1, +1, +2, +3 to +4, ... +65 and beyond.
    static constexpr std::size_t bins = 16;
    [[nodiscard]] static std::size_t bin_of(std::int64_t distance);
    [[nodiscard]] static std::string bin_name(std::size_t bin);

    /// Throws Error(Usage) where the window leaves no prefix.
    MissedAttention(const MissedAttentionConfig & config, const ModelInfo & model);

    [[nodiscard]] Observer observer();

    /// What a query head does with the missed rows of one bin.
    struct Bin {
        double share = 0;  ///< of the attention of a generated token, mean over tokens; NaN where there were none
        std::uint64_t rows = 0;
    };
    [[nodiscard]] Bin bin(std::uint32_t layer, std::uint32_t head, std::size_t bin) const;

private:
    struct Head {
        WindowVotes votes;
        std::vector<std::uint8_t> bins;  ///< of each prefix position; empty until the window is complete
    };
    struct Sums {
        std::uint64_t tokens = 0;
        std::array<double, bins> weights{};
        std::array<std::uint64_t, bins> rows{};
    };
    void see(const AttentionRow & row);

    MissedAttentionConfig config_;
    std::uint32_t prefix_;
    std::uint32_t heads_;
    std::uint32_t group_;
    std::vector<Head> at_hand_;  ///< one a KV head
    std::vector<Sums> sums_;     ///< [layer][query head]
};

}  // namespace snapkv::eval
