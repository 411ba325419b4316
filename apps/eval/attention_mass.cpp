#include "eval/attention_mass.h"

#include <algorithm>
#include <numeric>

namespace snapkv::eval {

AttentionMass::AttentionMass(const AttentionMassConfig & config, const ModelInfo & model)
    : config_(config),
      window_(config.text, model),
      heads_(model.heads),
      selected_(model.kv_heads),
      sums_(std::size_t{model.layers} * model.heads) {
    for (Sums & sums : sums_) {
        sums.kept.resize(config.selections.size());
    }
}

Observer AttentionMass::observer() {
    return {window_.positions(), [this](const AttentionRow & row) { see(row); }};
}

void AttentionMass::see(const AttentionRow & row) {
    const WindowVotes * votes = window_.add(row);
    if (votes == nullptr) {
        return;
    }
    Selected & selected = selected_[row.kv_head];
    if (window_.begins_answer(row)) {
        selected.clear();
        for (const Selection & selection : config_.selections) {
            selected.push_back(votes->selected(selection));
        }
    }
    weigh(selected, row);
}

void AttentionMass::weigh(const Selected & selected, const AttentionRow & row) {
    Sums & sums = sums_[std::size_t{row.layer} * heads_ + row.head];
    ++sums.tokens;
    const double after = std::accumulate(row.weights.begin() + window_.prefix(), row.weights.end(), 0.0);
    for (std::size_t i = 0; i < selected.size(); ++i) {
        double kept = after;
        for (std::uint32_t position = 0; position < window_.prefix(); ++position) {
            kept += selected[i][position] != 0 ? double{row.weights[position]} : 0.0;
        }
        sums.kept[i] += kept;
    }
    for (std::uint32_t position = 0; position <= index_of(row.position); ++position) {
        const std::uint32_t distance = index_of(row.position) - position;
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
