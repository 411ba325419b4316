#include "eval/attention_mass.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "eval/fail.h"

namespace snapkv::eval {

AttentionMass::AttentionMass(const AttentionMassConfig & config, const ModelInfo & model)
    : config_(config),
      prefix_(config.prompt > config.window ? config.prompt - config.window : 0),
      heads_(model.heads),
      group_(model.heads / model.kv_heads),
      at_hand_(model.kv_heads, Head{WindowVotes(group_, prefix_), {}}),
      sums_(std::size_t{model.layers} * model.heads) {
    if (prefix_ == 0) {
        usage_error("a window of {} tokens leaves nothing before it in a prompt of {} tokens", config.window,
                    config.prompt);
    }
    for (Sums & sums : sums_) {
        sums.kept.resize(config.selections.size());
    }
}

Observer AttentionMass::observer() {
    return {config_.window + config_.generated, [this](const AttentionRow & row) { see(row); }};
}

void AttentionMass::see(const AttentionRow & row) {
    Head & head = at_hand_[row.kv_head];
    if (row.position == prefix_ && row.head % group_ == 0) {
        head.votes.clear();
        head.selected.clear();
    }
    if (row.position < config_.prompt) {
        head.votes.add(row.head % group_, row.weights);
        return;
    }
    if (head.selected.empty()) {
        for (const Selection & selection : config_.selections) {
            head.selected.push_back(head.votes.selected(selection));
        }
    }
    weigh(head, row);
}

void AttentionMass::weigh(const Head & head, const AttentionRow & row) {
    Sums & sums = sums_[std::size_t{row.layer} * heads_ + row.head];
    ++sums.tokens;
    const double after = std::accumulate(row.weights.begin() + prefix_, row.weights.end(), 0.0);
    for (std::size_t i = 0; i < head.selected.size(); ++i) {
        double kept = after;
        for (std::uint32_t position = 0; position < prefix_; ++position) {
            kept += head.selected[i][position] != 0 ? double{row.weights[position]} : 0.0;
        }
        sums.kept[i] += kept;
    }
    for (std::uint32_t position = 0; position <= row.position; ++position) {
        const std::uint32_t distance = row.position - position;
        const Part part = position < config_.sinks    ? Sinks
                          : distance < config_.recent ? Recent
                          : distance < config_.local  ? Local
                                                      : Far;
        sums.parts[part] += double{row.weights[position]};
    }
}

double AttentionMass::kept(std::uint32_t layer, std::uint32_t head, std::size_t selection) const {
    const Sums & of = sums(layer, head);
    return of.kept[selection] / static_cast<double>(of.tokens);
}

double AttentionMass::part(std::uint32_t layer, std::uint32_t head, Part part) const {
    const Sums & of = sums(layer, head);
    return of.parts[part] / static_cast<double>(of.tokens);
}

double AttentionMass::kept(std::uint32_t layer, std::size_t selection) const {
    double sum = 0;
    for (std::uint32_t head = 0; head < heads_; ++head) {
        sum += kept(layer, head, selection);
    }
    return sum / heads_;
}

double AttentionMass::part(std::uint32_t layer, Part of) const {
    double sum = 0;
    for (std::uint32_t head = 0; head < heads_; ++head) {
        sum += part(layer, head, of);
    }
    return sum / heads_;
}

}  // namespace snapkv::eval
