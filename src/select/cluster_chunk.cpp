#include <algorithm>
#include <cassert>
#include <cstddef>

#include "select/cluster.h"

namespace snapkv::select {

void score_chunks(const Cluster & how, std::span<const float> votes, std::span<float> scores) {
    assert(scores.size() == votes.size());
    for (std::size_t begin = 0; begin < votes.size(); begin += how.width()) {
        const std::size_t end = std::min(votes.size(), begin + how.width());
        float sum = 0;
        for (std::size_t row = begin; row < end; ++row) {
            sum += votes[row];
        }
        const float mean = sum / static_cast<float>(end - begin);
        std::fill(scores.begin() + static_cast<std::ptrdiff_t>(begin),
                  scores.begin() + static_cast<std::ptrdiff_t>(end), mean);
    }
}

}  // namespace snapkv::select
