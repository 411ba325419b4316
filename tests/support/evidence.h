#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <numeric>
#include <vector>

#include "snapkv/cache_config.h"

namespace snapkv::test {

/// Times that a row is not given less than an even share, of a window of `window` voters: `weights` by those that see
/// the row, of whom each sees `seen` rows. `slack`: by how much, relatively, a weight may miss its share.
[[nodiscard]] inline double pivotal(const std::vector<double> & weights, const std::vector<double> & seen,
                                    std::size_t window, double slack = 0) {
    auto times = static_cast<double>(window - weights.size());
    for (std::size_t voter = 0; voter < weights.size(); ++voter) {
        times += weights[voter] * seen[voter] >= 1 - slack ? 1 : 0;
    }
    return times;
}

/// What the weights that one row gets from the voters who see it come to; the last voter's is the last.
[[nodiscard]] inline double evidence_of(Evidence how, std::vector<double> weights) {
    if (how == Evidence::Recency) {
        double sum = 0;
        double all = 0;
        for (std::size_t i = 0; i < weights.size(); ++i) {
            const double share = 1 / (12 + static_cast<double>(weights.size() - i));
            sum += share * weights[i];
            all += share;
        }
        return sum / all;
    }
    std::sort(weights.begin(), weights.end(), std::greater<>());
    const auto count = static_cast<double>(weights.size());
    switch (how) {
        case Evidence::Mean:
        case Evidence::Values:  // times what is the same for all of a KV head's rows
            return std::accumulate(weights.begin(), weights.end(), 0.0) / count;
        case Evidence::Accumulated:
        case Evidence::Pivotal:  // what settles its ties
            return std::accumulate(weights.begin(), weights.end(), 0.0);
        case Evidence::Rms:
            return std::sqrt(std::inner_product(weights.begin(), weights.end(), weights.begin(), 0.0) / count);
        case Evidence::Top4:
            weights.resize(std::min<std::size_t>(weights.size(), 4));
            return std::accumulate(weights.begin(), weights.end(), 0.0) / static_cast<double>(weights.size());
        case Evidence::Max:
        case Evidence::MaxFloor:
        case Evidence::Recency:
        case Evidence::None:
        case Evidence::Keys:
        case Evidence::Output:
            break;
    }
    return weights.front();
}

}  // namespace snapkv::test
