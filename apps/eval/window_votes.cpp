#include "eval/window_votes.h"

#include <algorithm>
#include <functional>

namespace snapkv::eval {

WindowVotes::WindowVotes(std::uint32_t group, std::uint32_t prefix)
    : group_(group), prefix_(prefix), sums_(std::size_t{group} * prefix) {}

void WindowVotes::clear() {
    std::fill(sums_.begin(), sums_.end(), 0.0F);
}

void WindowVotes::add(std::uint32_t head, std::span<const float> weights) {
    float * sums = sums_.data() + std::size_t{head} * prefix_;
    std::transform(sums, sums + prefix_, weights.begin(), sums, std::plus<>());
}

std::vector<std::uint32_t> WindowVotes::select(const Selection & selection) const {
    return select_positions(sums_, group_, selection);
}

std::vector<char> WindowVotes::selected(const Selection & selection) const {
    std::vector<char> flags(prefix_);
    for (const std::uint32_t position : select(selection)) {
        flags[position] = 1;
    }
    return flags;
}

}  // namespace snapkv::eval
