#include "eval/selected_sets.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>

#include "snapkv/error.h"

namespace snapkv::eval {

SelectedSets::SelectedSets(std::uint32_t document, std::uint32_t tokens, const Selection & selection,
                           const ModelInfo & model)
    : document_(document),
      tokens_(tokens),
      selection_(selection),
      kv_heads_(model.kv_heads),
      group_(model.heads / model.kv_heads),
      votes_(model.kv_heads),
      selected_(std::size_t{model.layers} * model.kv_heads) {
    if (document == 0 || document >= tokens) {
        throw Error(ErrorKind::Usage, fmt::format("a document of {} tokens in a prompt of {}; expected some, and a "
                                                  "question after them",
                                                  document, tokens));
    }
}

Observer SelectedSets::observer() {
    return {tokens_ - document_, [this](const AttentionRow & row) { see(row); }};
}

void SelectedSets::see(const AttentionRow & row) {
    std::vector<float> & votes = votes_[row.kv_head];
    if (row.position == document_ && row.head % group_ == 0) {
        votes.assign(std::size_t{group_} * document_, 0.0F);
    }
    float * of_head = votes.data() + std::size_t{row.head % group_} * document_;
    std::transform(of_head, of_head + document_, row.weights.begin(), of_head, std::plus<>());
    if (row.position + 1 == tokens_ && row.head % group_ == group_ - 1) {
        selected_[std::size_t{row.layer} * kv_heads_ + row.kv_head] = select_positions(votes, group_, selection_);
    }
}

double SelectedSets::overlap(const SelectedSets & other, std::uint32_t layer) const {
    std::size_t shared = 0;
    std::size_t all = 0;
    for (std::uint32_t kv_head = 0; kv_head < kv_heads_; ++kv_head) {
        const auto & one = selected(layer, kv_head);
        const auto & two = other.selected(layer, kv_head);
        std::vector<std::uint32_t> both;
        std::set_intersection(one.begin(), one.end(), two.begin(), two.end(), std::back_inserter(both));
        shared += both.size();
        all += two.size();
    }
    return static_cast<double>(shared) / static_cast<double>(all);
}

}  // namespace snapkv::eval
