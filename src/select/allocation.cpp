#include "select/allocation.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <iterator>
#include <utility>

namespace snapkv::select {
namespace {

/// A head's share that does not depend on the others is 1 / kEven of an even one.
constexpr std::uint64_t kEven = 5;

/// How many of each head's positions are among the `count` best of all.
std::vector<std::uint32_t> hits(std::span<const RankedScores> scores, std::uint32_t first, std::size_t count) {
    // The heads' positions one after another: ties then go to the earlier head.
    RankedScores all;
    const auto append = [first](std::vector<float> & to, const std::vector<float> & of_head) {
        to.insert(to.end(), of_head.begin() + std::min<std::ptrdiff_t>(first, std::ssize(of_head)), of_head.end());
    };
    for (const RankedScores & head : scores) {
        append(all.scores, head.scores);
        append(all.ties, head.ties);
    }
    std::vector<std::uint32_t> of_head(scores.size());
    const std::size_t columns = all.scores.size() / scores.size();
    for (const Position place : top_positions(all, 0, static_cast<std::uint32_t>(count))) {
        ++of_head[index_of(place) / columns];
    }
    return of_head;
}

}  // namespace

std::vector<std::uint32_t> allocate_rows(Allocation how, std::span<const RankedScores> scores, std::uint32_t first,
                                         std::uint32_t rows) {
    std::vector<std::uint32_t> allocated(scores.size(), rows);
    if (how == Allocation::Even) {
        return allocated;
    }
    const std::vector<std::uint32_t> best = hits(scores, first, std::size_t{rows} * scores.size());
    // In fifths: whole rows, then the remainders, largest first.
    std::vector<std::pair<std::uint64_t, std::size_t>> remainders;
    std::uint64_t left = std::uint64_t{rows} * scores.size();
    for (std::size_t head = 0; head < scores.size(); ++head) {
        const std::uint64_t fifths = (kEven - 1) * best[head] + rows;
        allocated[head] = static_cast<std::uint32_t>(fifths / kEven);
        left -= allocated[head];
        remainders.emplace_back(fifths % kEven, head);
    }
    std::stable_sort(remainders.begin(), remainders.end(),
                     [](const auto & one, const auto & other) { return one.first > other.first; });
    assert(left <= remainders.size());
    for (std::size_t next = 0; next < left; ++next) {
        ++allocated[remainders[next].second];
    }
    return allocated;
}

}  // namespace snapkv::select
