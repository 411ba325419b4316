#include "select/scores.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

#include "select/larger.h"

namespace snapkv::select {
namespace {

/// A number that is smaller the higher the score: its bits, turned. NaN comes after everything.
std::uint32_t descending(float score) {
    constexpr std::uint32_t kSign = 0x80000000U;
    std::uint32_t ascending = 0;
    if (!std::isnan(score)) {
        const auto bits = std::bit_cast<std::uint32_t>(score + 0.0F);  // the two zeros tie
        ascending = (bits & kSign) != 0 ? ~bits : bits | kSign;
    }
    return ~ascending;
}

/// The better the candidate, the less: comparing two compares scores, then positions.
struct ByScore {
    const RankedScores & of;
    std::uint64_t operator()(std::uint32_t position) const {
        return std::uint64_t{descending(of.scores[position])} << 32U | position;
    }
};

/// The same, with what settles ties between the two.
struct ByScoreAndTie {
    const RankedScores & of;
    std::pair<std::uint64_t, std::uint32_t> operator()(std::uint32_t position) const {
        return {rank_of(of, position), position};
    }
};

template <typename Rank>
std::vector<Position> least_ranks(const Rank & rank, std::uint32_t first, std::uint32_t end, std::uint32_t count) {
    std::vector<decltype(rank(first))> ranks;
    ranks.reserve(end - first);
    for (std::uint32_t i = first; i < end; ++i) {
        ranks.push_back(rank(i));
    }
    const auto last = ranks.begin() + static_cast<std::ptrdiff_t>(count - 1);
    std::nth_element(ranks.begin(), last, ranks.end());
    const auto cut = *last;
    // All ranks differ, so exactly `count` of them are not beyond the cut, and a second pass finds them in order.
    std::vector<Position> kept;
    kept.reserve(count);
    for (std::uint32_t i = first; i < end; ++i) {
        if (rank(i) <= cut) {
            kept.push_back(Position{i});
        }
    }
    return kept;
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
    if (how == GroupReduce::Mean || how == GroupReduce::Layer) {
        for (float & value : out) {
            value /= static_cast<float>(group);
        }
    }
}

std::uint64_t rank_of(const RankedScores & of, std::size_t at) {
    return std::uint64_t{descending(of.scores[at])} << 32U | (of.ties.empty() ? 0 : descending(of.ties[at]));
}

std::vector<Position> top_positions(const RankedScores & of, std::uint32_t first, std::uint32_t count) {
    assert(of.scores.size() <= std::numeric_limits<std::uint32_t>::max());
    assert(first <= of.scores.size() && count <= of.scores.size() - first);
    assert(of.ties.empty() || of.ties.size() == of.scores.size());
    if (count == 0) {
        return {};
    }
    const auto end = static_cast<std::uint32_t>(of.scores.size());
    return of.ties.empty() ? least_ranks(ByScore{of}, first, end, count)
                           : least_ranks(ByScoreAndTie{of}, first, end, count);
}

}  // namespace snapkv::select
