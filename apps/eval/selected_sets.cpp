#include "eval/selected_sets.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>

#include "eval/fail.h"

namespace snapkv::eval {

SelectedSets::SelectedSets(std::uint32_t document, std::uint32_t tokens, const Selection & selection,
                           const ModelInfo & model)
    : document_(document),
      tokens_(tokens),
      selection_(selection),
      kv_heads_(model.kv_heads),
      group_(model.heads / model.kv_heads),
      votes_(model.kv_heads, WindowVotes(group_, document)),
      selected_(std::size_t{model.layers} * model.kv_heads) {
    if (document == 0 || document >= tokens) {
        usage_error("a document of {} tokens in a prompt of {}: expected a document with a question after it", document,
                    tokens);
    }
}

Observer SelectedSets::observer() {
    return {tokens_ - document_, [this](const AttentionRow & row) { see(row); }};
}

void SelectedSets::see(const AttentionRow & row) {
    WindowVotes & votes = votes_[row.kv_head];
    if (index_of(row.position) == document_ && row.head % group_ == 0) {
        votes.clear();
    }
    votes.add(row.head % group_, row.weights);
    if (index_of(row.position) + 1 == tokens_ && row.head % group_ == group_ - 1) {
        selected_[std::size_t{row.layer} * kv_heads_ + row.kv_head] = votes.select(selection_);
    }
}

std::size_t SelectedSets::shared(const SelectedSets & other, std::uint32_t layer, std::uint32_t kv_head) const {
    const auto & one = selected(layer, kv_head);
    const auto & two = other.selected(layer, kv_head);
    std::vector<Position> both;
    std::set_intersection(one.begin(), one.end(), two.begin(), two.end(), std::back_inserter(both));
    return both.size();
}

double SelectedSets::overlap(const SelectedSets & other, std::uint32_t layer) const {
    std::size_t both = 0;
    std::size_t all = 0;
    for (std::uint32_t kv_head = 0; kv_head < kv_heads_; ++kv_head) {
        both += shared(other, layer, kv_head);
        all += other.selected(layer, kv_head).size();
    }
    return static_cast<double>(both) / static_cast<double>(all);
}

double SelectedSets::overlap(const SelectedSets & other, std::uint32_t layer, std::uint32_t kv_head) const {
    return static_cast<double>(shared(other, layer, kv_head)) /
           static_cast<double>(other.selected(layer, kv_head).size());
}

}  // namespace snapkv::eval
