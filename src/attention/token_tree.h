#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>

namespace snapkv::attention {

/// A few tokens that continue a sequence as a tree: each continues an earlier one of them, or the sequence itself. A
/// value.
class TokenTree {
public:
    static constexpr std::uint32_t kMost = 8;

    /// `parents`: which token each continues; -1: the sequence. There are 1 to kMost, each less than its own index.
    explicit TokenTree(std::span<const std::int32_t> parents) : size_(static_cast<std::uint32_t>(parents.size())) {
        assert(size_ > 0 && size_ <= kMost);
        for (std::uint32_t token = 0; token < size_; ++token) {
            assert(parents[token] >= -1 && parents[token] < static_cast<std::int32_t>(token));
            if (parents[token] >= 0) {
                const auto parent = static_cast<std::size_t>(parents[token]);
                paths_[token] = paths_[parent];
                lengths_[token] = lengths_[parent];
            }
            paths_[token][lengths_[token]++] = token;
            levels_ = std::max(levels_, lengths_[token]);
        }
    }

    [[nodiscard]] std::uint32_t size() const { return size_; }
    /// The tokens of the longest path.
    [[nodiscard]] std::uint32_t levels() const { return levels_; }
    /// Each continues the one before it.
    [[nodiscard]] bool is_chain() const { return levels_ == size_; }
    /// How many tokens of the tree lie between the sequence and this one.
    [[nodiscard]] std::uint32_t depth(std::uint32_t token) const { return lengths_[token] - 1; }
    /// The tokens that lead from the sequence to this one, which is the last: ascending.
    [[nodiscard]] std::span<const std::uint32_t> path(std::uint32_t token) const {
        return std::span(paths_[token]).first(lengths_[token]);
    }
    /// `other` lies on this token's path.
    [[nodiscard]] bool sees(std::uint32_t token, std::uint32_t other) const {
        return depth(other) <= depth(token) && paths_[token][depth(other)] == other;
    }

private:
    std::array<std::array<std::uint32_t, kMost>, kMost> paths_{};
    std::array<std::uint32_t, kMost> lengths_{};
    std::uint32_t size_ = 0;
    std::uint32_t levels_ = 0;
};

}  // namespace snapkv::attention
