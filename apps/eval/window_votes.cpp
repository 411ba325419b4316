#include "eval/window_votes.h"

#include <algorithm>
#include <functional>

#include "eval/fail.h"

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

std::vector<Position> WindowVotes::select(const Selection & selection) const {
    return select_positions(sums_, group_, selection);
}

std::vector<char> WindowVotes::selected(const Selection & selection) const {
    std::vector<char> flags(prefix_);
    for (const Position position : select(selection)) {
        flags[index_of(position)] = 1;
    }
    return flags;
}

LastWindow::LastWindow(const PromptAndAnswer & text, const ModelInfo & model)
    : text_(text), group_(model.heads / model.kv_heads) {
    if (text.prefix() == 0) {
        usage_error("a window of {} tokens leaves nothing before it in a prompt of {} tokens", text.window,
                    text.prompt);
    }
    votes_.assign(model.kv_heads, WindowVotes(group_, prefix()));
}

const WindowVotes * LastWindow::add(const AttentionRow & row) {
    WindowVotes & votes = votes_[row.kv_head];
    if (index_of(row.position) >= text_.prompt) {
        return &votes;
    }
    if (index_of(row.position) == prefix() && row.head % group_ == 0) {
        votes.clear();
    }
    votes.add(row.head % group_, row.weights);
    return nullptr;
}

}  // namespace snapkv::eval
