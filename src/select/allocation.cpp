#include "select/allocation.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "select/scores.h"

namespace snapkv::select {
namespace {

/// A head's share that does not depend on the others is 1 / kEven of an even one.
constexpr std::uint64_t kEven = 5;

/// How many of each head's positions are among the `count` best of all.
std::vector<std::uint32_t> hits(std::span<const std::vector<float>> scores, std::uint32_t first, std::size_t count) {
    // The heads' positions one after another: ties then go to the earlier head.
    std::vector<float> all;
    for (const std::vector<float> & head : scores) {
        all.insert(all.end(), head.begin() + first, head.end());
    }
    std::vector<std::uint32_t> of_head(scores.size());
    const std::size_t columns = all.size() / scores.size();
    for (const Position place : top_positions(all, 0, static_cast<std::uint32_t>(count))) {
        ++of_head[index_of(place) / columns];
    }
    return of_head;
}

}  // namespace

std::vector<std::uint32_t> allocate_rows(Allocation how, std::span<const std::vector<float>> scores,
                                         std::uint32_t first, std::uint32_t rows) {
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
