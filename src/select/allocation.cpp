#include "select/allocation.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <iterator>
#include <utility>

namespace snapkv::select {
namespace {

/// PyramidKV's beta: the last layer gets 1 / kBeta of an even share.
constexpr std::uint64_t kBeta = 20;

/// Shares in parts of a row, `one` to a row, whose sum is whole: rounded down, and the rows that are left to the
/// largest remainders, of equal ones the earlier.
std::vector<std::uint32_t> whole_rows(std::span<const std::uint64_t> parts, std::uint64_t one) {
    std::vector<std::uint32_t> rows;
    std::vector<std::pair<std::uint64_t, std::size_t>> remainders;
    std::uint64_t left = 0;
    for (std::size_t index = 0; index < parts.size(); ++index) {
        rows.push_back(static_cast<std::uint32_t>(parts[index] / one));
        left += parts[index] % one;
        remainders.emplace_back(parts[index] % one, index);
    }
    assert(left % one == 0);
    std::stable_sort(remainders.begin(), remainders.end(),
                     [](const auto & some, const auto & other) { return some.first > other.first; });
    for (std::size_t next = 0; next < left / one; ++next) {
        ++rows[remainders[next].second];
    }
    return rows;
}

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
    if (how != Allocation::Heads) {
        return std::vector<std::uint32_t>(scores.size(), rows);
    }
    const std::vector<std::uint32_t> best = hits(scores, first, std::size_t{rows} * scores.size());
    std::vector<std::uint64_t> fifths;
    for (const std::uint32_t of_head : best) {
        fifths.push_back(std::uint64_t{kEvenPart - 1} * of_head + rows);
    }
    return whole_rows(fifths, kEvenPart);
}

std::vector<std::uint32_t> pyramid_rows(std::uint32_t rows, std::uint32_t most, std::uint32_t layers) {
    assert(rows <= most);
    if (layers < 2) {
        return std::vector<std::uint32_t>(layers, rows);
    }
    // In parts of a row: kBeta times the number of steps.
    const std::uint64_t steps = layers - 1;
    std::uint64_t first = (2 * kBeta - 1) * rows * steps;
    first = std::min(first, kBeta * most * steps);
    const std::uint64_t last = 2 * kBeta * rows * steps - first;
    std::vector<std::uint64_t> parts;
    for (std::uint64_t layer = 0; layer < layers; ++layer) {
        parts.push_back(first - layer * ((first - last) / steps));
    }
    return whole_rows(parts, kBeta * steps);
}

}  // namespace snapkv::select
