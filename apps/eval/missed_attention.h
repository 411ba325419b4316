#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "eval/window_votes.h"
#include "snapkv/session.h"

namespace snapkv::eval {

struct MissedAttentionConfig {
    PromptAndAnswer text;
    Selection selection;  ///< count: prefix positions that are kept beside the window
};

/// How much attention generated tokens give to rows that were not kept, by the distance of such a row from the nearest
/// kept one (a selected position or the window). A distance is positive where the kept row comes first in the text and
/// the missed one is ahead of it, which counts where both sides are equally near. Give observer() to a prefill of
/// prompt and generated tokens together; it must outlive it.
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
    [[nodiscard]] Bin bin(std::uint32_t layer, std::uint32_t head, std::size_t index) const;

private:
    struct Sums {
        std::uint64_t tokens = 0;
        std::array<Bin, bins> parts{};  ///< shares summed over tokens
    };
    void see(const AttentionRow & row);

    MissedAttentionConfig config_;
    LastWindow window_;
    std::uint32_t heads_;
    std::vector<std::vector<std::uint8_t>> bins_by_position_;  ///< [KV head][prefix] of the layer at hand
    std::vector<Sums> sums_;                                   ///< [layer][query head]
};

}  // namespace snapkv::eval
