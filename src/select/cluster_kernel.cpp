#include <algorithm>
#include <cassert>
#include <cstddef>
#include <vector>

#include "select/cluster.h"
#include "select/larger.h"

namespace snapkv::select {
namespace {

/// The scores between `before` and `after` values of `outside`.
std::vector<float> padded(std::span<const float> scores, std::size_t before, std::size_t after, float outside) {
    std::vector<float> row(before + scores.size() + after, outside);
    std::copy(scores.begin(), scores.end(), row.begin() + static_cast<std::ptrdiff_t>(before));
    return row;
}

// Both poolings build blocks of 1, 2, 4, ... values in place: after a step, row[i] stands for row[i, i + block). Every
// pass reads forward over contiguous memory, n log k operations in all. Running sums would be fewer, but they cancel:
// a small score beside a large one would lose its digits and equal neighbourhoods would no longer tie.

void pool_max(std::vector<float> row, std::size_t width, std::span<float> out) {
    for (float & value : row) {
        value = larger(kLowest, value);
    }
    std::size_t block = 1;
    for (; 2 * block <= width; block *= 2) {
        for (std::size_t i = 0; i + block < row.size(); ++i) {
            row[i] = larger(row[i], row[i + block]);
        }
    }
    // Two blocks that overlap cover the width.
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = larger(row[i], row[i + width - block]);
    }
}

void pool_sum(std::vector<float> row, std::size_t width, std::span<float> out) {
    std::size_t covered = 0;
    std::fill(out.begin(), out.end(), 0.0F);
    for (std::size_t block = 1; block <= width; block *= 2) {
        if ((width & block) != 0) {
            for (std::size_t i = 0; i < out.size(); ++i) {
                out[i] += row[i + covered];
            }
            covered += block;
        }
        for (std::size_t i = 0; i + block < row.size(); ++i) {
            row[i] += row[i + block];
        }
    }
}

}  // namespace

void pool(const Cluster & how, std::span<const float> votes, std::span<float> scores) {
    assert(scores.size() == votes.size());
    if (votes.empty()) {
        return;
    }
    // A vote reaches `ahead` rows behind its own, so a row looks at as many before it. What is wider than the row
    // reaches nothing but padding.
    const std::size_t before = std::min<std::size_t>(how.ahead, votes.size() - 1);
    const std::size_t after = std::min<std::size_t>(how.back, votes.size() - 1);
    const std::size_t width = before + 1 + after;
    switch (how.pooling) {
        case Pooling::None:
            std::copy(votes.begin(), votes.end(), scores.begin());
            break;
        case Pooling::Max:
            pool_max(padded(votes, before, after, kLowest), width, scores);
            break;
        case Pooling::Avg:
            pool_sum(padded(votes, before, after, 0.0F), width, scores);
            for (float & value : scores) {
                value /= static_cast<float>(std::size_t{how.back} + 1 + how.ahead);
            }
            break;
    }
}

}  // namespace snapkv::select
