#include "eval/hit_rate.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>

#include "eval/fail.h"

namespace snapkv::eval {

HitRate::HitRate(const HitRateConfig & config, const ModelInfo & model)
    : config_(config),
      layers_(model.layers),
      heads_(model.heads),
      group_(model.heads / model.kv_heads),
      at_hand_(model.kv_heads) {
    if (std::uint64_t{config.windows} * config.window >= config.prompt) {
        usage_error("{} windows of {} tokens leave nothing before them in a prompt of {} tokens", config.windows,
                    config.window, config.prompt);
    }
    counts_.resize(std::size_t{layers_} * heads_ * config.windows * config.generated_windows());
}

Observer HitRate::observer() {
    return {config_.windows * config_.window + config_.generated, [this](const AttentionRow & row) { see(row); }};
}

double HitRate::Count::rate() const {
    return needed == 0 ? std::numeric_limits<double>::quiet_NaN()
                       : static_cast<double>(hit) / static_cast<double>(needed);
}

HitRate::Count & HitRate::Count::operator+=(const Count & other) {
    needed += other.needed;
    hit += other.hit;
    return *this;
}

void HitRate::see(const AttentionRow & row) {
    Head & head = at_hand_[row.kv_head];
    if (index_of(row.position) == config_.prefix() && row.head % group_ == 0) {
        head.votes.assign(config_.windows, WindowVotes(group_, config_.prefix()));
        head.selected.clear();
    }
    if (index_of(row.position) < config_.prompt) {
        const std::uint32_t window = (index_of(row.position) - config_.prefix()) / config_.window;
        head.votes[window].add(row.head % group_, row.weights);
        return;
    }
    if (head.selected.empty()) {
        for (const WindowVotes & votes : head.votes) {
            head.selected.push_back(votes.selected(config_.selection));
        }
    }
    judge(head, row);
}

void HitRate::judge(const Head & head, const AttentionRow & row) {
    const std::uint32_t generated_window = (index_of(row.position) - config_.prompt) / config_.generated_window;
    for (std::uint32_t i = 0; i < config_.prefix(); ++i) {
        if (row.weights[i] <= config_.threshold) {
            continue;
        }
        for (std::uint32_t window = 0; window < config_.windows; ++window) {
            Count & count = counts_[index(row.layer, row.head, window, generated_window)];
            ++count.needed;
            count.hit += head.selected[window][i] != 0 ? 1U : 0U;
        }
    }
}

std::size_t HitRate::index(std::uint32_t layer, std::uint32_t head, std::uint32_t window,
                           std::uint32_t generated_window) const {
    return ((std::size_t{layer} * heads_ + head) * config_.windows + window) * config_.generated_windows() +
           generated_window;
}

HitRate::Count HitRate::count(std::uint32_t layer, std::uint32_t head, std::uint32_t window,
                              std::uint32_t generated_window) const {
    return counts_[index(layer, head, window, generated_window)];
}

HitRate::Count HitRate::of_layer(std::uint32_t layer, std::uint32_t window) const {
    Count sum;
    for (std::uint32_t part = 0; part < config_.generated_windows(); ++part) {
        sum += of_layer(layer, window, part);
    }
    return sum;
}

HitRate::Count HitRate::of_layer(std::uint32_t layer, std::uint32_t window, std::uint32_t generated_window) const {
    Count sum;
    for (std::uint32_t head = 0; head < heads_; ++head) {
        sum += count(layer, head, window, generated_window);
    }
    return sum;
}

}  // namespace snapkv::eval
