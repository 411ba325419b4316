#include "select/scores.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <limits>

#include "select/larger.h"

namespace snapkv::select {
namespace {

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

std::vector<Position> top_positions(std::span<const float> scores, std::uint32_t first, std::uint32_t count) {
    assert(scores.size() <= std::numeric_limits<std::uint32_t>::max());
    assert(first <= scores.size() && count <= scores.size() - first);
    std::vector<Position> kept;
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
            kept.push_back(Position{i});
        }
    }
    return kept;
}

}  // namespace snapkv::select
