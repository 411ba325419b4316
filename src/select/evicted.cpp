#include "select/evicted.h"

#include <algorithm>
#include <cassert>
#include <functional>
#include <limits>

#include "snapkv/named_policy.h"

namespace snapkv::select {
namespace {

/// Whether the row of one slot goes before that of another.
struct GoesFirst {
    std::span<const Position> positions;
    const RankedScores & of;

    bool operator()(std::uint32_t one, std::uint32_t other) const {
        if (of.scores.empty()) {
            return positions[one] < positions[other];
        }
        const std::uint64_t rank = rank_of(of, one);
        const std::uint64_t other_rank = rank_of(of, other);
        return rank != other_rank ? rank > other_rank : positions[one] > positions[other];
    }
};

/// The first position of the last `count` rows; behind all of them where `count` is 0.
Position first_recent(std::span<const Position> positions, std::uint32_t count) {
    if (count == 0 || positions.empty()) {
        return Position{std::numeric_limits<std::uint32_t>::max()};
    }
    std::vector<Position> latest(positions.begin(), positions.end());
    const auto nth = latest.begin() + std::min<std::ptrdiff_t>(count, static_cast<std::ptrdiff_t>(latest.size())) - 1;
    std::nth_element(latest.begin(), nth, latest.end(), std::greater<>());
    return *nth;
}

}  // namespace

std::uint32_t eviction_window(const CacheConfig & config) {
    return config.window.value_or(named_policy(config.policy).voters.most);
}

std::uint32_t rows_left(const EvictionRule & rule, std::uint32_t most, std::uint32_t rows) {
    if (rows <= most) {
        return rows;
    }
    return rule.evidence == Evidence::Pivotal ? most + 1 - most / 2 : most;
}

std::vector<std::uint32_t> evicted_slots(const EvictionRule & rule, std::span<const Position> positions,
                                         const RankedScores & of, std::uint32_t count) {
    assert(of.scores.empty() || of.scores.size() == positions.size());
    // Without a vote the earliest go, so the last rows stay anyway.
    const Position recent = first_recent(positions, of.scores.empty() ? 0 : rule.recent);
    std::vector<std::uint32_t> slots;
    for (std::uint32_t slot = 0; slot < positions.size(); ++slot) {
        if (index_of(positions[slot]) >= rule.sink && positions[slot] < recent) {
            slots.push_back(slot);
        }
    }
    if (count < slots.size()) {
        const auto end = slots.begin() + static_cast<std::ptrdiff_t>(count);
        std::nth_element(slots.begin(), end, slots.end(), GoesFirst{positions, of});
        slots.erase(end, slots.end());
        std::sort(slots.begin(), slots.end());
    }
    return slots;
}

}  // namespace snapkv::select
