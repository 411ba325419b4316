#include "eval/next_token.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <limits>
#include <numeric>

namespace snapkv::eval {

namespace {

/// Mean of what `of` says of each position.
template <typename Of>
double mean(const std::vector<NextToken::Position> & positions, const Of & of) {
    const double sum = std::transform_reduce(positions.begin(), positions.end(), 0.0, std::plus<>(), of);
    return sum / static_cast<double>(positions.size());
}

std::ptrdiff_t favourite(std::span<const double> distribution) {
    return std::max_element(distribution.begin(), distribution.end()) - distribution.begin();
}

}  // namespace

std::vector<double> log_softmax(std::span<const float> logits) {
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

void NextToken::add(std::span<const double> got, std::span<const double> expected, Token next) {
    Position position;
    for (std::size_t i = 0; i < got.size(); ++i) {
        position.divergence += std::exp(expected[i]) * (expected[i] - got[i]);
    }
    position.got = got[static_cast<std::size_t>(next)];
    position.expected = expected[static_cast<std::size_t>(next)];
    position.agreed = favourite(got) == favourite(expected);
    positions_.push_back(position);
}

double NextToken::perplexity() const {
    return std::exp(-mean(positions_, [](const Position & at) { return at.got; }));
}

double NextToken::perplexity_ratio() const {
    return std::exp(mean(positions_, [](const Position & at) { return at.expected - at.got; }));
}

double NextToken::divergence() const {
    return mean(positions_, [](const Position & at) { return at.divergence; });
}

double NextToken::divergence_quantile(double share) const {
    if (positions_.empty()) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    std::vector<double> sorted;
    std::transform(positions_.begin(), positions_.end(), std::back_inserter(sorted),
                   [](const Position & at) { return at.divergence; });
    std::sort(sorted.begin(), sorted.end());
    return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size()))];
}

double NextToken::agreement() const {
    return mean(positions_, [](const Position & at) { return at.agreed ? 1.0 : 0.0; });
}

}  // namespace snapkv::eval
