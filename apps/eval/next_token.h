#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "snapkv/model.h"

namespace snapkv::eval {

/// log softmax(logits), in double precision.
[[nodiscard]] std::vector<double> log_softmax(std::span<const float> logits);

/// How predictions of the next token compare with a reference's, over positions. Distributions are log probabilities,
/// one per vocabulary entry.
class NextToken {
public:
    /// What one position says.
    struct Position {
        double divergence = 0;  ///< Kullback-Leibler, from the reference
        double got = 0;         ///< log probability of the token that came
        double expected = 0;    ///< the same by the reference
        bool agreed = false;    ///< both favour the same token
    };
    /// `next`: the token that came.
    void add(std::span<const double> got, std::span<const double> expected, Token next);
    void add(const Position & position) { positions_.push_back(position); }

    [[nodiscard]] const std::vector<Position> & positions() const { return positions_; }
    /// All of these are NaN where there are no positions.
    [[nodiscard]] double perplexity() const;
    [[nodiscard]] double perplexity_ratio() const;  ///< to the reference's
    [[nodiscard]] double divergence() const;        ///< mean over positions
    /// The divergence that `share` of the positions stay below; 0 <= share < 1.
    [[nodiscard]] double divergence_quantile(double share) const;
    [[nodiscard]] double agreement() const;  ///< share of positions

private:
    std::vector<Position> positions_;
};

}  // namespace snapkv::eval
