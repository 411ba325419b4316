#include "select/scores.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <limits>

namespace snapkv::select {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

/// The larger one; `b` never wins as a NaN, so a chain that starts at minus infinity ignores NaN altogether.
float larger(float a, float b) {
    return b > a ? b : a;
}

/// The scores between `half` values of `outside` on either side.
std::vector<float> padded(std::span<const float> scores, std::size_t half, float outside) {
    std::vector<float> row(scores.size() + 2 * half, outside);
    std::copy(scores.begin(), scores.end(), row.begin() + static_cast<std::ptrdiff_t>(half));
    return row;
}

// Both poolings build blocks of 1, 2, 4, ... values in place: after a step, row[i] stands for row[i, i + block). Every
// pass reads forward over contiguous memory, n log k operations in all. Running sums would be fewer, but they cancel:
// a small score beside a large one would lose its digits and equal neighbourhoods would no longer tie.

void pool_max(std::span<const float> scores, std::size_t half, std::span<float> out) {
    std::vector<float> row = padded(scores, half, kLowest);
    for (float & value : row) {
        value = larger(kLowest, value);
    }
    const std::size_t width = 2 * half + 1;
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

void pool_sum(std::span<const float> scores, std::size_t half, std::span<float> out) {
    std::vector<float> row = padded(scores, half, 0.0F);
    const std::size_t width = 2 * half + 1;
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

/// A number that is smaller the better the candidate: the score's bits, turned so that a higher score is a smaller
/// number, above the position. Comparing two such numbers compares scores, then positions; NaN comes after everything.
std::uint64_t rank(float score, std::uint32_t position) {
    constexpr std::uint32_t kSign = 0x80000000U;
    std::uint32_t ascending = 0;
    if (!std::isnan(score)) {
        const auto bits = std::bit_cast<std::uint32_t>(score + 0.0F);  // the two zeros tie
        ascending = (bits & kSign) != 0 ? ~bits : bits | kSign;
    }
    return std::uint64_t{~ascending} << 32U | position;
}

}  // namespace

void reduce_group(std::span<const float> heads, std::size_t columns, GroupReduce how, std::span<float> out) {
    assert(columns > 0 && heads.size() >= columns && heads.size() % columns == 0 && out.size() == columns);
    std::fill(out.begin(), out.end(), how == GroupReduce::Max ? kLowest : 0.0F);
    std::size_t group = 0;
    for (std::size_t row = 0; row < heads.size(); row += columns, ++group) {
        const std::span<const float> head = heads.subspan(row, columns);
        if (how == GroupReduce::Max) {
            for (std::size_t i = 0; i < columns; ++i) {
                out[i] = larger(out[i], head[i]);
            }
        } else {
            for (std::size_t i = 0; i < columns; ++i) {
                out[i] += head[i];
            }
        }
    }
    if (how == GroupReduce::Mean) {
        for (float & value : out) {
            value /= static_cast<float>(group);
        }
    }
}

void pool(std::span<const float> scores, std::uint32_t kernel, Pooling how, std::span<float> out) {
    assert(kernel % 2 == 1 && out.size() == scores.size());
    if (scores.empty()) {
        return;
    }
    // A half wider than the row reaches nothing but padding.
    const std::size_t half = std::min<std::size_t>(kernel / 2, scores.size() - 1);
    switch (how) {
        case Pooling::None:
            std::copy(scores.begin(), scores.end(), out.begin());
            break;
        case Pooling::Max:
            pool_max(scores, half, out);
            break;
        case Pooling::Avg:
            pool_sum(scores, half, out);
            for (float & value : out) {
                value /= static_cast<float>(kernel);
            }
            break;
    }
}

std::vector<std::uint32_t> top_positions(std::span<const float> scores, std::uint32_t first, std::uint32_t count) {
    assert(scores.size() <= std::numeric_limits<std::uint32_t>::max());
    assert(first <= scores.size() && count <= scores.size() - first);
    std::vector<std::uint32_t> kept;
    if (count == 0) {
        return kept;
    }
    std::vector<std::uint64_t> ranks;
    ranks.reserve(scores.size() - first);
    for (std::uint32_t i = first; i < scores.size(); ++i) {
        ranks.push_back(rank(scores[i], i));
    }
    const auto last = ranks.begin() + static_cast<std::ptrdiff_t>(count - 1);
    std::nth_element(ranks.begin(), last, ranks.end());
    const std::uint64_t cut = *last;
    // All ranks differ, so exactly `count` of them are not beyond the cut, and a second pass finds them in order.
    kept.reserve(count);
    for (std::uint32_t i = first; i < scores.size(); ++i) {
        if (rank(scores[i], i) <= cut) {
            kept.push_back(i);
        }
    }
    return kept;
}

}  // namespace snapkv::select
