#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "snapkv/model.h"

namespace snapkv::bench {

/// log softmax(logits), in double precision.
inline std::vector<double> log_softmax(std::span<const float> logits) {
    const double maximum = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float x : logits) {
        sum += std::exp(x - maximum);
    }
    const double shift = maximum + std::log(sum);
    std::vector<double> result(logits.begin(), logits.end());
    std::for_each(result.begin(), result.end(), [&](double & x) { x -= shift; });
    return result;
}

/// How predictions of the next token compare with a reference's, summed over positions. Distributions are log
/// probabilities, one a vocabulary entry.
class NextToken {
public:
    /// `next`: the token that came.
    void add(std::span<const double> got, std::span<const double> expected, Token next) {
        double divergence = 0;
        for (std::size_t i = 0; i < got.size(); ++i) {
            divergence += std::exp(expected[i]) * (expected[i] - got[i]);
        }
        divergences_.push_back(divergence);
        divergence_ += divergence;
        likelihood_ -= got[static_cast<std::size_t>(next)];
        const bool same = std::max_element(got.begin(), got.end()) - got.begin() ==
                          std::max_element(expected.begin(), expected.end()) - expected.begin();
        agreed_ += same ? std::size_t{1} : std::size_t{0};
    }

    [[nodiscard]] std::size_t positions() const { return divergences_.size(); }
    [[nodiscard]] double perplexity() const { return std::exp(likelihood_ / count()); }
    /// Kullback-Leibler divergence from the reference, mean over positions.
    [[nodiscard]] double divergence() const { return divergence_ / count(); }
    /// The divergence that `share` of the positions stay below; 0 <= share < 1.
    [[nodiscard]] double divergence_quantile(double share) const {
        std::vector<double> sorted = divergences_;
        std::sort(sorted.begin(), sorted.end());
        return sorted[static_cast<std::size_t>(share * count())];
    }
    /// Share of positions where both favour the same token.
    [[nodiscard]] double agreement() const { return static_cast<double>(agreed_) / count(); }

private:
    [[nodiscard]] double count() const { return static_cast<double>(divergences_.size()); }

    std::vector<double> divergences_;
    double divergence_ = 0;
    double likelihood_ = 0;
    std::size_t agreed_ = 0;
};

}  // namespace snapkv::bench
