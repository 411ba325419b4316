#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "snapkv/selection.h"

namespace snapkv::eval {

/// What a window of queries of one KV head gives to the positions before it: for each query head of the group the sum
/// of its attention weights. Selecting by sums is selecting by means. Not thread-safe.
class WindowVotes {
public:
    /// `prefix`: positions that are voted on, from the text's first.
    WindowVotes(std::uint32_t group, std::uint32_t prefix);

    void clear();
    /// Adds one query of the group's `head`; weights beyond the prefix are not read.
    void add(std::uint32_t head, std::span<const float> weights);

    /// Ascending positions.
    [[nodiscard]] std::vector<std::uint32_t> select(const Selection & selection) const;
    /// The same as a flag for each position of the prefix.
    [[nodiscard]] std::vector<char> selected(const Selection & selection) const;

private:
    std::uint32_t group_;
    std::uint32_t prefix_;
    std::vector<float> sums_;  ///< [query head of the group][prefix]
};

}  // namespace snapkv::eval
