#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "eval/window_votes.h"
#include "snapkv/session.h"

namespace snapkv::eval {

struct AttentionMassConfig {
    PromptAndAnswer text;
    std::vector<Selection> selections;  ///< one a budget; count: prefix positions that are kept beside the window
    std::uint32_t sinks = 4;            ///< first positions of the text
    std::uint32_t recent = 64;          ///< last positions up to the query's own
    std::uint32_t local = 512;          ///< those before, up to this distance
};

/// What the generated tokens of each layer and query head attend to: the share of the attention mass that a budget
/// keeps (selected positions, the window and what was generated since), and how it divides between the text's first
/// positions, the most recent, the local and the far ones. Give observer() to a prefill of prompt and generated tokens
/// together; it must outlive it.
class AttentionMass {
public:
    enum Part { Sinks, Recent, Local, Far };
    static constexpr std::size_t kParts = 4;

    /// Throws Error(Usage) where the window leaves no prefix.
    AttentionMass(const AttentionMassConfig & config, const ModelInfo & model);

    [[nodiscard]] Observer observer();

    /// Mean over generated tokens, 0..1; NaN where there were none.
    [[nodiscard]] double kept(std::uint32_t layer, std::uint32_t head, std::size_t selection) const;
    [[nodiscard]] double part(std::uint32_t layer, std::uint32_t head, Part part) const;
    /// The same, over all heads of a layer.
    [[nodiscard]] double kept(std::uint32_t layer, std::size_t selection) const;
    [[nodiscard]] double part(std::uint32_t layer, Part of) const;

private:
    using Selected = std::vector<std::vector<char>>;  ///< [selection][prefix]
    /// Sums over the generated tokens of one query head.
    struct Sums {
        std::uint64_t tokens = 0;
        std::vector<double> kept;
        std::array<double, kParts> parts{};
    };
    void see(const AttentionRow & row);
    void weigh(const Selected & selected, const AttentionRow & row);
    [[nodiscard]] const Sums & sums(std::uint32_t layer, std::uint32_t head) const {
        return sums_[std::size_t{layer} * heads_ + head];
    }

    AttentionMassConfig config_;
    LastWindow window_;
    std::uint32_t heads_;
    std::vector<Selected> selected_;  ///< [KV head] of the layer at hand
    std::vector<Sums> sums_;          ///< [layer][query head]
};

}  // namespace snapkv::eval
